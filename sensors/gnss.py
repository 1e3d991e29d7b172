"""GNSS: antenna position with the slowly wandering error that real receivers have.

Error per ENU axis = slow Gauss-Markov + multipath Gauss-Markov + white, by quality of the fix; each process is exact
for any rate. Deviations are sized so that the circular error probable (1.1774 sigma per axis) is 1.50 m for a
single-point fix, 0.87 m with corrections, 0.32 m for an RTK float and 1.0 cm for an RTK fix, typical of a ZED-F9P
class receiver; the vertical error is 1.8 to 2 times the horizontal. After a dropout the receiver needs 1.5 s to find a
fix and an RTK receiver 8 s more, as float, to resolve its ambiguities.
"""

from __future__ import annotations

import math
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from sensors.config import DeviceConfig, Link, Mount
from sensors.device import Effect, Effects, Kind, Setting
from sensors.noise import chain, correlated
from sensors.quantities import Hertz, Positive, Seconds, Share, Speed
from sensors.span import Span
from twin.draw import key_of, normal, uniform
from twin.kernel import kernel
from twin.samples import GnssFix, Payload
from twin.state import TR_VX, TR_VY, TR_X, TR_Y, TR_YAW, TR_YAW_RATE, TR_Z, Floats

NONE, SPS, DGNSS, RTK, FLOAT = 0, 1, 2, 4, 5
STATES: Final = {"sps": SPS, "dgnss": DGNSS, "rtk": RTK, "float": FLOAT, "none": NONE}

# columns: slow sigma [m], slow tau [s], multipath sigma [m], multipath tau [s], white sigma [m], vertical factor
ERRORS: Final = np.array(
    [
        [0.0, 1.0, 0.0, 1.0, 0.0, 1.0],
        [1.2, 300.0, 0.4, 30.0, 0.15, 1.8],
        [0.6, 300.0, 0.4, 30.0, 0.15, 1.8],
        [0.0, 1.0, 0.0, 1.0, 0.0, 1.0],
        [0.006, 60.0, 0.005, 20.0, 0.0035, 2.0],
        [0.25, 120.0, 0.10, 20.0, 0.02, 1.8],
    ]
)
DRAWS: Final = 12  # per sample: slow, multipath, white and velocity, three axes each


class Config(DeviceConfig):
    """`state` is the best fix on offer; `outage` the share of time without any, in spells of mean `outage_time`.

    `claim` scales the deviation that the receiver claims. `velocity_error` is white, per axis.
    """

    rate: Hertz = 10.0
    state: Literal["rtk", "float", "dgnss", "sps", "none"] = "rtk"
    mount: Mount = Mount(x=0.8, z=1.5)
    link: Link = Link(latency=0.06, jitter=0.02)
    velocity_error: Speed = 0.05
    claim: Positive = 1.0
    outage: Share = 0.0
    outage_time: Seconds = 5.0
    reacquire: Seconds = 1.5
    refix: Seconds = 8.0


@kernel
def wander(
    slow: NDArray[np.float64],
    multipath: NDArray[np.float64],
    row: NDArray[np.float64],
    key: np.uint64,
    k: int,
    dt: float,
    out: NDArray[np.float64],
) -> None:
    """Advance both processes (3,), unit variance, by one sample and write the position error (3,) [m]."""
    phi_slow = math.exp(-dt / row[1])
    phi_multipath = math.exp(-dt / row[3])
    for a in range(3):
        if k == 0:
            slow[a] = normal(key, a)
            multipath[a] = normal(key, 3 + a)
        else:
            slow[a] = correlated(slow[a], phi_slow, normal(key, k * DRAWS + a))
            multipath[a] = correlated(multipath[a], phi_multipath, normal(key, k * DRAWS + 3 + a))
        scale = row[5] if a == 2 else 1.0
        out[a] = scale * (row[0] * slow[a] + row[2] * multipath[a] + row[4] * normal(key, k * DRAWS + 6 + a))


@kernel
def wander_record(row: NDArray[np.float64], key: np.uint64, dt: float, n: int) -> NDArray[np.float64]:
    """Return the position errors (n, 3) of n samples in a row."""
    out = np.empty((n, 3))
    slow = np.zeros(3)
    multipath = np.zeros(3)
    for k in range(n):
        wander(slow, multipath, row, key, k, dt, out[k])
    return out


def claimed(quality: int) -> Floats:
    """Return the deviation per axis (3,) [m] that the error model has."""
    row = ERRORS[quality]
    sigma = math.sqrt(row[0] ** 2 + row[2] ** 2 + row[4] ** 2)
    return np.array([sigma, sigma, row[5] * sigma])


