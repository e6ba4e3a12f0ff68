#!/usr/bin/env python3
"""Writes tests/golden/extra_cam_SEED_MODEL.json and extra_logits_SEED.json: numbers of PyTorch with other weights and
inputs than those of the other files, for classes drawn by chance and clips that are not square. What they are for are
max pools two inputs of which are nearly equal. Needs `pip install torch torchvision`; run as
`python tests/interop/seeds_golden.py`. Weights and inputs follow the recipe of tests/golden/README.md."""
import json
import random

import numpy as np
import torch
from torch import nn

import extra_golden
from networks import NETWORKS, Frames

CLASSES = 17
I3D = ["Mixed_3c", "Mixed_4d", "Mixed_5b", "Mixed_5c"]
C3D = ["block3", "block4", "block5.3", "block5.5"]
# seed: [(name of PyTorch's network, our id, frames, rows, columns, layers)]
SETS = {
    "one": [("c3d", "c3d", 16, 64, 80, C3D), ("i3d_adaptive", "i3d", 8, 64, 96, I3D), ("resnet18", "resnet-18", 3, 80, 64, ["layer4"])],
    "two": [("c3d", "c3d", 16, 96, 64, C3D), ("i3d_adaptive", "i3d", 16, 64, 80, I3D), ("r3d_18", "r3d-18", 8, 48, 64, ["layer2"])],
    "three": [("c3d", "c3d", 24, 80, 64, C3D), ("i3d_adaptive", "i3d", 16, 96, 64, I3D), ("resnet50", "resnet-50", 2, 64, 96, ["layer2", "layer4"])],
    "four": [("c3d", "c3d", 16, 64, 112, C3D), ("i3d_adaptive", "i3d", 8, 96, 80, I3D), ("r2plus1d_18", "r2plus1d-18", 6, 56, 40, ["layer3"])],
    "five": [("c3d", "c3d", 20, 80, 96, C3D), ("i3d_adaptive", "i3d", 12, 80, 64, I3D), ("mobilenetv2_3d_standard", "mobilenet-v2-3d", 9, 64, 48, ["features.18"])],
}


def rounded(values, digits=6):
    return [float(f"{v:.{digits}g}") for v in values.ravel()]


def maps(a, g, frames):
    """Raw maps [T, H, W] from activation and gradient, in the type of these."""
    over = tuple(range(2, a.ndim))
    space = over[-2:]
    square, cube = g**2, g**3
    sharp = np.where(g == 0, 0, square / np.where(g == 0, 1, 2 * square + a.sum(axis=over, keepdims=True) * cube + 1e-6))
    step = square / (2 * square + (a * cube).sum(axis=space, keepdims=True) + 1e-8)
    positive = np.maximum(g, 0)
    found = {
        "gradcam": g.mean(axis=over, keepdims=True) * a,
        "gradcampp": (sharp * positive).sum(axis=over, keepdims=True) * a,
        "hirescam": g * a,
        "gradcampp_004": (step * positive).sum(axis=space, keepdims=True) * a,
    }
    if not frames:
        found["gradcam_t"] = g.mean(axis=space, keepdims=True) * a
    return {k: m.sum(axis=1) for k, m in found.items()}


def passed(model, inside, x, layers, targets):
    """Logits, and for every layer its output and for every target the gradient there."""
    kept, hooks = {}, []
    for layer in layers:

        def keep(_module, _input, output, layer=layer):
            # A clamp in place that follows would change it.
            kept[layer] = output = output.clone()
            return output

        hooks.append(dict(inside.named_modules())[layer].register_forward_hook(keep))
    logits = model(x)
    for hook in hooks:
        hook.remove()
    gradients = {t: torch.autograd.grad(logits[0, t], [kept[k] for k in layers], retain_graph=True) for t in targets(logits)}
    return logits, kept, gradients


def main():
    for seed, rows in SETS.items():
        extra_golden.SEED = seed
        meta = {"set": "extra", "seed": seed, "torch": torch.__version__}
        cases = {}
        for name, ours, t, h, w, layers in rows:
            build, _, per_frame = NETWORKS[ours]
            inside = extra_golden.fill(build(CLASSES))
            for module in inside.modules():
                if isinstance(module, (nn.ReLU, nn.ReLU6)):
                    module.inplace = False
            model = Frames(inside) if per_frame else inside
            x = extra_golden.clip(0, 3, t, h, w)[None]
            drawn = random.Random(f"{seed}:{name}").randrange(CLASSES)
            targets = lambda logits: sorted({drawn, int(logits[0].argmax())})
            single = passed(model, inside, x, layers, targets)
            double = passed(model.double(), inside, x.double(), layers, targets)
            cases[f"{name}/clip"] = {
                "model": name, "classes": CLASSES, "input_shape": list(x.shape), "input_kind": "clip",
                "logits_f32": rounded(double[0].detach().numpy(), 8),
            }
            cams = []
            for at, layer in enumerate(layers):
                for target in double[2]:
                    f32, f64 = (maps(p[1][layer].detach().numpy(), p[2][target][at].numpy(), per_frame) for p in (single, double))
                    found = {"layer": layer, "target": target}
                    for key, raw in f64.items():
                        error = float(np.abs(f32[key] - raw).max() / np.abs(raw).max())
                        found[key] = {"raw": rounded(raw), "f32_rel_err": float(f"{error:.3g}")}
                    cams.append(found)
            print(seed, name, [(c["layer"], c["target"], c["hirescam"]["f32_rel_err"]) for c in cams], flush=True)
            cam = {"meta": meta, "model": name, "classes": CLASSES, "inputs": {"clip": list(x.shape)}, "cams": {"clip": cams}}
            file = extra_golden.OUT / f"extra_cam_{seed}_{name}.json"
            file.write_text(json.dumps(cam, separators=(",", ":")) + "\n")
        logits = {"meta": meta, "cases": cases}
        (extra_golden.OUT / f"extra_logits_{seed}.json").write_text(json.dumps(logits, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
