"""The way from a device to the stack: latency, loss, order, queue, and the device's clock.

Latency L = fixed part + lognormal part given by its mean and 99 % quantile; loss by Gilbert's two-state chain; a FIFO
link never overtakes, any other may. Everything is a function of the sample's index, so nothing that happens to one
sample shifts another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sensors.config import Clock, Link
from sensors.noise import in_burst
from twin.clock import NS_PER_S
from twin.draw import key_of, normal, uniform
from twin.errors import InputError
from twin.samples import Payload

_Z99: Final = 2.3263478740408408
TYPICAL_P99: Final = 2.5  # of the mean


@dataclass(frozen=True, slots=True)
class Parcel:
    """A measurement on its way."""

    k: int
    t_arrival_ns: int
    t_meas_ns: int
    t_stamp_ns: int
    data: Payload
    faults: tuple[str, ...]


def lognormal(mean: float, p99: float) -> tuple[float, float]:
    """Return (mu, sigma) of the logarithm for a mean and a 99 % quantile [s].

    From ln(p99 / mean) = z sigma - sigma^2 / 2. Raises InputError when no lognormal has both.
    """
    if not 0.0 < mean < p99 or math.log(p99 / mean) > _Z99**2 / 2:
        raise InputError(f"no lognormal has mean {mean} s and 99 % quantile {p99} s: write 1 < quantile / mean < 14.9")
    sigma = _Z99 - math.sqrt(_Z99**2 - 2.0 * math.log(p99 / mean))
    return math.log(mean) - sigma * sigma / 2.0, sigma


@dataclass(slots=True)
class Transport:
    """One link. `seed` and `name` key its randomness."""

    link: Link
    clock: Clock
    seed: int
    name: str
    _pending: list[Parcel] = field(init=False, default_factory=list)
    _last_ns: int = field(init=False, default=0)
    _bad: int = field(init=False, default=0)
    _k: int = field(init=False, default=0)
    _keys: tuple[np.uint64, np.uint64, np.uint64, np.uint64] = field(init=False)
    _shape: tuple[float, float] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        a, b, c, d = (key_of(self.seed, self.name, p) for p in ("latency", "loss", "drop", "clock"))
        self._keys = (a, b, c, d)
        if self.link.jitter > 0.0:
            p99 = self.link.jitter_p99 if self.link.jitter_p99 > 0.0 else TYPICAL_P99 * self.link.jitter
            self._shape = lognormal(self.link.jitter, p99)

    def latency_ns(self, k: int) -> int:
        """Return how long sample k takes."""
        latency = self.link.latency
        if self._shape is not None:
            mu, sigma = self._shape
            latency += math.exp(mu + sigma * normal(self._keys[0], k))
        return round(latency * NS_PER_S)

    def stamp_ns(self, k: int, t_ns: int) -> int:
        """Return what the device's clock shows at t_ns."""
        clock = self.clock
        error = clock.offset + clock.drift * (t_ns / NS_PER_S)
        if clock.noise > 0.0:
            error += clock.noise * normal(self._keys[3], k)
        return t_ns + round(error * NS_PER_S)

    def lost(self, k: int, share: float = 0.0) -> bool:
        """Say whether sample k is lost, to the link or to a fault that takes `share`. Ask once per k, in order."""
        if self.link.loss > 0.0:
            u = uniform(self._keys[1], k)
            first = 1 if u < self.link.loss else 0
            self._bad = first if k == 0 else in_burst(self._bad, self.link.loss, self.link.burst, u)
        gone = self._bad == 1
        if share > 0.0 and uniform(self._keys[2], k) < share:
            gone = True
        return gone

    def send(self, parcel: Parcel) -> None:
        """Put a parcel on its way; on a FIFO link it waits for the one before."""
        if self.link.order == "fifo":
            if parcel.t_arrival_ns < self._last_ns:
                parcel = Parcel(
                    parcel.k, self._last_ns, parcel.t_meas_ns, parcel.t_stamp_ns, parcel.data, parcel.faults
                )
            self._last_ns = parcel.t_arrival_ns
        self._pending.append(parcel)

    def receive(self, t_ns: int) -> list[Parcel]:
        """Return what has arrived by t_ns, by arrival; of a bounded queue only the newest."""
        pending = self._pending
        if not pending:
            return []
        here = [p for p in pending if p.t_arrival_ns <= t_ns]
        if not here:
            return []
        self._pending = [p for p in pending if p.t_arrival_ns > t_ns]
        here.sort(key=lambda p: (p.t_arrival_ns, p.k))
        return here[-self.link.queue :] if self.link.queue > 0 else here
