"""Whole ticks of the compiled engine: contacts, the ego under the story, the trail, what resetting builds anew."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.cases import Actor, make_case
from twin.case import Case
from twin.command import Command
from twin.engines.embedded import Embedded
from twin.errors import InputError
from twin.road.build import straight_road
from twin.state import (
    AX,
    EGO,
    HIT,
    LATERAL_BY,
    SPEED_BY,
    STORY,
    TR_VX,
    TR_X,
    VX,
    YAW_RATE,
    D,
    S,
    WorldState,
    X,
    Y,
)

COAST = Command(0.0, 0.0)


def run(case: Case, seconds: float, command: Command = COAST) -> list[WorldState]:
    engine = Embedded()
    states = [engine.reset(case)]
    for _ in range(round(seconds / 0.05)):
        states.append(engine.step(command))
    return states


def crash() -> list[WorldState]:
    return run(make_case(actors=[Actor(speed=20.0), Actor("box", "barrier", s=80.0)]), 4.0)


def test_a_collision_is_told_once_with_its_time_speeds_and_place() -> None:
    states = crash()
    contacts = [c for s in states for c in s.contacts]
    assert [(c.a, c.b) for c in contacts] == [(0, 1)]
    (contact,) = contacts
    way = 79.0 - (50.0 + 3.7)
    assert contact.t_ns / 1e9 == pytest.approx(way / 20.0, abs=0.02)
    assert contact.t_ns % 5_000_000 == 0
    assert contact.speed_a_mps == pytest.approx(contact.closing_mps)
    assert contact.speed_b_mps == 0.0
    assert contact.x == pytest.approx(79.0, abs=0.15)


def test_both_stay_hit_and_the_ego_brakes_to_a_stop() -> None:
    states = crash()
    assert states[-1].n[HIT].tolist() == [1, 1]
    assert states[-1].f[VX, EGO] == 0.0
    assert states[-1].f[S, EGO] < 80.0 + 20.0**2 / (2 * 8.0)


def test_two_cars_passing_in_neighbouring_lanes_do_not_touch() -> None:
    states = run(make_case(actors=[Actor(speed=20.0), Actor("slow", lane=1, s=70.0, speed=5.0)]), 3.0)
    assert not any(s.contacts for s in states)


def test_a_thin_walker_crossing_within_one_tick_is_not_missed() -> None:
    walker = Actor("walker", "child", lane=-1, x=60.35, y=-9.0, turned=math.pi / 2, speed=1.0)
    case = make_case(straight_road(1, 500.0), [Actor(s=20.0, speed=40.0), walker])
    case.f0[Y, 1] = case.f0[Y, 0]
    states = run(case, 1.5)
    assert sum(len(s.contacts) for s in states) == 1


def test_bodies_that_overlap_from_the_start_are_in_contact_at_time_zero() -> None:
    first = Embedded().reset(make_case(actors=[Actor(), Actor("other", s=52.0)]))
    assert [(c.t_ns, c.a, c.b) for c in first.contacts] == [(0, 0, 1)]


def test_a_fixed_box_of_the_map_stops_the_ego_at_once() -> None:
    plain = straight_road(1, 500.0)
    x, y = 100.0, float(plain.arrays.y[0])
    arrays = plain.arrays._replace(boxes=np.array([[x, y, 0.0, 0.0, 2.0, 2.0, 2.0]]))
    road = type(plain)(
        **{name: getattr(plain, name) for name in plain.__slots__} | {"arrays": arrays, "digest": "boxed"}
    )
    states = run(make_case(road, [Actor(speed=20.0)]), 4.0)
    (contact,) = [c for s in states for c in s.contacts]
    assert (contact.a, contact.b) == (0, -1)
    assert contact.closing_mps == pytest.approx(20.0, abs=1.0)
    assert states[-1].f[VX, EGO] == 0.0
    assert states[-1].f[X, EGO] + 3.7 == pytest.approx(99.0, abs=0.15)


def test_the_trail_holds_every_substep_of_the_ego() -> None:
    state = run(make_case(actors=[Actor(speed=20.0)]), 0.5)[-1]
    assert state.trail.shape[0] == len(state.trail_t_ns) == 11
    assert np.diff(state.trail_t_ns).tolist() == [5_000_000] * 10
    way = np.diff(state.trail[:, TR_X])
    assert way == pytest.approx(0.5 * (state.trail[1:, TR_VX] + state.trail[:-1, TR_VX]) * 0.005, rel=1e-9)


def story_ego(speed: bool = True, lateral: bool = True) -> Case:
    case = make_case(actors=[Actor(speed=15.0, d=0.4)])
    case.n0[SPEED_BY, EGO] = STORY if speed else 0
    case.n0[LATERAL_BY, EGO] = STORY if lateral else 0
    return case


def test_an_ego_that_the_story_holds_does_not_obey_its_driver() -> None:
    end = run(story_ego(), 2.0, Command(-5.0, 0.2))[-1]
    assert end.f[VX, EGO] == 15.0
    assert end.f[D, EGO] == 0.4
    assert end.f[S, EGO] == pytest.approx(80.0)


def test_the_driver_may_hold_the_wheel_while_the_story_holds_the_speed() -> None:
    end = run(story_ego(lateral=False), 2.0, Command(-5.0, 0.01))[-1]
    assert end.f[VX, EGO] == pytest.approx(15.0)
    assert end.f[YAW_RATE, EGO] > 0.01


def test_the_driver_may_hold_the_pedals_while_the_story_holds_the_lane() -> None:
    end = run(story_ego(speed=False), 2.0, Command(-3.0, 0.2))[-1]
    assert end.f[D, EGO] == 0.4
    assert end.f[VX, EGO] == pytest.approx(15.0 - 3.0 * (2.0 - 0.125) - 0.14 * 2, abs=0.15)


def test_handing_over_to_the_driver_is_free_of_jumps() -> None:
    engine = Embedded()
    engine.reset(story_ego())
    for _ in range(20):
        before = engine.step(COAST)
    assert engine._live is not None
    engine._live.memory.control[:2] = 0
    engine._live.world.n[SPEED_BY, EGO] = engine._live.world.n[LATERAL_BY, EGO] = 0
    after = engine.step(COAST)
    assert after.f[X, EGO] - before.f[X, EGO] == pytest.approx(15.0 * 0.05, abs=1e-3)
    assert abs(after.f[AX, EGO]) < 0.5
    assert abs(after.f[YAW_RATE, EGO]) < 1e-6


def test_a_step_that_substeps_do_not_divide_is_refused() -> None:
    with pytest.raises(InputError, match="substeps"):
        Embedded().reset(make_case(step_ns=50_000_001))


def test_substeps_that_are_too_long_are_refused() -> None:
    with pytest.raises(InputError, match="5 ms"):
        Embedded().reset(make_case(substeps=5))


def test_the_longest_time_ends_the_run() -> None:
    states = run(make_case(after_s=1.0), 1.0)
    assert [s.over for s in states] == [False] * 20 + [True]


def test_a_case_is_not_changed_by_its_run() -> None:
    case = make_case(actors=[Actor(speed=20.0), Actor("car", s=100.0, speed=5.0, traffic=True)])
    kept = case.f0.copy(), case.n0.copy(), case.p.copy(), case.environment.copy()
    run(case, 1.0)
    for now, then in zip((case.f0, case.n0, case.p, case.environment), kept, strict=True):
        assert np.array_equal(now, then, equal_nan=True)
