#!/usr/bin/env python3
"""Writes tests/golden/extra_multi_label.json: losses of PyTorch over sets of classes with their gradients, and scikit-learn's metrics of
multi-label predictions, with ties, classes without clips and clips of which nothing is said. Needs `pip install torch scikit-learn`; run
as `python tests/interop/multi_label_golden.py`."""
import json
import pathlib
import warnings

import numpy as np
import sklearn
import torch
import torch.nn.functional as F
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

OUT = pathlib.Path(__file__).parents[1] / "golden" / "extra_multi_label.json"


def focal(x, y, gamma, pos_weight):
    """Lin et al. (ICCV 2017), equation 4 class by class without alpha, as torchvision.ops.sigmoid_focal_loss computes it."""
    p = torch.sigmoid(x)
    p_t = p * y + (1 - p) * (1 - y)
    each = F.binary_cross_entropy_with_logits(x, y, pos_weight=pos_weight, reduction="none")
    return (each * (1 - p_t) ** gamma).mean()


def losses(rng):
    cases = []
    for n, k, scale in ((4, 3, 2.0), (5, 7, 6.0), (2, 2, 40.0)):
        # Values of 32 bits, so that both sides begin with the same; zeros, because slopes are easily wrong there.
        logits = (rng.normal(size=(n, k)) * scale).astype(np.float32)
        logits[0] = 0.0
        sets = [sorted(rng.choice(k, size=rng.integers(1, k + 1), replace=False).tolist()) for _ in range(n)]
        weights = rng.uniform(0.25, 3.0, size=k).astype(np.float32)
        results = []
        for kind, value in (("bce", 0.0), ("bce", 0.1), ("focal", 0.0), ("focal", 1.0), ("focal", 2.0)):
            for weighted in (False, True):
                x = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
                y = torch.zeros(n, k, dtype=torch.float64)
                for row, classes in enumerate(sets):
                    y[row, classes] = 1.0
                pos_weight = torch.tensor(weights, dtype=torch.float64) if weighted else None
                if kind == "bce":
                    y = y * (1 - value) + 0.5 * value
                    loss = torch.nn.BCEWithLogitsLoss(pos_weight=pos_weight)(x, y)
                else:
                    loss = focal(x, y, value, pos_weight)
                loss.backward()
                desc = {"kind": kind, "smoothing" if kind == "bce" else "gamma": value, "weights": weighted}
                results.append({"desc": desc, "loss": loss.item(), "grad": x.grad.flatten().tolist()})
        cases.append(
            {"n": n, "k": k, "logits": logits.flatten().tolist(), "sets": sets, "weights": weights.tolist(), "results": results}
        )
    return cases


def metrics(rng):
    cases = []
    for n, k, levels, absent in ((40, 5, 0, 0), (60, 4, 6, 0), (30, 6, 0, 2), (12, 3, 1, 0)):
        truth = rng.random((n, k)) < rng.uniform(0.1, 0.6, size=k)
        truth[:, k - absent :] = False
        truth[~truth.any(axis=1), 0] = True
        scores = np.clip(rng.normal(0.35 + 0.25 * truth, 0.25), 0.0, 1.0).astype(np.float32)
        if levels:
            scores = (np.round(scores * levels) / levels).astype(np.float32)
        # A class that no clip shows and of which nothing is said.
        if absent:
            scores[:, k - 1] = 0.125
        said = scores >= 0.5
        shown = [c for c in range(k) if truth[:, c].any()]
        occurring = [c for c in range(k) if truth[:, c].any() or said[:, c].any()]
        ap = [average_precision_score(truth[:, c], scores[:, c]) if c in shown else None for c in range(k)]
        precision, recall, f1, support = precision_recall_fscore_support(truth, said, average=None, zero_division=0)
        averages = {
            name: list(
                precision_recall_fscore_support(truth, said, average=name, labels=occurring, zero_division=0)[:3]
            )
            for name in ("macro", "weighted")
        }
        together = [[int((truth[:, a] & said[:, b]).sum()) for b in range(k)] for a in range(k)]
        silent = [int((truth[:, a] & ~said.any(axis=1)).sum()) for a in range(k)]
        cases.append(
            {
                "n": n,
                "k": k,
                "sets": [np.flatnonzero(row).tolist() for row in truth],
                "scores": scores.flatten().tolist(),
                "average_precision": ap,
                "map": average_precision_score(truth[:, shown], scores[:, shown], average="macro"),
                "precision": precision.tolist(),
                "recall": recall.tolist(),
                "f1": f1.tolist(),
                "support": support.tolist(),
                "averages": averages,
                "co_occurrence": together,
                "said_nothing": silent,
            }
        )
    return cases


def main():
    warnings.simplefilter("error")
    rng = np.random.default_rng(20260401)
    meta = {"torch": torch.__version__, "sklearn": sklearn.__version__, "numpy": np.__version__}
    out = {"meta": meta, "losses": losses(rng), "metrics": metrics(rng)}
    OUT.write_text(json.dumps(out, separators=(",", ":")) + "\n")
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
