"""One run: what the stack does wrong is the run's, what we do wrong is ours."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from scenarios.assignments import chosen
from scenarios.run import Finished, run_case
from scenarios.settings import compose
from scenarios.written import Written, read
from twin.errors import InputError, UnknownName
from twin.record import first_divergence

BRAKE = Path(__file__).resolve().parent / "data" / "brake.yaml"
sys.path.append(str(BRAKE.parent.parent))


@pytest.fixture(scope="module")
def brake() -> Written:
    return read(BRAKE)


def run(written: Written, *overrides: str, seed: int = 1, budget_s: float = 600.0, rig: str = "minimal") -> Finished:
    settings = compose([f"rig={rig}", *overrides])
    case = written.case(chosen(written.scenario, []), seed, settings)
    return run_case(case, "embedded", budget_s, {})


def test_the_same_case_gives_the_same_bytes(brake: Written) -> None:
    first, second = run(brake, rig="object_level").run, run(brake, rig="object_level").run
    assert first_divergence(first, second) is None
    assert (first.hashes == second.hashes).all()
    assert first.t_ns[-1] == 6_000_000_000


def test_another_seed_gives_other_measurements(brake: Written) -> None:
    first, second = run(brake, rig="object_level").run, run(brake, seed=2, rig="object_level").run
    assert first_divergence(first, second) is not None


@pytest.mark.parametrize(
    ("stack", "kind", "told"),
    [
        ("Raises", "StackCrash", "the planner has no plan"),
        ("AnswersNan", "StackGarbage", "nan"),
        ("Hangs", "StackTimeout", "budget"),
    ],
)
def test_a_stack_that_breaks_its_contract_fails_with_cause_sw(brake: Written, stack: str, kind: str, told: str) -> None:
    done = run(brake, f"driver=stacks:{stack}", "driver.step_budget=200 ms")
    assert (str(done.judgement.verdict), done.judgement.cause) == ("FAIL", "SW")
    assert done.run.failure_kind == kind
    assert told in done.judgement.why
    assert len(done.run.t_ns) == 6
    assert np.isnan(done.run.command[-1]).all()


def test_a_stack_that_never_starts_fails_with_one_tick_to_look_at(brake: Written) -> None:
    done = run(brake, "driver=stacks:NeverStarts")
    assert (str(done.judgement.verdict), done.judgement.cause) == ("FAIL", "SW")
    assert "no licence" in done.judgement.why
    assert list(done.run.t_ns) == [0]


def test_a_stack_that_cannot_close_fails(brake: Written) -> None:
    done = run(brake, "driver=stacks:CannotClose")
    assert done.judgement.cause == "SW"
    assert "socket already gone" in done.judgement.why


def test_a_run_that_outlasts_its_budget_is_a_timeout_and_no_result(brake: Written) -> None:
    done = run(brake, "driver=stacks:Still", budget_s=0.0)
    assert str(done.judgement.verdict) == "TIMEOUT"
    assert done.run.stopped == "budget"


@pytest.mark.parametrize("driver", ["stacks:Nothing", "nowhere:Stack", "reference.fms"])
def test_a_driver_that_does_not_exist_is_bad_input(brake: Written, driver: str) -> None:
    with pytest.raises(InputError):
        run(brake, f"driver={driver}")


def test_a_driver_that_does_not_take_a_parameter_is_bad_input(brake: Written) -> None:
    with pytest.raises(InputError, match="does not take these parameters"):
        run(brake, "driver=stacks:Still", "driver.parameters.colour=3")


def test_a_parameter_of_the_driver_arrives(brake: Written) -> None:
    assert len(run(brake, "driver=stacks:Raises", "driver.parameters.tick=9").run.t_ns) == 10


def test_an_unknown_engine_is_bad_input(brake: Written) -> None:
    case = brake.case(chosen(brake.scenario, []), 1, compose(["rig=minimal"]))
    with pytest.raises(UnknownName, match="Known: embedded"):
        run_case(case, "unreal", 1.0, {})


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("gap", "write --set name=value"),
        ("gpa=3 m", "did you mean 'gap'"),
        ("gap=3 s", "expected a length"),
        ("gap=9**9**9 m", "--set gap="),
        ("gap=$decel", "--set gap="),
        ("gap=", "--set gap="),
    ],
)
def test_a_wrong_assignment_says_what_was_expected(brake: Written, assignment: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        chosen(brake.scenario, [assignment])
    assert told in str(caught.value)


def test_assignments_are_si_when_bare_and_converted_when_not(brake: Written) -> None:
    values = chosen(brake.scenario, ["gap=30", "ego_speed=90 km/h"])
    assert values == {"gap": 30.0, "ego_speed": 25.0, "decel": pytest.approx(4.5)}
