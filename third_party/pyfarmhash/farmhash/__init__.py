"""FarmHash's two fingerprints, in plain Python.

A port of `farmhashna::Hash64` and `farmhashmk::Hash32` of FarmHash, by Geoff Pike, Copyright (c) 2014
Google, Inc., under the MIT licence in LICENSE beside this file (https://github.com/google/farmhash).
The names of the parts are those of the original.
"""

from __future__ import annotations

_MASK32 = 0xFFFFFFFF
_MASK64 = 0xFFFFFFFFFFFFFFFF

# Primes between 2^63 and 2^64, from the original.
_K0 = 0xC3A5C85C97CB3127
_K1 = 0xB492B66FBE98F273
_K2 = 0x9AE16A3B2F90404F

# Magic numbers for 32 bits; the original has them, and the steps that use them, from Murmur3.
_C1 = 0xCC9E2D51
_C2 = 0x1B873593


def fingerprint32(text: str | bytes) -> int:
    """FarmHash's `Fingerprint32` of the bytes, or of the UTF-8 of the text: 0 <= value < 2**32."""
    s = _bytes(text)
    if len(s) <= 4:
        return _hash32_len_0_to_4(s)
    if len(s) <= 12:
        return _hash32_len_5_to_12(s)
    if len(s) <= 24:
        return _hash32_len_13_to_24(s)
    return _hash32_longer(s)


def fingerprint64(text: str | bytes) -> int:
    """FarmHash's `Fingerprint64` of the bytes, or of the UTF-8 of the text: 0 <= value < 2**64."""
    s = _bytes(text)
    if len(s) <= 16:
        return _hash_len_0_to_16(s)
    if len(s) <= 32:
        return _hash_len_17_to_32(s)
    if len(s) <= 64:
        return _hash_len_33_to_64(s)
    return _hash_longer(s)


def _bytes(text: str | bytes) -> bytes:
    if isinstance(text, str):
        return text.encode()
    if isinstance(text, bytes):
        return text
    raise TypeError(f"str or bytes expected, not {type(text).__name__}")


# 32 bits: farmhashmk.


def _fetch32(s: bytes, at: int) -> int:
    return int.from_bytes(s[at : at + 4], "little")


def _rotate32(value: int, shift: int) -> int:
    """The lower 32 bits of the value, turned to the right."""
    value &= _MASK32
    return (value >> shift | value << (32 - shift)) & _MASK32


def _fmix(h: int) -> int:
    h &= _MASK32
    h ^= h >> 16
    h = h * 0x85EBCA6B & _MASK32
    h ^= h >> 13
    h = h * 0xC2B2AE35 & _MASK32
    return h ^ h >> 16


def _turn(h: int) -> int:
    return (_rotate32(h, 19) * 5 + 0xE6546B64) & _MASK32


def _mur(a: int, h: int) -> int:
    return _turn(h ^ _rotate32(a * _C1, 17) * _C2)


def _hash32_len_0_to_4(s: bytes) -> int:
    b, c = 0, 9
    for byte in s:
        signed = byte - 256 if byte > 127 else byte  # a `signed char` in the original
        b = (b * _C1 + signed) & _MASK32
        c ^= b
    return _fmix(_mur(b, _mur(len(s), c)))


def _hash32_len_5_to_12(s: bytes) -> int:
    n = len(s)
    a = n + _fetch32(s, 0)
    b = n * 5 + _fetch32(s, n - 4)
    c = 9 + _fetch32(s, n >> 1 & 4)
    return _fmix(_mur(c, _mur(b, _mur(a, n * 5))))


def _hash32_len_13_to_24(s: bytes) -> int:
    n = len(s)
    a = _fetch32(s, (n >> 1) - 4)
    b = _fetch32(s, 4)
    c = _fetch32(s, n - 8)
    d = _fetch32(s, n >> 1)
    e = _fetch32(s, 0)
    f = _fetch32(s, n - 4)
    h = d * _C1 + n
    a = _rotate32(a, 12) + f
    h = _mur(c, h) + a
    a = _rotate32(a, 3) + c
    h = _mur(e, h) + a
    a = _rotate32(a + f, 12) + d
    h = _mur(b, h) + a
    return _fmix(h)


