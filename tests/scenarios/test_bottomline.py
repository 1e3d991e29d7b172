"""Rates, gates and exit codes of a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scenarios.bottomline import bottom_line, exit_code_of
from scenarios.planning import Job, Plan
from scenarios.suite import Gates
from scenarios.sweep import Swept


def result(verdicts: list[str], planned: int | None = None, gates: Gates | None = None) -> dict[str, Any]:
    rows = tuple(
        {"case_id": str(i), "scenario": "a" if i % 2 else "b", "verdict": v, "distance_km": 1.0, "duration_s": 60.0}
        for i, v in enumerate(verdicts)
    )
    jobs = tuple(Job(str(i), 0, {}, i) for i in range(len(rows) if planned is None else planned))
    plan = Plan("night", "", "night.yaml", (), jobs, gates or Gates(), {}, "0")
    return bottom_line(plan, Swept(Path("runs"), rows, len(rows) == len(jobs)), {})


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (["PASS", "PASS"], 0),
        (["PASS", "UNPREVENTABLE"], 0),
        (["PASS", "FAIL"], 1),
        (["ERROR", "FAIL"], 1),
        (["PASS", "ERROR"], 3),
        (["PASS", "INVALID"], 3),
        (["PASS", "INCONCLUSIVE"], 3),
        (["PASS", "TIMEOUT"], 3),
    ],
)
def test_the_exit_code_tells_failures_from_what_does_not_count(verdicts: list[str], code: int) -> None:
    assert exit_code_of(result(verdicts)) == code


def test_an_unfinished_sweep_is_no_pass() -> None:
    assert exit_code_of(result(["PASS"], planned=2)) == 3
    assert exit_code_of(result([], planned=2)) == 3


def test_what_does_not_count_is_missing_from_the_rate_and_shown() -> None:
    line = result(["PASS", "PASS", "FAIL", "INVALID", "ERROR"])["scenarios"][-1]
    assert line["pass_rate"] == pytest.approx(2 / 3)
    assert line["missing"] == 2
    assert line["low"] < 2 / 3 < line["high"]


def test_a_gate_holds_while_chance_can_explain_the_shortfall() -> None:
    gates = Gates(pass_rate="90 %")  # type: ignore[arg-type]
    assert result(["PASS"] * 8 + ["UNPREVENTABLE"] * 2, gates=gates)["gates"][0]["holds"]
    fallen = result(["PASS"] * 40 + ["UNPREVENTABLE"] * 60, gates=gates)
    assert not fallen["gates"][0]["holds"]
    assert exit_code_of(fallen) == 1


def test_a_gate_on_a_rate_of_nothing_falls() -> None:
    assert not result(["ERROR"], gates=Gates(pass_rate="1 %"))["gates"][0]["holds"]  # type: ignore[arg-type]


def test_a_gate_on_missing_cases_falls_when_too_many_do_not_count() -> None:
    gates = Gates(missing="5 %")  # type: ignore[arg-type]
    assert result(["PASS"] * 20, gates=gates)["gates"][0]["holds"]
    assert not result(["PASS"] * 20 + ["INVALID"] * 20, gates=gates)["gates"][0]["holds"]
