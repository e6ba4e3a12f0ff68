#!/usr/bin/env python3
"""Writes tests/golden/extra_statistics.json: exact McNemar tests and Holm corrections of statsmodels, quantiles and
deviations of NumPy, and bootstrap intervals of SciPy over subjects, of random tables. Needs
`pip install numpy scipy statsmodels`; run as `python tests/interop/statistics_golden.py`."""
import json
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

random = np.random.default_rng(20261130)


def mcnemar_cases():
    pairs = [(0, 0), (0, 1), (5, 0), (6, 0), (3, 3), (1, 9), (12_000, 12_400), (900, 1_500)]
    pairs += [tuple(int(n) for n in random.integers(0, 2 ** random.integers(1, 12), 2)) for _ in range(250)]
    for fixed, broken in pairs:
        both, neither = (int(n) for n in random.integers(0, 500, 2))
        p = mcnemar([[both, broken], [fixed, neither]], exact=True).pvalue if fixed + broken else 1.0
        yield {"fixed": fixed, "broken": broken, "p": float(p)}


def holm_cases():
    for n in [1, 2, 3, 5, 17, 60] * 5:
        p = random.random(n) ** random.integers(1, 6)
        if n > 2:
            p[1] = p[0]
        yield {"p": p.tolist(), "adjusted": multipletests(p, method="holm")[1].tolist()}


def sample_cases():
    for n in [2, 3, 4, 10, 33, 100] * 2:
        values = random.normal(0.7, 0.1, n)
        quantiles = [[q, float(np.quantile(values, q))] for q in (0.0, 0.025, 0.31, 0.5, 0.975, 1.0)]
        yield {
            "values": values.tolist(),
            "mean": float(values.mean()),
            "deviation": float(values.std(ddof=1)),
            "quantiles": quantiles,
        }


def bootstrap_cases():
    for subjects in [8, 12, 20, 40, 100]:
        clips = random.integers(5, 40, subjects)
        right = random.binomial(clips, random.uniform(0.2, 0.95, subjects))

        def accuracy(right, clips, axis):
            return right.sum(axis=axis) / clips.sum(axis=axis)

        found = bootstrap(
            (right, clips), accuracy, paired=True, vectorized=True, n_resamples=200_000, method="percentile", random_state=random,
        ).confidence_interval
        yield {"right": right.tolist(), "clips": clips.tolist(), "low": float(found.low), "high": float(found.high)}


document = {
    "mcnemar": list(mcnemar_cases()),
    "holm": list(holm_cases()),
    "samples": list(sample_cases()),
    "bootstrap": list(bootstrap_cases()),
}
path = Path(__file__).parent.parent / "golden" / "extra_statistics.json"
path.write_text(json.dumps(document) + "\n")
print(path)
