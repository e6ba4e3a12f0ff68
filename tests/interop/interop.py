#!/usr/bin/env python3
"""Holds kinolens against PyTorch, weights going both ways; see README.md."""

import argparse
import pathlib
import sys
import tempfile

import numpy as np
import torch
from safetensors.torch import load_file

import finetune
from networks import NETWORKS, Frames
from program import Kinolens, clip_words, frame_numbers, frames_of, normalised

CLASSES = 7
STEP = 2
MEAN, STD = (0.43, 0.39, 0.37), (0.22, 0.23, 0.21)
# How the weights are written, one after the other: every way is met by some network.
WAYS = ("plain", "checkpoint", "legacy", "dataparallel", "backbone")


def network(build, clip, frames):
    """A network whose activations have a sensible size at every depth: its statistics are those of clips like this one.
    With others its scores run into thousands, where 32-bit arithmetic is no longer worth comparing."""
    torch.manual_seed(11)
    inside = build(CLASSES)
    model = Frames(inside) if frames else inside
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        torch.nn.init.uniform_(norm.weight, 0.7, 1.3)
        torch.nn.init.uniform_(norm.bias, -0.3, 0.3)
        norm.momentum = None
    # Only the statistics are taken: with dropout and layers left out they would be those of another network.
    model.eval()
    for norm in norms:
        norm.train()
    with torch.no_grad():
        for _ in range(2):
            model(torch.cat([clip, clip.flip(2, 4)]) + 0.3 * torch.randn(2, *clip.shape[1:]))
    return model.eval(), inside


def write(state, way, path):
    """As PyTorch users keep weights."""
    if way == "checkpoint":
        torch.save({"epoch": 3, "model_state_dict": state, "best": 0.5, "optimizer": {"state": {}, "param_groups": [{"lr": 1e-3}]}}, path)
    elif way == "legacy":
        torch.save(state, path, _use_new_zipfile_serialization=False)
    else:
        prefix = {"plain": "", "dataparallel": "module.", "backbone": "backbone."}[way]
        torch.save({prefix + k: v for k, v in state.items()}, path)


def clip_of(kinolens, video, start, shape, count, folder):
    """The frames kinolens shows, resized by OpenCV and normalised by PyTorch: [1, 3, T, H, W]."""
    t, h, w = shape
    numbers = frame_numbers(start, t, STEP, count)
    frames = frames_of(kinolens, video, numbers, (h, w), folder)
    return normalised([frames[n] for n in numbers], MEAN, STD)[None]


def grad_cam(model, layer, x, frames):
    """Logits, the map of the largest before its ReLU, [T, H, W], and the activation, [C, T, H, W]."""
    caught = {}

    def keep(_module, _inputs, output):
        caught["a"] = output
        output.retain_grad()

    handle = layer.register_forward_hook(keep)
    logits = model(x)
    handle.remove()
    logits[0, logits[0].argmax()].backward()
    a, g = caught["a"].detach(), caught["a"].grad
    if frames:  # [T, C, H, W]: each frame is a picture of its own
        raw = (g.mean((2, 3), keepdim=True) * a).sum(1)
    else:
        raw = (g.mean((2, 3, 4), keepdim=True) * a).sum(1)[0]
    return logits.detach()[0], raw, a.transpose(0, 1) if frames else a[0]


def motion_shares(kernels):
    """1 - kT * |mean over time|^2 / |K|^2 of each filter of [O, I, kT, kH, kW]."""
    kernels = kernels.astype(np.float64)
    still = kernels.shape[2] * (kernels.mean(2) ** 2).sum((1, 2, 3))
    return 1 - still / (kernels**2).sum((1, 2, 3, 4))


def error(found, expected):
    found, expected = torch.as_tensor(found).double().flatten(), expected.double().flatten()
    if found.numel() != expected.numel():
        return float("inf")
    return ((found - expected).abs().max() / expected.abs().max().clamp(min=1e-30)).item()


