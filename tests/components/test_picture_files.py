"""Picture files into what the served model decodes: as they are, or as PNG with the same pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from components import picture_files, pictures
from components.features import ImageFeature

RNG = np.random.default_rng(0)
COLOURS = Image.fromarray(RNG.integers(0, 255, (12, 9, 3)).astype(np.uint8))
SEE_THROUGH = Image.fromarray(RNG.integers(0, 255, (12, 9, 4)).astype(np.uint8))
GREY, BLACK_AND_WHITE = COLOURS.convert("L"), COLOURS.convert("1")
PALETTE = COLOURS.convert("P", palette=Image.Palette.ADAPTIVE)


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def pixels(content: bytes) -> np.ndarray:
    """As the served model sees them."""
    shape = ImageFeature(height=12, width=9)
    return pictures.decode(tf.constant(content), shape).numpy()


def on_white(picture: Image.Image) -> np.ndarray:
    whole = picture.convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole))[..., :3]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_is_decoded_stays_as_it_is(kind):
    content = encoded(COLOURS, kind)
    assert picture_files.read(content) == picture_files.Picture(content, None)


@pytest.mark.parametrize(
    ("picture", "kind", "options"),
    [
        (COLOURS, "WEBP", {"lossless": True}),
        (COLOURS, "WEBP", {"quality": 30}),
        (SEE_THROUGH, "WEBP", {"lossless": True, "exact": True}),
        (GREY, "WEBP", {"lossless": True}),
        (COLOURS, "BMP", {}),
        (GREY, "BMP", {}),
        (BLACK_AND_WHITE, "BMP", {}),
        (PALETTE, "BMP", {}),
        (PALETTE, "GIF", {}),
        (PALETTE, "GIF", {"transparency": 3}),
        (GREY, "GIF", {}),
    ],
)
def test_other_kinds_become_png_with_the_same_pixels(picture, kind, options):
    content = encoded(picture, kind, **options)
    found = picture_files.read(content)
    assert pictures.kind(found.encoded) == "PNG" and found.was is not None
    assert found.was.upper() == kind
    seen = Image.open(io.BytesIO(content))
    np.testing.assert_allclose(pixels(found.encoded), on_white(seen), atol=1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_seen_upright(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(COLOURS, "WEBP", lossless=True, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    found = Image.open(io.BytesIO(picture_files.read(content).encoded))
    np.testing.assert_array_equal(np.asarray(found), np.asarray(upright))
    assert not found.getexif()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"hello world", "is no picture that is known here"),
        (b"BMW", "is a damaged BMP picture"),
        (encoded(COLOURS, "WEBP")[:60], "is a damaged WebP picture"),
        (encoded(COLOURS, "JPEG")[:300], "is a damaged JPEG picture"),
        (encoded(COLOURS, "TIFF"), "is a TIFF (little-endian) file"),
        (
            encoded(
                PALETTE,
                "GIF",
                save_all=True,
                append_images=[PALETTE.rotate(90), PALETTE.rotate(45)],
            ),
            "is a GIF animation of 3 pictures",
        ),
    ],
)
def test_what_cannot_be_used_is_said_to_be(content, said):
    with pytest.raises(ValueError) as error:
        picture_files.read(content)
    assert said in str(error.value)


DAMAGED = [
    encoded(COLOURS, "WEBP"),
    encoded(SEE_THROUGH, "WEBP", lossless=True),
    encoded(COLOURS, "BMP"),
    encoded(PALETTE, "GIF", transparency=3),
    encoded(COLOURS, "JPEG"),
    encoded(PALETTE, "PNG", transparency=3),
]


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(range(len(DAMAGED))),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4),
    st.floats(0, 1),
)
def test_a_damaged_file_is_refused_in_words_or_decoded_by_the_model(which, changes, cut):
    data = bytearray(DAMAGED[which])
    for place, byte in changes:
        data[int(place * (len(data) - 1))] = byte
    try:
        found = picture_files.read(bytes(data[: len(data) - int(cut**4 * len(data))]))
    except ValueError as error:
        assert str(error).startswith("is ")
        return
    assert pixels(found.encoded).shape == (12, 9, 3)
