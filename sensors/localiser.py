"""The localiser: an extended Kalman filter over measured IMU, wheel and GNSS samples, never the truth.

State: x, y, yaw, speed, gyroscope bias, accelerometer bias; the reference point is the rear axle, which does not slip
sideways. The IMU drives the prediction x' = v cos yaw, y' = v sin yaw, yaw' = w - b_w, v' = a - b_a. Wheels measure
the speed, GNSS the antenna's position; the course of its velocity measures the yaw above walking speed.
A late measurement is put in at its own time: inputs of the last HISTORY_S are kept and run again from there. A fix that
lies GATE deviations off is refused until REFUSED in a row ask for a new start from the fix.

The filter has been running before t = 0: it starts near the case's first pose, off by an error drawn from its own
covariance.
"""

from __future__ import annotations

import math
from bisect import insort
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sensors.config import DeviceConfig
from sensors.device import Device, Effect, Effects, Kind, Setting
from sensors.quantities import Distance, Hertz, Positive, Speed, Spread
from sensors.span import Span
from twin.draw import key_of, normal
from twin.kernel import kernel
from twin.samples import GnssFix, ImuSample, Payload, PoseEstimate, Sample, WheelSpeeds
from twin.state import EGO, VX, YAW, Floats, X, Y

HISTORY_S: Final = 0.6
GATE: Final = 6.0
REFUSED: Final = 30
COURSE_MPS: Final = 3.0
PX, PY, PYAW, PV, PBW, PBA = range(6)
Event = tuple[int, int, int, tuple[float, ...]]  # t_ns, kind, sequence, numbers
IMU, WHEELS, GNSS = range(3)


class Config(DeviceConfig):
    """What the filter believes; `gnss_factor` makes up for errors that wander instead of averaging out."""

    rate: Hertz = 20.0
    sources: tuple[str, ...] = ("imu", "wheels", "gnss")
    start_error: Distance = 0.05
    start_heading_error: Spread = 0.005
    gyro_noise: Positive = 0.002
    accel_noise: Positive = 0.05
    gyro_walk: Positive = 2e-5
    accel_walk: Positive = 1e-3
    side_slip: Positive = 0.01
    wheel_error: Speed = 0.1
    gnss_factor: Positive = 5.0


@kernel
def _sandwich(F: NDArray[np.float64], P: NDArray[np.float64]) -> None:
    """Replace P by F P F', exactly symmetric."""
    FP = np.zeros((6, 6))
    for i in range(6):
        for k in range(6):
            if F[i, k] != 0.0:
                for j in range(6):
                    FP[i, j] += F[i, k] * P[k, j]
    for i in range(6):
        for j in range(i + 1):
            total = 0.0
            for k in range(6):
                total += FP[i, k] * F[j, k]
            P[i, j] = total
            P[j, i] = total


@kernel
def predict(
    x: NDArray[np.float64], P: NDArray[np.float64], w: float, a: float, dt: float, q: NDArray[np.float64]
) -> None:
    """Move state (6,) and covariance (6, 6) on by dt with rate w and acceleration a."""
    rate, accel = w - x[4], a - x[5]
    yaw = x[2] + 0.5 * rate * dt
    way = x[3] * dt + 0.5 * accel * dt * dt
    cos, sin = math.cos(yaw), math.sin(yaw)
    F = np.zeros((6, 6))
    for i in range(6):
        F[i, i] = 1.0
    F[0, 2], F[1, 2] = -way * sin, way * cos
    F[0, 3], F[1, 3] = cos * dt, sin * dt
    F[2, 4] = -dt
    F[3, 5] = -dt
    x[0] += way * cos
    x[1] += way * sin
    x[2] += rate * dt
    x[3] = max(0.0, x[3] + accel * dt) if x[3] >= 0.0 else x[3] + accel * dt
    _sandwich(F, P)
    slip = (q[4] * x[3]) ** 2 * dt
    P[0, 0] += slip * sin * sin
    P[1, 1] += slip * cos * cos
    P[0, 1] -= slip * sin * cos
    P[1, 0] -= slip * sin * cos
    P[2, 2] += q[0] * q[0] * dt
    P[3, 3] += q[1] * q[1] * dt
    P[4, 4] += q[2] * q[2] * dt
    P[5, 5] += q[3] * q[3] * dt


