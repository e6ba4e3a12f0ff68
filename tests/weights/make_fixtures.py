#!/usr/bin/env python3
"""Writes the small files of tests/weights: what PyTorch users have, in every format, and files that must be refused.
Needs `pip install torch numpy`; run as `python tests/weights/make_fixtures.py`, and then with the word `frameworks`, which
writes what other frameworks save. expected.json holds what is in them."""
import collections
import enum
import functools
import json
import pathlib
import sys
import types

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


class Small2D(nn.Module):
    """What kinolens calls small-2d: what stands still is taken away and the rest brought to one size, then every frame goes through the layers alone."""

    def __init__(self, classes):
        super().__init__()

        def unit(inside, outside, size, stride):
            conv = nn.Conv3d(inside, outside, (1, size, size), (1, stride, stride), (0, size // 2, size // 2), bias=False)
            return nn.Sequential(conv, nn.BatchNorm3d(outside), nn.ReLU())

        self.stem, self.stage1, self.stage2, self.stage3 = unit(3, 24, 5, 4), unit(24, 48, 3, 1), unit(48, 64, 3, 2), unit(64, 96, 3, 1)
        self.classifier = nn.Sequential(nn.Dropout(0.0), nn.Linear(96, classes))

    def forward(self, x):
        x = x - x.mean(2, keepdim=True)
        x = x / (x.square().mean((1, 2, 3, 4), keepdim=True) + 1e-3).sqrt()
        return self.classifier(self.stage3(self.stage2(self.stage1(self.stem(x)))).mean((2, 3, 4)))


def fine_tuning():
    """A checkpoint of a training that has begun, and how PyTorch goes on with it."""
    torch.manual_seed(3)
    shape, targets = (6, 3, 4, 32, 32), torch.tensor([0, 1, 2, 2, 1, 0])
    count = torch.arange(torch.Size(shape).numel())
    x = ((count * 7919 % 1013).double() / 500 - 1).float().reshape(shape)
    model = Small2D(3)

    def steps(optimizer, n):
        out = []
        for _ in range(n):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), targets)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
            optimizer.step()
            out.append({"loss": loss.item(), "grad_norm": norm.item()})
        return out

    steps(torch.optim.Adam(model.parameters(), lr=1e-3), 3)
    # In half precision, which is what is trained on from there by both sides.
    state = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    torch.save({"epoch": 1, "state_dict": state}, HERE / "begun.pth")
    model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    # In double precision: the numbers both sides round.
    model, x = model.double(), x.double()
    rule = {"lr": 0.01, "momentum": 0.9, "weight_decay": 1e-4}
    told = {"shape": shape, "targets": targets.tolist(), **rule, "steps": steps(torch.optim.SGD(model.parameters(), **rule), 8)}
    (HERE / "begun.json").write_text(json.dumps(told, indent=1))


def made(module, name, **members):
    """A class of a framework that need not be installed."""
    parts = module.split(".")
    for n in range(len(parts)):
        outer = ".".join(parts[: n + 1])
        sys.modules.setdefault(outer, types.ModuleType(outer))
    bases = members.pop("bases", ())
    kind = type(name, bases, {"__module__": module, **members})
    setattr(sys.modules[module], name, kind)
    return kind


def frameworks():
    """What other frameworks keep beside the weights, types of numbers that are not read, and weights in other things."""
    state = network().state_dict()
    buffer = made("mmengine.logging.history_buffer", "HistoryBuffer", mean=lambda self: 0, __qualname__="HistoryBuffer")
    buffer.mean.__module__, buffer.mean.__qualname__ = buffer.__module__, "HistoryBuffer.mean"
    history = buffer()
    history.values, history.statistics = np.arange(3.0), {"mean": buffer.mean}
    config = made("mmengine.config.config", "ConfigDict", bases=(dict,))
    callback = made("my_project.callbacks", "EarlyStopping")()
    callback.patience = 3
    stage = enum.Enum("Stage", "FIT TEST", module="my_project.stages")
    made("my_project.stages", "Unused")
    sys.modules["my_project.stages"].Stage = stage
    attributes = made("lightning.fabric.utilities.data", "AttributeDict", bases=(dict,))
    beside = {
        "callbacks": {"EarlyStopping": callback}, "loops": collections.defaultdict(list, fit=[1]), "message_hub": {"loss": history},
        "meta": {"cfg": config(lr=0.1), "seed": np.random.RandomState(3)}, "stage": stage.FIT, "activation": torch.nn.functional.relu,
        "hyper_parameters": attributes(optimizer=functools.partial(torch.optim.AdamW, lr=1e-3), patch=slice(1, 2), dtype=torch.float8_e5m2),
        "quantised": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), "error": ValueError("no loss"), "none": type(None),
    }
    torch.save({"epoch": 3, "state_dict": state, **beside}, HERE / "framework.pth")
    torch.save({"state_dict": state, **beside}, HERE / "framework_protocol4.pth", pickle_protocol=4)
    expected = json.loads((HERE / "expected.json").read_text())
    for name in ("framework.pth", "framework_protocol4.pth"):
        expected[name] = {"under": ["state_dict"], "arrays": rows(state)}
    (HERE / "expected.json").write_text(json.dumps(expected))

    torch.save({"epoch": 3, "model": network(), "optimizer": {"state": {0: torch.ones(3)}}}, HERE / "elsewhere_module.pth")
    torch.save({"state_dict": config(state)}, HERE / "elsewhere_class.pth")
    trainer = made("my_project.train", "Trainer")()
    trainer.best, trainer.optimizer_state = {"net": dict(state)}, {"exp_avg": torch.ones(3)}
    torch.save(trainer, HERE / "elsewhere_object.pth")
    torch.save({"epoch": 1, "my_net": dict(state), "optimizer": {"state": {0: torch.ones(3)}}}, HERE / "elsewhere_key.pth")
    torch.save({"model": {k: v.numpy() for k, v in state.items()}}, HERE / "elsewhere_numpy.pth")
    for kind in ("uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2"):
        torch.save({"fc.weight": torch.ones(4, 3).to(getattr(torch, kind)), "fc.bias": torch.ones(4)}, HERE / f"refused_{kind}.pth")


def main():
    if sys.argv[1:] == ["frameworks"]:
        return frameworks()
    fine_tuning()
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


if __name__ == "__main__":
    main()
