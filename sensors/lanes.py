"""Lane borders ahead as cubics, as a camera gives them: fitted to the map's borders, noisy, lost now and then.

The borders of the ego's lane are followed along its route, put into the body frame and fitted by least squares. Offset,
heading and curvature of each border carry Gauss-Markov errors; a border drops out in bursts.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sensors.config import DeviceConfig, Link
from sensors.coverage import CAMERA, dimming, reach_factor
from sensors.device import Effect, Effects, Kind, Setting
from sensors.noise import correlated, forgetting, in_burst
from sensors.quantities import Curvature, Distance, Flag, Hertz, Positive, Seconds, Share, Spread
from sensors.span import Span
from twin.draw import key_of, normal, uniform
from twin.kernel import kernel
from twin.road.arrays import RoadArrays, RouteTables
from twin.road.kernels import advance, lane_pose, lane_width
from twin.samples import LaneBoundaries, Payload
from twin.state import EGO, LANE, ROUTE, YAW, Floats, Ints, S, X, Y

POINTS: Final = 16
LEAST_REACH: Final = 8.0  # [m] below it no border is found


class Config(DeviceConfig):
    """`loss` is the share of frames without a border, in spells of mean `loss_time`; junctions may lack paint."""

    rate: Hertz = 20.0
    link: Link = Link(latency=0.04, jitter=0.005)
    range: Distance = 60.0
    offset_error: Distance = 0.05
    heading_error: Spread = 0.003
    curvature_error: Curvature = 0.0001
    correlation: Seconds = 1.0
    loss: Share = 0.005
    loss_time: Seconds = 0.2
    in_junctions: Flag = True
    weather_limit: Positive = 2.0


@kernel
def _solve(matrix: NDArray[np.float64], right_hand: NDArray[np.float64]) -> None:
    """Solve a symmetric positive definite system (4, 4) for two right-hand sides (4, 2), in place."""
    for i in range(4):
        for j in range(i + 1, 4):
            factor = matrix[j, i] / matrix[i, i]
            for c in range(i, 4):
                matrix[j, c] -= factor * matrix[i, c]
            for b in range(2):
                right_hand[j, b] -= factor * right_hand[i, b]
    for i in range(3, -1, -1):
        for b in range(2):
            for c in range(i + 1, 4):
                right_hand[i, b] -= matrix[i, c] * right_hand[c, b]
            right_hand[i, b] /= matrix[i, i]


@kernel
def borders(
    road: RoadArrays,
    routes: RouteTables,
    route: int,
    lane: int,
    s: float,
    x: float,
    y: float,
    yaw: float,
    reach: float,
    in_junctions: bool,
) -> tuple[NDArray[np.float64], bool]:
    """Return the cubics (2, 4) of the left and right border in the body frame, and whether they could be fitted."""
    out = np.zeros((2, 4))
    if lane < 0 or (road.junction[lane] >= 0 and not in_junctions):
        return out, False
    cos, sin = math.cos(yaw), math.sin(yaw)
    sums = np.zeros(7)
    right_hand = np.zeros((4, 2))
    used = 0
    for i in range(POINTS):
        at, at_s, left_over = advance(road, routes, route, lane, s, reach * i / (POINTS - 1))
        if left_over > 0.0 or (road.junction[at] >= 0 and not in_junctions):
            break
        half = 0.5 * lane_width(road, at, at_s)
        cx, cy, _, heading, _, _ = lane_pose(road, at, at_s, 0.0)
        nx, ny = -math.sin(heading), math.cos(heading)
        for b in range(2):
            side = half if b == 0 else -half
            px, py = cx + nx * side - x, cy + ny * side - y
            u = (cos * px + sin * py) / reach
            v = -sin * px + cos * py
            power = 1.0
            for j in range(7):
                if b == 0:
                    sums[j] += power
                if j < 4:
                    right_hand[j, b] += power * v
                power *= u
        used += 1
    if used < 5:
        return out, False
    normal_matrix = np.empty((4, 4))
    for i in range(4):
        for j in range(4):
            normal_matrix[i, j] = sums[i + j]
        normal_matrix[i, i] += 1e-9
    _solve(normal_matrix, right_hand)
    scale = 1.0
    for j in range(4):
        out[0, j] = right_hand[j, 0] / scale
        out[1, j] = right_hand[j, 1] / scale
        scale *= reach
    return out, True


class Lanes:
    """A lane camera."""

    duration_ns = 0

    def __init__(self, setting: Setting[Config]) -> None:
        c = setting.config
        self._config = c
        self._road = setting.case.road.arrays
        self._routes = setting.case.routes
        seed, name = setting.case.seed, setting.name
        self._error_key, self._loss_key, self._drop_key = (
            key_of(seed, name, p) for p in ("error", "loss", "fault.drop")
        )
        self._error = np.zeros((2, 3))
        self._lost: Ints = np.zeros(2, dtype=np.int64)
        self._phi = forgetting(setting.dt, c.correlation)
        self._burst = max(1.0, c.loss_time / setting.dt)
        self._sigma = np.array([c.offset_error, c.heading_error, c.curvature_error / 2.0])

    def observe(self, span: Span) -> None:
        pass

    def measure(self, k: int, t_ns: int, span: Span, effects: Effects) -> Payload:
        c = self._config
        for b in range(2):
            for a in range(3):
                w = normal(self._error_key, 6 * k + 3 * b + a)
                self._error[b, a] = w if k == 0 else correlated(self._error[b, a], self._phi, w)
            if c.loss > 0.0:
                u = uniform(self._loss_key, 2 * k + b)
                self._lost[b] = in_burst(int(self._lost[b]), c.loss, self._burst, u)
        f, n = span.world_at(t_ns)
        reach = c.range * reach_factor(span.now.environment, CAMERA)
        alpha = dimming(span.now.environment, CAMERA)
        if alpha > 0.0:
            reach = min(reach, c.weather_limit / alpha)
        cubics: Floats = np.zeros((2, 4))
        found = False
        if reach >= LEAST_REACH:
            cubics, found = borders(
                self._road, self._routes, int(n[ROUTE, EGO]), int(n[LANE, EGO]), f[S, EGO], f[X, EGO], f[Y, EGO],
                f[YAW, EGO], reach, c.in_junctions,
            )  # fmt: skip
        cubics[:, :3] += self._sigma * self._error
        valid = [found and self._lost[b] == 0 for b in range(2)]
        drop, offset = effects.get("lane_drop"), effects.get("lane_offset")
        if drop:
            share = drop.severity * drop["probability"]
            valid = [v and not uniform(self._drop_key, 2 * k + b) < share for b, v in enumerate(valid)]
        if offset:
            cubics[:, 0] += offset.severity * offset["offset"]
        return LaneBoundaries(cubics[0].copy(), cubics[1].copy(), bool(valid[0]), bool(valid[1]))

    def biased(self, data: Payload, bias: Effect) -> Payload:
        assert isinstance(data, LaneBoundaries)
        shift = np.array([bias.severity * bias["y"], bias.severity * bias["yaw"], 0.0, 0.0])
        return LaneBoundaries(data.left + shift, data.right + shift, data.left_valid, data.right_valid)


KIND = Kind(Config, Lanes, "borders of the ego's lane as cubics")
