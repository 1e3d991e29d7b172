"""IMU: specific force and angular rate with the errors that an Allan deviation shows.

y = x + turn-on bias + bias instability + rate random walk + white noise, then saturation and quantisation, per axis.
White noise per sample has deviation N / sqrt(dt). Bias instability B is flicker noise (one-sided density B^2 / (pi f),
Allan floor 0.664 B) streamed as the sum of ten Gauss-Markov states with time constants 0.1 s x 4^j, each of variance
B^2 ln 4 / pi. The rate random walk steps by K sqrt(dt). Terms: IEEE Std 952-1997, annex C.

The lever arm from the reference point adds omega x (omega x r) + alpha x r. Gravity is felt along the tilted body axes.
"""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensors.config import DeviceConfig, Link, Mount, Part
from sensors.device import Effect, Effects, Kind, Setting
from sensors.noise import clipped, correlated, quantised
from sensors.quantities import Hertz
from sensors.span import Span, trail_at
from twin.draw import key_of, normal
from twin.kernel import kernel
from twin.samples import ImuSample, Payload
from twin.state import TR_AX, TR_AY, TR_PITCH, TR_ROLL, TR_YAW_RATE, Floats

GRAVITY: Final = 9.80665
STATES: Final = 10
FASTEST_S: Final = 0.1
RATIO: Final = 4.0
DRAWS: Final = 6 * (STATES + 2)  # per sample
DEG: Final = math.pi / 180.0
MICRO_G: Final = GRAVITY * 1e-6


class Axis(Part):
    """Errors of one kind of axis, in SI: rad/s for gyroscopes, m/s^2 for accelerometers.

    white: N [unit/sqrt(Hz)]; instability: B [unit]; walk: K [unit/sqrt(s)]; turn_on: deviation of the constant bias.
    """

    white: float
    instability: float
    walk: float = 0.0
    turn_on: float = 0.0
    limit: float = math.inf
    step: float = 0.0


def _gyro(arw_deg_rth: float, b_deg_h: float, turn_on_deg_s: float, limit_deg_s: float, step_deg_s: float) -> Axis:
    return Axis(
        white=arw_deg_rth * DEG / 60.0,
        instability=b_deg_h * DEG / 3600.0,
        turn_on=turn_on_deg_s * DEG,
        limit=limit_deg_s * DEG,
        step=step_deg_s * DEG,
    )


def _accel(vrw_mps_rth: float, b_micro_g: float, turn_on_mg: float, limit_g: float, step_mg: float) -> Axis:
    return Axis(
        white=vrw_mps_rth / 60.0,
        instability=b_micro_g * MICRO_G,
        turn_on=turn_on_mg * 1e3 * MICRO_G,
        limit=limit_g * GRAVITY,
        step=step_mg * 1e3 * MICRO_G,
    )


GRADES: Final = {
    "consumer": (_gyro(0.30, 4.6, 0.5, 250.0, 0.0076), _accel(0.24, 40.0, 20.0, 4.0, 0.12)),
    "industrial": (_gyro(0.34, 8.0, 0.1, 2000.0, 0.0), _accel(0.037, 13.0, 2.0, 40.0, 0.0)),
    "tactical": (_gyro(0.125, 1.0, 0.0003, 1000.0, 0.0), _accel(0.0198, 100.0, 1.0, 50.0, 0.0)),
    "navigation": (_gyro(0.01, 0.5, 0.0, 1000.0, 0.0), _accel(0.01, 20.0, 0.1, 30.0, 0.0)),
    "perfect": (Axis(white=0.0, instability=0.0), Axis(white=0.0, instability=0.0)),
}


class Config(DeviceConfig):
    """`grade` is an MPU-6000 (consumer), ADIS16470 (industrial), HG1700 (tactical), a FOG (navigation), or perfect."""

    rate: Hertz = 100.0
    grade: Literal["consumer", "industrial", "tactical", "navigation", "perfect"] = "industrial"
    mount: Mount = Mount(x=1.0, z=0.5)
    link: Link = Link(latency=0.002, jitter=0.0005)


class Errors(NamedTuple):
    """Six axes (accelerometer x y z, gyroscope x y z): parameters (6,) each, states of the instability (6, 10)."""

    white: Floats
    instability: Floats
    walk: Floats
    turn_on: Floats
    limit: Floats
    step: Floats
    flicker: Floats  # (6, STATES) unit variance
    walked: Floats  # (6,)


def errors_of(gyro: Axis, accel: Axis, key: np.uint64) -> Errors:
    """Return the errors at the start of a run: stationary instability, drawn turn-on bias."""
    axes = (accel,) * 3 + (gyro,) * 3
    start = np.array([normal(key, i) for i in range(6 * STATES)]).reshape(6, STATES)
    turn_on = np.array([a.turn_on * normal(key, 6 * STATES + i) for i, a in enumerate(axes)])
    return Errors(
        np.array([a.white for a in axes]),
        np.array([a.instability for a in axes]),
        np.array([a.walk for a in axes]),
        turn_on,
        np.array([a.limit for a in axes]),
        np.array([a.step for a in axes]),
        start,
        np.zeros(6),
    )


