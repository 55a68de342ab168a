"""Beard, glasses, hat, jewellery and necktie, drawn where the attributes say so."""

import numpy as np

from pipeline.data.synthetic_celeba.canvas import (
    CENTRE,
    SINE,
    Image,
    blend,
    ellipse,
    fill,
    path,
    stroke,
    tinted,
)
from pipeline.data.synthetic_celeba.expression import EYE_X, EYE_Y
from pipeline.data.synthetic_celeba.faces import Face
from pipeline.data.synthetic_celeba.head import outline

_GOLD = (214, 178, 92)
_SILVER = (206, 208, 214)


def beard(image: Image, face: Face) -> None:
    """Goatee and mustache, or a thin full beard where nothing is named; the mouth goes on top."""
    has = face.attributes
    if has["No_Beard"]:
        return
    colour = blend(face.hair, face.skin, 0.25)
    x, y, width = face.mouth
    x += face.turn * 0.7
    if has["Goatee"]:
        fill(
            image,
            path(
                (x - width + 1, y + 1),
                (x + width - 1, y + 1),
                (x + 11, face.chin - 4),
                (x, face.chin + 1),
                (x - 11, face.chin - 4),
            ),
            colour,
        )
    elif not (has["5_o_Clock_Shadow"] or has["Mustache"] or has["Sideburns"]):
        edge = outline(face)[SINE > 0.3]
        inner = (edge - (CENTRE, 150)) * (0.66, 0.62) + (CENTRE, 150)
        fill(image, np.concatenate([edge, inner[::-1]]), blend(face.hair, face.skin, 0.35))
    if has["Mustache"] or (has["Goatee"] and face.variant < 0.5):
        fill(
            image,
            path(
                (x - width, y - 2),
                (x - 8, y - 8),
                (x, y - 9),
                (x + 8, y - 8),
                (x + width, y - 2),
                (x, y - 4),
            ),
            colour,
        )


def glasses(image: Image, face: Face) -> None:
    if not face.attributes["Eyeglasses"]:
        return
    frame = (28, 26, 28) if face.variant < 0.6 else (122, 84, 52)
    thick = 2 if face.variant < 0.75 else 1
    middle = CENTRE + 0.6 * face.turn
    for side in (-1, 1):
        x = middle + side * EYE_X
        if face.variant < 0.5:
            ellipse(image, x, EYE_Y + 1, 13.5, 10.5, frame, thick)
        else:
            stroke(
                image,
                path(
                    (x - 13, EYE_Y - 8),
                    (x + 13, EYE_Y - 8),
                    (x + 11.5, EYE_Y + 10),
                    (x - 11.5, EYE_Y + 10),
                ),
                frame,
                thick,
                closed=True,
            )
        stroke(
            image,
            path((middle + side * 33, EYE_Y - 4), (CENTRE + side * (face.width + 1), EYE_Y - 2)),
            frame,
            thick,
        )
    stroke(
        image,
        path((middle - 6, EYE_Y - 1), (middle, EYE_Y - 3), (middle + 6, EYE_Y - 1)),
        frame,
        thick,
    )


def hat(image: Image, face: Face) -> None:
    if not face.attributes["Wearing_Hat"]:
        return
    wide = face.width + face.volume * 0.7 + 4
    dark = tinted(face.clothes, 0.6)
    fill(
        image,
        path(
            (CENTRE - wide, 86),
            (CENTRE - 0.92 * wide, 52),
            (CENTRE - 0.5 * wide, 34),
            (CENTRE + 0.5 * wide, 34),
            (CENTRE + 0.92 * wide, 52),
            (CENTRE + wide, 86),
        ),
        face.clothes,
    )
    brim = 1.45 if face.variant < 0.5 else 1.04
    fill(
        image,
        path(
            (CENTRE - brim * wide, 88),
            (CENTRE - wide, 80),
            (CENTRE + wide, 80),
            (CENTRE + brim * wide, 88),
        ),
        dark,
    )


def jewellery(image: Image, face: Face) -> None:
    metal = _GOLD if face.variant < 0.6 else _SILVER
    if face.attributes["Wearing_Earrings"]:
        for side in (-1, 1):
            ellipse(
                image, CENTRE + side * (face.width + 2), 132, 2.4, 3.5 + 3 * face.variant, metal
            )
    if face.attributes["Wearing_Necklace"]:
        stroke(
            image,
            path(
                (CENTRE - 22, 194),
                (CENTRE - 11, 203),
                (CENTRE, 207),
                (CENTRE + 11, 203),
                (CENTRE + 22, 194),
            ),
            metal,
            2,
        )
    if face.attributes["Wearing_Necktie"]:
        shirt, tie = (232, 232, 236), tinted(face.clothes, 0.55)
        fill(
            image,
            path(
                (CENTRE - 24, 197),
                (CENTRE, 218),
                (CENTRE + 24, 197),
                (CENTRE + 28, 218),
                (CENTRE - 28, 218),
            ),
            shirt,
        )
        fill(
            image,
            path((CENTRE - 5, 204), (CENTRE + 5, 204), (CENTRE + 7, 218), (CENTRE - 7, 218)),
            tie,
        )
