"""The truth as a sensor, for rigs that say so: bodies in range, or the ego's pose."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from sensors.config import DeviceConfig
from sensors.device import Effect, Effects, Kind, Setting
from sensors.quantities import Distance, Hertz
from sensors.span import Span
from twin.samples import ObjectList, Payload, PoseEstimate
from twin.state import (
    AX,
    CENTER_X,
    EGO,
    KIND,
    LENGTH,
    PRESENT,
    VX,
    VY,
    WIDTH,
    YAW,
    YAW_RATE,
    X,
    Y,
)  # fmt: skip


class Config(DeviceConfig):
    """What it gives: the bodies within range of the reference point, or the pose."""

    rate: Hertz = 20.0
    of: Literal["objects", "pose"] = "objects"
    range: Distance = 200.0


class GroundTruth:
    """No error, no occlusion."""

    duration_ns = 0

    def __init__(self, setting: Setting[Config]) -> None:
        self._config = setting.config
        self._p = setting.case.p

    def observe(self, span: Span) -> None:
        pass

    def measure(self, k: int, t_ns: int, span: Span, effects: Effects) -> Payload:
        f, n = span.world_at(t_ns)
        if self._config.of == "pose":
            ego = f[:, EGO]
            x, y, yaw, speed, rate, accel = (float(ego[row]) for row in (X, Y, YAW, VX, YAW_RATE, AX))
            return PoseEstimate(x, y, yaw, speed, rate, accel, 0.0)
        p = self._p
        cos, sin = np.cos(f[YAW]), np.sin(f[YAW])
        dx = f[X] + cos * p[CENTER_X] - f[X, EGO]
        dy = f[Y] + sin * p[CENTER_X] - f[Y, EGO]
        near = (n[PRESENT] == 1) & (np.hypot(dx, dy) <= self._config.range)
        near[EGO] = False
        i = np.flatnonzero(near)
        side = f[VY] + f[YAW_RATE] * p[CENTER_X]
        vx, vy = cos * f[VX] - sin * side, sin * f[VX] + cos * side
        c, s = cos[EGO], sin[EGO]
        turn = (f[YAW, i] - f[YAW, EGO] + math.pi) % (2.0 * math.pi) - math.pi
        return ObjectList(
            i.astype(np.int64), p[KIND, i].astype(np.int64),
            np.stack([c * dx + s * dy, c * dy - s * dx], axis=1)[i],
            np.stack([c * vx + s * vy, c * vy - s * vx], axis=1)[i],
            turn, np.stack([p[LENGTH, i], p[WIDTH, i]], axis=1), np.ones(len(i)), np.ones(len(i), dtype=np.int64),
        )  # fmt: skip

    def biased(self, data: Payload, bias: Effect) -> Payload:
        x, y, yaw = (bias.severity * bias[axis] for axis in ("x", "y", "yaw"))
        if isinstance(data, PoseEstimate):
            return PoseEstimate(
                data.x + x, data.y + y, data.yaw + yaw, data.speed_mps, data.yaw_rate, data.accel_mps2, data.std_xy
            )
        assert isinstance(data, ObjectList)
        return ObjectList(
            data.ids, data.kinds, data.center_xy + np.array([x, y]), data.velocity_xy, data.yaw + yaw, data.size_lw,
            data.score, data.sources,
        )  # fmt: skip


KIND_OF = Kind(Config, GroundTruth, "bodies or pose as they are, for rigs that list it")
