"""One decoder: every kind of picture comes out as a person sees it, as Pillow decodes it."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from components import pictures
from components.features import ImageFeature

SIZE = (24, 36)  # height, width
COLOUR = ImageFeature(height=12, width=12)
GREY = ImageFeature(height=12, width=12, channels=1)
RNG = np.random.default_rng(0)


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def in_colour(encoded):
    return pictures.decode(encoded, COLOUR)


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def in_grey(encoded):
    return pictures.decode(encoded, GREY)


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def height(encoded):
    return pictures.height(encoded)


def smooth() -> Image.Image:
    """No two of its corners are alike, and no detail that a JPEG would lose."""
    rows, columns = np.mgrid[0:1:24j, 0:1:36j]
    channels = [40 + 160 * rows, 40 + 160 * columns, 220 - 90 * rows - 90 * columns]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def encoded(picture: Image.Image, kind: str = "JPEG", **options) -> bytes:
    buffer = io.BytesIO()
    options = {"quality": 95, "subsampling": 0} | options if kind == "JPEG" else options
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def seen(data: bytes) -> Image.Image:
    """As a person sees it."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture.convert("RGB")


def small(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.resize((12, 12), Image.Resampling.BOX)).astype(int)


def turned(orientation: int, order: str, first: int = 0x010E) -> bytes:
    """EXIF data of two entries; `order` is < or >."""
    entries = struct.pack(order + "HHI4s", first, 2, 1, b"x\0\0\0")
    entries += struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return b"Exif\0\0" + head + struct.pack(order + "H", 2) + entries + b"\0\0\0\0"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", "<>")
def test_a_picture_is_upright_as_its_exif_says(orientation, order):
    data = encoded(smooth(), exif=turned(orientation, order))
    np.testing.assert_allclose(in_colour(data).numpy(), small(seen(data)), atol=4)
    if orientation > 1:
        assert np.abs(in_colour(data).numpy().astype(int) - small(smooth())).max() > 20


def test_a_rotated_picture_and_the_upright_one_are_the_same():
    upright = encoded(smooth())
    rotated = encoded(smooth().transpose(Image.Transpose.ROTATE_90), exif=turned(6, "<"))
    np.testing.assert_allclose(in_colour(rotated).numpy(), in_colour(upright).numpy(), atol=4)


def test_orientation_is_found_behind_other_segments_and_in_png():
    data = encoded(smooth(), exif=turned(3, ">"))
    comment = b"\xff\xfe" + struct.pack(">H", 40_002) + b"Exif\0\0" + b"\0" * 39_994
    np.testing.assert_array_equal(in_colour(data[:2] + comment + data[2:]), in_colour(data))
    png = encoded(smooth(), "PNG", exif=turned(6, "<")[6:])
    np.testing.assert_allclose(in_colour(png).numpy(), small(seen(png)), atol=1)


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=100), st.sampled_from(["JPEG", "PNG"]))
def test_orientation_is_found_behind_any_bytes(before, kind):
    exif = turned(6, "<")[0 if kind == "JPEG" else 6 :]
    data = encoded(smooth(), kind, exif=exif)
    if kind == "JPEG":
        more = data[:2] + b"\xff\xfe" + struct.pack(">H", 2 + len(before)) + before + data[2:]
    else:
        chunk = b"prVt" + before
        more = data[:33] + struct.pack(">I", len(before)) + chunk
        more += struct.pack(">I", zlib.crc32(chunk)) + data[33:]
    np.testing.assert_array_equal(in_colour(more), in_colour(data))
    assert np.abs(in_colour(more).numpy().astype(int) - small(smooth())).max() > 20


@pytest.mark.parametrize("bad", [0, 9, 65535])
def test_an_orientation_that_is_none_is_upright(bad):
    data = encoded(smooth(), exif=turned(bad, "<"))
    np.testing.assert_array_equal(in_colour(data), in_colour(encoded(smooth())))


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=60))
def test_exif_data_of_any_bytes_break_nothing(rubbish):
    data = encoded(smooth())
    segment = b"Exif\0\0" + rubbish
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(segment)) + segment + data[2:]
    assert in_colour(data).shape == (12, 12, 3)