@kernel
def disturb(x: NDArray[np.float64], errors: Errors, key: np.uint64, k: int, dt: float) -> None:
    """Replace the true values x (6,) by sample k of the device; advances the error states in place."""
    scale = math.sqrt(math.log(RATIO) / math.pi)
    for a in range(6):
        counter = k * DRAWS + a * (STATES + 2)
        flicker = 0.0
        if errors.instability[a] > 0.0:
            tau = FASTEST_S
            for j in range(STATES):
                phi = math.exp(-dt / tau)
                errors.flicker[a, j] = correlated(errors.flicker[a, j], phi, normal(key, counter + 2 + j))
                flicker += errors.flicker[a, j]
                tau *= RATIO
        if errors.walk[a] > 0.0:
            errors.walked[a] += errors.walk[a] * math.sqrt(dt) * normal(key, counter + 1)
        y = x[a] + errors.turn_on[a] + errors.walked[a] + errors.instability[a] * scale * flicker
        if errors.white[a] > 0.0:
            y += errors.white[a] / math.sqrt(dt) * normal(key, counter)
        x[a] = quantised(clipped(y, errors.limit[a]), errors.step[a])


@kernel
def disturb_record(x: NDArray[np.float64], errors: Errors, key: np.uint64, dt: float) -> None:
    """Replace a record of true values x (n, 6) by what the device says."""
    for k in range(x.shape[0]):
        disturb(x[k], errors, key, k, dt)


@kernel
def felt(
    trail: NDArray[np.float64], trail_t_ns: NDArray[np.int64], t_ns: int, mount: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return specific force and rate (6,) in the device's axes; mount is x, y, z [m], yaw, pitch, roll [rad]."""
    ego = trail_at(trail, trail_t_ns, t_ns)
    rate = ego[TR_YAW_RATE]
    i = 0
    last = trail.shape[0] - 1
    while i < last - 1 and trail_t_ns[i + 1] < t_ns:
        i += 1
    alpha = 0.0
    if last > 0 and trail_t_ns[i + 1] > trail_t_ns[i]:
        alpha = (trail[i + 1, TR_YAW_RATE] - trail[i, TR_YAW_RATE]) / ((trail_t_ns[i + 1] - trail_t_ns[i]) * 1e-9)
    pitch, roll = ego[TR_PITCH], ego[TR_ROLL]
    body = np.empty((2, 3))
    body[0, 0] = ego[TR_AX] - rate * rate * mount[0] - alpha * mount[1] - GRAVITY * math.sin(pitch)
    body[0, 1] = ego[TR_AY] - rate * rate * mount[1] + alpha * mount[0] + GRAVITY * math.cos(pitch) * math.sin(roll)
    body[0, 2] = GRAVITY * math.cos(pitch) * math.cos(roll)
    body[1, 0] = 0.0
    body[1, 1] = 0.0
    body[1, 2] = rate
    turn = rotation(mount[3], mount[4], mount[5])
    out = np.empty(6)
    for r in range(2):
        for a in range(3):
            out[3 * r + a] = turn[0, a] * body[r, 0] + turn[1, a] * body[r, 1] + turn[2, a] * body[r, 2]
    return out


@kernel
def rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Return the matrix (3, 3) from the turned frame's coordinates to the outer one's."""
    cy, sy = math.cos(yaw), math.sin(yaw)
    cp, sp = math.cos(pitch), math.sin(pitch)
    cr, sr = math.cos(roll), math.sin(roll)
    out = np.empty((3, 3))
    out[0, 0], out[0, 1], out[0, 2] = cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr
    out[1, 0], out[1, 1], out[1, 2] = sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr
    out[2, 0], out[2, 1], out[2, 2] = -sp, cp * sr, cp * cr
    return out


@kernel
def _sample(
    trail: NDArray[np.float64],
    trail_t_ns: NDArray[np.int64],
    t_ns: int,
    mount: NDArray[np.float64],
    errors: Errors,
    key: np.uint64,
    k: int,
    dt: float,
) -> NDArray[np.float64]:
    x = felt(trail, trail_t_ns, t_ns, mount)
    disturb(x, errors, key, k, dt)
    return x


class Imu:
    """Reads the ego's trail at its own rate."""

    duration_ns = 0

    def __init__(self, setting: Setting[Config]) -> None:
        config = setting.config
        gyro, accel = GRADES[config.grade]
        seed, name = setting.case.seed, setting.name
        self._errors = errors_of(gyro, accel, key_of(seed, name, "start"))
        self._key = key_of(seed, name, "noise")
        m = config.mount
        self._mount = np.array([m.x, m.y, m.z, m.yaw, m.pitch, m.roll])
        self._dt = setting.dt

    def observe(self, span: Span) -> None:
        pass

    def measure(self, k: int, t_ns: int, span: Span, effects: Effects) -> Payload:
        trail, trail_t_ns = span.now.trail, span.now.trail_t_ns
        x = _sample(trail, trail_t_ns, t_ns, self._mount, self._errors, self._key, k, self._dt)
        step = effects.get("bias_step")
        if step:
            x[:3] += step.severity * step["accel"]
            x[3:] += step.severity * step["rate"]
        return ImuSample(x[:3].copy(), x[3:].copy())

    def biased(self, data: Payload, bias: Effect) -> Payload:
        assert isinstance(data, ImuSample)
        return ImuSample(data.accel_xyz + bias.severity * bias["accel"], data.gyro_xyz + bias.severity * bias["rate"])


KIND = Kind(Config, Imu, "specific force and angular rate")
