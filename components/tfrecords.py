"""TFRecord files: plain, gzip or zlib, whatever they are called; and what other files are.

A file is looked at by its first bytes. Each record has its length, a checksum of that, its bytes and a
checksum of those (tensorflow/core/lib/io/record_writer.h): all four are held against the file, so that
what is cut off is never taken for the end.
"""

from __future__ import annotations

import io
import shutil
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import tensorflow as tf

from components.checksums import masked_crc
from fairgate.errors import DataError

_HEAD, _TAIL = struct.Struct("<QI"), struct.Struct("<I")
_BLOCK = 1 << 20
_LONGEST = (1 << 31) - 1  # bytes: a tf.Example is a protocol buffer, which is never longer
_SHOWN = 64  # bytes by which a file is known

_OPEN = "unpack it first"
# How other files start, what they are, and what to do.
_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (
        b"\x83\xaf\x70\xd1\x0d\x88\x4a\x3f",
        "an array_record (Riegeli) file",
        "prepare the dataset as TFRecords (in TensorFlow Datasets: file_format='tfrecord')",
    ),
    (b"PAR1", "a Parquet file", "make a dataset of it with 'data from-csv'"),
    (b"\x00\x05\x16\x07", "what macOS keeps beside a file (AppleDouble)", "remove it"),
    (b"crc\x00", "a file of checksums (Hadoop, Spark)", "correct the pattern"),
    (b"PK\x03\x04", "a zip archive", _OPEN),
    (b"(\xb5/\xfd", "compressed with Zstandard", _OPEN),
    (b"BZh", "compressed with bzip2", _OPEN),
    (b"\xfd7zXZ\x00", "compressed with xz", _OPEN),
    (b"\x04\x22\x4d\x18", "compressed with LZ4", _OPEN),
    (b"\xff\x06\x00\x00sNaPpY", "compressed with Snappy", _OPEN),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _OPEN),
    (b"ARROW1", "an Arrow file", "write its rows as TFRecords of tf.Examples"),
    (b"Obj\x01", "an Avro file", "write its rows as TFRecords of tf.Examples"),
    (b"ORC", "an ORC file", "write its rows as TFRecords of tf.Examples"),
    (b"\x89HDF", "an HDF5 file", "write its rows as TFRecords of tf.Examples"),
    (b"\x93NUMPY", "a NumPy file", "write its rows as TFRecords of tf.Examples"),
    (b"\xff\xd8\xff", "a JPEG picture", "make a dataset of it with 'data from-pictures'"),
    (b"\x89PNG", "a PNG picture", "make a dataset of it with 'data from-pictures'"),
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch what it points to: git lfs pull"),
)


def records(file: str) -> Iterator[bytes]:
    """The records of a TFRecord file, in order.

    Raises:
      DataError: naming the file, the record (from 0) and what is wrong with it.
    """
    with opened(file) as stream:
        position = 0
        while head := stream.read(_HEAD.size):
            if position == 0 and not _starts_a_record(head):
                raise _no_records(file, head + stream.read(_SHOWN), "compressed ")
            length = _length(file, position, head)
            data, tail = _read(stream, length), stream.read(_TAIL.size)
            if len(data) < length or len(tail) < _TAIL.size:
                raise _damaged(file, position, f"truncated: it breaks off in record {position}")
            if _TAIL.unpack(tail)[0] != masked_crc(data):
                raise _damaged(
                    file, position, f"the bytes of record {position} are not their checksum's"
                )
            yield data
            position += 1


def require_lengths(files: Sequence[str]) -> Sequence[str]:
    """`files`, whose lengths of records were looked at.

    TensorFlow's own reader believes any length whose checksum is right, and ends the process where there
    is no memory for it. Files that are packed (*.gz) are left to whoever packed them: Transform, of
    records that were read.

    Raises:
      DataError: a record would be longer than what is left of its file.
    """
    for file in files:
        if not file.endswith(".gz"):
            _require_lengths(file)
    return files


def _require_lengths(file: str) -> None:
    size = tf.io.gfile.stat(file).length
    place = position = 0
    # Python's own files jump from head to head much faster than TensorFlow's.
    with tf.io.gfile.GFile(file, "rb") if "://" in file else open(file, "rb") as stream:
        while place < size:
            stream.seek(place)
            length = _length(file, position, stream.read(_HEAD.size))
            place += _HEAD.size + length + _TAIL.size
            if place > size:
                raise _too_long(file, position, length)
            position += 1


