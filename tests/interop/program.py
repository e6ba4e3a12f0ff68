"""The program that is held against PyTorch, and the clips it sees, made once more by OpenCV and PyTorch."""

import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import torch
from PIL import Image


class Kinolens:
    def __init__(self, program, cache):
        self.program, self.cache = program, cache

    def __call__(self, *words):
        command = [self.program, *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, env={"KINOLENS_CACHE": str(self.cache), "PATH": "/usr/bin:/bin"})
        if done.returncode:
            sys.exit(f"{' '.join(command)}\n{done.stderr}")
        return done.stdout

    def json(self, *words):
        return json.loads(self(*words, "--json"))

    def events(self, *words):
        """What a training tells, an event a line."""
        return [json.loads(line) for line in self(*words, "--json").splitlines()]


def frame_numbers(start, length, step, count):
    """A clip that passes the end repeats the last frame."""
    return [min(start + step * i, count - 1) for i in range(length)]


def frames_of(kinolens, video, numbers, size, folder):
    """Frames as the program shows them, by number: resized by OpenCV, RGB, 0 to 1, [3, H, W]."""
    shutil.rmtree(folder, ignore_errors=True)
    asked = [word for n in sorted(set(numbers)) for word in ("--frame", n)]
    kinolens("probe", video, *asked, "--out", folder)
    h, w = size

    def frame(n):
        picture = np.array(Image.open(folder / f"frame_{n:06}.png").convert("RGB"))
        small = cv2.resize(picture, (w, h), interpolation=cv2.INTER_LINEAR)
        return torch.from_numpy(small).permute(2, 0, 1).float() / 255

    return {n: frame(n) for n in set(numbers)}


def normalised(frames, mean, std):
    """Frames one after the other as a clip, [3, T, H, W]."""
    mean, std = (torch.tensor(v).view(3, 1, 1, 1) for v in (mean, std))
    return (torch.stack(frames, 1) - mean) / std


def clip_words(values):
    """Words that set values of `clip`."""
    return [word for key, value in values.items() for word in ("--set", f"clip.{key}={json.dumps(value)}")]
