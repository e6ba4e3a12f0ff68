"""Reads the event file of a run with TensorBoard's own reader and holds it to the run's tables.

    python events.py --kinolens PROGRAM

Needs the package tensorboard. A small network is trained on the demo dataset for two epochs, with statistics of its layers.
"""

import argparse
import csv
import json
import math
import pathlib
import re
import subprocess
import tempfile

import numpy as np
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.plugins.pr_curve import metadata as pr_curves
from tensorboard.util import tensor_util


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def near(a, b, tolerance=1e-5):
    return abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))


def train(program, folder):
    data, run = folder / "demo", folder / "run"
    subprocess.run([program, "demo", data, "--subjects", "3"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(
        [program, "train", data, "--out", run, "--preset", "demo", "--epochs", "2", "--device", "cpu",
         "--set", "training.statistics_every=2", "--set", "model.id=small-2d"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    return run


def scalars(events, run):
    tags = {
        "loss/train": "train_loss", "loss/val": "val_loss", "accuracy/train": "train_accuracy", "accuracy/val": "val_accuracy",
        "weighted_precision/train": "train_weighted_precision", "weighted_f1/val": "val_weighted_f1", "learning_rate": "learning_rate",
    }
    table = rows(run / "training_metrics.csv")
    for tag, column in tags.items():
        found = {e.step: e.value for e in events.Scalars(tag)}
        expected = {int(r["epoch"]): float(r[column]) for r in table}
        assert found.keys() == expected.keys(), (tag, found, expected)
        assert all(near(found[e], expected[e]) for e in found), (tag, found, expected)
    return len(tags) * len(table)


def histograms(events, run):
    table = rows(run / "layer_statistics.csv")
    checked = 0
    for row in table:
        step, layer = int(row["step"]), row["layer"]
        drawn = {e.step: e.histogram_value for e in events.Histograms(f"activations/{layer}")}
        value = drawn[step]
        mean = value.sum / value.num
        deviation = math.sqrt(max(0.0, value.sum_squares / value.num - mean * mean))
        assert near(mean, float(row["mean"]), 1e-4) and near(deviation, float(row["std"]), 1e-3), (row, mean, deviation)
        assert near(sum(value.bucket), value.num) and value.min <= value.max, row
        # TensorBoard closes the first and the last bucket with the extremes.
        assert list(value.bucket_limit) == sorted(value.bucket_limit), row
        if row["gradient_norm"]:
            gradient = {e.step: e.histogram_value for e in events.Histograms(f"gradients/{layer}")}[step]
            assert near(math.sqrt(gradient.sum_squares), float(row["gradient_norm"]), 1e-3), row
        checked += 1
    return checked


def confusions(run):
    """The matrix of each epoch, `{epoch: {(true, predicted): clips}}`."""
    found = {}
    for row in rows(run / "validation_confusion.csv"):
        found.setdefault(int(row["epoch"]), {})[row["true"], row["predicted"]] = int(row["clips"])
    return found


def curves(events, run, part="val"):
    """Each curve agrees with the matrix of its epoch: its positives are the clips of the class."""
    matrices, checked = confusions(run), 0
    for tag in events.Tags()["tensors"]:
        if not tag.startswith(f"pr_{part}/"):
            continue
        plugin = events.SummaryMetadata(tag).plugin_data
        assert plugin.plugin_name == pr_curves.PLUGIN_NAME
        assert pr_curves.parse_plugin_metadata(plugin.content).num_thresholds == 101
        name = tag.split("/", 1)[1]
        for event in events.Tensors(tag):
            tp, fp, tn, fn, precision, recall = tensor_util.make_ndarray(event.tensor_proto)
            clips = matrices[event.step]
            positives = sum(n for (truth, _), n in clips.items() if truth == name)
            total = sum(clips.values())
            assert np.all(tp + fn == positives) and np.all(fp + tn == total - positives), tag
            assert tp[0] == positives and fp[0] == total - positives
            assert np.allclose(precision, tp / np.maximum(tp + fp, 1e-7)) and np.allclose(recall, tp / positives)
            assert np.all(np.diff(tp) <= 0) and np.all(np.diff(fp) <= 0)
            checked += 1
    return checked


def evaluation_curves(folder, split):
    """The curves of an evaluation, made once more from its table by NumPy."""
    events = event_accumulator.EventAccumulator(str(folder), size_guidance={"tensors": 0, "images": 0})
    events.Reload()
    table = rows(folder / f"predictions_{split}.csv")
    report = json.loads((folder / f"evaluation_{split}.json").read_text(encoding="utf-8"))
    for name in ("accuracy", "loss", "mean_class_accuracy"):
        assert near(events.Scalars(f"{name}/{split}")[0].value, report[name]), name
    checked = 0
    for tag in events.Tags()["tensors"]:
        if not tag.startswith(f"pr_{split}/"):
            continue
        name = tag.split("/", 1)[1]
        said = np.array([np.float32(r[f"p_{name}"]) for r in table], dtype=np.float64)
        shown = np.array([r["true"] == name for r in table])
        found = tensor_util.make_ndarray(events.Tensors(tag)[0].tensor_proto)
        for i in range(101):
            above = np.floor(said * 100) >= i
            assert found[0][i] == np.sum(above & shown) and found[1][i] == np.sum(above & ~shown), (tag, i)
        checked += 1
    pictures = events.Images(f"confusion/{split}")
    assert len(pictures) == 1 and pictures[0].encoded_image_string.startswith(b"\x89PNG")
    assert pictures[0].width > 300 and pictures[0].height > 300
    return checked


def settings(events, run):
    """The settings of the run, and that it ended well."""
    def content(tag):
        return events.SummaryMetadata(tag).plugin_data.content

    start = hparams.parse_session_start_info_plugin_data(content(hparams.SESSION_START_INFO_TAG))
    end = hparams.parse_session_end_info_plugin_data(content(hparams.SESSION_END_INFO_TAG))
    assert end.status == 1 and end.end_time_secs >= start.start_time_secs > 1.6e9
    found = {key: getattr(value, value.WhichOneof("kind")) for key, value in start.hparams.items()}
    assert found["model.id"] == "small-2d" and found["training.batch_size"] > 0 and found["seed"] == 42
    assert "training.epochs" not in found, "a resumed run may change it"
    written = re.search(r"learning_rate: *([0-9.e+-]+)", (run / "config.ron").read_text(encoding="utf-8"))
    assert near(found["optimizer.learning_rate"], float(written.group(1)))
    return len(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinolens", type=pathlib.Path, required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program, folder = args.kinolens.resolve(), pathlib.Path(folder)
        run = train(program, folder)
        guidance = {"scalars": 0, "histograms": 0, "tensors": 0, "images": 0}
        events = event_accumulator.EventAccumulator(str(run), size_guidance=guidance)
        events.Reload()
        numbers, layers = scalars(events, run), histograms(events, run)
        steps = events.Scalars("step/loss")
        assert [e.step for e in steps] == list(range(1, len(steps) + 1))
        assert layers > 0
        known, drawn = curves(events, run), events.Images("confusion/val")
        assert known > 0 and drawn and drawn[-1].step == 2 and drawn[-1].encoded_image_string.startswith(b"\x89PNG")
        judged = folder / "judged"
        subprocess.run(
            [program, "evaluate", run, folder / "demo", "--split", "test", "--out", judged],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        print(f"and {known} curves of epochs, {evaluation_curves(judged, 'test')} of an evaluation, {settings(events, run)} settings")
        print(f"TensorBoard reads {numbers} scalars of epochs, {len(steps)} steps and {layers} histograms as the tables tell them")


if __name__ == "__main__":
    main()
