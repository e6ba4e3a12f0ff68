"""A network that PyTorch began to train is trained on by kinolens, step by step as PyTorch would, and comes back.

Clips are few and small, so that a batch holds them all: no matter in what order each side takes them, losses and
gradients of a step are the same numbers, but for rounding."""

import csv
import json

import cv2
import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torchvision.models.video import mc3_18

from program import clip_words, frame_numbers, frames_of, normalised

CLIP = {"length": 8, "height": 24, "width": 24, "step": 2, "train_stride": 16, "eval_stride": 16}
MEAN, STD = (0.43, 0.39, 0.37), (0.22, 0.23, 0.21)
# A rate at which the first steps of both sides stay together: rounding is blown up by every step that is too long.
RATE, MOMENTUM, DECAY, NORM = 0.01, 0.9, 1e-4, 1.0
BEFORE, STEPS, EPOCHS = 2, 3, 5


def moving_patches(folder):
    """Videos of a coloured patch that moves over a background: class folders for training and test."""
    random = np.random.default_rng(3)
    for name, colour in {"blue": (230, 60, 60), "green": (60, 230, 60), "red": (60, 60, 230), "white": (230, 230, 230)}.items():
        for subject in range(10):
            path = folder / ("train" if subject < 7 else "test") / name / f"s{subject}_{name}.avi"
            path.parent.mkdir(parents=True, exist_ok=True)
            ground = cv2.resize(random.integers(60, 160, (6, 6, 3), np.uint8), (64, 64), interpolation=cv2.INTER_CUBIC)
            video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 15, (64, 64))
            x, y = random.integers(0, 40, 2)
            way = random.integers(-3, 4, 2)
            for _ in range(32):
                frame = ground.copy()
                frame[y : y + 24, x : x + 24] = colour
                video.write(frame)
                x, y = (x + way[0]) % 40, (y + way[1]) % 40
            video.release()


class Clips:
    """The clips of a split, as an evaluation of kinolens lists them, and what PyTorch makes of their frames."""

    def __init__(self, kinolens, run, dataset, split, folder):
        self.out = folder / f"{run.name}-{split}"
        self.told = kinolens.json("evaluate", run, dataset, "--split", split, "--out", self.out, "--force")
        with open(self.out / f"predictions_{split}.csv", newline="") as file:
            self.rows = list(csv.DictReader(file))
        self.classes = [c["name"] for c in self.told["classes"]["classes"]]

    def tensors(self, kinolens, dataset, folder):
        clips = {}
        for video in {row["video"] for row in self.rows}:
            count = kinolens.json("probe", dataset / video)["frames"]
            starts = [int(row["start"]) for row in self.rows if row["video"] == video]
            numbers = {s: frame_numbers(s, CLIP["length"], CLIP["step"], count) for s in starts}
            every = [n for each in numbers.values() for n in each]
            frames = frames_of(kinolens, dataset / video, every, (CLIP["height"], CLIP["width"]), folder / "frames")
            for start, of in numbers.items():
                clips[video, start] = normalised([frames[n] for n in of], MEAN, STD)
        x = torch.stack([clips[row["video"], int(row["start"])] for row in self.rows])
        return x, torch.tensor([self.classes.index(row["true"]) for row in self.rows])

    def answers(self):
        return torch.tensor([[float(row[f"p_{name}"]) for name in self.classes] for row in self.rows])


def step(model, optimizer, x, y):
    """A training step, and its loss."""
    optimizer.zero_grad()
    loss = cross_entropy(model(x), y)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), NORM)
    optimizer.step()
    return loss.item()


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)


@torch.no_grad()
def judged(model, x, y):
    """Probabilities and accuracy."""
    logits = torch.cat([model.eval()(part) for part in x.split(16)])
    return logits.softmax(1), (logits.argmax(1) == y).double().mean().item()


