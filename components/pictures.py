"""Encoded pictures into pixels: one decoder, for the checks, for training and inside the served model.

JPEG and PNG, upright as their EXIF orientation says, on white where they are transparent, in grey or
colour whatever they are stored in. All is TensorFlow's own operations, so that a model server does it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import tensorflow as tf

from components.features import ImageFeature

JPEG, PNG = "JPEG", "PNG"
DECODED = (JPEG, PNG)

# How files of each kind start: (offset, bytes).
_STARTS: dict[str, tuple[int, bytes]] = {
    JPEG: (0, b"\xff\xd8\xff"),
    PNG: (0, b"\x89PNG\r\n\x1a\n"),
    "GIF": (0, b"GIF8"),
    "BMP": (0, b"BM"),
    "WebP": (8, b"WEBP"),
    "TIFF (little-endian)": (0, b"II*\x00"),
    "TIFF (big-endian)": (0, b"MM\x00*"),
    "HEIC": (4, b"ftyphei"),
    "HEIF": (4, b"ftypmif1"),
    "AVIF": (4, b"ftypavif"),
    "JPEG 2000": (4, b"jP  "),
    "JPEG XL": (0, b"\xff\x0a"),
    "PDF": (0, b"%PDF"),
    "SVG": (0, b"<svg"),
}
_PNG_START = _STARTS[PNG][1]
_PNG_DEPTH = 24  # place of the byte that says how many bits a sample has

_HEAD = 1 << 17  # bytes in which EXIF data are looked for: they come first, and are at most 64 KiB
_MOST_ENTRIES = 256
_ORIENTATION, _LONG = 0x0112, 4  # a tag and a type of TIFF 6.0, section 8 and 2
_MAY_HAVE_EXIF = r"\C*(Exif\x00\x00|eXIf)\C*"  # in JPEG and in PNG; \C is any byte
_GREY = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601, as JPEG itself has it


def kind(encoded: bytes) -> str | None:
    """What an encoded picture is by its first bytes, such as "PNG"; None where that is not known."""
    for name, (offset, start) in _STARTS.items():
        if encoded[offset : offset + len(start)] == start:
            return name
    return None


def refusal(encoded: bytes) -> str | None:
    """Why this is no picture that is decoded, by its first bytes; None where it may be one."""
    found = kind(encoded)
    if found in DECODED:
        return None
    if not encoded:
        return "is empty; expected a JPEG or PNG picture"
    if found is None:
        return f"is no picture that is known here: it starts with {encoded[:8]!r}; expected JPEG or PNG"
    return f"is a {found} file, whatever its name says; expected JPEG or PNG: save it as one"


def decode(encoded: tf.Tensor, image: ImageFeature) -> tf.Tensor:
    """One encoded picture, scalar string -> pixels, uint8 (height, width, channels).

    Each output pixel is the mean of the area it covers. Sampling instead would keep one pixel in forty
    of a CelebA picture, and wrinkles and smiles alike would turn to noise.
    """
    return _decoder(image.height, image.width, image.channels)(encoded)


@functools.cache
def _decoder(height: int, width: int, channels: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """`decode`, traced once: TensorFlow Transform alone traces four times what it is part of."""
    shape = (height, width, channels)
    return tf.function(
        functools.partial(_decode, shape=shape),
        input_signature=[tf.TensorSpec([], tf.string)],
        autograph=False,
    )


def _decode(encoded: tf.Tensor, shape: tuple[int, int, int]) -> tf.Tensor:
    pixels = _upright(_colours(encoded), encoded)
    if shape[2] == 1:
        pixels = tf.tensordot(tf.cast(pixels, tf.float32), tf.constant(_GREY), 1)[..., tf.newaxis]
    resized = tf.image.resize(pixels, shape[:2], method="area")
    rounded = tf.cast(tf.clip_by_value(tf.round(resized), 0.0, 255.0), tf.uint8)
    return tf.ensure_shape(rounded, shape)


def height(encoded: tf.Tensor) -> tf.Tensor:
    """Rows of one encoded picture, scalar string -> int32; raises what `decode` would.

    A JPEG is read at an eighth of its size, which still reads every byte.
    """
    return tf.shape(_colours(encoded, ratio=8))[0]


def _colours(encoded: tf.Tensor, ratio: int = 1) -> tf.Tensor:
    """uint8 (height, width, 3), as stored."""
    return tf.cond(
        tf.strings.substr(encoded, 0, len(_PNG_START)) == _PNG_START,
        lambda: _png()(encoded),
        lambda: tf.io.decode_jpeg(encoded, channels=3, ratio=ratio, dct_method="INTEGER_FAST"),
    )


def _in_one_step(
    function: Callable[..., tf.Tensor], *takes: tf.TensorSpec
) -> Callable[..., tf.Tensor]:
    """What few pictures need, as a function that graphs call and do not take in.

    For a picture that does not need it TensorFlow would pass over each of its operations, of all of them
    together in a third of the time in which the picture is decoded.
    """
    return tf.function(
        function,
        input_signature=takes,
        autograph=False,
        experimental_attributes={"_noinline": True},
    )


@functools.cache
def _png() -> Callable[[tf.Tensor], tf.Tensor]:
    return _in_one_step(_decode_png, tf.TensorSpec([], tf.string))


def _decode_png(encoded: tf.Tensor) -> tf.Tensor:
    """uint8 (height, width, 3), as stored, on white."""
    pixels = tf.io.decode_png(encoded, channels=4)
    # Of fewer than 8 bits without transparency, TensorFlow gives the largest number of those bits for
    # opaque: 1 in a picture of one bit.
    head = tf.io.decode_raw(tf.strings.substr(encoded, 0, _HEAD), tf.uint8)
    is_opaque = (head[_PNG_DEPTH] < 8) & (_find(head, b"tRNS", b"", 4) < 0)
    return tf.cond(is_opaque, lambda: pixels[..., :3], lambda: _on_white(pixels))


def _on_white(pixels: tf.Tensor) -> tf.Tensor:
    """uint8 (h, w, 4), the last of them how opaque -> uint8 (h, w, 3)."""
    colours, opaque = tf.split(tf.cast(pixels, tf.int32), [3, 1], axis=-1)
    return tf.cast((colours * opaque + 255 * (255 - opaque) + 127) // 255, tf.uint8)


def _upright(pixels: tf.Tensor, encoded: tf.Tensor) -> tf.Tensor:
    """uint8 (h, w, 3) as stored -> as it is to be seen."""
    head = tf.strings.substr(encoded, 0, _HEAD)
    turned = tf.cond(
        tf.strings.regex_full_match(head, _MAY_HAVE_EXIF),
        lambda: _turned()(pixels, encoded),
        lambda: pixels,
    )
    return tf.ensure_shape(turned, (None, None, 3))


@functools.cache
def _turned() -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    return _in_one_step(
        lambda pixels, encoded: _turn(pixels, _orientation(encoded)),
        tf.TensorSpec([None, None, 3], tf.uint8),
        tf.TensorSpec([], tf.string),
    )


def _turn(pixels: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """uint8 (h, w, 3) as stored -> as it is to be seen (Exif 2.32, 4.6.4, tag Orientation)."""

    def turned() -> tf.Tensor:
        turned = tf.cond(orientation >= 5, lambda: tf.transpose(pixels, (1, 0, 2)), lambda: pixels)
        for axis, mirrored in ((1, (2, 3, 6, 7)), (0, (3, 4, 7, 8))):
            is_mirrored = tf.reduce_any(orientation == tf.constant(mirrored, tf.int64))
            turned = tf.cond(
                is_mirrored, lambda x=turned, a=axis: tf.reverse(x, [a]), lambda x=turned: x
            )
        return turned

    return tf.cond(orientation > 1, turned, lambda: pixels)


def _orientation(encoded: tf.Tensor) -> tf.Tensor:
    """int64 1 to 8, as EXIF numbers orientations; 1, upright, where it says nothing."""
    head = tf.io.decode_raw(tf.strings.substr(encoded, 0, _HEAD), tf.uint8)
    # In JPEG a segment APP1 that starts with "Exif", in PNG a chunk eXIf; then a TIFF header in both.
    in_jpeg = _find(head, b"\xff\xe1", b"Exif\x00\x00", 4)
    in_png = _find(head, b"eXIf", b"", 4)
    is_png = tf.strings.substr(encoded, 0, len(_PNG_START)) == _PNG_START
    at = tf.cond(is_png, lambda: in_png + 4, lambda: in_jpeg + 10)
    return tf.cond(
        tf.where(is_png, in_png, in_jpeg) >= 0,
        lambda: _orientation_in(head, at),
        lambda: tf.constant(1, tf.int64),
    )


def _find(head: tf.Tensor, first: bytes, second: bytes, offset: int) -> tf.Tensor:
    """int64 place of the first `first` in uint8 (n,), with `second` at `offset` behind it; -1: none."""
    pattern = {**dict(enumerate(first)), **{offset + i: byte for i, byte in enumerate(second)}}
    room = tf.size(head) - max(pattern)
    padded = tf.pad(head, [[0, max(pattern)]])
    size = tf.maximum(room, 0)
    matches = tf.ones([size], tf.bool)
    for place, byte in pattern.items():
        matches &= padded[place : place + size] == tf.constant(byte, tf.uint8)
    places = tf.where(matches)
    return tf.cond(tf.size(places) > 0, lambda: places[0, 0], lambda: tf.constant(-1, tf.int64))


def _orientation_in(head: tf.Tensor, tiff: tf.Tensor) -> tf.Tensor:
    """The orientation in the first directory of the TIFF data at `tiff` in uint8 (n,)."""
    padded = tf.cast(tf.pad(head, [[0, 12]]), tf.int64)  # what is cut off reads as zeros
    last = tf.size(padded, tf.int64) - 1
    is_little = padded[tiff] == ord("I")

    def number(at: tf.Tensor, size: int) -> tf.Tensor:
        places = tf.clip_by_value(at[..., tf.newaxis] + tf.range(size, dtype=tf.int64), 0, last)
        read = tf.gather(padded, places)
        up, down = (
            tf.constant([256**i for i in order], tf.int64)
            for order in (range(size), reversed(range(size)))
        )
        return tf.reduce_sum(read * tf.where(is_little, up, down), axis=-1)

    directory = tiff + number(tiff + 4, 4)
    count = tf.minimum(number(directory, 2), _MOST_ENTRIES)
    entries = directory + 2 + 12 * tf.range(count)
    found = tf.boolean_mask(entries, number(entries, 2) == _ORIENTATION)

    def value() -> tf.Tensor:
        entry = found[0]
        is_long = number(entry + 2, 2) == _LONG
        said = tf.where(is_long, number(entry + 8, 4), number(entry + 8, 2))
        return tf.where((said >= 1) & (said <= 8), said, tf.constant(1, tf.int64))

    return tf.cond(tf.size(found) > 0, value, lambda: tf.constant(1, tf.int64))
