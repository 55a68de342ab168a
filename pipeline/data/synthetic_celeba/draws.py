"""Random numbers that belong to an image or to its person, not to the order in which images are made."""

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
    be made anywhere and comes out the same. What is a person's own is read from the numbers of the
    person's first picture: what one picture shows is as likely as ever, and a first picture is the
    same however many follow.

    Args:
      seed: of the stream.
      split: whose images.
      start: the first image.
      count: how many.
      pictures: how many pictures a person has, on average; see `first_pictures`.
    """

    def __init__(self, seed: int, split: str, start: int, count: int, pictures: int = 1):
        key = np.array([seed, _SPLITS.index(split)], dtype=np.uint64)
        self.first = first_pictures(np.arange(start, start + count), pictures)
        before = int(self.first[0]) if count else start
        stream = np.random.Philox(counter=before * PER_IMAGE // _PHILOX_WORDS, key=key)
        table = np.random.Generator(stream).random((start + count - before, PER_IMAGE))
        self._images = table[start - before :].T
        self._people = table[self.first - before].T
        self._used = 0
        self._choices = PER_IMAGE

    def uniform(
        self, low: float = 0.0, high: float = 1.0, alike: float = 0.0
    ) -> NDArray[np.float64]:
        """The next column, uniform in [low, high); shape [count].

        Args:
          low, high: the range.
          alike: the chance that a picture shows what its person's first one does, and no draw of its own.
        """
        column = self._images[self._used]
        if alike > 0:
            column = np.where(self._alike(alike), self._people[self._used], column)
        self._used += 1
        return low + (high - low) * column

    def normal(self, scale: float = 1.0, alike: float = 0.0) -> NDArray[np.float64]:
        """The next column as Gaussian numbers with mean 0; shape [count]. `alike`: as for `uniform`."""
        smallest = np.finfo(np.float64).tiny  # ndtri(0) is minus infinity
        return scale * ndtri(np.maximum(self.uniform(alike=alike), smallest))

    def _alike(self, chance: float) -> NDArray[np.bool_]:
        if chance == 1:
            return np.ones(self._images.shape[1], np.bool_)
        # From the other end of an image's numbers: the columns stay those of their places.
        self._choices -= 1
        assert self._used < self._choices, "an image has too few numbers"
        return self._images[self._choices] < chance


def first_pictures(images: NDArray[np.int64], pictures: int) -> NDArray[np.int64]:
    """(n,) the first picture of the person on each image, by its place in the split.

    The pictures of a person stand together. Each number from 1 to 2 `pictures` - 1 is had equally often.

    >>> first_pictures(np.arange(9), pictures=2)
    array([0, 0, 2, 3, 3, 3, 6, 6, 8])
    """
    sizes = [pictures]
    for fewer in range(1, pictures):
        sizes += [fewer, 2 * pictures - fewer]
    ends = np.cumsum(sizes)
    rounds, within = np.divmod(images, ends[-1])
    starts = np.append(0, ends[:-1])
    return rounds * ends[-1] + starts[np.searchsorted(ends, within, side="right")]