@kernel
def correct(
    x: NDArray[np.float64], P: NDArray[np.float64], row: NDArray[np.float64], off: float, variance: float
) -> None:
    """Take in one scalar measurement: its row of the measurement matrix (6,), innovation and variance."""
    PH = np.zeros(6)
    S = variance
    for i in range(6):
        for j in range(6):
            PH[i] += P[i, j] * row[j]
        S += row[i] * PH[i]
    for i in range(6):
        x[i] += PH[i] / S * off
        for j in range(i + 1):
            P[i, j] -= PH[i] * PH[j] / S
            P[j, i] = P[i, j]


@kernel
def fix(
    x: NDArray[np.float64],
    P: NDArray[np.float64],
    px: float,
    py: float,
    std: float,
    lever_x: float,
    lever_y: float,
    force: bool,
) -> bool:
    """Take in an antenna position; returns False when it was refused."""
    cos, sin = math.cos(x[2]), math.sin(x[2])
    ax, ay = cos * lever_x - sin * lever_y, sin * lever_x + cos * lever_y
    dx, dy = px - x[0] - ax, py - x[1] - ay
    sx, sy = P[0, 0] + std * std, P[1, 1] + std * std
    if not force and (dx * dx > GATE * GATE * sx or dy * dy > GATE * GATE * sy):
        return False
    if force:
        P[0, 0] += dx * dx
        P[1, 1] += dy * dy
    row = np.zeros(6)
    row[0] = 1.0
    row[2] = -ay
    correct(x, P, row, dx, std * std)
    cos, sin = math.cos(x[2]), math.sin(x[2])
    ax, ay = cos * lever_x - sin * lever_y, sin * lever_x + cos * lever_y
    row[0], row[1], row[2] = 0.0, 1.0, ax
    correct(x, P, row, py - x[1] - ay, std * std)
    return True


