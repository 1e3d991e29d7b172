"""Which conditions of the operational design domain the runs have met: cells, pairs of cells, and the holes.

Conditions are measured in the run, not read from the scenario. Every share has its numerator and denominator: cells (or
pairs) met of those that lie in the domain, with runs and seconds. A pair counts when both cells were met at the same
time; that a pair of cells cannot occur together is not known here, so infeasible ones stay in the list of holes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from twin.conditions import Cell, measure
from twin.odd import Odd
from twin.run import Run
from twin.state import Floats, Ints

OUTSIDE: Final = "outside"
UNKNOWN: Final = "unknown"
LEAST_S: Final = 0.5  # a condition met for less is not counted as met

Pair = tuple[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Situation:
    """What held together for how long: attribute -> cell."""

    seconds: float
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CellCount:
    """One cell of one attribute: in how many runs it was met, and for how long."""

    attribute: str
    cell: str
    runs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """Cells and pairs of cells of a domain over many runs. Holes are what nobody met, in the domain's order."""

    runs: int
    cells: tuple[CellCount, ...]
    pairs_met: int
    pairs: int
    holes: tuple[tuple[str, str], ...]
    pair_holes: tuple[Pair, ...]

    @property
    def cells_met(self) -> int:
        """Return how many cells were met at all."""
        return sum(c.runs > 0 for c in self.cells)


def situations(run: Run) -> tuple[Situation, ...]:
    """Return the distinct situations of a run in order of first appearance; empty without a domain."""
    case = run.case
    if case.odd is None or not case.odd.cells:
        return ()
    given = measure(case.road, run.f, run.n, case.p, run.environment)
    names = tuple(case.odd.cells)
    columns = np.stack([cell_numbers(given[name], case.odd.cells[name]) for name in names], axis=1)
    rows, first, counts = np.unique(columns, axis=0, return_index=True, return_counts=True)
    step_s = case.step_ns * 1e-9
    return tuple(
        Situation(float(counts[i] * step_s), {n: _name(case.odd, n, int(rows[i, j])) for j, n in enumerate(names)})
        for i in np.argsort(first)
    )


def cell_numbers(values: Floats, cells: Sequence[Cell]) -> Ints:
    """Return per tick the number of the cell [low, high) that holds the value, -1 outside of all, -2 unknown."""
    out = np.full(len(values), -1, np.int64)
    for i, cell in enumerate(cells):
        inside = (values >= cell.low) & (values < cell.high) if cell.high > cell.low else values == cell.low
        if np.isinf(cell.high):
            inside |= values == cell.high
        out[inside & (out == -1)] = i
    out[np.isnan(values)] = -2
    return out


def _name(odd: Odd, attribute: str, number: int) -> str:
    return {-1: OUTSIDE, -2: UNKNOWN}.get(number) or odd.cells[attribute][number].name


def seconds_in_cells(odd: Odd | None, met: Sequence[Situation]) -> dict[str, dict[str, float]]:
    """Return seconds in every cell of the domain, zeros included, and outside or unknown where that happened."""
    if odd is None:
        return {}
    out = {name: {c.name: 0.0 for c in cells} for name, cells in odd.cells.items()}
    for situation in met:
        for name, cell in situation.cells.items():
            out[name][cell] = out[name].get(cell, 0.0) + situation.seconds
    return out


def covered(odd: Odd, runs: Iterable[Sequence[Situation]]) -> Coverage:
    """Count the cells and pairs of a domain that runs have met for at least LEAST_S each."""
    return covered_cells({name: [cell.name for cell in cells] for name, cells in odd.cells.items()}, runs)


def covered_cells(cells: Mapping[str, Sequence[str]], runs: Iterable[Sequence[Situation]]) -> Coverage:
    """Count what runs have met of the cells (attribute -> names) of a domain, and of their pairs."""
    total = 0
    cell_runs: dict[tuple[str, str], int] = {}
    cell_seconds: dict[tuple[str, str], float] = {}
    met_pairs: set[Pair] = set()
    for met in runs:
        total += 1
        seconds: dict[tuple[str, str], float] = {}
        together: dict[Pair, float] = {}
        for situation in met:
            items = [
                (n, situation.cells[n]) for n in cells if situation.cells.get(n, UNKNOWN) not in (OUTSIDE, UNKNOWN)
            ]
            for item in items:
                seconds[item] = seconds.get(item, 0.0) + situation.seconds
            for pair in combinations(items, 2):
                together[pair] = together.get(pair, 0.0) + situation.seconds
        for item, spent in seconds.items():
            cell_seconds[item] = cell_seconds.get(item, 0.0) + spent
            cell_runs[item] = cell_runs.get(item, 0) + (spent >= LEAST_S - 1e-9)
        met_pairs |= {pair for pair, spent in together.items() if spent >= LEAST_S - 1e-9}
    items = [(name, cell) for name, names in cells.items() for cell in names]
    pairs = [(a, b) for a, b in combinations(items, 2) if a[0] != b[0]]
    return Coverage(
        runs=total,
        cells=tuple(CellCount(*item, cell_runs.get(item, 0), cell_seconds.get(item, 0.0)) for item in items),
        pairs_met=sum(pair in met_pairs for pair in pairs),
        pairs=len(pairs),
        holes=tuple(item for item in items if not cell_runs.get(item)),
        pair_holes=tuple(pair for pair in pairs if pair not in met_pairs),
    )
