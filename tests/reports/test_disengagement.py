"""Disengagements: who, why, in which ODD state, how early; one event per episode."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reports.disengagement import Disengagement, disengagements
from reports.verdict import measuring
from tests.cases import Actor, make_case
from tests.reports.runs import changed, coasting
from twin.odd import Odd, Within
from twin.run import Run
from twin.state import AX, EGO, LANE, RAIN, TRAVELLED, D

ENGAGED, REQUEST, MINIMAL_RISK = 0, 1, 2
DRY = Odd("dry", "0", terms=(Within("rainfall_rate", -math.inf, 1.0),))


def driven(seconds: int = 40, speed: float = 20.0, **fields: Any) -> Run:
    """Return a run alone on the road in a domain that ends at 1 mm/h of rain."""
    case = replace(make_case(actors=(Actor(lane=1, s=10.0, speed=speed),)), odd=DRY)
    return coasting(case, seconds * 20 + 1, **fields)


def asking(run: Run, at_s: float, cause: str, until_s: float = math.inf, mode: int = REQUEST) -> Run:
    """Return the run in which the stack leaves engaged at a time for a cause."""
    t_s = run.t_ns / 1e9
    asked = (t_s >= at_s) & (t_s < until_s)
    modes = np.where(asked, mode, run.mode)
    causes = tuple(cause if a else c for a, c in zip(asked, run.cause))
    return changed(run, mode=modes, cause=causes)


def raining(run: Run, from_s: float, rate: float = 5.0) -> Run:
    weather = run.environment.copy()
    weather[run.t_ns / 1e9 >= from_s, RAIN] = rate
    return changed(run, environment=weather)


def events(run: Run) -> tuple[Disengagement, ...]:
    return disengagements(run, measuring(run))


def test_a_run_without_trouble_has_none() -> None:
    assert events(driven()) == ()


def test_a_takeover_request_names_its_cause_speed_and_state() -> None:
    (event,) = events(asking(driven(), 5.0, "perception"))
    assert (event.t_s, event.who, event.cause, event.odd) == (5.0, "stack", "perception", "IN")
    assert event.speed_mps == 20.0
    assert math.isnan(event.lead_s)
    assert event.note == "takeover request"


@pytest.mark.parametrize(
    ("asked_s", "cause", "lead_s"), [(8.0, "odd_exit_planned", 12.0), (15.0, "odd_exit_unplanned", 5.0)]
)
def test_lead_time_decides_whether_an_exit_was_planned(asked_s: float, cause: str, lead_s: float) -> None:
    (event,) = events(asking(raining(driven(), 20.0), asked_s, "odd_exit_planned"))
    assert (event.cause, event.who) == (cause, "stack")
    assert event.lead_s == pytest.approx(lead_s)


def test_leaving_the_domain_unnoticed_is_the_monitors_event() -> None:
    (event,) = events(raining(driven(), 20.0))
    assert (event.t_s, event.who, event.cause, event.odd, event.lead_s) == (
        20.0,
        "monitor",
        "odd_exit_unplanned",
        "OUT",
        0.0,
    )
    assert event.note == ""


def test_a_request_at_the_exit_is_one_episode_of_the_stack() -> None:
    (event,) = events(asking(raining(driven(), 20.0), 21.0, "odd_exit_unplanned"))
    assert (event.t_s, event.who) == (20.0, "stack")


def test_a_request_followed_by_a_minimal_risk_manoeuvre_is_one_episode() -> None:
    run = asking(asking(driven(), 5.0, "localisation"), 15.0, "localisation", mode=MINIMAL_RISK)
    assert len(events(run)) == 1


def test_the_same_cause_within_reach_is_one_episode_and_beyond_it_two() -> None:
    soon = asking(asking(driven(), 5.0, "perception", 6.0), 8.0, "perception", 9.0)
    late = asking(asking(driven(), 5.0, "perception", 6.0), 30.0, "perception", 31.0)
    assert [e.t_s for e in events(soon)] == [5.0]
    assert [e.t_s for e in events(late)] == [5.0, 30.0]


def test_little_way_in_between_is_still_one_episode() -> None:
    run = asking(asking(driven(speed=1.0), 5.0, "perception", 6.0), 30.0, "perception", 31.0)
    assert run.f[600, TRAVELLED, EGO] - run.f[100, TRAVELLED, EGO] < 50.0
    assert len(events(run)) == 1


def test_another_cause_is_another_event() -> None:
    run = asking(asking(driven(), 5.0, "perception", 6.0), 7.0, "planning", 8.0)
    assert [e.cause for e in events(run)] == ["perception", "planning"]


def test_a_stack_that_fails_is_a_disengagement_by_software() -> None:
    run = driven(5, failure_kind="StackCrash", failure="ValueError", stopped="stack")
    (event,) = events(run)
    assert (event.cause, event.t_s, event.note) == ("sw", 5.0, "StackCrash")


def test_a_localisation_that_claims_too_little_is_seen_after_half_a_second() -> None:
    run = driven()
    estimate = run.estimate.copy()
    estimate[100:, 4] = 0.31
    (event,) = events(changed(run, estimate=estimate))
    assert (event.who, event.cause, event.t_s) == ("monitor", "localisation", 5.5)


def test_drifting_off_the_lanes_centre_is_a_control_error() -> None:
    run = driven()
    f = run.f.copy()
    f[:, D, EGO] = np.clip((run.t_ns / 1e9 - 5.0) * 0.2, 0.0, 0.8)
    (event,) = events(changed(run, f=f))
    assert (event.cause, event.t_s) == ("control", pytest.approx(7.0 + 0.5, abs=0.11))


def test_a_lane_change_is_no_control_error() -> None:
    run = driven()
    f, n = run.f.copy(), run.n.copy()
    moved = np.clip((run.t_ns / 1e9 - 5.0) * 0.7, 0.0, 3.5)
    f[:, D, EGO] = np.where(moved < 1.75, moved, moved - 3.5)
    n[:, LANE, EGO] = np.where(moved < 1.75, 1, 0)
    assert events(changed(run, f=f, n=n)) == ()


def test_conditions_unknown_for_a_second_count_as_outside() -> None:
    run = driven(5)
    weather = run.environment.copy()
    weather[40:, RAIN] = np.nan
    series = measuring(changed(run, environment=weather))("in_odd")
    assert series.valid.tolist() == [True] * 40 + [False] * 20 + [True] * 41
    assert series.values[60:].tolist() == [0.0] * 41


def test_staying_dangerous_without_braking_is_the_safety_monitors() -> None:
    actors = (Actor(lane=1, s=10.0, speed=20.0), Actor("lead", lane=1, s=30.0, speed=20.0))
    run = coasting(make_case(actors=actors), 61)
    (event,) = events(run)
    assert (event.who, event.cause, event.odd, event.t_s) == ("monitor", "safety_monitor", "NONE", 0.75)
    f = run.f.copy()
    f[10:, AX, EGO] = -4.0
    assert events(changed(run, f=f)) == ()
