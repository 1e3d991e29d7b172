"""Coverage counts what the runs measured, with its denominators and its holes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reports.coverage import Situation, cell_numbers, covered, seconds_in_cells, situations
from tests.cases import Actor, make_case
from tests.reports.runs import changed, coasting
from twin.conditions import CONDITIONS, Cell
from twin.odd import Odd
from twin.state import RAIN

RAINS = CONDITIONS["rainfall_rate"].cells
ODD = Odd("small", "0", cells={"rainfall_rate": RAINS[:3], "motor_vehicles": CONDITIONS["motor_vehicles"].cells})
LETTERS = Odd("abc", "0", cells={n: tuple(Cell(f"{n}{i}", i, i) for i in range(3)) for n in "wxyz"})


def letters(row: tuple[int, int, int, int], seconds: float = 1.0) -> Situation:
    return Situation(seconds, {n: f"{n}{i}" for n, i in zip("wxyz", row)})


NINE = [
    *[(0, 0, 0, 0), (0, 1, 1, 1), (0, 2, 2, 2)],
    *[(1, 0, 1, 2), (1, 1, 2, 0), (1, 2, 0, 1)],
    *[(2, 0, 2, 1), (2, 1, 0, 2), (2, 2, 1, 0)],
]
"""The orthogonal array L9: every pair of levels of four three-level factors exactly once."""


def test_nine_rows_of_an_orthogonal_array_cover_all_54_pairs() -> None:
    found = covered(LETTERS, [[letters(row)] for row in NINE])
    assert (found.cells_met, len(found.cells)) == (12, 12)
    assert (found.pairs_met, found.pairs) == (54, 54)
    assert found.holes == found.pair_holes == ()


def test_without_one_row_its_six_pairs_are_the_holes() -> None:
    found = covered(LETTERS, [[letters(row)] for row in NINE[:-1]])
    assert found.pairs_met == 48
    assert (("w", "w2"), ("x", "x2")) in found.pair_holes
    assert len(found.pair_holes) == 6


def test_cells_that_nobody_met_are_the_holes() -> None:
    found = covered(LETTERS, [[letters((0, 0, 0, 0))], [letters((0, 1, 0, 0))]])
    assert ("w", "w1") in found.holes
    assert ("x", "x1") not in found.holes
    assert found.cells_met == 5
    by_cell = {c.cell: (c.runs, c.seconds) for c in found.cells}
    assert by_cell["w0"] == (2, 2.0)
    assert by_cell["x0"] == (1, 1.0)


def test_a_condition_met_for_a_moment_is_not_met() -> None:
    found = covered(LETTERS, [[letters((0, 0, 0, 0), 0.4)]])
    assert found.cells_met == 0
    assert found.cells[0].seconds == 0.4


def test_moments_of_one_run_add_up() -> None:
    found = covered(LETTERS, [[letters((0, 0, 0, 0), 0.3), letters((0, 1, 0, 0), 0.3)]])
    met = {c.cell for c in found.cells if c.runs}
    assert met == {"w0", "y0", "z0"}


def test_cells_hold_their_low_end_and_infinity() -> None:
    assert cell_numbers(np.array([0.0, 2.5, 7.6, np.inf, np.nan]), RAINS).tolist() == [0, 2, 3, 5, -2]
    assert cell_numbers(np.array([7.6]), RAINS[:3]).tolist() == [-1]


def test_situations_of_a_run_add_up_to_its_time() -> None:
    case = replace(make_case(actors=(Actor(lane=1, speed=5.0),)), odd=ODD)
    run = coasting(case, 40)
    weather = run.environment.copy()
    weather[10:30, RAIN] = 1.0
    weather[30:, RAIN] = 20.0
    met = situations(changed(run, environment=weather))
    assert [(s.seconds, s.cells["rainfall_rate"]) for s in met] == [
        (0.5, "no rain"),
        (1.0, "light rain"),
        (0.5, "outside"),
    ]
    spent = seconds_in_cells(ODD, met)
    assert spent["rainfall_rate"] == {"no rain": 0.5, "light rain": 1.0, "moderate rain": 0.0, "outside": 0.5}
    assert spent["motor_vehicles"] == {"false": 2.0, "true": 0.0}


def test_without_a_domain_nothing_is_covered() -> None:
    run = coasting(make_case(), 3)
    assert situations(run) == ()
    assert seconds_in_cells(None, ()) == {}


def test_outside_never_counts_as_a_cell() -> None:
    found = covered(ODD, [[Situation(3.0, {"rainfall_rate": "outside", "motor_vehicles": "unknown"})]])
    assert found.cells_met == 0
    assert found.pairs_met == 0
    assert found.runs == 1


@pytest.mark.parametrize("runs", [[], [[]]])
def test_no_run_covers_nothing(runs: list[list[Situation]]) -> None:
    found = covered(ODD, runs)
    assert (found.cells_met, len(found.cells)) == (0, 5)
    assert (found.pairs_met, found.pairs) == (0, 6)
