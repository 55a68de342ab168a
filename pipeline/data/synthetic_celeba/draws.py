"""Random numbers that belong to an image, not to the order in which images are made."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

_SPLITS = ("train", "validation", "test")  # the place in it keys the stream
# Each image owns this many consecutive numbers of its split's stream.
PER_IMAGE = 160
_PHILOX_WORDS = 4  # Philox4x64 yields four numbers per counter step


class Draws:
    """Uniform numbers for the images [start, start + count) of a split, handed out in columns.

    The stream is Philox (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") keyed
    by (seed, split) and read from the counter of the first image, so that any range of images can
    be made anywhere and comes out the same.
    """

    def __init__(self, seed: int, split: str, start: int, count: int):
        key = np.array([seed, _SPLITS.index(split)], dtype=np.uint64)
        stream = np.random.Philox(counter=start * PER_IMAGE // _PHILOX_WORDS, key=key)
        self._columns = np.random.Generator(stream).random((count, PER_IMAGE)).T
        self._used = 0

    def uniform(self, low: float = 0.0, high: float = 1.0) -> NDArray[np.float64]:
        """The next column, uniform in [low, high); shape [count]."""
        column = self._columns[self._used]
        self._used += 1
        return low + (high - low) * column

    def normal(self, scale: float = 1.0) -> NDArray[np.float64]:
        """The next column as Gaussian numbers with mean 0; shape [count]."""
        smallest = np.finfo(np.float64).tiny  # ndtri(0) is minus infinity
        return scale * ndtri(np.maximum(self.uniform(), smallest))
