"""Flat rows and exit codes."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from reports.table import RESULTS, error_row, exit_code, read, row
from reports.verdict import Verdict, judge
from tests.cases import Actor, make_case
from tests.reports.runs import coasting
from twin.errors import InputError
from twin.expression import parse_criterion
from twin.run import Run


def one_run(speed: float = 15.0) -> Run:
    actors = (Actor(lane=1, s=50.0, speed=speed), Actor("lead", lane=1, s=95.0, speed=10.0))
    judged = (parse_criterion("ttc", "min >= 1.0 s"),)
    return coasting(make_case(actors=actors, criteria=judged, values={"gap": 40.0, "side": "left"}, seed=7), 41)


def test_a_row_holds_the_case_the_verdict_and_the_exposure() -> None:
    run = one_run()
    found = row("abc", run, judge(run))
    head = {k: found[k] for k in ("case_id", "scenario", "seed", "verdict", "cause", "p.gap", "p.side", "duration_s")}
    assert head == {
        "case_id": "abc",
        "scenario": "test",
        "seed": 7,
        "verdict": "PASS",
        "cause": "",
        "p.gap": 40.0,
        "p.side": "left",
        "duration_s": 2.0,
    }
    assert found["distance_km"] == pytest.approx(0.03)


def test_every_value_is_a_scalar_and_every_text_is_json() -> None:
    run = one_run(10.0)
    found = row("abc", run, judge(run))
    assert all(value is None or isinstance(value, str | int | float) for value in found.values())
    assert not any(isinstance(value, float) and math.isnan(value) for value in found.values())
    findings = json.loads(str(found["findings"]))
    assert findings[0]["criterion"] == "ttc"
    assert findings[0]["t_s"] is None
    assert found["f.min_ttc_s"] is None


def test_rows_of_all_runs_have_the_same_columns_in_the_same_order() -> None:
    first, second = one_run(), one_run(10.0)
    assert list(row("a", first, judge(first))) == list(row("b", second, judge(second)))


def test_a_case_that_never_ran_has_no_exposure_and_no_figures() -> None:
    run = one_run()
    found = error_row("abc", "test", 7, {"gap": 40.0}, Verdict.ERROR, "worker died")
    assert (found["verdict"], found["distance_km"], found["p.gap"]) == ("ERROR", 0.0, 40.0)
    assert set(found) <= set(row("abc", run, judge(run)))
    assert not any(name.startswith("f.") for name in found)


def test_results_are_read_back(tmp_path: Path) -> None:
    run = one_run()
    pd.DataFrame([row("abc", run, judge(run))]).to_parquet(tmp_path / RESULTS)
    assert read(tmp_path)["verdict"].tolist() == ["PASS"]


@pytest.mark.parametrize(("content", "message"), [(None, "holds no results.parquet"), (b"nonsense", "cannot be read")])
def test_a_folder_without_results_says_so(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / RESULTS).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read(tmp_path)


def test_a_foreign_table_says_what_it_lacks(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / RESULTS)
    with pytest.raises(InputError, match="lacks case_id, scenario, verdict"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (["PASS", "PASS"], 0),
        (["PASS", "UNPREVENTABLE"], 0),
        (["PASS", "FAIL", "ERROR"], 1),
        (["PASS", "FLAKY"], 1),
        (["PASS", "ERROR"], 3),
        (["TIMEOUT"], 3),
        (["INVALID", "PASS"], 3),
        (["INCONCLUSIVE"], 3),
        ([], 3),
    ],
)
def test_exit_codes(verdicts: list[str], code: int) -> None:
    assert exit_code(verdicts) == code
    assert exit_code([Verdict(v) for v in verdicts]) == code
