"""Traffic lights ahead along the ego's route: the stop line from the map, the lamp from the camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensors.config import DeviceConfig, Link
from sensors.coverage import CAMERA, dimming, reach_factor
from sensors.device import Effect, Effects, Kind, Setting
from sensors.noise import chain, forgetting
from sensors.quantities import Distance, Hertz, Positive, Seconds, Share
from sensors.span import Span
from twin.draw import key_of, normal, uniform
from twin.kernel import kernel
from twin.road.arrays import RoadArrays, RouteTables
from twin.road.kernels import onward
from twin.samples import Payload, TrafficLights
from twin.state import EGO, LANE, ROUTE, Ints, S

HOPS = 64


class Config(DeviceConfig):
    """Distances count from the ego's reference point. `miss` is the share of time a light ahead is not recognised."""

    rate: Hertz = 10.0
    link: Link = Link(latency=0.05, jitter=0.01)
    range: Distance = 120.0
    behind: Distance = 8.0
    miss: Share = 0.01
    persistence: Seconds = 0.3
    distance_error: Distance = 0.3
    weather_limit: Positive = 3.0


@kernel
def lines_ahead(
    road: RoadArrays,
    routes: RouteTables,
    route: int,
    lane: int,
    s: float,
    reach: float,
    behind: float,
    found: NDArray[np.int64],
    away: NDArray[np.float64],
) -> int:
    """Write stop lines from `behind` to `reach` metres along the route: rows of road.stop_signal and distances."""
    count = 0
    gone = -s
    for _ in range(HOPS):
        if lane < 0 or gone > reach:
            break
        for i in range(road.stop_lane.size):
            if road.stop_lane[i] == lane and count < found.size:
                distance = gone + road.stop_s[i]
                if -behind <= distance <= reach:
                    found[count] = i
                    away[count] = distance
                    count += 1
        gone += road.length[lane]
        lane = onward(road, routes, route, lane)
    return count


class Lights:
    """Looks along the route for stop lines that a lamp governs."""

    duration_ns = 0

    def __init__(self, setting: Setting[Config]) -> None:
        self._config = setting.config
        self._road = setting.case.road.arrays
        self._routes = setting.case.routes
        seed, name = setting.case.seed, setting.name
        self._miss_key, self._error_key = key_of(seed, name, "miss"), key_of(seed, name, "distance")
        signals = max(1, len(setting.case.road.signal_names))
        self._seen = np.ones(signals, dtype=np.int64)
        self._keep = forgetting(setting.dt, setting.config.persistence)

    def observe(self, span: Span) -> None:
        pass

    def measure(self, k: int, t_ns: int, span: Span, effects: Effects) -> Payload:
        c = self._config
        f, n = span.world_at(t_ns)
        for i in range(self._seen.size):
            u = uniform(self._miss_key, k * self._seen.size + i)
            self._seen[i] = chain(int(self._seen[i]), 1.0 - c.miss, self._keep if k > 0 else 0.0, u)
        environment = span.now.environment
        reach = c.range * reach_factor(environment, CAMERA)
        alpha = dimming(environment, CAMERA)
        if alpha > 0.0:
            reach = min(reach, c.weather_limit / alpha)
        rows = np.empty(32, dtype=np.int64)
        away = np.empty(32)
        count = lines_ahead(
            self._road, self._routes, int(n[ROUTE, EGO]), int(n[LANE, EGO]), f[S, EGO], reach, c.behind, rows, away
        )
        signals: Ints = self._road.stop_signal[rows[:count]]
        keep = np.array([self._seen[s] == 1 for s in signals], dtype=bool)
        noise = np.array([normal(self._error_key, k * self._seen.size + int(s)) for s in signals])
        distance = away[:count] + (c.distance_error * noise if count else 0.0)
        return TrafficLights(signals[keep], distance[keep], span.now.lamps[signals[keep]].astype(np.int64))

    def biased(self, data: Payload, bias: Effect) -> Payload:
        assert isinstance(data, TrafficLights)
        return TrafficLights(data.signal, data.distance_m + bias.severity * bias["x"], data.lamp)


KIND = Kind(Config, Lights, "traffic lights ahead along the route")
