#!/usr/bin/env python3
"""Writes tests/golden/extra_set_comparison.json: two runs on the same multi-label clips, compared with scikit-learn (average precision, F1,
exact match, Hamming loss), statsmodels (exact McNemar, Holm) and a NumPy bootstrap over subjects, of random scores. Needs
`pip install numpy scikit-learn statsmodels`; run as `python tests/interop/set_comparison_golden.py`."""
import json
import warnings
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, hamming_loss
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

DRAWS = 2_000
random = np.random.default_rng(20261130)
warnings.simplefilter("error")


def mean_ap(truth, scores):
    shown = truth.any(axis=0)
    return float(np.mean([average_precision_score(truth[:, c], scores[:, c]) for c in np.flatnonzero(shown)]))


def weighted_map(truth, scores, weights):
    """As `mean_ap`, with a weight for each clip: what drawing it so many times comes to."""
    out = []
    for c in range(truth.shape[1]):
        if (truth[:, c] * weights).sum() > 0:
            out.append(average_precision_score(truth[:, c], scores[:, c], sample_weight=weights))
    return np.mean(out)


def exact_mcnemar(fixed, broken):
    return float(mcnemar([[0, broken], [fixed, 0]], exact=True).pvalue) if fixed + broken else 1.0


def case(clips, classes, subjects, noise, levels, absent):
    truth = random.random((clips, classes)) < random.uniform(0.15, 0.6, classes)
    if absent:
        truth[:, classes - 1] = False
    truth[~truth.any(axis=1), 0] = True
    subject = np.arange(clips) % subjects
    scores = []
    for spread in noise:
        own = random.normal(0, 0.1, (subjects, classes))[subject]
        s = np.clip(random.normal(0.35 + 0.3 * truth + own, spread), 0, 1)
        s = np.round(s * levels) / levels if levels else s
        scores.append(s.astype(np.float32))
    said = [s >= 0.5 for s in scores]
    occurring = [[c for c in range(classes) if truth[:, c].any() or y[:, c].any()] for y in said]
    runs = [
        {
            "map": mean_ap(truth, s),
            "exact_match": float(accuracy_score(truth, y)),
            "hamming_loss": float(hamming_loss(truth, y)),
            "macro_f1": float(f1_score(truth, y, labels=o, average="macro", zero_division=0)),
        }
        for s, y, o in zip(scores, said, occurring)
    ]
    right = [(y == truth).all(axis=1) for y in said]
    lists = {
        "both right": right[0] & right[1],
        "fixed": ~right[0] & right[1],
        "broken": right[0] & ~right[1],
        "both wrong": ~right[0] & ~right[1],
    }
    per_class, tested = [], []
    for c in range(classes):
        ok = [y[:, c] == truth[:, c] for y in said]
        fixed, broken = int((~ok[0] & ok[1]).sum()), int((ok[0] & ~ok[1]).sum())
        row = {"support": int(truth[:, c].sum()), "fixed": fixed, "broken": broken}
        if row["support"]:
            for name, s, y in zip("ab", scores, said):
                row[f"ap_{name}"] = float(average_precision_score(truth[:, c], s[:, c]))
                row[f"f1_{name}"] = float(f1_score(truth[:, c], y[:, c], zero_division=0))
            row["p"] = exact_mcnemar(fixed, broken)
            tested.append(row)
        per_class.append(row)
    for row, p in zip(tested, multipletests([r["p"] for r in tested], method="holm")[1]):
        row["p_holm"] = float(p)
    drawn = []
    for _ in range(DRAWS):
        times = np.bincount(random.integers(0, subjects, subjects), minlength=subjects)[subject].astype(float)
        drawn.append(weighted_map(truth, scores[1], times) - weighted_map(truth, scores[0], times))
    drawn = np.array(drawn)
    low, high = np.quantile(drawn, [0.025, 0.975])
    side = min((drawn <= 0).sum(), (drawn >= 0).sum())
    together = [[[int((truth[:, a] & y[:, b]).sum()) for b in range(classes)] for a in range(classes)] for y in said]
    return {
        "classes": classes,
        "sets": [np.flatnonzero(row).tolist() for row in truth],
        "subjects": subject.tolist(),
        "a": [[float(v) for v in row] for row in scores[0]],
        "b": [[float(v) for v in row] for row in scores[1]],
        "runs": runs,
        "difference": runs[1]["map"] - runs[0]["map"],
        "low": float(low),
        "high": float(high),
        "p": float(min(1.0, 2 * (side + 1) / (len(drawn) + 1))),
        "lists": {name: np.flatnonzero(mask).tolist() for name, mask in lists.items()},
        "exact_p": exact_mcnemar(int(lists["fixed"].sum()), int(lists["broken"].sum())),
        "per_class": per_class,
        "co_occurrence_difference": (np.array(together[0]) - np.array(together[1])).tolist(),
    }


cases = [
    case(80, 4, 10, (0.3, 0.15), 0, False),
    case(60, 3, 12, (0.25, 0.25), 8, False),
    case(50, 5, 10, (0.2, 0.3), 0, True),
    case(40, 3, 20, (0.3, 0.1), 5, True),
]
path = Path(__file__).parent.parent / "golden" / "extra_set_comparison.json"
path.write_text(json.dumps({"cases": cases}) + "\n")
print(path, path.stat().st_size)
