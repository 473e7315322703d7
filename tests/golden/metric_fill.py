"""Name-seeded weights and test sounds for the networks of the evaluation metrics.

An addition to ``name_seeded.py`` (beside this file): ``metric_fill`` is ``fill`` but for a
few entries whose plain rule would hide mistakes.  Needs numpy only.
"""

import numpy as np
from name_seeded import fill, normals

METRIC_RULES_VERSION = 1

# Tokens and position tables by leaf name: unit normals times this spread.
SPREAD = {
    "dist_token": 0.5,
    "distillation_token": 0.5,
    "new_pos_embed": 0.5,
    "freq_new_pos_embed": 0.5,
    "time_new_pos_embed": 0.5,
    "position_embeddings": 0.5,
    "OFF_tok": 0.5,
    "MOD_tok": 0.5,
    "pos_emb": 0.5,
}


def metric_fill(key: str, shape, prefix: str = "") -> np.ndarray:
    """Float32 values of the entry ``key`` (official name, no outer prefix).

    ``prefix`` is a dotted string put in front of the name before seeding (``"heldout."``).
    """
    leaf = key.rsplit(".", maxsplit=1)[-1]
    if leaf in SPREAD:
        values = normals(prefix + key, shape)
        return np.asarray(np.multiply(values, np.float32(SPREAD[leaf]), dtype=np.float32))
    return fill(prefix + key, shape)


def features(name: str, n: int, d: int, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    """Float32 feature rows (n, d) with unequal variances and a shared low-rank part.

    ``name`` begins with the prefix of the set, if any; computed in float64 from unit normals.
    """
    own = normals(f"{name}.rows", (n, d)).astype(np.float64)
    low = normals(f"{name}.low", (n, 8)).astype(np.float64)
    spread = np.exp(0.3 * normals("input.spread", (d,)).astype(np.float64))
    mix = normals("input.mix", (8, d)).astype(np.float64)
    move = normals(f"{name}.move", (d,)).astype(np.float64)
    return (scale * (own * spread + 0.5 * (low @ mix)) + shift * move).astype(np.float32)


# Test sounds: sums of chirps, damped cosines ("clicks") and noise bursts.
#   chirp (f0, f1, a):      a sin(2 pi (f0 t + (f1 - f0) t^2 / (2 T)))
#   click (c, fc, k, a):    a exp(-k (t - c)) cos(2 pi fc (t - c))          for t >= c
#   burst (c, k, a):        a exp(-k (t - c)) n                              for t >= c
# t = sample / rate, T = samples / rate, n = unit normals named "<prefix>input.noise.<name>.<burst>".
SOUNDS = {
    "taps": {
        "chirps": [(110, 180, 0.05)],
        "clicks": [
            (0.5, 900, 25, 0.6),
            (1.9, 2400, 40, 0.5),
            (3.1, 650, 18, 0.7),
            (4.85, 1800, 30, 0.4),
            (6.4, 400, 12, 0.8),
        ],
        "bursts": [(0.5, 60, 0.10), (4.85, 60, 0.12)],
    },
    "sweep": {
        "chirps": [(80, 5200, 0.30), (3000, 200, 0.15)],
        "clicks": [(2.0, 1200, 10, 0.3)],
        "bursts": [(0.0, 0.2, 0.01)],
    },
    "rain": {
        "chirps": [],
        "clicks": [(1.0, 3000, 80, 0.3), (5.5, 2500, 70, 0.3)],
        "bursts": [(0.0, 0.1, 0.20), (3.0, 2.0, 0.25)],
    },
    "hum": {
        "chirps": [(55, 55, 0.3), (110, 110, 0.2), (220, 222, 0.1)],
        "clicks": [(7.0, 500, 8, 0.5)],
        "bursts": [],
    },
    # only in the held-out set
    "knocks": {
        "chirps": [(300, 90, 0.04)],
        "clicks": [
            (0.3, 500, 20, 0.7),
            (0.9, 520, 20, 0.6),
            (2.6, 3100, 55, 0.4),
            (5.2, 1500, 22, 0.5),
            (7.3, 800, 15, 0.6),
        ],
        "bursts": [(2.6, 40, 0.15), (7.3, 80, 0.10)],
    },
    "wind": {
        "chirps": [(40, 60, 0.1)],
        "clicks": [],
        "bursts": [(0.0, 0.05, 0.12), (4.0, 1.0, 0.15)],
    },
    "slide": {
        "chirps": [(4000, 150, 0.25), (160, 170, 0.1)],
        "clicks": [(3.3, 700, 6, 0.4)],
        "bursts": [(1.0, 3.0, 0.05)],
    },
}


def sound(name: str, samples: int, rate: int, prefix: str = "") -> np.ndarray:
    """One mono test sound: computed in float64, returned as float32."""
    spec = SOUNDS[name]
    t = np.arange(samples, dtype=np.float64) / rate
    duration = samples / rate
    y = np.zeros(samples, dtype=np.float64)
    for f0, f1, a in spec["chirps"]:
        y += a * np.sin(2 * np.pi * (f0 * t + (f1 - f0) * t * t / (2 * duration)))
    for c, fc, k, a in spec["clicks"]:
        d = np.maximum(t - c, 0.0)
        y += np.where(t >= c, a * np.exp(-k * d) * np.cos(2 * np.pi * fc * d), 0.0)
    for i, (c, k, a) in enumerate(spec["bursts"]):
        d = np.maximum(t - c, 0.0)
        n = normals(f"{prefix}input.noise.{name}.{i}", (samples,)).astype(np.float64)
        y += np.where(t >= c, a * np.exp(-k * d) * n, 0.0)
    return y.astype(np.float32)
