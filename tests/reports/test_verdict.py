"""The rules of a verdict, one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reports.metrics import METRICS, Measure
from reports.table import row
from reports.verdict import Finding, Judgement, Verdict, against_reference, judge, repeated
from tests.cases import Actor, make_case
from tests.reports.runs import changed, coasting
from twin.expression import parse_criterion
from twin.road.build import straight_road
from twin.run import Run
from twin.state import AX, AY, EGO, RUNNING, VX, Contact
from twin.syntax import Criterion

ROAD = straight_road(3, 1000.0, speed_limit=40.0)
CRASH = Contact(500_000_000, EGO, 1, 15.0, 10.0, 5.0, 80.0, -5.25)


def criteria(**texts: str) -> tuple[Criterion, ...]:
    return tuple(parse_criterion(name, text) for name, text in texts.items())


def run_with(judged: Sequence[Criterion], ticks: int = 41, lead_speed: float = 10.0, **fields: Any) -> Run:
    """Return two seconds behind a slower car, 45 m away between reference points, closing at 5 m/s."""
    names = {"case_" + k: v for k, v in fields.items() if k in ("must_start", "event_names")}
    actors = (Actor(lane=1, s=50.0, speed=15.0), Actor("lead", lane=1, s=95.0, speed=lead_speed))
    case = make_case(
        ROAD,
        actors,
        criteria=tuple(judged),
        must_start=names.get("case_must_start", ()),
        event_names=names.get("case_event_names", ()),
    )
    rest = {k: v for k, v in fields.items() if k not in ("must_start", "event_names")}
    return coasting(case, ticks, **rest)


def only(judgement: Judgement) -> Finding:
    assert len(judgement.findings) == 1
    return judgement.findings[0]


def test_a_met_threshold_passes_with_its_margin_and_moment() -> None:
    run = run_with(criteria(min_gap="min >= 20 m"))
    found = only(judge(run))
    length = float(run.case.p[1, EGO])
    assert found.verdict == Verdict.PASS
    assert found.value == pytest.approx(45.0 - length - 10.0)
    assert found.robustness == pytest.approx(found.value - 20.0)
    assert found.t_s == pytest.approx(2.0)


def test_a_broken_threshold_fails_and_names_the_criterion() -> None:
    judgement = judge(run_with(criteria(min_gap="min >= 40 m")))
    assert (judgement.verdict, judgement.cause) == (Verdict.FAIL, "min_gap")
    assert only(judgement).robustness < 0.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("max <= 20 m/s", 16.0),
        ("min >= 10 m/s", 14.0),
        ("mean <= 20 m/s", 15.0),
        ("final <= 20 m/s", 16.0),
        ("p95 <= 20 m/s", 16.0),
        ("integral <= 100 m", 0.1 * 75.0),
    ],
)
def test_aggregates(text: str, value: float) -> None:
    run = run_with(criteria(speed=text), 5)
    f = run.f.copy()
    f[:, VX, EGO] = [14.0, 15.0, 14.0, 16.0, 16.0]
    judgement = judge(changed(run, f=f, case=replace(run.case, step_ns=100_000_000)))
    assert only(judgement).value == pytest.approx(value, abs=0.021)


def test_a_metric_that_must_hold_fails_at_its_first_breach() -> None:
    found = only(judge(run_with(criteria(no_collision="true"), contacts=(CRASH,))))
    assert (found.verdict, found.t_s) == (Verdict.FAIL, 0.5)


def test_a_collision_is_told_with_speed_and_blame() -> None:
    judgement = judge(run_with(criteria(no_collision="true"), contacts=(CRASH,)))
    assert "hit lead at 5.0 m/s" in judgement.why
    assert judgement.figures["collisions"] == 1.0
    assert judgement.figures["impact_speed_mps"] == 5.0


def test_without_criteria_a_collision_still_fails() -> None:
    assert judge(run_with(())).verdict == Verdict.PASS
    assert "no criteria" in judge(run_with(())).why
    assert judge(run_with((), contacts=(CRASH,))).verdict == Verdict.FAIL


def test_a_stack_that_broke_its_contract_fails_with_cause_sw_whatever_else() -> None:
    run = run_with(
        criteria(min_gap="min >= 1 m"), failure_kind="StackTimeout", failure="2.1 s of 0.5 s", stopped="stack"
    )
    judgement = judge(run)
    assert (judgement.verdict, judgement.cause) == (Verdict.FAIL, "SW")
    assert judgement.why == "StackTimeout: 2.1 s of 0.5 s"


def test_a_spent_budget_is_a_timeout_unless_something_broke_for_good() -> None:
    judged = criteria(no_collision="true", progress="final >= 100 m")
    assert judge(run_with(judged, stopped="budget")).verdict == Verdict.TIMEOUT
    crashed = judge(run_with(judged, stopped="budget", contacts=(CRASH,)))
    assert (crashed.verdict, crashed.cause) == (Verdict.FAIL, "no_collision")


def test_an_event_that_never_started_makes_the_run_invalid() -> None:
    judged = criteria(no_collision="true", progress="final >= 100 m")
    run = run_with(judged, must_start=(0,), event_names=("cut_in",))
    judgement = judge(run)
    assert judgement.verdict == Verdict.INVALID
    assert judgement.why == "never started: cut_in"


def test_a_crash_before_the_trigger_stays_a_crash() -> None:
    run = run_with(criteria(no_collision="true"), must_start=(0,), event_names=("cut_in",), contacts=(CRASH,))
    assert judge(run).verdict == Verdict.FAIL


def test_a_started_event_lets_the_criteria_decide() -> None:
    run = run_with(criteria(progress="final >= 100 m"), must_start=(0,), event_names=("cut_in",))
    story = run.story.copy()
    story[3] = RUNNING
    assert judge(changed(run, story=story)).verdict == Verdict.FAIL


def test_an_open_window_is_inconclusive() -> None:
    judgement = judge(run_with(criteria(response="eventually[0 s, 60 s](decel >= 4 m/s^2)")))
    assert (judgement.verdict, judgement.cause) == (Verdict.INCONCLUSIVE, "response")
    assert "when the run ended" in judgement.why


def test_a_failure_outweighs_what_is_undecided() -> None:
    judged = criteria(response="eventually[0 s, 60 s](decel >= 4 m/s^2)", min_gap="min >= 40 m")
    assert judge(run_with(judged)).verdict == Verdict.FAIL


def test_a_metric_that_raises_is_inconclusive_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(run: Run) -> Any:
        raise ZeroDivisionError("by hand")

    rows = METRICS._table()
    monkeypatch.setitem(rows, "broken", "tests.reports.test_verdict:BROKEN")
    monkeypatch.setattr("tests.reports.test_verdict.BROKEN", Measure("broken", "m", "", "", broken), raising=False)
    judgement = judge(run_with((Criterion("b", "true", metric="broken", holds=True),)))
    assert judgement.verdict == Verdict.INCONCLUSIVE
    assert "ZeroDivisionError: by hand" in judgement.why


def test_a_metric_that_answers_nan_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(run: Run) -> Any:
        return np.full(len(run.t_ns), np.nan), np.ones(len(run.t_ns), np.bool_)

    monkeypatch.setitem(METRICS._table(), "silent", "tests.reports.test_verdict:SILENT")
    monkeypatch.setattr("tests.reports.test_verdict.SILENT", Measure("silent", "m", "", "", silent), raising=False)
    assert judge(run_with((parse_criterion("silent", "max <= 1 m"),))).verdict == Verdict.INCONCLUSIVE


def test_what_never_applied_passes_and_says_so() -> None:
    judgement = judge(run_with(criteria(ttc="min >= 1 s", mttc="min >= 1 s"), lead_speed=15.0))
    assert judgement.verdict == Verdict.PASS
    assert judgement.why == "never applied: ttc, mttc"
    assert math.isnan(judgement.figures["min_ttc_s"])


def test_what_was_never_measured_is_inconclusive() -> None:
    run = run_with(criteria(localisation_error="max <= 1 m"))
    judgement = judge(changed(run, estimate=np.full_like(run.estimate, np.nan)))
    assert judgement.verdict == Verdict.INCONCLUSIVE


def test_a_quantity_cannot_simply_hold() -> None:
    judgement = judge(run_with((Criterion("ttc", "true", metric="ttc", holds=True),)))
    assert judgement.verdict == Verdict.INCONCLUSIVE
    assert "give it a threshold" in judgement.why


def test_a_stack_that_did_not_even_start_is_judged_without_a_tick() -> None:
    run = run_with(
        criteria(min_gap="min >= 1 m"), ticks=0, failure_kind="StackCrash", failure="no start", stopped="stack"
    )
    judgement = judge(run)
    assert (judgement.verdict, judgement.cause, judgement.exposure_km) == (Verdict.FAIL, "SW", 0.0)
    assert list(judgement.figures) == list(judge(run_with(())).figures)
    assert row("a", run, judgement)["duration_s"] == 0.0
    assert judge(changed(run, failure_kind="")).verdict == Verdict.INCONCLUSIVE


def test_exposure_is_way_and_time() -> None:
    judgement = judge(run_with(()))
    assert judgement.exposure_km == pytest.approx(0.030)
    assert judgement.exposure_h * 3600.0 == pytest.approx(2.0)


def test_a_model_used_beyond_its_validity_is_named() -> None:
    run = run_with(())
    f = run.f.copy()
    f[5, AX, EGO], f[5, AY, EGO] = 6.0, 6.0
    assert judge(run).extrapolated == ()
    assert "vehicle dynamics: 86%" in judge(changed(run, f=f)).extrapolated[0]


def test_unpreventable_is_what_the_reference_driver_fails_too() -> None:
    failed = judge(run_with((), contacts=(CRASH,)))
    passed = judge(run_with(()))
    assert against_reference(failed, failed).verdict == Verdict.UNPREVENTABLE
    assert against_reference(failed, passed).verdict == Verdict.FAIL
    assert against_reference(passed, failed).verdict == Verdict.PASS
    software = judge(run_with((), failure_kind="StackCrash", failure="x", stopped="stack"))
    assert against_reference(software, failed).verdict == Verdict.FAIL


def test_runs_of_one_case_that_disagree_are_flaky() -> None:
    assert repeated([Verdict.PASS, Verdict.PASS]) == Verdict.PASS
    assert repeated([Verdict.PASS, Verdict.FAIL]) == Verdict.FLAKY
