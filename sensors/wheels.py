"""Wheel encoders: speed over ground from timed edges, on tyres that roll on a slightly other radius.

Each wheel's rim speed follows from the rigid body (no slip); the encoder counts floor(way / pitch of its edges); the
speed is way over time between the last edges seen, timed to 1 us, and 0 below the cut-off of a passive sensor. The bus
quantises. The steering angle has a white error and its own step.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensors.config import DeviceConfig, Link
from sensors.device import Effect, Effects, Kind, Setting
from sensors.noise import quantised
from sensors.quantities import Hertz, Positive, Share, Speed, Spread
from sensors.span import Span
from twin.draw import key_of, normal
from twin.kernel import kernel
from twin.samples import Payload, WheelSpeeds
from twin.state import EGO, TR_STEER, TR_VX, TR_VY, TR_YAW_RATE, VX, Floats, Ints

TIMER_S: Final = 1e-6


class Config(DeviceConfig):
    """`radius_error` and `radius_difference` are deviations of what is drawn once a run: all wheels, each wheel."""

    rate: Hertz = 50.0
    link: Link = Link(latency=0.001, jitter=0.001)
    edges: Positive = 96.0
    radius_error: Share = 0.003
    radius_difference: Share = 0.001
    cut_off: Speed = 0.3
    step: Speed = 0.01
    steer_error: Spread = 0.0005
    steer_step: Spread = 0.001


class Encoders(NamedTuple):
    """Memory of four encoders: way [m], edges counted, when the last edge came [s, since the start], reported speed."""

    way: Floats  # (4,)
    edges: Ints  # (4,)
    edge_s: Floats  # (4,)
    speed: Floats  # (4,)


def encoders() -> Encoders:
    """Return four encoders at rest at t = 0."""
    return Encoders(np.zeros(4), np.zeros(4, dtype=np.int64), np.zeros(4), np.zeros(4))


@kernel
def rim(row: NDArray[np.float64], wheelbase: float, track: float, wheel: int) -> float:
    """Return the speed over ground of a wheel along its own plane [m/s]; wheels fl, fr, rl, rr."""
    side = 0.5 * track if wheel % 2 == 0 else -0.5 * track
    along = float(row[TR_VX] - row[TR_YAW_RATE] * side)
    if wheel >= 2:
        return along
    across = float(row[TR_VY] + row[TR_YAW_RATE] * wheelbase)
    return along * math.cos(float(row[TR_STEER])) + across * math.sin(float(row[TR_STEER]))


@kernel
def roll(
    encoders: Encoders,
    trail: NDArray[np.float64],
    trail_t_ns: NDArray[np.int64],
    from_ns: int,
    to_ns: int,
    wheelbase: float,
    track: float,
    scale: NDArray[np.float64],
) -> None:
    """Add the way rolled between two instants of a trail, speeds linear between its rows."""
    for i in range(trail.shape[0] - 1):
        t0, t1 = trail_t_ns[i], trail_t_ns[i + 1]
        a, b = max(t0, from_ns), min(t1, to_ns)
        if b <= a or t1 <= t0:
            continue
        for w in range(4):
            v0, v1 = rim(trail[i], wheelbase, track, w), rim(trail[i + 1], wheelbase, track, w)
            middle = v0 + (v1 - v0) * (0.5 * (a + b) - t0) / (t1 - t0)
            encoders.way[w] += scale[w] * middle * (b - a) * 1e-9


@kernel
def read(encoders: Encoders, speed: NDArray[np.float64], t_s: float, pitch: float, cut_off: float) -> None:
    """Time the edges up to t_s; `speed` (4,) is that of the rims now, to place the last edge."""
    for w in range(4):
        count = math.floor(encoders.way[w] / pitch)
        new = count - encoders.edges[w]
        if new != 0:
            beyond = encoders.way[w] - count * pitch
            if new < 0:
                beyond -= pitch
            since = min(beyond / speed[w], t_s - encoders.edge_s[w]) if speed[w] * beyond > 0.0 else 0.0
            edge = math.floor((t_s - since) / TIMER_S + 0.5) * TIMER_S
            gone = edge - encoders.edge_s[w]
            if gone > 0.0:
                encoders.speed[w] = new * pitch / gone if encoders.speed[w] != 0.0 else speed[w]
            encoders.edges[w] = int(count)
            encoders.edge_s[w] = edge
        else:
            most = pitch / max(t_s - encoders.edge_s[w], TIMER_S)
            if abs(encoders.speed[w]) > most:
                encoders.speed[w] = math.copysign(most, encoders.speed[w])
        if abs(encoders.speed[w]) < cut_off:
            encoders.speed[w] = 0.0


class Wheels:
    """Four encoders and the steering angle."""

    duration_ns = 0

    def __init__(self, setting: Setting[Config]) -> None:
        c, car = setting.config, setting.case.ego
        seed, name = setting.case.seed, setting.name
        self._config = c
        self._wheelbase, self._track = car.wheelbase, car.track
        self._pitch = 2.0 * math.pi * car.wheel_radius / c.edges
        radius = key_of(seed, name, "radius")
        common = 1.0 + c.radius_error * normal(radius, 0)
        self._scale = np.array([common * (1.0 + c.radius_difference * normal(radius, 1 + w)) for w in range(4)])
        self._steer_key = key_of(seed, name, "steer")
        self._memory = encoders()
        self._rolled_ns = 0
        self._trail: tuple[Floats, Ints] | None = None
        self._memory.speed[:] = setting.case.f0[VX, EGO]

    def observe(self, span: Span) -> None:
        """Roll what the tick before left over, then keep this tick's trail."""
        if self._trail is not None:
            self._roll_to(int(self._trail[1][-1]))
        self._trail = (span.now.trail, span.now.trail_t_ns)

    def _roll_to(self, t_ns: int) -> None:
        if self._trail is not None and t_ns > self._rolled_ns:
            trail, times = self._trail
            roll(self._memory, trail, times, self._rolled_ns, t_ns, self._wheelbase, self._track, self._scale)
            self._rolled_ns = t_ns

    def measure(self, k: int, t_ns: int, span: Span, effects: Effects) -> Payload:
        c = self._config
        self._roll_to(t_ns)
        ego = span.ego_at(t_ns)
        now = np.array([self._scale[w] * rim(ego, self._wheelbase, self._track, w) for w in range(4)])
        read(self._memory, now, t_ns * 1e-9, self._pitch, c.cut_off)
        error = effects.get("radius")
        factor = 1.0 - error.severity * error["error"] if error else 1.0
        speeds = np.array([quantised(factor * v, c.step) for v in self._memory.speed])
        if "stuck_zero" in effects:
            speeds[:] = 0.0
        steer = quantised(float(ego[TR_STEER]) + c.steer_error * normal(self._steer_key, k), c.steer_step)
        return WheelSpeeds(speeds, steer)

    def biased(self, data: Payload, bias: Effect) -> Payload:
        assert isinstance(data, WheelSpeeds)
        return WheelSpeeds(data.wheels_mps + bias.severity * bias["speed"], data.steer_rad)


KIND = Kind(Config, Wheels, "wheel speeds from encoders, and the steering angle")
