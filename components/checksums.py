"""The checksum that TFRecord files have; light, for whoever writes them without TensorFlow."""

from __future__ import annotations

import google_crc32c

_MASK = 0xA282EAD8  # tensorflow/core/lib/hash/crc32c.h, kMaskDelta


def masked_crc(data: bytes) -> int:
    """The CRC-32C of `data`, masked: 32 bits."""
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF
