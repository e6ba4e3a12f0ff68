#!/usr/bin/env python3
"""Times kinolens and PyTorch in turns; see README.md."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

CLASSES = 17
MODES = ("forward", "train", "grad-cam")


def serve(network, mode, batch, threads):
    """PyTorch's side: a round for every line that comes in, answered with its seconds."""
    import torch
    from torch.nn.functional import cross_entropy

    from networks import NETWORKS

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    build, clip = NETWORKS[network]
    model = build(CLASSES)
    batch = 1 if mode == "grad-cam" else batch
    x = torch.randn(batch, 3, *clip)
    labels = torch.arange(batch) * 5 % CLASSES
    if mode == "train":
        model.train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=1e-5)

        def work():
            optimizer.zero_grad(set_to_none=True)
            loss = cross_entropy(model(x), labels)
            loss.backward()
            optimizer.step()
            return loss.item()

    elif mode == "forward":
        model.eval()

        def work():
            with torch.inference_mode():
                return model(x).numpy()

    else:
        model.eval().requires_grad_(False)
        caught = []

        def catch(_module, _inputs, output):
            caught[:] = [output.detach().requires_grad_(True)]
            return caught[0]

        model.target.register_forward_hook(catch)

        def work():
            scores = model(x)
            (gradient,) = torch.autograd.grad(scores[0, 0], caught)
            weights = gradient.mean((2, 3, 4), keepdim=True)
            return (weights * caught[0].detach()).sum(1).relu().numpy()

    work()
    print("ready", flush=True)
    for _ in sys.stdin:
        begun = time.perf_counter()
        work()
        print(time.perf_counter() - begun, flush=True)


class Side:
    """One of the two programs."""

    def __init__(self, command, threads):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)
        self.seconds, self.processor = [], []

    def ready(self):
        answer = self.process.stdout.readline().strip()
        if answer != "ready":
            sys.exit(f"{self.process.args[0]} did not get ready; it said {answer!r}")

    def used(self):
        """Processor seconds so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def turn(self):
        before = self.used()
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.seconds.append(float(self.process.stdout.readline()))
        self.processor.append(self.used() - before)

    def most_memory(self):
        """In MiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            peak = next(line for line in file if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def compare(options, network, mode, batch, threads):
    case = ["--network", network, "--mode", mode, "--batch", str(batch), "--threads", str(threads)]
    theirs = Side([sys.executable, os.path.abspath(__file__), "--serve", *case], threads)
    ours = Side(
        [options.kinolens, "bench", "--in-turns", "--model", network, "--only", mode]
        + ["--batch", str(batch), "--threads", str(threads)],
        threads,
    )
    for side in (theirs, ours):
        side.ready()
    for _ in range(options.rounds):
        theirs.turn()
        ours.turn()
    pairs = [mine / their for mine, their in zip(ours.seconds, theirs.seconds)]
    median = statistics.median
    result = {
        "network": network,
        "mode": mode,
        "batch": 1 if mode == "grad-cam" else batch,
        "threads": threads,
        "ratio": median(ours.seconds) / median(theirs.seconds),
        "pairs": [min(pairs), median(pairs), max(pairs)],
        "seconds": [median(ours.seconds), median(theirs.seconds)],
        "processor_seconds": [median(ours.processor), median(theirs.processor)],
        "memory_mib": [ours.most_memory(), theirs.most_memory()],
    }
    for side in (theirs, ours):
        side.end()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinolens", default="kinolens", help="the program to compare")
    parser.add_argument("--models", default="c3d,r3d-18,mobilenet-v2-3d,mobilenet-v2-3d-high-temporal")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--threads", default="4,2")
    parser.add_argument("--batch", default="2,8")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", help="also write every result to this file")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--network", help=argparse.SUPPRESS)
    parser.add_argument("--mode", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(options.network, options.mode, int(options.batch), int(options.threads))

    results = []
    print("network                         mode      batch threads  ratio (pairs)          s: ours theirs   "
          "cpu s: ours theirs   MiB: ours theirs")
    for network in options.models.split(","):
        for threads in map(int, options.threads.split(",")):
            for mode in options.modes.split(","):
                for batch in map(int, options.batch.split(",")):
                    if mode == "grad-cam" and batch != int(options.batch.split(",")[0]):
                        continue  # Always one clip.
                    r = compare(options, network, mode, batch, threads)
                    results.append(r)
                    low, _, high = r["pairs"]
                    print(
                        f"{network:31} {mode:9} {r['batch']:5} {threads:7}  {r['ratio']:5.2f} ({low:.2f} to {high:.2f})"
                        f"    {r['seconds'][0]:8.3f} {r['seconds'][1]:7.3f}"
                        f"     {r['processor_seconds'][0]:8.2f} {r['processor_seconds'][1]:7.2f}"
                        f"     {r['memory_mib'][0]:8.0f} {r['memory_mib'][1]:7.0f}",
                        flush=True,
                    )
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
