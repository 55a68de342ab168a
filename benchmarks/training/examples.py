"""The examples that every contender trains on: noise, because only the time is of interest."""

from __future__ import annotations

import numpy as np

GROUPS = 8


def arrays(n: int, side: int = 28) -> tuple:
    """(images uint8 (n, side, side, 3), labels float32 (n,), group int (n,) of GROUPS)."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, side, side, 3), dtype=np.uint8)
    return images, rng.integers(0, 2, n).astype(np.float32), rng.integers(0, GROUPS, n)
