"""The library: every scenario says what it does, and its verdict hangs on what it is about."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scenarios.check import check
from scenarios.cli import app
from scenarios.run import Finished, run_case
from scenarios.sampling import nominal, plan
from scenarios.settings import compose
from scenarios.written import Written, read

ROOT = Path(__file__).resolve().parent.parent.parent
LIBRARY = ROOT / "scenarios" / "library"
NAMES = sorted(path.stem for path in LIBRARY.glob("*.yaml"))
DESIGN = Path(__file__).resolve().parent / "data" / "design.yaml"

NO_BRAKES = "\nfaults:\n  - {at: 0 s, on: ego.brake, fault: loss}\n"
WITHOUT_BRAKES = {
    "cut_out_to_stopped_car": "no_collision",
    "cyclist_crossing": "no_collision",
    "jammed_traffic": "no_collision",
    "lead_brakes_hard": "no_collision",
    "motorway_cut_in": "no_collision",
    "pedestrian_from_behind_parked_car": "no_collision",
    "ramp_merge": "no_collision",
    "red_light_runner": "no_collision",
    "roundabout_entry": "no_collision",
    "stop_at_red_light": "red_light",
}
WITH_FAULT = {"gnss_loss_in_curve": "in_lane", "lidar_blackout_behind_truck": "no_collision"}


def drive(written: Written, seed: int = 1, **values: float) -> Finished:
    chosen = {**nominal(written.scenario), **values}
    return run_case(written.case(chosen, seed, compose([])), "embedded", 600.0, {})


@cache
def as_written(name: str) -> Finished:
    return drive(read(LIBRARY / f"{name}.yaml"))


def altered(name: str) -> Finished:
    """Run a scenario with the brakes taken away, or with its own faults taken out."""
    path = LIBRARY / f"{name}.yaml"
    text = path.read_text()
    if name in WITH_FAULT:
        start = text.index("faults:")
        text = text[:start] + text[text.index("\n\n", start) + 2 :]
    else:
        text += NO_BRAKES
    return drive(Written(str(path), text))


def verdict_of(done: Finished, criterion: str) -> str:
    return next(str(f.verdict) for f in done.judgement.findings if f.criterion == criterion)


def test_every_scenario_is_known_here() -> None:
    assert sorted([*WITHOUT_BRAKES, *WITH_FAULT]) == NAMES
    assert len(NAMES) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_it_has_no_problem_and_says_what_it_is(name: str) -> None:
    assert check([LIBRARY / f"{name}.yaml"]) == []
    scenario = read(LIBRARY / f"{name}.yaml").scenario
    assert str(scenario.scenario) == name
    assert scenario.about
    assert scenario.tags
    assert scenario.criteria


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(WITHOUT_BRAKES))
def test_the_reference_driver_masters_it(name: str) -> None:
    done = as_written(name)
    assert str(done.judgement.verdict) == "PASS", done.judgement.why
    stack = [d for d in done.judgement.disengagements if d.who == "stack"]
    assert stack == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "criterion"), sorted(WITHOUT_BRAKES.items()))
def test_it_fails_without_brakes(name: str, criterion: str) -> None:
    assert verdict_of(as_written(name), criterion) == "PASS"
    done = altered(name)
    assert str(done.judgement.verdict) == "FAIL"
    assert verdict_of(done, criterion) == "FAIL"


@pytest.mark.slow
def test_running_into_the_lead_is_the_egos_fault() -> None:
    done = altered("lead_brakes_hard")
    assert done.judgement.figures["at_fault_collisions"] == 1.0
    assert "active_front" in done.judgement.why


def test_only_traffic_drives_the_others(tmp_path: Path) -> None:
    text = (LIBRARY / "jammed_traffic.yaml").read_text().replace("use: traffic", "use: trafic", 1)
    (tmp_path / "jam.yaml").write_text(text)
    (problem,) = check([tmp_path / "jam.yaml"])
    assert (problem.suggestion, "trafic" in problem.message) == ("traffic", True)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "criterion"), sorted(WITH_FAULT.items()))
def test_its_fault_is_what_makes_it_fail(name: str, criterion: str) -> None:
    done = as_written(name)
    assert str(done.judgement.verdict) == "FAIL"
    assert verdict_of(done, criterion) == "FAIL"
    cured = altered(name)
    assert str(cured.judgement.verdict) == "PASS", cured.judgement.why


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_drawn_cases_come_to_a_verdict(name: str) -> None:
    written = read(LIBRARY / f"{name}.yaml")
    for case in plan(written.scenario, "sobol", 3, 11).cases:
        done = run_case(written.case(case.values, case.seed, compose([])), "embedded", 600.0, {})
        assert str(done.judgement.verdict) in ("PASS", "FAIL"), done.judgement.why
        assert done.judgement.cause != "SW"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["motorway_cut_in", "jammed_traffic", "stop_at_red_light"])
def test_the_same_case_gives_the_same_bytes(name: str) -> None:
    again = drive(read(LIBRARY / f"{name}.yaml"))
    assert (again.run.hashes == as_written(name).run.hashes).all()


def test_the_cut_in_happens_ahead_of_the_ego() -> None:
    done = as_written("motorway_cut_in")
    assert done.judgement.figures["min_headway_s"] < 1.0
    assert done.judgement.figures["max_decel_mps2"] > 2.0


def test_stopping_at_red_is_comfortable_and_short_of_the_line() -> None:
    done = as_written("stop_at_red_light")
    assert done.judgement.figures["max_decel_mps2"] < 3.0
    assert done.judgement.figures["comfort_share"] == 1.0


def test_a_cut_in_with_faults_written_on_one_page_runs() -> None:
    assert check([DESIGN]) == []
    done = drive(read(DESIGN))
    assert str(done.judgement.verdict) == "PASS"
    assert [f.criterion for f in done.judgement.findings] == ["no_collision", "ttc", "response"]
    active = [int((done.run.severity[k] > 0.0).sum()) for k in (20, 80, 120)]  # at 1 s, 4 s and 6 s
    assert active == [1, 2, 1]


@pytest.mark.slow
def test_a_cut_in_with_faults_fails_where_physics_says_so() -> None:
    close = drive(read(DESIGN), ego_speed=33.0, slower_by=10.0, gap=40.0, lateral=1.5)
    assert str(close.judgement.verdict) == "FAIL"
    assert verdict_of(close, "no_collision") == "FAIL"


def told(tmp_path: Path, *words: str) -> tuple[int, dict[str, Any]]:
    file = str(LIBRARY / "lead_brakes_hard.yaml")
    result = CliRunner().invoke(app, ["run", file, *words, "--out", str(tmp_path), "--json"])
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.slow
def test_the_example_stack_stops_behind_the_lead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    code, result = told(tmp_path, "driver=examples.my_stack:MyStack")
    assert (code, result["verdict"]) == (0, "PASS")
    assert result["figures"]["min_gap_m"] > 1.0
    assert result["figures"]["max_decel_mps2"] < 8.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stack", "why"), [("Raises", "the planner has no plan"), ("Hangs", "budget"), ("AnswersNan", "nan")]
)
def test_a_stack_that_misbehaves_fails_by_software(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: str, why: str
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parent))
    code, result = told(tmp_path, f"driver=stacks:{stack}", "driver.step_budget=300 ms")
    assert (code, result["verdict"], result["cause"]) == (1, "FAIL", "SW")
    assert why in result["why"]
    assert Path(result["record"]).is_file()
