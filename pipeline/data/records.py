"""tf.Example messages, written by hand so that no worker imports TensorFlow.

Only what datasets here need: features of exactly one int64, float or bytes value. The bytes are those
TFDS itself writes (keys in sorted order, packed lists).
"""

import struct
from collections.abc import Mapping
from functools import lru_cache

_FEATURES = b"\x0a"  # Example.features, and Features.feature
_KEY = b"\x0a"
_VALUE = b"\x12"
_BYTES_LIST = b"\x0a"  # Feature.bytes_list
_FLOAT_LIST = b"\x12"  # Feature.float_list
_INT64_LIST = b"\x1a"  # Feature.int64_list
_LIST_VALUE = b"\x0a"  # BytesList.value; FloatList.value and Int64List.value packed


def varint(number: int) -> bytes:
    """The protocol buffer encoding of a non-negative integer."""
    if number < 0:
        raise ValueError(f"varint: got {number}, expected a number that is not negative.")
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _sized(tag: bytes, payload: bytes) -> bytes:
    return tag + varint(len(payload)) + payload


@lru_cache(maxsize=8192)  # attributes and landmarks: few values, many times
def int64_feature(name: str, value: int) -> bytes:
    """One entry of the feature map: `name` -> an int64 list holding `value`."""
    # A negative number is written as its two's complement of 64 bits.
    feature = _sized(_INT64_LIST, _sized(_LIST_VALUE, varint(value & 0xFFFFFFFFFFFFFFFF)))
    return _sized(_FEATURES, _sized(_KEY, name.encode()) + _sized(_VALUE, feature))


def float_feature(name: str, value: float) -> bytes:
    """One entry of the feature map: `name` -> a float list holding `value`, rounded to float32."""
    feature = _sized(_FLOAT_LIST, _sized(_LIST_VALUE, struct.pack("<f", value)))
    return _sized(_FEATURES, _sized(_KEY, name.encode()) + _sized(_VALUE, feature))


def bytes_feature(name: str, value: bytes) -> bytes:
    """One entry of the feature map: `name` -> a bytes list holding `value`."""
    feature = _sized(_BYTES_LIST, _sized(_LIST_VALUE, value))
    return _sized(_FEATURES, _sized(_KEY, name.encode()) + _sized(_VALUE, feature))


def example(features: Mapping[str, int | float | bytes]) -> bytes:
    """A serialized tf.train.Example, its keys in sorted order."""
    return _sized(_FEATURES, b"".join(_feature(name, features[name]) for name in sorted(features)))


def _feature(name: str, value: int | float | bytes) -> bytes:
    if isinstance(value, bytes):
        return bytes_feature(name, value)
    return float_feature(name, value) if isinstance(value, float) else int64_feature(name, value)
