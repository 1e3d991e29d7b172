"""A spinning LiDAR: one ray per firing at its own instant, and the return that the device makes of it.

Received power of a hit, relative to P_min of a full reflector at `range` with 10 % margin (LISA normalisation, Kilic et
al., 2021): P = rho cos(theta) exp(-2 alpha R) / R^2, P_min = 0.9 / R_max^2, SNR = P / P_min; a return needs P >= P_min.
Range deviation sqrt(sigma_0^2 + (dR / sqrt(2 SNR))^2). Intensity is the power freed of 1 / R^2. No multiple returns, no
beam divergence. A wet surface reflects 0.4 of a dry one.

Firings lie on one fixed grid of integer nanoseconds: cycle c, channel j fire at c * cycle_ns + j * gap_ns; the azimuth
follows from the time. Points are in the device's frame at the instant of their own ray, so movement distorts the sweep.
"""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensors.config import DeviceConfig, Link, Mount, Part
from sensors.coverage import LIDAR, Coverage, attenuation
from sensors.device import Effect, Effects, Kind, Setting
from sensors.imu import rotation
from sensors.quantities import Distance, Hertz, Radians, Share, Spread
from sensors.span import Span, trail_at
from twin.draw import key_of, normal, uniform
from twin.kernel import kernel
from twin.ports import Rays
from twin.samples import Payload, PointCloud
from twin.state import RAIN, TR_PITCH, TR_ROLL, TR_X, TR_Y, TR_YAW, TR_Z, Floats, Ints

WET: Final = 0.4
DRAWS: Final = 5


class Pattern(Part):
    """Elevations of the channels in firing order [rad] and the timing grid."""

    elevations: tuple[float, ...]
    cycle_ns: int
    gap_ns: int


_DEG: Final = math.pi / 180.0
_VLP16: Final = (-15, 1, -13, 3, -11, 5, -9, 7, -7, 9, -5, 11, -3, 13, -1, 15)

PATTERNS: Final = {
    "vlp16": Pattern(elevations=tuple(e * _DEG for e in _VLP16), cycle_ns=55_296, gap_ns=2_304),
    "coarse": Pattern(elevations=tuple((-12 + i) * _DEG for i in range(16)), cycle_ns=250_000, gap_ns=15_000),
}


class Config(DeviceConfig):
    """`pattern` is a VLP-16, or a coarse grid of 16 channels and 0.9 deg. `seam` is where a sweep starts."""

    rate: Hertz = 10.0
    mount: Mount = Mount(x=1.3, z=1.9)
    link: Link = Link(latency=0.01, jitter=0.003)
    pattern: Literal["vlp16", "coarse"] = "coarse"
    range: Distance = 100.0
    near: Distance = 0.5
    field_of_view: Spread = 2.0 * math.pi
    seam: Radians = math.pi
    range_error: Distance = 0.02
    range_spread: Distance = 0.42
    angle_error: Spread = 0.01 * _DEG
    dropout: Share = 0.005
    step: Distance = 0.002

    @property
    def coverage(self) -> Coverage:
        """Return where it looks."""
        m = self.mount
        return Coverage(m.x, m.y, m.z, m.yaw, self.range, self.field_of_view, LIDAR)