class Gnss:
    """A receiver; its processes of every quality run on, so that a change of state changes nothing later."""

    duration_ns = 0

    def __init__(self, setting: Setting[Config]) -> None:
        self._config = setting.config
        seed, name = setting.case.seed, setting.name
        self._best = STATES[setting.config.state]
        self._dt = setting.dt
        self._keys = [key_of(seed, name, f"error{q}") for q in range(6)]
        self._velocity_key = key_of(seed, name, "velocity")
        self._outage_key = key_of(seed, name, "outage")
        self._slow = np.zeros((6, 3))
        self._multipath = np.zeros((6, 3))
        self._error = np.zeros((6, 3))
        self._used = sorted({self._best, FLOAT if self._best == RTK else self._best} - {NONE})
        self._available = 1
        self._back = -1  # samples since the last one without a signal, -1 never lost
        self._spoofed = np.zeros(2)
        self._spoof_heading = math.nan

    def observe(self, span: Span) -> None:
        pass

    def measure(self, k: int, t_ns: int, span: Span, effects: Effects) -> Payload:
        ego = span.ego_at(t_ns)
        mount = self._config.mount
        cos, sin = math.cos(ego[TR_YAW]), math.sin(ego[TR_YAW])
        across = np.array([cos * mount.x - sin * mount.y, sin * mount.x + cos * mount.y])
        velocity = np.array([cos * ego[TR_VX] - sin * ego[TR_VY], sin * ego[TR_VX] + cos * ego[TR_VY], 0.0])
        velocity[0] -= ego[TR_YAW_RATE] * across[1]
        velocity[1] += ego[TR_YAW_RATE] * across[0]
        for a in range(3):
            velocity[a] += self._config.velocity_error * normal(self._velocity_key, 3 * k + a)
        for q in self._used:
            wander(self._slow[q], self._multipath[q], ERRORS[q], self._keys[q], k, self._dt, self._error[q])
        quality = self._quality(k, "dropout" in effects)
        spoof = self._spoof(float(ego[TR_YAW]), effects)
        if quality == NONE:
            return GnssFix(np.full(3, math.nan), np.full(3, math.nan), np.full(3, math.nan), NONE)
        xyz = np.array([ego[TR_X] + across[0], ego[TR_Y] + across[1], ego[TR_Z] + mount.z]) + self._error[quality]
        xyz[:2] += spoof
        return GnssFix(xyz, velocity, self._config.claim * claimed(quality), quality)

    def _quality(self, k: int, dropped: bool) -> int:
        config = self._config
        if config.outage > 0.0:
            keep = math.exp(-self._dt / max(config.outage_time * (1.0 - config.outage), 1e-9))
            u = uniform(self._outage_key, k)
            up = 1.0 - config.outage
            self._available = int(u < up) if k == 0 else chain(self._available, up, keep, u)
        if dropped or self._available == 0:
            self._back = 0
            return NONE
        if self._back < 0:
            return self._best
        self._back += 1
        since = self._back * self._dt - 1e-9
        if since <= config.reacquire:
            return NONE
        if self._best == RTK and since <= config.reacquire + config.refix:
            return FLOAT
        return self._best

    def _spoof(self, heading: float, effects: Effects) -> Floats:
        """Return the false offset (2,) [m] of an attack; the carry-off adds up while it lasts."""
        drift, jump = effects.get("spoof_drift"), effects.get("spoof_jump")
        if drift is None and jump is None:
            self._spoofed[:] = 0.0
            self._spoof_heading = math.nan
            return self._spoofed.copy()
        if math.isnan(self._spoof_heading):
            self._spoof_heading = heading
        if drift:
            way = drift.severity * drift["rate"] * self._dt
            self._spoofed += way * _unit(self._spoof_heading + drift["direction"])
        else:
            self._spoofed[:] = 0.0
        offset = self._spoofed.copy()
        if jump:
            offset += jump.severity * jump["distance"] * _unit(self._spoof_heading + jump["direction"])
        return offset

    def biased(self, data: Payload, bias: Effect) -> Payload:
        assert isinstance(data, GnssFix)
        offset = bias.severity * np.array([bias["x"], bias["y"], bias["z"]])
        return GnssFix(data.xyz + offset, data.velocity_enu, data.std_xyz, data.quality)


def _unit(angle: float) -> Floats:
    return np.array([math.cos(angle), math.sin(angle)])


KIND = Kind(Config, Gnss, "antenna position, velocity and claimed deviation")
