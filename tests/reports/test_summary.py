"""What many rows say together: nobody is counted who was not judged, and every rate has its interval."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import summary


def rows(*verdicts: str, **columns: Any) -> pd.DataFrame:
    n = len(verdicts)
    table = {"case_id": [f"c{k}" for k in range(n)], "scenario": "cut_in", "seed": range(n), "verdict": verdicts}
    return pd.DataFrame({**table, "distance_km": 0.5, "duration_s": 36.0, **columns})


EVERY = ("PASS", "FAIL", "UNPREVENTABLE", "INVALID", "INCONCLUSIVE", "ERROR", "TIMEOUT", "FLAKY")


def test_the_four_words_that_judge_nothing_are_in_no_rate() -> None:
    found = summary.outcome("all", rows(*EVERY))
    assert (found.cases, found.missing, found.passing.count, found.passing.of) == (8, 4, 1, 4)


def test_the_interval_is_exact() -> None:
    found = summary.outcome("all", rows(*["PASS"] * 9, "FAIL")).passing
    # Clopper and Pearson for 9 of 10: 0.5550, 0.9975
    assert (found.value, round(found.low, 4), round(found.high, 4)) == (0.9, 0.5550, 0.9975)


def test_no_judged_case_gives_no_rate_instead_of_zero() -> None:
    found = summary.outcome("all", rows("ERROR", "INVALID"))
    assert math.isnan(found.passing.value)
    assert found.missing == 2


@given(st.lists(st.sampled_from(EVERY), max_size=60))
def test_every_case_is_either_judged_or_missing(verdicts: list[str]) -> None:
    found = summary.outcome("all", rows(*verdicts))
    assert found.passing.of + found.missing == found.cases == len(verdicts)
    assert sum(found.counts.values()) == found.cases


def test_exposure_is_summed_over_all_that_ran() -> None:
    found = summary.outcome("all", rows("PASS", "INVALID", "ERROR", distance_km=[1.0, 2.0, None]))
    assert (found.km, round(found.hours, 6)) == (3.0, 0.03)


def test_scenarios_keep_the_order_of_the_rows() -> None:
    names = [o.name for o in summary.by_scenario(rows("PASS", "PASS", "FAIL", scenario=["b", "a", "b"]))]
    assert names == ["b", "a"]


def test_a_requirement_gathers_the_cases_of_every_scenario_that_names_it() -> None:
    named = [json.dumps(["R1", "R2"]), json.dumps(["R2"]), "[]"]
    found = {
        o.name: (o.cases, o.passing.count)
        for o in summary.by_requirement(rows("PASS", "FAIL", "PASS", requirements=named))
    }
    assert found == {"R1": (1, 1), "R2": (2, 1)}


def finding(verdict: str, robustness: float | None, t_s: float = 1.0) -> str:
    return json.dumps([{"criterion": "ttc", "text": "min >= 1.0 s", "verdict": verdict, "value": 0.8, "unit": "s",
                        "robustness": robustness, "t_s": t_s, "why": "close"}])  # fmt: skip


def test_the_worst_moment_is_that_of_the_failure_with_the_least_margin() -> None:
    texts = [
        finding("FAIL", -0.2, 4.0),
        finding("FAIL", -0.7, 5.5),
        finding("INCONCLUSIVE", -9.0),
        finding("PASS", 2.0),
    ]
    (line,) = summary.criteria(rows("FAIL", "FAIL", "INCONCLUSIVE", "PASS", findings=texts))
    assert (line.case_id, line.t_s, line.robustness) == ("c1", 5.5, -0.7)
    assert line.verdicts == {"FAIL": 2, "INCONCLUSIVE": 1, "PASS": 1}


def test_an_unknown_margin_is_never_the_worst() -> None:
    (line,) = summary.criteria(rows("PASS", "PASS", findings=[finding("PASS", None), finding("PASS", 0.4)]))
    assert (line.case_id, line.robustness) == ("c1", 0.4)


def test_disengagements_have_rates_per_1000_km_with_exact_intervals() -> None:
    event = json.dumps([{"cause": "perception", "lead_s": 2.0}])
    late = json.dumps([{"cause": "perception", "lead_s": 4.0}, {"cause": "control", "lead_s": None}])
    lines = summary.disengagements(rows(*["PASS"] * 3, distance_km=12_500 / 3, disengagements=[event, late, "[]"]))
    assert [(d.cause, d.rate.count, d.runs) for d in lines] == [
        ("all causes", 3, 2),
        ("perception", 2, 2),
        ("control", 1, 1),
    ]
    # 3 events in 12 500 km: 0.24 [0.0495, 0.7014] per 1000 km (Garwood 1936)
    rate = lines[0].rate
    assert (round(rate.value, 4), round(rate.low, 4), round(rate.high, 4)) == (0.24, 0.0495, 0.7014)
    assert lines[1].lead_s == 3.0
    assert math.isnan(lines[2].lead_s)


def test_no_event_still_has_an_upper_bound_and_no_way_has_none() -> None:
    (none,) = summary.disengagements(rows("PASS", distance_km=1000.0, disengagements="[]"))
    assert (none.rate.value, none.rate.low, round(none.rate.high, 4)) == (0.0, 0.0, 3.6889)
    (still,) = summary.disengagements(rows("PASS", distance_km=0.0, disengagements="[]"))
    assert math.isnan(still.rate.value)


def test_odd_cells_that_nobody_met_stay_in_the_denominator() -> None:
    met = [
        json.dumps({"rainfall": {"none": 10.0, "light": 0.0, "heavy": 0.4}, "wind": {"calm": 1.0, "outside": 9.0}}),
        json.dumps({"rainfall": {"none": 5.0, "light": 0.0, "heavy": 0.0}, "wind": {"calm": 0.0, "unknown": 2.0}}),
    ]
    rain, wind = summary.odd_coverage(rows("PASS", "FAIL", odd=met))
    assert (rain.met, len(rain.cells)) == (1, 3)
    assert [(c.name, c.runs, c.seconds) for c in rain.cells] == [
        ("none", 2, 15.0),
        ("light", 0, 0.0),
        ("heavy", 0, 0.4),
    ]
    assert (wind.met, len(wind.cells), wind.outside_s, wind.unknown_s) == (1, 1, 9.0, 2.0)


@pytest.mark.parametrize("text", [None, float("nan"), "", "{", "7", "[1, 2]", "[" * 5000, '{"a": 1}'])
def test_text_that_is_not_what_it_should_be_is_left_out(text: object) -> None:
    table = rows("PASS", findings=[text], disengagements=[text], odd=[text], requirements=[text])
    assert summary.criteria(table) == []
    assert summary.disengagements(table)[0].rate.count == 0
    assert summary.odd_coverage(table) == []
    assert summary.by_requirement(table) == []
