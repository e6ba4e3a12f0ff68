#!/usr/bin/env python3
"""Writes the small files of tests/weights: what PyTorch users have, in every format, and files that must be refused.
Needs `pip install torch numpy`; run as `python tests/weights/make_fixtures.py`. expected.json holds what is in them."""
import collections
import json
import pathlib

import numpy as np
import torch
from torch import nn

HERE = pathlib.Path(__file__).parent


def network():
    torch.manual_seed(7)
    model = nn.Sequential(
        collections.OrderedDict(
            conv=nn.Conv3d(2, 3, (1, 2, 2)), norm=nn.BatchNorm3d(3), pool=nn.AdaptiveAvgPool3d(1), flat=nn.Flatten(), fc=nn.Linear(3, 4)
        )
    )
    model(torch.randn(5, 2, 2, 4, 4))  # moves the running statistics
    return model


def rows(state):
    return [
        {"name": k, "shape": list(v.shape), "float": v.is_floating_point(), "values": v.double().flatten().tolist()}
        for k, v in state.items()
        if isinstance(v, torch.Tensor)
    ]


def main():
    model = network()
    state = model.state_dict()
    expected = {}

    def save(name, obj, state, under=(), **how):
        torch.save(obj, HERE / name, **how)
        expected[name] = {"under": list(under), "arrays": rows(state)}

    save("plain.pth", state, state)
    save("legacy.pth", state, state, _use_new_zipfile_serialization=False)
    save("protocol4.pth", state, state, pickle_protocol=4)
    save("legacy_protocol3.pth", state, state, pickle_protocol=3, _use_new_zipfile_serialization=False)
    parallel = collections.OrderedDict(("module." + k, v) for k, v in state.items())
    save("dataparallel.pth", parallel, parallel)
    for name, kind in (("half", torch.float16), ("bfloat16", torch.bfloat16), ("double", torch.float64)):
        other = {k: v.to(kind) if v.is_floating_point() else v for k, v in state.items()}
        save(f"{name}.pth", other, other)
    parameters = {k: nn.Parameter(v) for k, v in state.items() if v.is_floating_point()}
    save("parameters.pth", parameters, parameters)

    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model(torch.randn(5, 2, 2, 4, 4)).sum().backward()
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    state = model.state_dict()
    checkpoint = {
        "epoch": 3, "model_state_dict": state, "optimizer_state_dict": optimizer.state_dict(), "scheduler_state_dict": scheduler.state_dict(),
        "best": np.float64(0.5), "classes": {"run": 0}, "where": pathlib.PurePosixPath("a/b"), "history": [{"loss": 0.1}, (1, None, True)],
    }
    save("checkpoint.pth", checkpoint, state, ["model_state_dict"])
    save("checkpoint_legacy.pth", checkpoint, state, ["model_state_dict"], _use_new_zipfile_serialization=False)
    nested = {"model": {"state_dict": state}, "ema": {k: v * 2 if v.is_floating_point() else v for k, v in state.items()}, "step": 9}
    save("nested.pth", nested, state, ["model", "state_dict"])

    # Views: not in order, with gaps, one number for many, a part of something, two names for the same numbers.
    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    views = {
        "turned.weight": base.permute(2, 0, 1), "gaps.weight": base[:, ::2, 1::3], "one.weight": torch.tensor([2.5]).expand(4, 3),
        "part.weight": base[1:2], "whole.weight": base, "again.weight": base, "number": torch.tensor(7), "none.weight": torch.zeros(0, 3),
        "bytes": torch.tensor([1, 255], dtype=torch.uint8), "small": torch.tensor([-3, 4], dtype=torch.int8), "truth": torch.tensor([True, False]),
        "short": torch.tensor([-300], dtype=torch.int16), "int": torch.tensor([-70000], dtype=torch.int32), "long": torch.tensor([-(2**40)]),
    }
    save("views.pth", views, views)
    save("views_legacy.pth", views, views, _use_new_zipfile_serialization=False)
    (HERE / "expected.json").write_text(json.dumps(expected))

    torch.save(model, HERE / "refused_module.pth")
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), HERE / "refused_script.pt")
    torch.save([state["fc.weight"]], HERE / "refused_list.pth")
    torch.save(state["fc.weight"], HERE / "refused_tensor.pth")
    torch.save({"epoch": 3, "lr": 0.1}, HERE / "refused_no_tensors.pth")
    torch.save({"fc.weight": torch.quantize_per_tensor(state["fc.weight"], 0.1, 0, torch.qint8)}, HERE / "refused_quantised.pth")
    torch.save({"fc.weight": state["fc.weight"].to_sparse()}, HERE / "refused_sparse.pth")
    torch.save({"fc.weight": torch.view_as_complex(torch.ones(2, 2))}, HERE / "refused_complex.pth")
    np.savez(HERE / "refused_numpy.npz", weight=np.zeros(3))


main()