def check(kinolens, dataset, folder, tolerance):
    if dataset is None:
        dataset = folder / "patches"
        moving_patches(dataset)
    names = [c["name"] for c in kinolens.json("inspect", dataset)["classes"]]
    classes = folder / "names.json"
    classes.write_text(json.dumps(names))
    # Nobody is kept back for validation: every clip of the split is trained on.
    settings = [*clip_words({**CLIP, "mean": list(MEAN), "std": list(STD)}), "--set", "data.validation=Off"]
    problems = []

    def compare(what, found, expected, most=tolerance):
        error = abs(found - expected) / max(abs(expected), 1e-6)
        print(f"  {what}: {found:.6g} here, {expected:.6g} in PyTorch", flush=True)
        if not error <= most:
            problems.append(what)

    def imported(model, name):
        torch.save({"epoch": 1, "state_dict": model.state_dict()}, folder / f"{name}.pth")
        run = folder / name
        kinolens("import", folder / f"{name}.pth", "--model", "mc3-18", "--classes", classes, "--out", run, *settings)
        return run

    # The lists of clips come from a network that knows nothing yet.
    torch.manual_seed(5)
    model = mc3_18(weights=None, num_classes=len(names))
    fresh = imported(model, "fresh")
    splits = {s: Clips(kinolens, fresh, dataset, s, folder) for s in ("train", "test")}
    (x, y), (test_x, test_y) = (splits[s].tensors(kinolens, dataset, folder) for s in ("train", "test"))

    # PyTorch begins …
    optimizer = sgd(model)
    for _ in range(BEFORE):
        step(model.train(), optimizer, x, y)
    begun = imported(model, "begun")
    before = Clips(kinolens, begun, dataset, "test", folder)
    expected, accuracy = judged(model, test_x, test_y)
    print(f"fine-tuning MC3-18: {len(y)} clips to train on, {len(test_y)} to judge by")
    compare("accuracy before", before.told["accuracy"], accuracy, 0)
    if (before.answers() - expected).abs().max() > tolerance:
        problems.append("probabilities before")

    # … kinolens goes on with all clips in a step, and so does PyTorch.
    def trained(out, values, epochs, batch):
        shared = {"model.init_from": f'"{folder / "begun.pth"}"', "augment.enabled": "false", "training.early_stopping": "None"}
        chosen = [word for key, value in {**shared, **values}.items() for word in ("--set", f"{key}={value}")]
        words = ["train", dataset, "--out", out, "--preset", "mc3-18", *settings, *chosen, "--epochs", epochs, "--batch-size", batch]
        return [e["loss"] for e in kinolens.events(*words) if e["event"] == "step"]

    plain = {
        "schedule.schedule": "Constant", "optimizer.kind": f"Sgd(momentum: {MOMENTUM}, nesterov: false)", "optimizer.learning_rate": RATE,
        "optimizer.weight_decay": DECAY, "optimizer.clip_norm": NORM,
    }
    losses = trained(folder / "steps", plain, STEPS, len(y))
    optimizer = sgd(model.train())
    theirs = [step(model, optimizer, x, y) for _ in range(STEPS)]
    if len(losses) != STEPS:
        problems.append(f"{len(losses)} steps instead of {STEPS}")
    for number, (found, wanted) in enumerate(zip(losses, theirs), 1):
        compare(f"loss of step {number}", found, wanted)

    # With batches and a schedule as people use them it learns, and PyTorch finds the same in what comes back.
    out = folder / "tuned"
    usual = {"schedule.schedule": "OneCycle(warmup: 0.2)", "optimizer.learning_rate": 1e-3, "clip.train_stride": 8}
    losses = trained(out, usual, EPOCHS, 16)
    after = Clips(kinolens, out, dataset, "test", folder)
    kinolens("export", out, "--format", "pth", "--out", folder / "tuned.pth")
    back = mc3_18(weights=None, num_classes=len(names))
    back.load_state_dict(torch.load(folder / "tuned.pth", weights_only=True), strict=True)
    expected, accuracy = judged(back, test_x, test_y)
    compare("accuracy after", after.told["accuracy"], accuracy, 0)
    if (after.answers() - expected).abs().max() > tolerance:
        problems.append("probabilities after")
    if after.told["accuracy"] < before.told["accuracy"] + 0.2:
        problems.append("it did not learn")
    return problems