@kernel
def firings(
    after_ns: int, until_ns: int, start_ns: int, cycle_ns: int, gap_ns: int, channels: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return instants and channels of the firings in (after_ns, until_ns], none before start_ns, by time."""
    first = max(0, (after_ns + 1 - start_ns) // cycle_ns - 1)
    last = max(-1, (until_ns - start_ns) // cycle_ns)
    most = max(0, (last - first + 1) * channels)
    t = np.empty(most, dtype=np.int64)
    channel = np.empty(most, dtype=np.int64)
    count = 0
    for c in range(first, last + 1):
        for j in range(channels):
            at = start_ns + c * cycle_ns + j * gap_ns
            if after_ns < at <= until_ns and at >= start_ns:
                t[count] = at
                channel[count] = j
                count += 1
    return t[:count], channel[:count]


@kernel
def aim(
    t_ns: NDArray[np.int64],
    channel: NDArray[np.int64],
    elevations: NDArray[np.float64],
    start_ns: int,
    period_ns: int,
    seam: float,
    trail: NDArray[np.float64],
    trail_t_ns: NDArray[np.int64],
    mount: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return origins and directions (n, 3) in the world, directions in the device's frame, and azimuths (n,).

    The head turns left; mount is x, y, z, yaw, pitch, roll in the body frame.
    """
    n = t_ns.size
    origins = np.empty((n, 3))
    world = np.empty((n, 3))
    local = np.empty((n, 3))
    azimuth = np.empty(n)
    turn = rotation(mount[3], mount[4], mount[5])
    for i in range(n):
        ego = trail_at(trail, trail_t_ns, t_ns[i])
        angle = seam + 2.0 * math.pi * ((t_ns[i] - start_ns) % period_ns) / period_ns
        azimuth[i] = angle - 2.0 * math.pi * math.floor(angle / (2.0 * math.pi) + 0.5)
        up = elevations[channel[i]]
        local[i, 0] = math.cos(up) * math.cos(angle)
        local[i, 1] = math.cos(up) * math.sin(angle)
        local[i, 2] = math.sin(up)
        body = rotation(ego[TR_YAW], ego[TR_PITCH], ego[TR_ROLL])
        for a in range(3):
            origins[i, a] = body[a, 0] * mount[0] + body[a, 1] * mount[1] + body[a, 2] * mount[2]
            world[i, a] = 0.0
            for b in range(3):
                inner = turn[b, 0] * local[i, 0] + turn[b, 1] * local[i, 1] + turn[b, 2] * local[i, 2]
                world[i, a] += body[a, b] * inner
        origins[i, 0] += ego[TR_X]
        origins[i, 1] += ego[TR_Y]
        origins[i, 2] += ego[TR_Z]
    return origins, world, local, azimuth


@kernel
def power(reflectivity: float, cos_incidence: float, distance: float, alpha: float) -> float:
    """Return the received power, relative [1/m^2]."""
    return reflectivity * cos_incidence * math.exp(-2.0 * alpha * distance) / (distance * distance)


@kernel
def least_power(max_range: float) -> float:
    """Return P_min for the range at which a full reflector is just seen in clear air."""
    return 0.9 / (max_range * max_range)


@kernel
def range_deviation(snr: float, floor: float, spread: float) -> float:
    """Return the 1-sigma error of a range [m]."""
    return math.sqrt(floor * floor + spread * spread / (2.0 * snr))


@kernel
def returns(
    distance: NDArray[np.float64],
    cos_incidence: NDArray[np.float64],
    reflectivity: NDArray[np.float64],
    local: NDArray[np.float64],
    key: np.uint64,
    number: NDArray[np.int64],
    alpha: float,
    max_range: float,
    near: float,
    floor: float,
    spread: float,
    angle_error: float,
    dropout: float,
    step: float,
    points: NDArray[np.float32],
    intensity: NDArray[np.float32],
    valid: NDArray[np.bool_],
) -> None:
    """Write the point and intensity of every ray, and whether there is a return at all."""
    for i in range(distance.size):
        valid[i] = False
        at = number[i] * DRAWS
        r = distance[i]
        if not near <= r <= max_range:
            continue
        p = power(reflectivity[i], cos_incidence[i], r, alpha)
        snr = p / least_power(max_range)
        if snr < 1.0 or (dropout > 0.0 and uniform(key, at + 1) < dropout):
            continue
        r += range_deviation(snr, floor, spread) * normal(key, at)
        if step > 0.0:
            r = math.floor(r / step + 0.5) * step
        x, y, z = local[i, 0], local[i, 1], local[i, 2]
        if angle_error > 0.0:
            turn = angle_error * normal(key, at + 2)
            lift = angle_error * normal(key, at + 3)
            x, y = x - turn * y, y + turn * x
            z += lift * math.sqrt(max(0.0, 1.0 - z * z))
        points[i, 0], points[i, 1], points[i, 2] = r * x, r * y, r * z
        intensity[i] = min(1.0, p * distance[i] * distance[i])
        valid[i] = True


class Returns(NamedTuple):
    """Returns of part of a sweep, by time; `number` counts the firings since the start."""

    t_ns: Ints
    channel: Ints
    azimuth: Floats
    points: NDArray[np.float32]
    intensity: NDArray[np.float32]
    number: Ints

    def only(self, keep: NDArray[np.bool_]) -> Returns:
        """Return those that are kept."""
        return Returns(
            self.t_ns[keep],
            self.channel[keep],
            self.azimuth[keep],
            self.points[keep],
            self.intensity[keep],
            self.number[keep],
        )


_NO_RETURNS: Final = Returns(
    *(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)),
    *(np.empty((0, 3), np.float32), np.empty(0, np.float32), np.empty(0, np.int64)),
)


def _joined(parts: list[Returns]) -> Returns:
    if not parts:
        return _NO_RETURNS
    return Returns(
        np.concatenate([p.t_ns for p in parts]),
        np.concatenate([p.channel for p in parts]),
        np.concatenate([p.azimuth for p in parts]),
        np.concatenate([p.points for p in parts]),
        np.concatenate([p.intensity for p in parts]),
        np.concatenate([p.number for p in parts]),
    )


