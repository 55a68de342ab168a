"""One face to one image: draw the head upright, light it, pose it, photograph it."""

from functools import cache

import cv2
import numpy as np

from pipeline.data.synthetic_celeba import accessories, expression, head
from pipeline.data.synthetic_celeba.canvas import CENTRE, NEUTRAL, Image, Points, shade
from pipeline.data.synthetic_celeba.faces import Face
from pipeline.data.synthetic_celeba.layout import HEIGHT, LANDMARKS, WIDTH

_TILE = 512
_FACE = np.s_[48:198, 32:146]  # no relief reaches out of it
_PIVOT = (CENTRE, 125.0)
_CAMERA_GRAIN = 0.07  # as a share of the noise tile's contrast


def portray(face: Face) -> tuple[Image, dict[str, int]]:
    """Draws a face.

    Returns:
      The image, BGR uint8 [218, 178, 3] as OpenCV encodes it, and the landmarks by name in pixels,
      left being the viewer's left, as in CelebA.
    """
    image = head.background(face)
    head.body(image, face)
    head.skin(image, face)
    relief = head.relief(face, _tile(*face.texture))
    soft = cv2.GaussianBlur(image[_FACE], (5, 5), 1.2)
    image[_FACE] = shade(soft, cv2.GaussianBlur(relief[_FACE], (5, 5), 1.1))
    accessories.beard(image, face)
    expression.nose(image, face)
    expression.mouth(image, face)
    expression.eyes(image, face)
    expression.brows(image, face)
    head.hair(image, face)
    accessories.jewellery(image, face)
    accessories.glasses(image, face)
    accessories.hat(image, face)
    pose = _pose(face)
    image = cv2.warpAffine(
        shade(image, _light(face)),
        pose,
        (WIDTH, HEIGHT),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if face.blur:
        image = cv2.GaussianBlur(image, (0, 0), face.blur)
    grain = _tile(face.texture[1], face.texture[0])
    image = cv2.addWeighted(
        image, 1.0, cv2.merge((grain, grain, grain)), _CAMERA_GRAIN, -128 * _CAMERA_GRAIN
    )
    return cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _landmarks(face, pose)


def _light(face: Face) -> Image:
    corners = np.array(face.light) * NEUTRAL
    return cv2.resize(corners.astype(np.uint8).reshape(2, 2), (WIDTH, HEIGHT))


def _pose(face: Face) -> Points:
    """The affine transform [2, 3] of points (x, y, 1)."""
    pose = np.asarray(cv2.getRotationMatrix2D(_PIVOT, face.roll, face.scale), dtype=np.float64)
    pose[:, 2] += face.shift
    return pose


def _landmarks(face: Face, pose: Points) -> dict[str, int]:
    left_x, left_y, right_x, right_y = expression.mouth_corners(face)
    eyes = CENTRE + 0.6 * face.turn
    points = np.array(
        [
            (eyes - expression.EYE_X, expression.EYE_Y),
            (eyes + expression.EYE_X, expression.EYE_Y),
            (CENTRE + face.turn, face.nose[1]),
            (left_x, left_y),
            (right_x, right_y),
        ]
    )
    posed = np.rint(points @ pose[:, :2].T + pose[:, 2]).astype(int)
    return dict(zip(LANDMARKS, posed.ravel().tolist(), strict=True))


def _tile(right: float, down: float) -> Image:
    x, y = int(right * (_TILE - WIDTH)), int(down * (_TILE - HEIGHT))
    return _noise()[y : y + HEIGHT, x : x + WIDTH]


@cache
def _noise() -> Image:
    """Noise of two sizes, mean 128; every image cuts its piece from this one."""
    random = np.random.Generator(np.random.Philox(key=0))
    fine = random.normal(size=(_TILE, _TILE)).astype(np.float32)
    coarse = cv2.resize(
        random.normal(size=(_TILE // 4, _TILE // 4)).astype(np.float32),
        (_TILE, _TILE),
        interpolation=cv2.INTER_CUBIC,
    )
    return np.clip(128 + 30 * fine + 30 * coarse, 0, 255).astype(np.uint8)
