"""Designs, marginals, constraints and seeds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import qmc

from scenarios.marginals import Marginal, marginal_of
from scenarios.sampling import case_seed, nominal, plan
from scenarios.schema import Scenario, read_scenario
from twin.authored import AuthoredError, Node, parse, read
from twin.errors import InputError
from twin.expression import parse_value
from twin.leaf import ValueLeaf

HERE = Path(__file__).resolve().parent
HEAD = """scenario: probe
map: motorway_3_lanes
ego: {vehicle: mid_sedan, start: {lane: 2, s: 100 m}}
end: {after: 20 s}
"""


def scenario(more: str) -> Scenario:
    return read_scenario(parse(HEAD + more, str(HERE / "probe.yaml")))


def marginal(text: str) -> Marginal:
    node: Node = parse(f"x: >-\n  {text}\n", str(HERE / "probe.yaml")).root.entries["x"][1]
    return marginal_of("x", ValueLeaf(node, parse_value(text)), HERE)


def alks() -> Scenario:
    return read_scenario(read(HERE / "language" / "alks_cut_in.yaml"))


def test_the_alks_grid_keeps_1190_of_2100_combinations() -> None:
    # 5 speeds x 5 differences x 2 sides x 7 gaps x 6 lateral speeds = 2100. 15 of 25 speed pairs keep the cutter
    # moving; of those the 5 that leave 10 km/h = 2.78 m/s lose the lateral speed of 3 m/s: (5*5 + 10*6)*14 = 1190.
    grid = plan(alks(), "grid", 0, 0)
    assert grid.raw == 2100
    assert len(grid.cases) == 1190
    assert dict(grid.rejected) == {
        "slower_by < ego_speed": 10 * 6 * 14,
        "lateral_speed < ego_speed - slower_by": 5 * 1 * 14,
    }
    pairs = {(c.values["ego_speed"], c.values["slower_by"]) for c in grid.cases}
    assert len(pairs) == 15


def test_nominal_values_are_defaults_medians_middle_steps_and_first_choices() -> None:
    values = nominal(
        scenario(
            "parameters:\n  a: uniform(10 m, 20 m)\n  b: uniform(10 m, 20 m) default 12 m\n"
            "  c: steps(1 m, 5 m, 1 m)\n  d: choice(left, right)\n  e: 2 * 3 s\n  f: lognormal(25 m, 0.6)\n"
        )
    )
    assert values["a"] == 15.0
    assert values["b"] == 12.0
    assert values["c"] == 3.0
    assert values["d"] == "left"
    assert values["e"] == 6.0
    assert values["f"] == pytest.approx(25.0)


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("uniform(2 m, 5 m)", stats.uniform(2, 3)),
        ("normal(20 m, 4 m)", stats.norm(20, 4)),
        ("lognormal(25 m, 0.6)", stats.lognorm(0.6, scale=25)),
        ("pareto(5 m, 1.2)", stats.pareto(1.2, scale=5)),
        ("exponential(3 m)", stats.expon(scale=3)),
        ("triangular(1 m, 2 m, 5 m)", stats.triang(0.25, 1, 4)),
        ("beta(2, 5) m", stats.beta(2, 5)),
    ],
)
def test_quantiles_and_densities_agree_with_scipy(text: str, law: stats.rv_continuous) -> None:
    mine = marginal(text)
    for u in (0.001, 0.1, 0.5, 0.9, 0.999):
        (x,), log_density = mine.at(u)
        assert x == pytest.approx(law.ppf(u), rel=1e-9)
        assert log_density == pytest.approx(law.logpdf(x), rel=1e-9)


def test_truncation_renormalises() -> None:
    mine = marginal("normal(20 m, 10 m) within (0 m, 60 m)")
    law = stats.truncnorm(-2.0, 4.0, loc=20, scale=10)
    for u in (0.0, 0.25, 0.5, 0.99):
        (x,), log_density = mine.at(u)
        assert x == pytest.approx(law.ppf(u), rel=1e-9, abs=1e-9)
        assert log_density == pytest.approx(law.logpdf(x), rel=1e-9)


def test_weights_are_probabilities() -> None:
    mine = marginal("choice(a, b, c) weights (1, 0, 3)")
    assert mine.at(0.24) == (("a",), math.log(0.25))
    assert mine.at(0.25) == (("c",), math.log(0.75))
    assert mine.at(0.999999) == (("c",), math.log(0.75))


def test_steps_are_the_numbers_an_author_would_write() -> None:
    assert marginal("steps(20 km/h, 60 km/h, 10 km/h)").choices == tuple((k / 3.6,) for k in (20, 30, 40, 50, 60))


def test_a_column_of_a_file_is_a_list_of_values(tmp_path: Path) -> None:
    (tmp_path / "speeds.csv").write_text("id,v\n1,36\n2,72\n")
    node = parse("x: 1").root
    leaf = ValueLeaf(node, parse_value('csv("speeds.csv", "v") km/h'))
    assert marginal_of("x", leaf, tmp_path).choices == ((10.0,), (20.0,))
    with pytest.raises(AuthoredError, match="no column"):
        marginal_of("x", ValueLeaf(node, parse_value('csv("speeds.csv", "w") km/h')), tmp_path)
    with pytest.raises(AuthoredError, match="cannot be read"):
        marginal_of("x", ValueLeaf(node, parse_value('csv("none.csv", "v")')), tmp_path)


@pytest.mark.parametrize("sampler", ["random", "lhs", "sobol", "grid", "nominal"])
def test_the_same_seed_gives_the_same_plan(sampler: str) -> None:
    again = [plan(alks(), sampler, 32, 7) for _ in range(2)]
    assert repr(again[0]) == repr(again[1])


def test_another_seed_gives_another_plan() -> None:
    assert plan(alks(), "sobol", 8, 1).cases != plan(alks(), "sobol", 8, 2).cases


@pytest.mark.parametrize("sampler", ["random", "sobol"])
def test_a_longer_plan_starts_with_the_shorter_one(sampler: str) -> None:
    long, short = plan(alks(), sampler, 60, 3), plan(alks(), sampler, 20, 3)
    assert long.cases[:20] == short.cases


def test_every_case_has_its_own_seed() -> None:
    seeds = {c.seed for c in plan(alks(), "grid", 0, 5).cases}
    assert len(seeds) == 1190
    assert case_seed(alks(), 5, 0) in seeds
    assert all(0 <= s < 2**63 for s in seeds)


def test_unscrambled_sobol_points_are_the_published_ones() -> None:
    points = qmc.Sobol(2, scramble=False).random(4)
    assert np.array_equal(points, [[0, 0], [0.5, 0.5], [0.75, 0.25], [0.25, 0.75]])


def test_sobol_and_latin_designs_fill_every_stratum() -> None:
    probe = scenario("parameters:\n  a: uniform(0 m, 1 m)\n  b: uniform(0 m, 1 m)\n")
    for sampler in ("sobol", "lhs"):
        u = np.array([c.u for c in plan(probe, sampler, 64, 1).cases])
        for axis in range(2):
            assert sorted(np.floor(u[:, axis] * 64).astype(int)) == list(range(64))


def test_values_chosen_together_stay_together() -> None:
    probe = scenario("together:\n  - columns: [a, side]\n    rows: [[1 m, left], [2 m, right]]\n")
    seen = {(c.values["a"], c.values["side"]) for c in plan(probe, "random", 40, 0).cases}
    assert seen == {(1.0, "left"), (2.0, "right")}


def test_impossible_constraints_end_with_the_one_to_blame() -> None:
    probe = scenario("parameters:\n  a: uniform(0 m, 1 m)\n  b: uniform(0 m, 1 m)\nconstraints: [a > 5 m]\n")
    with pytest.raises(AuthoredError) as caught:
        plan(probe, "sobol", 4, 0)
    assert caught.value.problems[0].line == 8


def test_a_grid_refuses_what_it_cannot_list_and_what_is_too_large() -> None:
    with pytest.raises(AuthoredError, match="grid cannot list"):
        plan(scenario("parameters:\n  a: uniform(0 m, 1 m)\n"), "grid", 0, 0)
    many = "".join(f"  p{i}: steps(0 m, 99 m, 1 m)\n" for i in range(6))
    with pytest.raises(InputError, match="combinations"):
        plan(scenario("parameters:\n" + many), "grid", 0, 0)


@pytest.mark.parametrize(("sampler", "samples"), [("halton", 4), ("random", 0), ("sobol", 10**9)])
def test_unknown_samplers_and_sizes_are_refused(sampler: str, samples: int) -> None:
    with pytest.raises(InputError):
        plan(alks(), sampler, samples, 0)


def test_a_scenario_without_draws_differs_only_by_seed() -> None:
    cases = plan(scenario("parameters: {a: 3 m}\n"), "sobol", 3, 0).cases
    assert [c.values for c in cases] == [{"a": 3.0}] * 3
    assert len({c.seed for c in cases}) == 3


@settings(max_examples=60, deadline=None)
@given(st.floats(0.1, 50), st.floats(0.1, 20), st.floats(0.0, 0.999999))
def test_truncated_draws_stay_within(mean: float, sd: float, u: float) -> None:
    mine = marginal(f"normal({mean:.3f} m, {sd:.3f} m) within ({mean * 0.9:.3f} m, {mean * 1.2:.3f} m)")
    (x,), _ = mine.at(u)
    assert mine.low <= x <= mine.high  # type: ignore[operator]
