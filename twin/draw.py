"""All randomness: one counter-based function, called by Python and by kernels alike.

Model: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). A draw is a pure function
of (key, counter): no state, so the order of calls, the number of workers and the batch size change nothing, and a
stream that nobody reads shifts no other. A key names (run seed, component, purpose); a counter is an index in time.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

from twin.kernel import kernel

_MASK = np.uint64(0xFFFFFFFF)
_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)
_32 = np.uint64(32)
_11 = np.uint64(11)
_2_53 = 1.0 / 9007199254740992.0


def key_of(seed: int, component: str, purpose: str) -> np.uint64:
    """Return the key of one stream: blake2b of (seed, component, purpose), 64 bits."""
    text = f"{seed}\x00{component}\x00{purpose}".encode()
    return np.uint64(int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little"))


@kernel
def philox(key: np.uint64, counter: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return 128 random bits for (key, counter) as two 64-bit words."""
    k0 = key & _MASK
    k1 = key >> _32
    c0 = counter & _MASK
    c1 = counter >> _32
    c2 = np.uint64(0)
    c3 = np.uint64(0)
    for _ in range(10):
        p0 = _M0 * c0
        p1 = _M1 * c2
        c0, c1, c2, c3 = (p1 >> _32) ^ c1 ^ k0, p1 & _MASK, (p0 >> _32) ^ c3 ^ k1, p0 & _MASK
        k0 = (k0 + _W0) & _MASK
        k1 = (k1 + _W1) & _MASK
    return (c1 << _32) | c0, (c3 << _32) | c2


@kernel
def uniform(key: np.uint64, counter: int) -> float:
    """Return a number in [0, 1) with 53 random bits."""
    first, _ = philox(key, np.uint64(counter))
    return float(first >> _11) * _2_53


@kernel
def normal(key: np.uint64, counter: int) -> float:
    """Return a standard normal number (Box-Muller on both words of one block)."""
    first, second = philox(key, np.uint64(counter))
    u = (float(first >> _11) + 1.0) * _2_53
    v = float(second >> _11) * _2_53
    return math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * v)


@kernel
def uniforms(key: np.uint64, counter: int, n: int) -> NDArray[np.float64]:
    """Return n numbers in [0, 1), those of counters counter .. counter + n - 1."""
    out = np.empty(n)
    for i in range(n):
        out[i] = uniform(key, counter + i)
    return out


@kernel
def poisson(key: np.uint64, counter: int, mean: float) -> int:
    """Return a Poisson number by inversion; meant for means below 30 (the loop is bounded at 200)."""
    u = uniform(key, counter)
    p = math.exp(-mean)
    total = p
    k = 0
    while u >= total and k < 200:
        k += 1
        p *= mean / k
        total += p
    return k
