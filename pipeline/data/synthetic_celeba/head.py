"""Background, body, head, hair, and the relief of the skin: contours, folds and wrinkles."""

from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.data.synthetic_celeba.canvas import (
    CENTRE,
    COSINE,
    NEUTRAL,
    SINE,
    Image,
    Points,
    blend,
    cover_outside,
    curve,
    ellipse,
    fill,
    grey_level,
    mirrored,
    moved,
    path,
    stroke,
    tinted,
)
from pipeline.data.synthetic_celeba.faces import Face
from pipeline.data.synthetic_celeba.layout import HEIGHT, WIDTH

_EYE_LINE = 111.0
_ALONG = np.linspace(-1.0, 1.0, 15)
_UNIT = np.linspace(0.0, 1.0, 6)
_WAVES = 2.2 * np.sin(np.arange(40) * 1.7)
_SKIN_GRAIN = 0.06  # of smooth skin, as a share of the noise's contrast
_AGED_GRAIN = 0.26
_MALAR = (0.93, 0.55, 0.55)  # a blush, as a share of the skin's colour


def background(face: Face) -> Image:
    """A soft gradient between four colours."""
    corners = np.array(face.backdrop, dtype=np.uint8).reshape(2, 2, 3)
    return cv2.resize(corners, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def outline(face: Face) -> Points:
    """The head without hair: round above the eyes, narrowing to the chin below."""
    lower = SINE > 0
    narrowing = np.where(lower, 1 - (0.36 - 0.24 * face.jaw) * SINE**2, 1.0)
    height = np.where(lower, face.chin - _EYE_LINE, _EYE_LINE - 58)
    return curve(CENTRE + face.width * COSINE * narrowing, _EYE_LINE + height * SINE)


def _silhouette(face: Face) -> Points:
    """The outer edge of the hair around the head."""
    waves = _WAVES if face.attributes["Wavy_Hair"] else 0.0
    wide = face.width + face.volume * 0.7 + waves
    high = _EYE_LINE - 56 + face.volume + waves
    return curve(CENTRE + wide * COSINE, 108 + high * SINE)


def body(image: Image, face: Face) -> None:
    """What is behind the face: long hair, neck, shoulders, ears."""
    dark_skin = tinted(face.skin, 0.8)
    if not face.attributes["Bald"]:
        silhouette = _silhouette(face)
        if face.length > 120:
            wide = face.width + face.volume + 3
            end = face.length
            fill(
                image,
                path(
                    (CENTRE - wide, 100),
                    (CENTRE + wide, 100),
                    (CENTRE + wide + 2, end - 8),
                    (CENTRE + wide - 8, end),
                    (CENTRE - wide + 8, end),
                    (CENTRE - wide - 2, end - 8),
                ),
                tinted(face.hair, 0.8),
            )
        fill(image, silhouette[SINE < 0.35], tinted(face.hair, 0.85))
    neck = 20 + 4 * face.attributes["Male"] + 3 * face.attributes["Chubby"]
    fill(
        image,
        path(
            (CENTRE - neck, 158),
            (CENTRE + neck, 158),
            (CENTRE + neck + 3, 218),
            (CENTRE - neck - 3, 218),
        ),
        dark_skin,
    )
    fill(
        image,
        path(
            (0, 214),
            (CENTRE - neck - 12, 199),
            (CENTRE - neck + 4, 196),
            (CENTRE, 214),
            (CENTRE + neck - 4, 196),
            (CENTRE + neck + 12, 199),
            (178, 214),
            (178, 218),
            (0, 218),
        ),
        face.clothes,
    )
    for side in (-1, 1):
        ellipse(image, CENTRE + side * (face.width + 0.5), 116, 4.5, 10, tinted(face.skin, 0.9))


def skin(image: Image, face: Face) -> None:
    """The face itself, with a blush where there is one."""
    fill(image, outline(face), face.skin)
    blush = 0.5 * face.attributes["Rosy_Cheeks"] + 0.15 * face.attributes["Heavy_Makeup"]
    if blush:
        rosy = blend(face.skin, [c * m for c, m in zip(face.skin, _MALAR, strict=True)], blush)
        for side in (-1, 1):
            ellipse(image, CENTRE + side * 23, 137, 9, 6, rosy)


def relief(face: Face, grain: Image) -> Image:
    """Light and shadow of the skin: the contour, the nose, the cheeks, and what age adds.

    Args:
      face: The face.
      grain: Noise with mean 128 for the skin, uint8 [218, 178]; rougher with age.

    Returns:
      What to multiply the colours by, in units of 1 / NEUTRAL; uint8 [218, 178], to be softened.
    """
    amount = _SKIN_GRAIN + (_AGED_GRAIN - _SKIN_GRAIN) * face.roughness
    grey = cv2.addWeighted(grain, amount, grain, 0.0, NEUTRAL - 128 * amount)
    turn, edge = face.turn, outline(face)
    cover_outside(grey, edge, grey_level(1.0))
    stroke(grey, edge, grey_level(0.86), 5, closed=True)
    for side in (-1, 1):
        ellipse(grey, CENTRE + side * 19.5 + 0.5 * turn, 108, 12, 7.5, grey_level(0.92))
    cheeks = 0.4 * face.attributes["High_Cheekbones"] + 0.8 * face.smile
    _pair(
        grey,
        path((16, 131), (24, 128), (30, 131), (25, 137), (18, 137)),
        turn,
        grey_level(1 + 0.16 * cheeks),
    )
    width, tip = face.nose
    stroke(
        grey,
        path(
            (CENTRE - 3 + turn, 106), (CENTRE - 4 + turn, tip - 8), (CENTRE - width + turn, tip - 2)
        ),
        grey_level(0.88),
        2,
    )
    stroke(grey, path((CENTRE + turn, 104), (CENTRE + turn, tip - 3)), grey_level(1.1), 3)
    if face.attributes["5_o_Clock_Shadow"]:
        jaw = edge[SINE > 0.45] * (0.94, 0.98) + (CENTRE * 0.06, 2)
        fill(grey, jaw, grey_level(0.86))
    _folds(grey, face)
    _wrinkles(grey, face)
    return grey


def _folds(grey: Image, face: Face) -> None:
    """The nasolabial fold: a smile makes one, and so does age; only its depth is the same."""
    strength = max(0.75 * face.folds, 0.25 + 0.5 * face.smile, 0.06)
    out = face.mouth[2] + 3.5 + 2.5 * max(face.smile, 0.5 * face.folds)
    _pair(
        grey,
        path((face.nose[0] + 2, 135), (out - 2, 142), (out, 149), (out - 1.5, 154)),
        face.turn,
        grey_level(1 - 0.3 * strength),
        3,
    )
    if face.marionette > 0.15:
        _pair(
            grey,
            path((15.5, 157), (16.5, 163), (15, 169)),
            face.turn,
            grey_level(1 - 0.24 * face.marionette),
            2,
        )


def _wrinkles(grey: Image, face: Face) -> None:
    """Lines of the forehead, beside the eyes, and bags under them."""
    if face.forehead > 0.12:
        dark = grey_level(1 - 0.26 * face.forehead)
        across = CENTRE + face.turn + (face.width - 15) * _ALONG
        for level in (78.5, 84.5, 90.5):
            stroke(grey, curve(across, level + 1.5 * _ALONG**2), dark, 2)
    if face.crows_feet > 0.15:
        dark = grey_level(1 - 0.3 * face.crows_feet)
        for rise in (-3, 0.5, 4):
            _pair(grey, path((29.5, 111 + 0.4 * rise), (35, 111 + 1.4 * rise)), face.turn, dark, 1)
    if face.bags > 0.08:
        under = curve(11 + 17 * _UNIT, 117.5 + 4.5 * np.sin(np.pi * _UNIT))
        _pair(grey, under, face.turn, grey_level(1 - 0.34 * face.bags), 2)


def _pair(
    grey: Image, points: Points, turn: float, value: Sequence[float], thickness: int = 0
) -> None:
    """Draws `points`, given relative to the middle, on both sides; fills them without thickness."""
    right = moved(points, CENTRE)
    for side in (right, mirrored(right)):
        if thickness:
            stroke(grey, moved(side, turn), value, thickness)
        else:
            fill(grey, moved(side, turn), value)


def hair(image: Image, face: Face) -> None:
    """The hair in front: the cap above the hairline, bangs, locks beside the face."""
    if face.attributes["Bald"]:
        return
    outer = _silhouette(face)[SINE <= 0.05]
    middle = 97.0 if face.attributes["Bangs"] else face.hairline
    temples = 101.0 - 0.6 * face.temples
    inner = temples + (middle - temples) * (1 - np.abs(_ALONG) ** 2.6)
    if not face.attributes["Bangs"]:
        inner = inner - face.temples * np.exp(-(((np.abs(_ALONG) - 0.6) / 0.22) ** 2))
    edge = curve(CENTRE + (face.width - 0.5) * _ALONG, inner)
    order = np.argsort(outer[:, 0])
    fill(image, np.concatenate([outer[order], edge[::-1]]), face.hair)
    shine = (outer[order][4:-4] - (CENTRE, 108)) * (0.86, 0.88) + (CENTRE, 108)
    stroke(image, shine[:7], tinted(face.hair, 1.14), 2)
    if face.length > 120:
        reach = face.width + face.volume + 3
        for side in (-1, 1):
            inside = CENTRE + side * (face.width - 3)
            outside = CENTRE + side * reach
            end = face.length
            fill(
                image,
                path(
                    (inside, 92),
                    (outside, 96),
                    (outside + 4 * side, end - 12),
                    (outside + 1.5 * side, end - 4),
                    (outside - 4 * side, end),
                    (inside + 5 * side, end - 3),
                    (inside + 4 * side, end - 12),
                    (inside + 3 * side, 140),
                ),
                face.hair,
            )
    if face.attributes["Sideburns"]:
        for side in (-1, 1):
            x = CENTRE + side * (face.width - 2.5)
            fill(
                image,
                path((x - 2.5, 98), (x + 2.5, 98), (x + 1.5 - side, 130), (x - 1.5 - side, 130)),
                face.hair,
            )