def _hash32_longer(s: bytes) -> int:
    n = len(s)
    a0, a1, a2, a3, a4 = (
        _rotate32(_fetch32(s, n - back) * _C1, 17) * _C2 & _MASK32 for back in (4, 8, 16, 12, 20)
    )
    h = _turn(_turn(n ^ a0) ^ a2)
    g = _turn(_turn(_C1 * n ^ a1) ^ a3)
    f = _rotate32(_C1 * n + a4, 19) + 113
    for at in range(0, (n - 1) // 20 * 20, 20):
        a, b, c, d, e = (_fetch32(s, at + part) for part in (0, 4, 8, 12, 16))
        h = _mur(d, h + a) + e
        g = _mur(c, g + b) + a
        f = _mur(b + e * _C1, f + c) + d
        f += g
        g += f
    g = _rotate32(_rotate32(g, 11) * _C1, 17) * _C1
    f = _rotate32(_rotate32(f, 11) * _C1, 17) * _C1
    h = _rotate32(_turn(h + g), 17) * _C1
    h = _rotate32(_turn(h + f), 17) * _C1
    return h & _MASK32


# 64 bits: farmhashna.


def _fetch(s: bytes, at: int) -> int:
    return int.from_bytes(s[at : at + 8], "little")


def _rotate(value: int, shift: int) -> int:
    """The lower 64 bits of the value, turned to the right."""
    value &= _MASK64
    return (value >> shift | value << (64 - shift)) & _MASK64


def _shift_mix(value: int) -> int:
    value &= _MASK64
    return value ^ value >> 47


def _hash_len_16(u: int, v: int, mul: int) -> int:
    a = _shift_mix((u ^ v) * mul)
    return _shift_mix((v ^ a) * mul) * mul & _MASK64


def _hash_len_0_to_16(s: bytes) -> int:
    n = len(s)
    mul = _K2 + n * 2
    if n >= 8:
        a = _fetch(s, 0) + _K2
        b = _fetch(s, n - 8)
        c = _rotate(b, 37) * mul + a
        d = (_rotate(a, 25) + b) * mul
        return _hash_len_16(c, d, mul)
    if n >= 4:
        return _hash_len_16(n + (_fetch32(s, 0) << 3), _fetch32(s, n - 4), mul)
    if n > 0:
        y = s[0] + (s[n >> 1] << 8)
        z = n + (s[n - 1] << 2)
        return _shift_mix(y * _K2 ^ z * _K0) * _K2 & _MASK64
    return _K2


def _hash_len_17_to_32(s: bytes) -> int:
    n = len(s)
    mul = _K2 + n * 2
    a = _fetch(s, 0) * _K1
    b = _fetch(s, 8)
    c = _fetch(s, n - 8) * mul
    d = _fetch(s, n - 16) * _K2
    return _hash_len_16(_rotate(a + b, 43) + _rotate(c, 30) + d, a + _rotate(b + _K2, 18) + c, mul)


def _hash_len_33_to_64(s: bytes) -> int:
    n = len(s)
    mul = _K2 + n * 2
    a = _fetch(s, 0) * _K2
    b = _fetch(s, 8)
    c = _fetch(s, n - 8) * mul
    d = _fetch(s, n - 16) * _K2
    y = _rotate(a + b, 43) + _rotate(c, 30) + d
    z = _hash_len_16(y, a + _rotate(b + _K2, 18) + c, mul)
    e = _fetch(s, 16) * mul
    f = _fetch(s, 24)
    g = (y + _fetch(s, n - 32)) * mul
    h = (z + _fetch(s, n - 24)) * mul
    return _hash_len_16(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, mul)


def _weak_hash_len_32_with_seeds(s: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_fetch(s, at + part) for part in (0, 8, 16, 24))
    a += w
    b = _rotate(b + a + z, 21)
    c = a
    a += x + y
    b += _rotate(a, 44)
    return (a + z) & _MASK64, (b + c) & _MASK64


def _hash_longer(s: bytes) -> int:
    n = len(s)
    x = y = 81
    y = y * _K1 + 113
    z = _shift_mix(y * _K2 + 113) * _K2
    v = w = (0, 0)
    x = x * _K2 + _fetch(s, 0)
    mul = _K1
    # All blocks of 64 bytes but the last; then the last 64 bytes, with another factor.
    for at in range(0, (n - 1) // 64 * 64, 64):
        x = _rotate(x + y + v[0] + _fetch(s, at + 8), 37) * mul
        y = _rotate(y + v[1] + _fetch(s, at + 48), 42) * mul
        x ^= w[1]
        y += v[0] + _fetch(s, at + 40)
        z = _rotate(z + w[0], 33) * mul
        v = _weak_hash_len_32_with_seeds(s, at, v[1] * mul, x + w[0])
        w = _weak_hash_len_32_with_seeds(s, at + 32, z + w[1], y + _fetch(s, at + 16))
        z, x = x, z
    mul = _K1 + ((z & 0xFF) << 1)
    at = n - 64
    w = (w[0] + (n - 1 & 63), w[1])
    v = (v[0] + w[0], v[1])
    w = (w[0] + v[0], w[1])
    x = _rotate(x + y + v[0] + _fetch(s, at + 8), 37) * mul
    y = _rotate(y + v[1] + _fetch(s, at + 48), 42) * mul
    x ^= w[1] * 9
    y += v[0] * 9 + _fetch(s, at + 40)
    z = _rotate(z + w[0], 33) * mul
    v = _weak_hash_len_32_with_seeds(s, at, v[1] * mul, x + w[0])
    w = _weak_hash_len_32_with_seeds(s, at + 32, z + w[1], y + _fetch(s, at + 16))
    z, x = x, z
    return _hash_len_16(
        _hash_len_16(v[0], w[0], mul) + _shift_mix(y) * _K0 + z,
        _hash_len_16(v[1], w[1], mul) + x,
        mul,
    )
