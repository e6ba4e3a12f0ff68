#!/usr/bin/env python3
"""Writes tests/golden/extra_logits.json and extra_cam_*.json: numbers of PyTorch for networks that the other files do not
have. Needs `pip install torch torchvision`; run as `python tests/interop/extra_golden.py`. Weights and inputs follow the
recipe of tests/golden/README.md, so that no weights travel."""
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

SEED = "extra-v1"
OUT = pathlib.Path(__file__).parents[1] / "golden"


def stream(name, n):
    """n numbers in -1..1 that depend on SEED and name alone."""
    state = 0xCBF29CE484222325
    for byte in f"{SEED}:{name}".encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(state) + (np.arange(n, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)


def fill(model):
    normalised = {k.removesuffix(".running_mean") for k in model.state_dict() if k.endswith(".running_mean")}
    filled = {}
    for name, tensor in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            filled[name] = torch.zeros_like(tensor)
            continue
        u = stream(name, tensor.numel())
        leaf = name.rsplit(".", 1)[-1]
        if leaf == "running_var":
            u = np.float32(1) + np.float32(0.5) * np.abs(u)
        elif leaf == "weight" and name.removesuffix(".weight") in normalised:
            u = np.float32(1) + np.float32(0.1) * u
        elif leaf == "weight" and tensor.dim() >= 2:
            u = np.float32(np.sqrt(6.0 / tensor[0].numel())) * u
        else:
            u = np.float32(0.1) * u
        filled[name] = torch.from_numpy(u.reshape(tuple(tensor.shape)))
    model.load_state_dict(filled)
    return model.eval()


def clip(item, c, t, h, w):
    tb, hb, wb = -(-t // 4), -(-h // 16), -(-w // 16)
    block = stream(f"input.{item}.block", c * tb * hb * wb).reshape(c, tb, hb, wb)
    block = block.repeat(4, 1)[:, :t].repeat(16, 2)[:, :, :h].repeat(16, 3)[..., :w]
    pixel = stream(f"input.{item}.pixel", c * t * h * w).reshape(c, t, h, w)
    return torch.from_numpy(np.float32(1.5) * block + np.float32(0.5) * pixel)


class OverFrames(nn.Module):
    """A network of pictures over the frames of a clip; its scores are averaged, or the largest of them taken."""

    def __init__(self, network, largest):
        super().__init__()
        self.network, self.largest = network, largest

    def forward(self, x):
        b, c, t, h, w = x.shape
        y = self.network(x.transpose(1, 2).reshape(b * t, c, h, w)).view(b, t, -1)
        return y.amax(1) if self.largest else y.mean(1)


class Mobile(nn.Module):
    """MobileNetV2 with 3D kernels, of any width."""

    PLAN = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]

    class Block(nn.Module):
        def __init__(self, layers, shortcut):
            super().__init__()
            self.conv, self.shortcut = nn.Sequential(*layers), shortcut

        def forward(self, x):
            return self.conv(x) + x if self.shortcut else self.conv(x)

    def __init__(self, classes, width):
        super().__init__()

        def unit(i, o, k, stride=(1, 1, 1), groups=1, clamp=True):
            made = [nn.Conv3d(i, o, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm3d(o)]
            return made + [nn.ReLU6()] * clamp

        channels, last = int(32 * width), int(1280 * width) if width > 1 else 1280
        features = [nn.Sequential(*unit(3, channels, 3, (1, 2, 2)))]
        for expansion, out, count, step in self.PLAN:
            out = int(out * width)
            for n in range(count):
                hidden, first = channels * expansion, n == 0
                layers = unit(channels, hidden, 1) if expansion != 1 else []
                layers += unit(hidden, hidden, 3, (step if first else 1,) * 3, hidden)
                layers += unit(hidden, out, 1, clamp=False)
                features.append(self.Block(layers, channels == out and not (first and step == 2)))
                channels = out
        self.features = nn.Sequential(*features, nn.Sequential(*unit(channels, last, 1)))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes))

    def forward(self, x):
        return self.classifier(F.adaptive_avg_pool3d(self.features(x), 1).flatten(1))


def mc3(classes):
    return torchvision.models.video.mc3_18(weights=None, num_classes=classes)


def efficientnet(classes):
    return torchvision.models.efficientnet_b0(weights=None, num_classes=classes)


# name: (network, our id, our options, classes, [(name of a size, T, H, W, layers)])
MODELS = {
    "mc3_18": (mc3, None, "mc3-18", {}, 17, [("full", 16, 112, 112, ["layer4"]),
               ("small", 7, 56, 40, ["layer4", "layer2", "layer3.0.downsample", "layer4.1.conv2.0", "layer4.1.relu"])]),
    "efficientnet_b0": (efficientnet, False, "efficientnet-b0", {}, 17, [("full", 1, 224, 224, ["features.8"]),
                        ("small", 3, 64, 80, ["features.8", "features.4.1.block.2", "features.6.2", "features.6.2.block.1"])]),
    "efficientnet_b0_max": (efficientnet, True, "efficientnet-b0", {"pooling": "MaxLogits"}, 5,
                            [("small", 3, 64, 64, ["features.8"])]),
    "mobilenet_wide": (lambda k: Mobile(k, 1.4), None, "mobilenet-v2-3d", {"width": 1.4}, 17,
                       [("small", 9, 64, 48, ["features.18"])]),
    "mobilenet_narrow": (lambda k: Mobile(k, 0.35), None, "mobilenet-v2-3d", {"width": 0.35}, 17,
                         [("small", 8, 48, 64, ["features.18"])]),
}


