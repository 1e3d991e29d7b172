"""Exact intervals against published and tabulated numbers."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from reports.statistics import (
    Sprt,
    Stratum,
    clopper_pearson,
    compare,
    exposure_to_show,
    garwood,
    mcnemar,
    miles_for_precision,
    miles_to_beat,
    miles_without_failure,
    poisson_upper,
    runs_to_hit,
    weighted,
    wilson,
)
from twin.errors import InputError


@pytest.mark.parametrize(
    ("events", "low", "high"), [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (3, 0.6187, 8.7673), (10, 4.7954, 18.3904)]
)
def test_garwood_gives_the_tabulated_limits(events: int, low: float, high: float) -> None:
    assert garwood(events, 1.0) == pytest.approx((events, low, high), abs=5e-5)


def test_a_rate_per_1000_km_keeps_its_exposure() -> None:
    assert garwood(3, 12.5) == pytest.approx((0.24, 0.0495, 0.7014), abs=5e-5)


@pytest.mark.parametrize(
    ("events", "km", "rate", "low", "high"),
    [(292, 3_721_349.0, 0.0785, 0.0697, 0.0880), (21, 1_401_768.0, 0.0150, 0.0093, 0.0229)],
)
def test_californian_rates_of_2021(events: int, km: float, rate: float, low: float, high: float) -> None:
    assert garwood(events, km / 1000.0) == pytest.approx((rate, low, high), abs=5e-5)


def test_the_rule_of_three_is_exact() -> None:
    assert poisson_upper(0, 1.0) == pytest.approx(-math.log(0.05), rel=1e-12)
    assert exposure_to_show(0.001, 1) == pytest.approx(4743.9, abs=0.05)
    assert exposure_to_show(0.001, 2) == pytest.approx(6295.8, abs=0.05)


def test_two_significant_digits_of_driving_to_safety() -> None:
    def million(miles: float) -> float:
        return float(f"{miles / 1e6:.2g}")

    fatality, injury, crash = 1.09e-8, 77e-8, 190e-8
    assert [million(miles_without_failure(r)) for r in (fatality, injury, crash)] == [270.0, 3.9, 1.6]
    assert [million(miles_for_precision(r, 0.2)) for r in (fatality, injury, crash)] == [8800.0, 120.0, 51.0]
    assert [million(miles_to_beat(r, 0.2)) for r in (fatality, injury, crash)] == [11000.0, 160.0, 65.0]
    assert million(miles_to_beat(fatality, 0.2, power=0.5)) == 5000.0


def test_published_numbers_agree_to_two_digits(shared_data: Path) -> None:
    golden = json.loads((shared_data / "golden" / "stats.json").read_text())
    for events, (low, high) in golden["garwood95"].items():
        assert garwood(int(events), 1.0)[1:] == pytest.approx((low, high), abs=5e-5)
    rates = {"fatality_1.09e-8": 1.09e-8, "injury_77e-8": 77e-8, "crash_190e-8": 190e-8}
    for name, published in golden["kalra_paddock_Mmiles"].items():
        rate = rates[name]
        computed = {
            "zero_fail": miles_without_failure(rate),
            "precision20": miles_for_precision(rate, 0.2),
            "better20_no_power": miles_to_beat(rate, 0.2, power=0.5),
            "better20_power80": miles_to_beat(rate, 0.2),
        }
        for column, miles in published.items():
            half_a_digit = 0.5 * 10.0 ** (math.floor(math.log10(miles)) - 1)
            assert abs(computed[column] / 1e6 - miles) <= half_a_digit, (name, column)


def test_clopper_pearson_of_no_failure_is_closed_form() -> None:
    assert clopper_pearson(0, 100) == pytest.approx((0.0, 0.0, 1.0 - 0.025 ** (1 / 100)), rel=1e-9)
    assert clopper_pearson(100, 100)[1:] == pytest.approx((0.025 ** (1 / 100), 1.0), rel=1e-9)


def test_wilson_lies_inside_the_exact_interval() -> None:
    exact, score = clopper_pearson(7, 50), wilson(7, 50)
    assert exact.low < score.low < 0.14 < score.high < exact.high


def test_two_builds_by_conditional_and_e_test() -> None:
    found = compare(12, 1.0, 4, 1.0)
    assert found.conditional == pytest.approx(0.0768127, abs=1e-6)
    assert found.e_test == pytest.approx(0.0459963, abs=1e-6)
    assert found.ratio == pytest.approx((3.0, 0.9092, 12.7623), abs=1e-4)


def test_no_event_in_either_build_tells_nothing() -> None:
    found = compare(0, 10.0, 0, 10.0)
    assert found.conditional == 1.0
    assert math.isnan(found.ratio.value)


def test_mcnemar_of_one_against_eight() -> None:
    assert mcnemar(1, 8) == pytest.approx(0.0390625, abs=1e-12)
    assert mcnemar(0, 0) == 1.0


def test_sprt_accepts_without_events_at_the_published_distance() -> None:
    test = Sprt(0.1, 0.2)
    assert test.shortest == pytest.approx(29.4444, abs=1e-4)
    assert test.answer(0, 29.4) == "go on"
    assert test.answer(0, 29.5) == "accept"
    assert test.answer(20, 29.5) == "reject"


def test_sprt_keeps_its_error_rate() -> None:
    rng = np.random.default_rng(4)
    test = Sprt(0.1, 0.2)
    rejected = 0
    for _ in range(10_000):
        events, exposure, answer = 0, 0.0, "go on"
        while answer == "go on":
            exposure += float(rng.exponential(10.0))
            events += 1
            if test.answer(events - 1, exposure) == "accept":
                break
            answer = test.answer(events, exposure)
        rejected += answer == "reject"
    assert rejected / 10_000 <= 0.055


def test_strata_are_weighted_and_the_empty_one_is_named() -> None:
    found = weighted([Stratum(0.7, 0, 100), Stratum(0.25, 2, 100), Stratum(0.05, 5, 100)])
    assert found.value == pytest.approx(0.0075)
    assert found.naive == pytest.approx(7 / 300)
    assert len(found.warnings) == 1
    assert "stratum 1" in found.warnings[0]
    assert found.upper > 0.7 * clopper_pearson(0, 100).high


def test_runs_needed_to_meet_a_rare_cell() -> None:
    assert runs_to_hit(0.01) == 299
    assert runs_to_hit(0.001) == 2995


def test_no_rate_without_exposure() -> None:
    with pytest.raises(InputError, match="exposure"):
        garwood(0, 0.0)
    with pytest.raises(InputError, match="share"):
        clopper_pearson(0, 0)
