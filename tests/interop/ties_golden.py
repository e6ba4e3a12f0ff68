#!/usr/bin/env python3
"""Writes tests/golden/extra_ties.json: for twenty clips and every network with max pools, the windows whose two largest
inputs are nearly equal and which of them is the larger in 64 bits, and how many PyTorch's own 32 bits decide otherwise.
Needs `pip install torch torchvision`; run as `python tests/interop/ties_golden.py`. Weights and inputs follow the recipe
of tests/golden/README.md."""
import json

import torch
import torch.nn.functional as F
from torch import nn

import extra_golden
from networks import NETWORKS, Same, pad_same

SEED, CLIPS, CLASSES = "ties-v1", 20, 17
# A window is listed where its two largest inputs differ by less than this share of the inputs' root mean square.
NEAR = 1e-5
# our id: (PyTorch's name, frames, rows, columns, what lies before the first maximum that is kept)
SETS = {
    "c3d": ("c3d", 16, 32, 48),
    "i3d": ("i3d_adaptive", 8, 64, 48),
    "resnet-18": ("resnet18", 2, 48, 64),
    "resnet-50": ("resnet50", 2, 64, 48),
    "har-resnet-50": ("har_resnet50", 1, 64, 80),
}


def pools(network, per_frame, x):
    """Inputs of every max pool as [C, T, H, W], by its name, with kernel, stride and padding."""
    found, hooks = {}, []
    for name, module in network.named_modules():
        if not isinstance(module, (Same, nn.MaxPool2d, nn.MaxPool3d)):
            continue

        def keep(module, inputs, name=name):
            x = inputs[0]
            if isinstance(module, Same):
                # Zeros laid around may be the largest.
                found[name] = (pad_same(x, module.kernel, module.stride)[0], module.kernel, module.stride)
                return
            spread = lambda v: (v,) * 3 if isinstance(v, int) else v
            if x.dim() == 4:
                low = -float("inf")
                size, step, pad = module.kernel_size, module.stride, module.padding
                x = F.pad(x, (pad,) * 4, value=low).transpose(0, 1)
                found[name] = (x, (1, size, size), (1, step, step))
            else:
                found[name] = (x[0], spread(module.kernel_size), spread(module.stride))

        hooks.append(module.register_forward_pre_hook(keep))
    with torch.no_grad():
        network(x)
    for hook in hooks:
        hook.remove()
    return found


def windows(x, kernel, stride):
    """[windows, places of a window] in the order of memory."""
    for axis in range(3):
        x = x.unfold(axis + 1, kernel[axis], stride[axis])
    return x.reshape(-1, kernel[0] * kernel[1] * kernel[2])


def first_largest(w):
    """PyTorch keeps the first of equals; argmax promises no order."""
    return (w == w.amax(1, keepdim=True)).to(torch.uint8).argmax(1)


def main():
    nets = {}
    extra_golden.SEED = SEED
    for ours, (name, t, h, w) in SETS.items():
        build, _, per_frame = NETWORKS[ours]
        network = extra_golden.fill(build(CLASSES))
        pools_of, clips = {}, []
        wrong = 0
        for item in range(CLIPS):
            x = extra_golden.clip(item, 3, t, h, w)
            x = x.transpose(0, 1) if per_frame or ours == "har-resnet-50" else x[None]
            single = pools(network.float(), per_frame, x)
            double = pools(network.double(), per_frame, x.double())
            near = {}
            for pool, (values, kernel, stride) in double.items():
                exact = windows(values, kernel, stride)
                top = exact.topk(2, dim=1).values
                scale = values[values.isfinite()].square().mean().sqrt()
                # Where nothing passed the clamp all are zero, and the first is taken.
                close = ((top[:, 0] - top[:, 1] < NEAR * scale) & (top[:, 0] > top[:, 1])).nonzero().flatten()
                chosen, theirs = first_largest(exact), first_largest(windows(single[pool][0], kernel, stride))
                wrong += int(((chosen != theirs) & (top[:, 0] > top[:, 1])).sum())
                near[pool] = [[int(i), int(chosen[i])] for i in close]
                pools_of[pool] = {"kernel": list(kernel), "stride": list(stride), "windows": len(exact)}
            clips.append(near)
        nets[name] = {"clip": [3, t, h, w], "pools": pools_of, "clips": clips, "pytorch_f32": wrong}
        print(name, wrong, sum(len(v) for c in clips for v in c.values()), flush=True)
    meta = {"set": "extra", "seed": SEED, "torch": torch.__version__, "near": NEAR}
    (extra_golden.OUT / "extra_ties.json").write_text(
        json.dumps({"meta": meta, "classes": CLASSES, "networks": nets}, separators=(",", ":")) + "\n"
    )


if __name__ == "__main__":
    main()