def check(kinolens, name, way, video, facts, folder):
    build, (t, h, w), frames = NETWORKS[name]
    shape = t, h, w
    count = facts["frames"]
    model, inside = network(build, clip_of(kinolens, video, 0, shape, count, folder / "frames"), frames)
    state = inside.state_dict()
    weights, run = folder / f"{name}.pth", folder / name
    write(state, way, weights)
    values = {"length": t, "height": h, "width": w, "step": STEP, "eval_stride": 24, "mean": list(MEAN), "std": list(STD)}
    words = ["import", weights, "--model", name, "--classes", CLASSES, "--out", run, *clip_words(values)]
    report = kinolens.json(*words)["report"]
    complete = not report["missing"] and not report["mismatched"] and not report["unused"]

    predicted = kinolens.json("predict", run, video)["windows"]
    worst = {"probabilities": 0.0, "heat map": 0.0, "activation": 0.0, "motion share": 0.0}
    for window in (predicted[0], predicted[len(predicted) // 2]):
        x = clip_of(kinolens, video, window["start"], shape, count, folder / "frames")
        layer = next(m for m in kinolens.models if m["id"] == name)["default_layer"]
        model.zero_grad()
        logits, raw, activation = grad_cam(model, inside.get_submodule(layer), x, frames)
        worst["probabilities"] = max(worst["probabilities"], error(window["probabilities"], logits.softmax(0)))
        asked = f"{pathlib.Path(video).name}:{window['start']}"
        sample = kinolens.json("explain", run, video, "--clip", asked, "--method", "grad-cam", "--raw")["samples"][0]
        worst["heat map"] = max(worst["heat map"], error(sample["maps"][0]["values"], raw))
        words = ["look-inside", run, video, "--clip", asked, "--layer", layer, "--out", folder / "inside", "--force"]
        look = kinolens.json(*words)
        worst["activation"] = max(worst["activation"], error(np.load(folder / "inside" / f"{layer}.npy"), activation))
    for kernel in look["kernels"]:
        weight = state[f"{kernel['layer']}.weight"].numpy()
        if weight.ndim == 5:
            off = np.abs(np.array(kernel["motion_shares"]) - motion_shares(weight)).max()
            worst["motion share"] = max(worst["motion share"], float(off))

    # And back: strictly, into the same architecture, with the same answer.
    kinolens("export", run, "--format", "pth", "--out", folder / "back.pth", "--force")
    for back in (load_file(run / "checkpoints/last/model.safetensors"), torch.load(folder / "back.pth", weights_only=True)):
        fresh = build(CLASSES).eval()
        fresh.load_state_dict(back, strict=True)
        again = Frames(fresh) if frames else fresh
        with torch.no_grad():
            same = torch.equal(again(x)[0], model(x)[0])
        complete = complete and same and all(torch.equal(back[k], v) for k, v in state.items())
    return complete, worst


def networks(kinolens, args, folder):
    """The networks that are not as PyTorch has them."""
    failed = []
    kinolens.models = kinolens.json("models")
    video = args.video
    if not video:
        kinolens("demo", folder / "demo", "--subjects", 2)
        video = next((folder / "demo/dataset/anon").glob("*.mp4"))
    facts = kinolens.json("probe", video)
    print(f"{video}: {facts['frames']} frames; relative errors, at most {args.tolerance:g}")
    print(f"{'network':32}{'weights as':14}{'probabilities':>14}{'heat map':>12}{'activation':>12}{'motion share':>14}  back in PyTorch")
    for i, name in enumerate(args.model or NETWORKS):
        way = WAYS[i % len(WAYS)]
        complete, worst = check(kinolens, name, way, video, facts, folder)
        good = complete and all(e <= args.tolerance for e in worst.values())
        print(f"{name:32}{way:14}{worst['probabilities']:14.1e}{worst['heat map']:12.1e}{worst['activation']:12.1e}{worst['motion share']:14.1e}  {'the same' if complete else 'NOT THE SAME'}{'' if good else '  FAILED'}", flush=True)
        failed += [] if good else [name]
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinolens", required=True)
    parser.add_argument("--video", help="a video file; one of the demo dataset when left out")
    parser.add_argument("--model", action="append", choices=NETWORKS, help="repeatable; every network, and fine-tuning, when left out")
    parser.add_argument("--fine-tuning", action="store_true", help="only that")
    parser.add_argument("--dataset", type=pathlib.Path, help="class folders to fine-tune on; made when left out")
    parser.add_argument("--tolerance", type=float, default=1e-3)
    args = parser.parse_args()
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        kinolens = Kinolens(args.kinolens, folder / "cache")
        if not args.fine_tuning:
            failed += networks(kinolens, args, folder)
        if args.fine_tuning or not args.model:
            failed += finetune.check(kinolens, args.dataset, folder, args.tolerance)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