def transparent(mode: str) -> Image.Image:
    """Black where it is transparent, as most programs store it."""
    alpha = Image.fromarray(
        np.repeat([[0], [128], [255]], 8, axis=0).repeat(36, axis=1).astype(np.uint8)
    )
    picture = Image.composite(
        smooth(), Image.new("RGB", (36, 24)), alpha.point(lambda a: 255 * (a > 0))
    )
    if mode == "palette":
        colours = smooth().quantize(16)
        colours.info["transparency"] = 3
        return colours
    picture = picture.convert("L") if mode == "LA" else picture
    picture.putalpha(alpha)
    return picture


@pytest.mark.parametrize("mode", ["RGBA", "LA", "palette"])
def test_what_is_transparent_is_white(mode):
    data = encoded(transparent(mode), "PNG")
    np.testing.assert_allclose(in_colour(data).numpy(), small(seen(data)), atol=1)
    assert (in_colour(data).numpy()[0] == 255).all() or mode == "palette"


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "I;16"])
def test_png_pictures_of_every_mode_are_decoded(mode):
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(smooth().convert("L")).astype(np.uint16) * 257)
        expected = small(smooth().convert("L").convert("RGB"))
    else:
        picture = smooth().convert(mode)
        expected = small(picture.convert("RGB"))
    np.testing.assert_allclose(in_colour(encoded(picture, "PNG")).numpy(), expected, atol=1)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_pictures_of_every_mode_are_decoded_in_grey_and_in_colour(mode):
    data = encoded(smooth().convert(mode))
    expected = seen(data)
    np.testing.assert_allclose(in_colour(data).numpy(), small(expected), atol=6)
    grey = small(expected.convert("L"))[..., np.newaxis]
    np.testing.assert_allclose(in_grey(data).numpy(), grey, atol=6)
    assert 0 < height(data) <= 24


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (encoded(smooth(), "GIF"), "is a GIF file"),
        (encoded(smooth(), "BMP"), "is a BMP file"),
        (encoded(smooth(), "WEBP"), "is a WebP file"),
        (encoded(smooth(), "TIFF"), "is a TIFF (little-endian) file"),
        (b"", "is empty"),
        (b"hello world", "it starts with b'hello wo'"),
    ],
)
def test_what_is_not_decoded_is_known_by_its_first_bytes(data, said):
    assert said in pictures.refusal(data) and "expected" in pictures.refusal(data)


def test_what_is_decoded_is_not_refused():
    assert pictures.refusal(encoded(smooth())) is None
    assert pictures.refusal(encoded(smooth(), "PNG")) is None


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(["JPEG", "PNG", "CMYK", "turned"]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4),
    st.floats(0, 1),
)
def test_a_damaged_picture_is_refused_or_decoded_by_check_and_model_alike(which, changes, cut):
    data = bytearray(DAMAGED[which])
    for place, byte in changes:
        data[int(place * (len(data) - 1))] = byte
    damaged = bytes(data[: len(data) - int(cut**4 * len(data))])
    found = []
    for look in (height, in_colour, in_grey):
        try:
            look(damaged)
            found.append(True)
        except tf.errors.InvalidArgumentError:
            found.append(False)
    assert len(set(found)) == 1


DAMAGED = {
    "JPEG": encoded(smooth()),
    "PNG": encoded(smooth(), "PNG"),
    "CMYK": encoded(smooth().convert("CMYK")),
    "turned": encoded(smooth(), exif=turned(6, "<")),
}


def test_what_pictures_are_decoded_by_is_traced_once():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def several(encoded):
        return tf.map_fn(lambda one: pictures.decode(one, COLOUR), encoded, tf.uint8)

    several.get_concrete_function()
    again = pictures._decoder(COLOUR.height, COLOUR.width, COLOUR.channels)
    assert again.experimental_get_tracing_count() == 1