def maps(activation, gradient, frames):
    """Raw maps from activation and gradient [N, C, (T,) H, W] in float64."""
    a, g = activation.numpy(), gradient.numpy()
    over = tuple(range(2, a.ndim))
    weights = g.mean(axis=over, keepdims=True)
    squares = np.where(g == 0, 1, 2 * g**2 + a.sum(axis=over, keepdims=True) * g**3 + 1e-6)
    sharp = (np.where(g == 0, 0, g**2 / squares) * np.maximum(g, 0)).sum(axis=over, keepdims=True)
    found = {"gradcam": weights * a, "gradcampp": sharp * a, "hirescam": g * a}
    if not frames:
        found["gradcam_t"] = g.mean(axis=(3, 4), keepdims=True) * a
    return {k: {"raw": [float(f"{v:.7g}") for v in m.sum(axis=1).ravel()]} for k, m in found.items()}


def train_steps(name, model, targets, learned):
    """Three steps of AdamW on a batch of two, with the batch's own statistics and without dropout."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    t, h, w = 7, 56, 40
    x = torch.stack([clip(b, 3, t, h, w) for b in range(2)])
    steps = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), torch.tensor(targets))
        loss.backward()
        norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
        optimizer.step()
        steps.append({"loss": float(f"{loss.item():.9g}"), "grad_norm": float(f"{norm.item():.9g}")})
    network = model.network if isinstance(model, OverFrames) else model
    after = {k: network.state_dict()[k].flatten()[:5].tolist() for k in learned}
    return {"model": name, "input_shape": list(x.shape), "targets": targets, "classes": 17, "steps": steps, "after": after}


def main():
    meta = {"set": "extra", "seed": SEED, "torch": torch.__version__, "torchvision": torchvision.__version__}
    cases, manifest = {}, {}
    for name, (make, largest, ours, options, classes, sizes) in MODELS.items():
        network = fill(make(classes))
        manifest[name] = [[k, list(v.shape)] for k, v in network.state_dict().items()]
        cams, inputs = {}, {}
        for size, t, h, w, layers in sizes:
            model = (network if largest is None else OverFrames(network, largest)).double()
            x = torch.stack([clip(b, 3, t, h, w) for b in range(2)]).double()
            with torch.no_grad():
                logits = model(x)
            cases[f"{name}/{size}"] = {
                "model": name, "classes": classes, "input_shape": list(x.shape), "input_kind": "clip",
                "logits_f32": [float(f"{v:.8g}") for v in logits.flatten().tolist()],
            }
            inputs[size] = [1, *x.shape[1:]]
            cams[size] = []
            for layer in layers:
                for target in sorted({3 % classes, int(logits[0].argmax())}):
                    kept = {}

                    def keep(_module, _input, output):
                        # A clamp in place that follows would change it.
                        output = output.clone()
                        output.retain_grad()
                        kept["out"] = output
                        return output

                    hook = dict(network.named_modules())[layer].register_forward_hook(keep)
                    model(x[:1].requires_grad_())[0, target].backward()
                    hook.remove()
                    found = maps(kept["out"].detach(), kept["out"].grad, largest is not None)
                    cams[size].append({"layer": layer, "target": target, **found})
            network.float()
        cam = {"meta": meta, "model": name, "classes": classes, "inputs": inputs, "cams": cams}
        (OUT / f"extra_cam_{name}.json").write_text(json.dumps(cam, separators=(",", ":")) + "\n")
    video = torchvision.models.video
    rows = [
        ("mc3_18", fill(mc3(17)), ["stem.1.running_mean", "layer4.1.conv2.1.running_var", "fc.bias"]),
        ("r3d_18", fill(video.r3d_18(weights=None, num_classes=17)), ["layer2.0.downsample.1.running_mean", "fc.bias"]),
        ("r2plus1d_18", fill(video.r2plus1d_18(weights=None, num_classes=17)),
         ["stem.4.running_mean", "layer3.0.conv1.0.1.running_var", "fc.bias"]),
        ("resnet18", OverFrames(fill(torchvision.models.resnet18(weights=None, num_classes=17)), False),
         ["bn1.running_mean", "layer4.1.bn2.running_var", "fc.bias"]),
    ]
    torch.manual_seed(0)
    steps = [train_steps(name, model, [1, 3], learned) for name, model, learned in rows]
    (OUT / "extra_train_step.json").write_text(json.dumps({"meta": meta, "steps": steps}, separators=(",", ":")) + "\n")
    ours = {name: {"id": row[2], "options": row[3]} for name, row in MODELS.items()}
    for file, body in [("extra_logits.json", {"cases": cases}), ("extra_manifest.json", {"models": manifest, "ours": ours})]:
        (OUT / file).write_text(json.dumps({"meta": meta, **body}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
