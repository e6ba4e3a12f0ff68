#!/usr/bin/env python3
"""Times loading of clips from folders of JPEG frames by kinolens and by a PyTorch DataLoader with OpenCV, in turns; see
README.md."""

import argparse
import json
import os
import statistics
import tempfile
import time

import cv2
import numpy
import torch
from bench import Side
from torch.utils.data import DataLoader, Dataset

MEAN = numpy.array([0.485, 0.456, 0.406], numpy.float32)
STD = numpy.array([0.229, 0.224, 0.225], numpy.float32)
BATCH = 8  # As `kinolens bench`.

# Before any worker is forked: threads of OpenCV's own do not survive that, and workers are what is compared.
cv2.setNumThreads(0)


def make(root, folders, frames, size):
    """Folders of JPEGs: a textured ground that moves, a disc, and some noise, as cameras give."""
    random = numpy.random.default_rng(0)
    width, height = size
    for folder in range(folders):
        place = os.path.join(root, f"class{folder % 2}", f"video{folder:03}")
        os.makedirs(place)
        ground = cv2.GaussianBlur(random.integers(0, 256, (2 * height, 2 * width, 3)).astype(numpy.uint8), (0, 0), 3)
        ground = cv2.normalize(ground, None, 0, 255, cv2.NORM_MINMAX)
        for frame in range(frames):
            x, y = (7 * folder + 3 * frame) % width, (5 * folder + 2 * frame) % height
            picture = ground[y : y + height, x : x + width] + random.normal(0, 3, (height, width, 3))
            picture = numpy.clip(picture, 0, 255).astype(numpy.uint8)
            cv2.circle(picture, (width // 2 + frame, height // 2), height // 8, (40, 200, 90), -1)
            cv2.imwrite(os.path.join(place, f"{frame + 1:05}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])


class Clips(Dataset):
    """Random clips of the folders in turns, as they are usually read."""

    def __init__(self, root, clips, frames, size):
        places = sorted(entry for entry, folders, _ in os.walk(root) if not folders)
        random = numpy.random.default_rng(1)
        self.clips = []
        for at in range(clips):
            files = sorted(os.listdir(places[at % len(places)]))
            start = int(random.integers(0, len(files) - frames + 1))
            self.clips.append([os.path.join(places[at % len(places)], f) for f in files[start : start + frames]])
        self.size = size

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, at):
        frames = []
        for path in self.clips[at]:
            frame = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
            frames.append(cv2.resize(frame, (self.size, self.size), interpolation=cv2.INTER_LINEAR))
        clip = (numpy.stack(frames).astype(numpy.float32) / 255 - MEAN) / STD
        return torch.from_numpy(numpy.ascontiguousarray(clip.transpose(3, 0, 1, 2)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinolens", default="kinolens", help="the program to compare")
    parser.add_argument("--folders", type=int, default=60)
    parser.add_argument("--frames-in-folder", type=int, default=40)
    parser.add_argument("--width", type=int, default=340)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--frames", type=int, default=16, help="of a clip")
    parser.add_argument("--size", type=int, default=112, help="of its frames")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", help="also write the result to this file")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as root:
        make(root, options.folders, options.frames_in_folder, (options.width, options.height))
        clips = Clips(root, options.clips, options.frames, options.size)
        # Workers that stay, so that only loading is timed.
        loader = DataLoader(clips, batch_size=BATCH, num_workers=options.workers, persistent_workers=options.workers > 0)

        def epoch():
            begun = time.perf_counter()
            loaded = sum(len(batch) for batch in loader)
            assert loaded == options.clips
            return time.perf_counter() - begun

        command = [options.kinolens, "bench", "--video", root, "--in-turns", "--clips", str(options.clips)]
        command += ["--frames", str(options.frames), "--size", str(options.size), "--workers", str(options.workers)]
        # Their workers are forked first: they would hold our side's standard input open, which ends it.
        epoch()
        ours = Side(command, options.workers)
        ours.ready()
        ours.turn()
        ours.seconds.clear()
        theirs = []
        for _ in range(options.rounds):
            theirs.append(epoch())
            ours.turn()
        ours.end()

    rates = [[options.clips / seconds for seconds in side] for side in (ours.seconds, theirs)]
    pairs = sorted(mine / their for mine, their in zip(*rates))
    result = {
        "workers": options.workers,
        "rounds": options.rounds,
        "times_as_fast": statistics.median(pairs),
        "pairs": pairs,
        "clips_per_second": [statistics.median(side) for side in rates],
        "versions": {"torch": torch.__version__, "opencv": cv2.__version__},
    }
    mine, their = result["clips_per_second"]
    print(
        f"{options.width}x{options.height} JPEGs, {options.clips} clips of {options.frames} frames at {options.size}, "
        f"{options.workers} workers: {result['times_as_fast']:.2f} times as fast ({pairs[0]:.2f} to {pairs[-1]:.2f} in "
        f"{options.rounds} pairs), {mine:.1f} clips/s against {their:.1f}"
    )
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
