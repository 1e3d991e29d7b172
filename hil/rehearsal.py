"""A short drive on a toy road before the first real one, so that compiling never counts against a driver's budget."""

from __future__ import annotations

import math

import numpy as np

from twin.clock import NS_PER_MS
from twin.ports import Brief, Driver
from twin.road.build import straight_road
from twin.samples import LaneBoundaries, ObjectList, Payload, PoseEstimate, Sample, Seen, TrafficLights
from twin.state import LAMP_GREEN, PEDESTRIAN, VEHICLE
from twin.vehicle import params

_STEP_NS = 50 * NS_PER_MS


def rehearse(driver: Driver) -> None:
    """Let `driver` meet a leader, somebody cutting in, somebody crossing, an oncoming car, lanes and a green light."""
    road = straight_road(2, 400.0, two_way=True)
    lane = int(np.flatnonzero((road.arrays.number == 1) & (np.cos(road.arrays.heading[road.arrays.first[:-1]]) > 0))[0])
    y = float(road.arrays.y[road.arrays.first[lane]])
    driver.start(
        Brief(
            seed=0,
            step_ns=_STEP_NS,
            vehicle=params("mid_sedan"),
            road=road,
            route=np.array([lane], np.int64),
            goal_s=math.inf,
            start_speed_mps=20.0,
            sensors=("pose", "objects", "lanes", "lights"),
        )
    )
    for k in range(3):
        t_ns = k * _STEP_NS
        pose = PoseEstimate(50.0 + k, y + 0.1, 0.01, 20.0, 0.01, -0.5, 0.05)
        said: list[tuple[str, Payload]] = [("objects", _others()), ("lanes", _borders()), ("lights", _light())]
        if k < 2:
            said.append(("pose", pose))
        driver.act(Seen(t_ns, tuple(Sample(name, t_ns, t_ns, t_ns, data) for name, data in said)))
    driver.act(Seen(40 * _STEP_NS, (Sample("lanes", 40 * _STEP_NS, 40 * _STEP_NS, 40 * _STEP_NS, _borders()),)))
    driver.act(Seen(60 * _STEP_NS, ()))
    driver.close()


def _others() -> ObjectList:
    kinds = np.array([VEHICLE, VEHICLE, PEDESTRIAN, VEHICLE, VEHICLE], np.int64)
    n = len(kinds)
    return ObjectList(
        ids=np.arange(n, dtype=np.int64),
        kinds=kinds,
        center_xy=np.array([[18.0, 0.0], [25.0, 3.5], [40.0, -5.0], [120.0, 7.0], [60.0, 30.0]]),
        velocity_xy=np.array([[2.0, 0.0], [14.0, -1.0], [0.0, 1.5], [-20.0, 0.0], [1.0, -9.0]]),
        yaw=np.array([0.0, -0.07, 1.57, 3.14, -1.5]),
        size_lw=np.array([[4.5, 1.8], [4.5, 1.8], [0.5, 0.5], [4.5, 1.8], [4.5, 1.8]]),
        score=np.ones(n),
        sources=np.ones(n, np.int64),
    )


def _borders() -> LaneBoundaries:
    return LaneBoundaries(np.array([1.75, 0.0, 0.0, 0.0]), np.array([-1.75, 0.0, 0.0, 0.0]), True, True)


def _light() -> TrafficLights:
    return TrafficLights(np.array([0], np.int64), np.array([80.0]), np.array([LAMP_GREEN], np.int64))
