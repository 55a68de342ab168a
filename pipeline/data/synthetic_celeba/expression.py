"""Eyes, brows, nose and mouth: what moves when a face smiles."""

import numpy as np

from pipeline.data.synthetic_celeba.canvas import (
    CENTRE,
    Image,
    blend,
    curve,
    ellipse,
    fill,
    mirrored,
    moved,
    path,
    stroke,
    tinted,
)
from pipeline.data.synthetic_celeba.faces import Face

EYE_X, EYE_Y = 19.5, 111.0  # from the middle, as in CelebA's aligned images
_ALONG = np.linspace(-1.0, 1.0, 13)
_SQUARE = _ALONG**2
_BULGE = (1 - _SQUARE) ** 0.8
_CUPID = 1 - 0.35 * np.exp(-((_ALONG / 0.16) ** 2))  # the dip in the middle of the upper lip
_AT_REST = 0.3  # the corners of a mouth are level when this far from the middle of the two labels
_TEETH = (240, 236, 226)
_INSIDE = (66, 22, 24)


def eyes(image: Image, face: Face) -> None:
    opening = 4.6 * face.eye
    lash = 2 + face.attributes["Heavy_Makeup"]
    for side in (-1, 1):
        x = CENTRE + side * EYE_X + 0.6 * face.turn
        upper = curve(x + 9.0 * _ALONG, EYE_Y + 0.5 - opening * (1 - _SQUARE))
        lower = curve(x + 9.0 * _ALONG, EYE_Y + 0.5 + 0.62 * opening * (1 - _SQUARE))
        fill(image, np.concatenate([upper, lower[::-1]]), (238, 234, 230))
        radius = min(4.2, 1.05 * opening)
        ellipse(image, x, EYE_Y - 0.4, 4.2, radius, face.iris)
        ellipse(image, x, EYE_Y - 0.4, 1.9, min(1.9, radius), (12, 10, 10))
        ellipse(image, x + 1.3, EYE_Y - 1.8, 0.9, 0.9, (250, 250, 250))
        stroke(image, upper, tinted(face.brow, 0.5), lash)
        stroke(image, lower, tinted(face.skin, 0.72), 1)


def brows(image: Image, face: Face) -> None:
    y, arch, thickness = face.brows
    right = path((9.5, y + 1.5), (15, y - 0.6 * arch), (22, y - arch), (30, y + 1.8))
    right = moved(right, CENTRE + 0.6 * face.turn)
    stroke(image, right, face.brow, thickness)
    left = moved(mirrored(right), 1.2 * face.turn)
    stroke(image, left, face.brow, thickness)


def nose(image: Image, face: Face) -> None:
    width, tip = face.nose
    dark = tinted(face.skin, 0.68)
    x = CENTRE + face.turn
    stroke(
        image,
        path(
            (x - width, tip - 1),
            (x - width + 1, tip + 3),
            (x - 3, tip + 3.5),
            (x, tip + 5),
            (x + 3, tip + 3.5),
            (x + width - 1, tip + 3),
            (x + width, tip - 1),
        ),
        tinted(face.skin, 0.78),
        1,
    )
    for side in (-1, 1):
        ellipse(image, x + side * 0.45 * width, tip + 2.6, 2.2, 1.2, dark)


def mouth_corners(face: Face) -> tuple[float, float, float, float]:
    """Left x, y and right x, y of the corners of the mouth, before the head is posed."""
    x, y, width = face.mouth
    wide = width + 4.5 * face.smile
    lift = y - 6.5 * (face.smile + _AT_REST)
    return x + face.turn * 0.7 - wide, lift, x + face.turn * 0.7 + wide, lift


def mouth(image: Image, face: Face) -> None:
    """Lips along a parabola: its corners rise with the smile, an open mouth may show teeth."""
    left, lift, right, _ = mouth_corners(face)
    bottom = face.mouth[1] + 2.2 * (face.smile + _AT_REST)
    across = (left + right) / 2 + (right - left) / 2 * _ALONG
    centre = bottom + (lift - bottom) * _SQUARE
    centre = centre - 0.35 * face.opening * _BULGE
    upper_lip = centre - 3.4 * face.lip * _BULGE * _CUPID
    lower_edge = centre + face.opening * _BULGE
    lower_lip = lower_edge + 4.4 * face.lip * _BULGE
    fill(image, _between(across, upper_lip, lower_lip), face.lips)
    if face.opening:
        fill(image, _between(across, centre, lower_edge), _INSIDE)
        teeth = min(face.opening * 0.8, 7.0) * min(1.0, max(0.0, 0.4 + 1.2 * face.smile))
        if teeth > 0.8:
            inside = 0.85 * _BULGE
            fill(
                image,
                _between(across, centre + 0.2, centre + 0.2 + teeth * inside),
                blend(_TEETH, face.skin, 0.1),
            )
    else:
        stroke(image, curve(across, centre), tinted(face.lips, 0.55), 1)


def _between(across, above, below):
    return np.concatenate([curve(across, above), curve(across, below)[::-1]])
