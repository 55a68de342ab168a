"""Drawing primitives: anti-aliased shapes over OpenCV, coordinates in fractions of a pixel."""

from collections.abc import Sequence

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

Image = MatLike  # uint8, [height, width] or [height, width, channels]
Points = NDArray[np.float64]

_FRACTION_BITS = 4
_FRACTION = 1 << _FRACTION_BITS
# The middle of the face; heads are drawn upright and symmetric about it, then posed as a whole.
CENTRE = 89.0
# Relief is a grey image that the colours are multiplied by; this grey leaves them as they are.
NEUTRAL = 160

_ARC = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
COSINE, SINE = np.cos(_ARC), np.sin(_ARC)


def fill(image: Image, points: Points, colour: Sequence[float]) -> None:
    """Fills the polygon `points`, shape [n, 2] as (x, y)."""
    cv2.fillPoly(
        image, [(points * _FRACTION).astype(np.int32)], colour, cv2.LINE_AA, _FRACTION_BITS
    )


def stroke(
    image: Image, points: Points, colour: Sequence[float], thickness: float, closed: bool = False
) -> None:
    """Draws the line through `points`, shape [n, 2] as (x, y)."""
    cv2.polylines(
        image,
        [(points * _FRACTION).astype(np.int32)],
        closed,
        colour,
        max(1, round(thickness)),
        cv2.LINE_AA,
        _FRACTION_BITS,
    )


def ellipse(
    image: Image,
    x: float,
    y: float,
    width: float,
    height: float,
    colour: Sequence[float],
    thickness: int = -1,
) -> None:
    """An upright ellipse of half axes `width` and `height`; filled unless given a thickness."""
    cv2.ellipse(
        image,
        (int(x * _FRACTION), int(y * _FRACTION)),
        (int(width * _FRACTION), int(height * _FRACTION)),
        0,
        0,
        360,
        colour,
        thickness,
        cv2.LINE_AA,
        _FRACTION_BITS,
    )


def curve(x: Points | float, y: Points | float) -> Points:
    """The points of a line given by its coordinates; either may be one number for all."""
    points = np.empty((np.size(x) if np.size(x) > 1 else np.size(y), 2))
    points[:, 0] = x
    points[:, 1] = y
    return points


def path(*corners: tuple[float, float]) -> Points:
    """The points of a shape given corner by corner."""
    return np.array(corners)


def moved(points: Points, x: float, y: float = 0.0) -> Points:
    """The same shape, `x` further right and `y` further down."""
    return points + np.array((x, y))


def mirrored(points: Points) -> Points:
    """The same shape on the other side of the face."""
    return points * (-1.0, 1.0) + (2.0 * CENTRE, 0.0)


def cover_outside(image: Image, points: Points, value: Sequence[float]) -> None:
    """Fills all of the image but the polygon `points`."""
    height, width = image.shape[:2]
    border = path((-8, -8), (width + 8, -8), (width + 8, height + 8), (-8, height + 8))
    both = [(shape * _FRACTION).astype(np.int32) for shape in (border, points)]
    cv2.fillPoly(image, both, value, cv2.LINE_AA, _FRACTION_BITS)


def grey_level(factor: float) -> tuple[float]:
    """The colour, on a relief, that multiplies what is below it by `factor`."""
    return (NEUTRAL * factor,)


def shade(image: Image, relief: Image) -> Image:
    """The image, multiplied by a relief of one or three channels."""
    if relief.ndim == 2:
        relief = cv2.merge((relief, relief, relief))
    return cv2.multiply(image, relief, scale=1.0 / NEUTRAL)


def tinted(colour: Sequence[float], factor: float) -> tuple[float, float, float]:
    """A darker (factor under 1) or lighter colour."""
    return (
        min(255.0, colour[0] * factor),
        min(255.0, colour[1] * factor),
        min(255.0, colour[2] * factor),
    )


def blend(one: Sequence[float], other: Sequence[float], amount: float) -> tuple[float, ...]:
    """`one` moved towards `other` by `amount`."""
    return tuple(a + (b - a) * amount for a, b in zip(one, other, strict=True))
