"""Following, lane changes, lights: against the papers' closed forms, and as laws of whole runs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.cases import Actor, make_case
from twin.case import Case
from twin.command import Command
from twin.engines.embedded import Embedded
from twin.road.build import straight_road
from twin.signals import Programmes
from twin.state import DESIRED_SPEED, LAMP_GREEN, LAMP_RED, LANE, MAX_DECEL, PRESENT, VX, D, S, WorldState
from twin.traffic import idm

ROAD = straight_road(2, 3000.0, speed_limit=25.0)


def run(case: Case, seconds: float) -> list[WorldState]:
    engine = Embedded()
    states = [engine.reset(case)]
    for _ in range(round(seconds / 0.05)):
        states.append(engine.step(Command(0.0, 0.0)))
    return states


def far_ego() -> Actor:
    return Actor(lane=1, s=2900.0)


def test_idm_at_its_equilibrium_gap_does_not_accelerate() -> None:
    v, v0 = 20.0, 30.0
    gap = (2.0 + 1.5 * v) / math.sqrt(1.0 - (v / v0) ** 4)
    assert idm(v, v0, gap, v, 1.5, 2.0) == pytest.approx(0.0, abs=1e-12)


def test_idm_on_a_free_road_accelerates_by_its_law_and_rests_at_the_desired_speed() -> None:
    assert idm(0.0, 30.0, 1e9, 0.0, 1.5, 2.0) == 1.5
    assert idm(15.0, 30.0, 1e9, 0.0, 1.5, 2.0) == pytest.approx(1.5 * (1.0 - 0.5**4))
    assert idm(30.0, 30.0, 1e9, 0.0, 1.5, 2.0) == 0.0


def test_idm_brakes_harder_the_faster_it_closes() -> None:
    assert idm(20.0, 30.0, 40.0, 10.0, 1.5, 2.0) < idm(20.0, 30.0, 40.0, 18.0, 1.5, 2.0)


def test_a_follower_settles_at_the_equilibrium_gap() -> None:
    actors = [far_ego(), Actor("lead", s=200.0, speed=15.0), Actor("car", s=150.0, speed=15.0, traffic=True)]
    case = make_case(straight_road(1, 3000.0, speed_limit=25.0), [Actor(lane=0, s=2900.0), *actors[1:]], after_s=1e4)
    end = run(case, 90.0)[-1]
    gap = end.f[S, 1] - end.f[S, 2] - 4.7
    assert end.f[VX, 2] == pytest.approx(15.0, abs=0.02)
    assert gap == pytest.approx((2.0 + 1.5 * 15.0) / math.sqrt(1.0 - (15.0 / 25.0) ** 4), rel=0.02)


def test_a_free_car_reaches_the_limit_and_no_more() -> None:
    states = run(make_case(ROAD, [far_ego(), Actor("car", s=100.0, speed=10.0, traffic=True)], after_s=1e4), 60.0)
    speeds = np.array([s.f[VX, 1] for s in states])
    assert speeds.max() <= 25.0 + 1e-9
    assert speeds[-1] == pytest.approx(25.0, abs=0.2)


def test_a_wish_of_its_own_overrules_the_limit() -> None:
    case = make_case(ROAD, [far_ego(), Actor("car", s=100.0, speed=10.0, traffic=True)], after_s=1e4)
    case.p[DESIRED_SPEED, 1] = 12.0
    assert run(case, 40.0)[-1].f[VX, 1] == pytest.approx(12.0, abs=0.1)


def test_a_faster_car_overtakes_by_the_free_lane_without_touching() -> None:
    actors = [far_ego(), Actor("slow", s=300.0, speed=8.0), Actor("fast", s=200.0, speed=20.0, traffic=True)]
    states = run(make_case(ROAD, actors, after_s=1e4), 40.0)
    assert states[-1].f[S, 2] > states[-1].f[S, 1] + 50.0
    assert {int(s.n[LANE, 2]) for s in states} == {0, 1}
    assert not any(s.contacts for s in states)


def test_a_lane_change_ends_on_the_centre_and_is_smooth() -> None:
    actors = [far_ego(), Actor("slow", s=300.0, speed=8.0), Actor("fast", s=200.0, speed=20.0, traffic=True)]
    states = run(make_case(ROAD, actors, after_s=1e4), 40.0)
    assert states[-1].f[D, 2] == 0.0
    lateral = np.array([s.f[1, 2] for s in states])
    assert np.abs(np.diff(lateral)).max() / 0.05 <= 1.0 + 1e-6


def test_nobody_changes_into_a_car_beside() -> None:
    actors = [far_ego(), Actor("slow", s=240.0, speed=8.0), Actor("fast", s=200.0, speed=12.0, traffic=True)]
    beside = [Actor(f"b{k}", lane=1, s=150.0 + 12.0 * k, speed=8.0) for k in range(20)]
    states = run(make_case(ROAD, [*actors, *beside], after_s=1e4), 15.0)
    assert all(s.n[LANE, 2] == 0 for s in states)
    assert not any(s.contacts for s in states)


def test_a_car_stops_behind_a_standing_object_in_its_lane() -> None:
    road = straight_road(1, 3000.0, speed_limit=25.0)
    actors = [Actor(s=2900.0), Actor("box", "box", s=300.0), Actor("car", s=100.0, speed=20.0, traffic=True)]
    states = run(make_case(road, actors, after_s=1e4), 40.0)
    front = states[-1].f[S, 2] + 3.7
    assert states[-1].f[VX, 2] == pytest.approx(0.0, abs=0.05)
    assert 0.5 < 299.5 - front < 3.0
    assert not any(s.contacts for s in states)


def test_a_car_yields_to_a_pedestrian_that_is_about_to_step_out() -> None:
    road = straight_road(1, 3000.0, speed_limit=14.0)
    walker = Actor("walker", "adult", lane=-1, x=180.0, y=-9.0, turned=math.pi / 2, speed=1.5)
    actors = [Actor(s=2900.0), walker, Actor("car", s=105.0, speed=13.0, traffic=True)]
    states = run(make_case(road, actors, after_s=1e4), 15.0)
    assert not any(s.contacts for s in states)
    assert min(s.f[VX, 2] for s in states) < 6.0
    assert states[-1].f[S, 2] > 180.0


def test_braking_stays_within_what_the_car_can_do() -> None:
    road = straight_road(1, 3000.0, speed_limit=25.0)
    actors = [Actor(s=2900.0), Actor("box", "box", s=160.0), Actor("car", s=100.0, speed=25.0, traffic=True)]
    case = make_case(road, actors, after_s=1e4)
    states = run(case, 6.0)
    speeds = np.array([s.f[VX, 2] for s in states])
    assert np.diff(speeds).min() / 0.05 >= -case.p[MAX_DECEL, 2] - 1e-9


def test_a_red_light_is_a_wall_at_its_line_until_it_is_green() -> None:
    plain = straight_road(1, 1000.0, speed_limit=15.0)
    arrays = plain.arrays._replace(stop_signal=np.array([0]), stop_lane=np.array([0]), stop_s=np.array([300.0]))
    road = type(plain)(
        **{name: getattr(plain, name) for name in plain.__slots__} | {"arrays": arrays, "signal_names": ("1",)}
    )
    programme = Programmes(
        np.array([0, 2]), np.array([LAMP_RED, LAMP_GREEN]), np.array([30, 60]) * 1_000_000_000, np.array([0])
    )
    actors = [Actor(s=900.0), Actor("car", s=100.0, speed=14.0, traffic=True)]
    states = run(make_case(road, actors, programmes=programme, after_s=1e4), 45.0)
    at_red = [s.f[S, 1] + 3.7 for s in states if s.t_ns < 30_000_000_000]
    assert max(at_red) < 300.0
    assert max(at_red) > 297.0
    assert states[-1].f[S, 1] > 310.0


def test_a_car_leaves_the_world_at_the_edge_of_the_map() -> None:
    case = make_case(ROAD, [Actor(lane=1, s=100.0), Actor("car", s=2950.0, speed=20.0, traffic=True)], after_s=1e4)
    assert run(case, 5.0)[-1].n[PRESENT, 1] == 0


def test_the_number_of_an_actor_does_not_change_what_traffic_does() -> None:
    a = Actor("a", s=300.0, speed=8.0, traffic=True)
    b = Actor("b", s=250.0, speed=10.0, traffic=True)
    one = run(make_case(straight_road(1, 3000.0), [Actor(s=2900.0), a, b], after_s=1e4), 10.0)[-1]
    two = run(make_case(straight_road(1, 3000.0), [Actor(s=2900.0), b, a], after_s=1e4), 10.0)[-1]
    assert one.f[S, 1] == two.f[S, 2]
    assert one.f[S, 2] == two.f[S, 1]