class Localiser:
    """The filter, its inputs of the last second, and a checkpoint before them."""

    duration_ns = 0
    fuses = True

    def __init__(self, setting: Setting[Config]) -> None:
        c = setting.config
        f0 = setting.case.f0[:, EGO]
        key = key_of(setting.case.seed, setting.name, "start")
        spread = np.array([c.start_error, c.start_error, c.start_heading_error, 0.1, 0.002, 0.03])
        draws = np.array([normal(key, i) for i in range(4)])
        x = np.array([f0[X], f0[Y], f0[YAW], f0[VX], 0.0, 0.0])
        x[:4] += spread[:4] * draws
        x[PV] = f0[VX]
        self._sources: list[Device] = list(setting.sources.values())
        self._config = c
        self._q = np.array([c.gyro_noise, c.accel_noise, c.gyro_walk, c.accel_walk, c.side_slip])
        self._base: tuple[int, Floats, Floats, float, float] = (0, x, np.diag(spread**2), 0.0, 0.0)
        self._events: list[Event] = []
        self._waiting: list[tuple[int, int, Event]] = []
        self._sequence = 0
        self._refused = 0
        self._done = 0
        self._state = (0, x.copy(), np.diag(spread**2), 0.0, 0.0)

    def observe(self, span: Span) -> None:
        """Queue what has arrived from the sources, by arrival."""
        for device in self._sources:
            for sample in device.arrived:
                event = self._event(device, sample)
                if event is not None:
                    self._waiting.append((sample.t_arrival_ns, event[2], event))
        self._waiting.sort(key=lambda w: w[:2])

    def _event(self, device: Device, sample: Sample) -> Event | None:
        self._sequence += 1
        t, n, data, mount = sample.t_stamp_ns, self._sequence, sample.data, device.config.mount
        if isinstance(data, ImuSample):
            cos, sin = math.cos(mount.yaw), math.sin(mount.yaw)
            w, a = float(data.gyro_xyz[2]), cos * float(data.accel_xyz[0]) - sin * float(data.accel_xyz[1])
            return t, IMU, n, (w, a + w * w * mount.x)
        if isinstance(data, WheelSpeeds):
            return t, WHEELS, n, (0.5 * float(data.wheels_mps[2] + data.wheels_mps[3]),)
        if isinstance(data, GnssFix) and data.quality > 0:
            v = data.velocity_enu
            std = float(data.std_xyz[0]) * self._config.gnss_factor
            return t, GNSS, n, (float(data.xyz[0]), float(data.xyz[1]), std, float(v[0]), float(v[1]), mount.x, mount.y)
        return None

    def measure(self, k: int, t_ns: int, span: Span, effects: Effects) -> Payload:
        self._take_until(t_ns)
        at, x, P, w, a = self._state
        dt = max(0, t_ns - at) * 1e-9
        x, P = x.copy(), P.copy()
        if dt > 0.0:
            predict(x, P, w, a, min(dt, HISTORY_S), self._q)
        yaw = math.remainder(float(x[PYAW]), 2.0 * math.pi)
        std = math.sqrt(max(0.5 * float(P[0, 0] + P[1, 1]), 0.0))
        return PoseEstimate(float(x[PX]), float(x[PY]), yaw, float(x[PV]), float(w - x[PBW]), float(a - x[PBA]), std)

    def _take_until(self, t_ns: int) -> None:
        due = [w for w in self._waiting if w[0] <= t_ns]
        if not due:
            return
        self._waiting = self._waiting[len(due) :]
        first = self._state[0]
        for _, _, event in due:
            if event[0] > self._base[0]:
                insort(self._events, event)
                first = min(first, event[0])
        horizon = t_ns - round(HISTORY_S * 1e9)
        keep = 0
        while keep < len(self._events) and self._events[keep][0] <= horizon:
            keep += 1
        if keep > 0:
            self._base = self._run(self._base, self._events[:keep], final=True)
            self._events = self._events[keep:]
        self._state = self._run(self._base, self._events, final=False)

    def _run(
        self, start: tuple[int, Floats, Floats, float, float], events: list[Event], final: bool
    ) -> tuple[int, Floats, Floats, float, float]:
        at, x, P, w, a = start[0], start[1].copy(), start[2].copy(), start[3], start[4]
        refused = self._refused
        for t, kind, _, values in events:
            if t > at:
                predict(x, P, w, a, (t - at) * 1e-9, self._q)
                at = t
            if kind == IMU:
                w, a = values
            elif kind == WHEELS:
                correct(x, P, _SPEED, values[0] - float(x[PV]), self._config.wheel_error**2)
            else:
                px, py, std, vx, vy, lever_x, lever_y = values
                if fix(x, P, px, py, std, lever_x, lever_y, refused >= REFUSED):
                    refused = 0
                    rate = w - float(x[PBW])
                    speed = math.hypot(vx, vy)
                    if speed > COURSE_MPS:
                        course = math.atan2(vy, vx) - math.atan2(rate * lever_x, float(x[PV]) - rate * lever_y)
                        off = math.remainder(course - float(x[PYAW]), 2.0 * math.pi)
                        correct(x, P, _YAW, off, (0.1 / speed) ** 2 + 1e-5)
                else:
                    refused += 1
        if final:
            self._refused = refused
        return at, x, P, w, a

    def biased(self, data: Payload, bias: Effect) -> Payload:
        assert isinstance(data, PoseEstimate)
        x, y, yaw, speed = (bias.severity * bias[axis] for axis in ("x", "y", "yaw", "speed"))
        return PoseEstimate(
            data.x + x, data.y + y, data.yaw + yaw, data.speed_mps + speed, data.yaw_rate, data.accel_mps2, data.std_xy
        )


_SPEED = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0])
_YAW = np.array([0.0, 0.0, 1.0, 0.0, 0.0, 0.0])
KIND = Kind(Config, Localiser, "pose, speed and yaw rate fused from GNSS, IMU and wheels")