def _read(stream: BinaryIO, length: int) -> bytes:
    """So many bytes, or fewer where the file ends: no memory is asked for before they are there."""
    parts = []
    while length > 0 and (part := stream.read(min(length, _BLOCK))):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _length(file: str, position: int, head: bytes) -> int:
    """What the head of a record says of its length; DataError where that cannot be."""
    if len(head) < _HEAD.size:
        raise _damaged(file, position, f"it breaks off in the head of record {position}")
    length: int
    length, checksum = _HEAD.unpack(head)
    if checksum != masked_crc(head[:8]):
        raise _damaged(file, position, f"the length of record {position} is not its checksum's")
    if length > _LONGEST:
        raise _too_long(file, position, length)
    return length


def _too_long(file: str, position: int, length: int) -> DataError:
    how = f"record {position} says that it has {length:,} bytes, which the file has not"
    return _damaged(file, position, how)


def opened(file: str) -> BinaryIO:
    """The bytes of a TFRecord file, unpacked; local or remote.

    Raises:
      DataError: by its first bytes, the file is no TFRecord file; the message says what it is.
    """
    raw = tf.io.gfile.GFile(file, "rb")
    try:
        start = raw.read(_SHOWN)
        raw.seek(0)
        if not start or _starts_a_record(start):
            return io.BufferedReader(_Plain(raw), _BLOCK)
        if start[:2] == b"\x1f\x8b" or (
            start[0] == 0x78 and int.from_bytes(start[:2]) % 31 == 0  # RFC 1950, 2.2
        ):
            return io.BufferedReader(_Unpacked(raw, file), _BLOCK)
        raise _no_records(file, start)
    except tf.errors.OpError as error:
        raise DataError(f"{file}: cannot be read: {error.message}") from None


def unpack(file: str, target: str) -> None:
    """Copies a TFRecord file, unpacked, to `target`, which must not be there."""
    if tf.io.gfile.exists(target):
        raise FileExistsError(target)
    with opened(file) as stream, tf.io.gfile.GFile(target, "wb") as written:
        shutil.copyfileobj(stream, written, _BLOCK)


def _starts_a_record(start: bytes) -> bool:
    return len(start) >= _HEAD.size and _HEAD.unpack(start[:12])[1] == masked_crc(start[:8])


def _damaged(file: str, position: int, how: str) -> DataError:
    return DataError(
        f"{file}: damaged after record {position} or shortly behind it: {how}. The file is truncated or "
        "was changed: copy or prepare it again"
    )


def _no_records(file: str, start: bytes, packed: str = "") -> DataError:
    for known, what, way_out in _OTHERS:
        if start.startswith(known):
            return DataError(f"{file}: is no TFRecord file: it is {packed}{what}; {way_out}")
    if _is_text(start):
        return DataError(
            f"{file}: is no TFRecord file: it is {packed}text, and starts with {start[:24]!r}; name "
            "files of TFRecords, or make a dataset of a CSV file with 'data from-csv'"
        )
    return DataError(
        f"{file}: damaged after record 0 or shortly behind it, or no {packed}TFRecord file: it starts "
        f"with {start[:12].hex(' ')}, which is no length with its checksum. If it is one, it is "
        "truncated or was changed: copy or prepare it again"
    )


def _is_text(start: bytes) -> bool:
    try:
        text = start[: _SHOWN - 4 if len(start) >= _SHOWN else None].decode()
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n\ufeff" for character in text)


class _Plain(io.RawIOBase):
    """A file of TensorFlow's as Python's own."""

    def __init__(self, file: tf.io.gfile.GFile):
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Unpacked(_Plain):
    """What is in a gzip or zlib file, or in several one after the other."""

    def __init__(self, file: tf.io.gfile.GFile, name: str):
        super().__init__(file)
        self._name = name
        self._unpacking = zlib.decompressobj(wbits=47)  # either, by the header
        self._waiting = b""

    def readinto(self, buffer: Any) -> int:
        data = b""
        while not data:
            if self._unpacking.eof:
                self._waiting = self._unpacking.unused_data or self._file.read(_BLOCK)
                if not self._waiting.strip(b"\0"):  # padding, or nothing
                    return 0
                self._unpacking = zlib.decompressobj(wbits=47)
            elif not self._waiting:
                self._waiting = self._file.read(_BLOCK)
                if not self._waiting:
                    raise DataError(
                        f"{self._name}: damaged: truncated, its compressed bytes break off. Copy or "
                        "prepare it again"
                    )
            try:
                data = self._unpacking.decompress(self._waiting, len(buffer))
            except zlib.error as error:
                raise DataError(
                    f"{self._name}: damaged: it cannot be unpacked ({error}). The file was changed: copy "
                    "or prepare it again"
                ) from None
            self._waiting = self._unpacking.unconsumed_tail
        buffer[: len(data)] = data
        return len(data)
