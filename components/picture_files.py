"""Picture files as records hold them: JPEG and PNG as they are, other kinds as PNG without loss.

TensorFlow's decoder, which is inside the served model, takes JPEG and PNG alone; Pillow reads the others.
"""

from __future__ import annotations

import functools
import io
import warnings
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

REENCODED = ("WebP", "BMP", "GIF")
"""Kinds of pictures that are encoded anew, as `pictures.kind` calls them."""


@dataclass(frozen=True)
class Picture:
    """An encoded picture that the served model decodes.

    Attributes:
      encoded: JPEG or PNG.
      was: the kind of file that it was encoded anew from; None where it is as it was.
    """

    encoded: bytes
    was: str | None = None


def read(content: bytes) -> Picture:
    """The picture that a file holds, which is decoded once to see whether it can be.

    Args:
      content: the bytes of the file.

    Raises:
      ValueError: it is no such picture, or a damaged one; the message goes on from the file's name.
    """
    from components import pictures

    kind = pictures.kind(content)
    if kind in REENCODED:
        return Picture(_as_png(content, kind), kind)
    if (why := pictures.refusal(content)) is not None:
        raise ValueError(why)
    if (why := _damage(content)) is not None:
        raise ValueError(f"is a damaged {kind} picture: {why}")
    return Picture(content)


def _as_png(content: bytes, kind: str) -> bytes:
    """The same pixels, upright, as PNG."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as opened:
                frames = getattr(opened, "n_frames", 1)
                encoded = _encoded(opened)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"is too large a {kind} picture: {error}") from None
    except UnidentifiedImageError:
        raise ValueError(f"is a damaged {kind} picture: it cannot be read") from None
    except (
        Exception
    ) as error:  # Pillow's decoders raise whatever they stumble over in a damaged file
        raise ValueError(f"is a damaged {kind} picture: {error}") from None
    if frames > 1:
        raise ValueError(
            f"is a {kind} animation of {frames} pictures; expected one: save it as one"
        )
    return encoded


def _encoded(opened: Image.Image) -> bytes:
    upright = ImageOps.exif_transpose(opened)
    if upright.has_transparency_data:
        pixels = upright.convert("RGBA")
    else:
        pixels = upright.convert("L" if upright.mode in ("1", "L") else "RGB")
    pixels.info.clear()  # profiles and EXIF data, which speak of the old file
    written = io.BytesIO()
    pixels.save(written, "PNG")
    return written.getvalue()


def _damage(encoded: bytes) -> str | None:
    """What the decoder of the served model says of a picture that it cannot decode."""
    import tensorflow as tf

    try:
        _height()(encoded)
    except tf.errors.InvalidArgumentError as error:
        return error.message.splitlines()[0].split("Detected at node")[0].strip()
    return None


@functools.cache
def _height() -> Any:
    """`pictures.height`, traced once."""
    import tensorflow as tf

    from components import pictures

    return tf.function(pictures.height, input_signature=[tf.TensorSpec([], tf.string)])