class Lidar:
    """Casts the rays of every tick and hands over a sweep when it is complete."""

    def __init__(self, setting: Setting[Config]) -> None:
        c = setting.config
        self._config = c
        pattern = PATTERNS[c.pattern]
        self._pattern = pattern
        self._elevations = np.array(pattern.elevations)
        m = c.mount
        self._mount = np.array([m.x, m.y, m.z, m.yaw, m.pitch, m.roll])
        self._period_ns = setting.period_ns
        seed, name = setting.case.seed, setting.name
        self._key, self._drop_key = key_of(seed, name, "return"), key_of(seed, name, "fault.rand_drop")
        self._parts: list[Returns] = []
        self._fired = 0

    @property
    def duration_ns(self) -> int:
        """How long a sweep takes, to its last firing."""
        return self._period_ns - 1

    def observe(self, span: Span) -> None:
        """Cast the firings of this tick."""
        c, pattern = self._config, self._pattern
        t_ns, channel = firings(
            span.after_ns, span.now.t_ns, c.phase, pattern.cycle_ns, pattern.gap_ns, len(pattern.elevations)
        )
        counter = self._fired
        self._fired += t_ns.size
        if t_ns.size == 0:
            return
        origins, world, local, azimuth = aim(
            t_ns, channel, self._elevations, c.phase, self._period_ns, c.seam, span.now.trail, span.now.trail_t_ns,
            self._mount,
        )  # fmt: skip
        number: Ints = np.arange(counter, counter + t_ns.size, dtype=np.int64)
        if c.field_of_view < 2.0 * math.pi - 1e-9:
            inside = np.abs(azimuth) <= 0.5 * c.field_of_view
            t_ns, channel, number = t_ns[inside], channel[inside], number[inside]
            origins, world, local, azimuth = origins[inside], world[inside], local[inside], azimuth[inside]
            if t_ns.size == 0:
                return
        hits = span.probe([Rays(origins, world, t_ns, c.range)])[0]
        reflectivity = hits.reflectivity
        environment = span.now.environment
        if environment[RAIN] > 0.0:
            reflectivity = np.where(hits.actor == -1, WET * reflectivity, reflectivity)
        points = np.zeros((t_ns.size, 3), dtype=np.float32)
        intensity = np.zeros(t_ns.size, dtype=np.float32)
        valid = np.zeros(t_ns.size, dtype=np.bool_)
        returns(
            hits.range_m, hits.cos_incidence, reflectivity, local, self._key, number, attenuation(environment), c.range,
            c.near, c.range_error, c.range_spread, c.angle_error, c.dropout, c.step, points, intensity, valid,
        )  # fmt: skip
        self._parts.append(
            Returns(t_ns[valid], channel[valid], azimuth[valid], points[valid], intensity[valid], number[valid])
        )

    def measure(self, k: int, t_ns: int, span: Span, effects: Effects) -> Payload:
        end = t_ns + self._period_ns
        every = _joined(self._parts)
        later = every.t_ns >= end
        self._parts = [every.only(later)] if later.any() else []
        sweep = every.only((every.t_ns >= t_ns) & ~later)
        sector, thin = effects.get("sector_loss"), effects.get("rand_drop")
        if sector:
            off = (sweep.azimuth - sector["azimuth"] + math.pi) % (2.0 * math.pi) - math.pi
            sweep = sweep.only(np.abs(off) > 0.5 * sector.severity * sector["width"])
        if thin:
            sweep = sweep.only(survivors(self._drop_key, sweep.number, thin.severity * thin["probability"]))
        offset = (sweep.t_ns - t_ns).astype(np.int32)
        return PointCloud(sweep.points, sweep.intensity, offset, sweep.channel.astype(np.int16))

    def biased(self, data: Payload, bias: Effect) -> Payload:
        assert isinstance(data, PointCloud)
        way = np.linalg.norm(data.points_xyz, axis=1, keepdims=True)
        scale = 1.0 + bias.severity * bias["range"] / np.maximum(way, 1e-6)
        points = (data.points_xyz * scale).astype(np.float32)
        return PointCloud(points, data.intensity, data.t_offset_ns, data.ring)


@kernel
def survivors(key: np.uint64, number: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Return which returns are left when each is lost with probability `share`."""
    out = np.empty(number.size, dtype=np.bool_)
    for i in range(number.size):
        out[i] = uniform(key, number[i]) >= share
    return out


KIND = Kind(Config, Lidar, "a spinning LiDAR, ray by ray")
