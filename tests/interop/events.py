"""Reads the event file of a run with TensorBoard's own reader and holds it to the run's tables.

    python events.py --kinolens PROGRAM

Needs the package tensorboard. A small network is trained on the demo dataset for two epochs, with statistics of its layers.
"""

import argparse
import csv
import math
import pathlib
import subprocess
import tempfile

from tensorboard.backend.event_processing import event_accumulator


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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinolens", type=pathlib.Path, required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = train(args.kinolens.resolve(), pathlib.Path(folder))
        events = event_accumulator.EventAccumulator(str(run), size_guidance={"scalars": 0, "histograms": 0})
        events.Reload()
        numbers, layers = scalars(events, run), histograms(events, run)
        steps = events.Scalars("step/loss")
        assert [e.step for e in steps] == list(range(1, len(steps) + 1))
        assert layers > 0
        print(f"TensorBoard reads {numbers} scalars of epochs, {len(steps)} steps and {layers} histograms as the tables tell them")


if __name__ == "__main__":
    main()
