"""The checksums that TFRecord files have; light, for whoever writes them without TensorFlow."""

from __future__ import annotations

import struct

import google_crc32c

_MASK = 0xA282EAD8  # tensorflow/core/lib/hash/crc32c.h, kMaskDelta


def masked_crc(data: bytes) -> int:
    """The CRC-32C of `data`, masked: 32 bits."""
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def framed(record: bytes) -> bytes:
    """A record as it lies in a TFRecord file: length, its checksum, the data, its checksum."""
    length = struct.pack("<Q", len(record))
    return (
        length
        + struct.pack("<I", masked_crc(length))
        + record
        + struct.pack("<I", masked_crc(record))
    )
