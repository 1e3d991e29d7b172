"""What many rows say together: counts, rates with their intervals and what is missing from them, worst moments.

Rows are those of `reports.table`. Of the verdicts, INVALID, INCONCLUSIVE, ERROR and TIMEOUT never enter a rate; every
rate here carries how many are missing from it.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from reports.coverage import LEAST_S, OUTSIDE, UNKNOWN, Situation, covered_cells
from reports.finding import Verdict
from reports.statistics import clopper_pearson, garwood

JUDGED: Final = (Verdict.PASS, Verdict.FAIL, Verdict.UNPREVENTABLE, Verdict.FLAKY)
MISSING: Final = (Verdict.INVALID, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.TIMEOUT)


@dataclass(frozen=True, slots=True)
class Rate:
    """`value` = count / of, with its exact 95 % interval; nan where there is nothing to count in."""

    count: int
    of: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdicts of a group of cases. `missing` of its cases are not in `passing`."""

    name: str
    cases: int
    counts: Mapping[str, int]
    missing: int
    passing: Rate
    km: float
    hours: float


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """How one criterion of one scenario fared, and the moment in which it came off worst."""

    scenario: str
    criterion: str
    text: str
    verdicts: Mapping[str, int]
    robustness: float
    value: float
    unit: str
    t_s: float
    case_id: str
    why: str


@dataclass(frozen=True, slots=True)
class CauseLine:
    """Disengagements of one cause, their rate per 1000 km, and how early they came.

    `who` and `odd` count them by who gave up, and by the state of the domain at that moment.
    """

    cause: str
    rate: Rate
    lead_s: float
    runs: int
    who: Mapping[str, int]
    odd: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Episode:
    """One disengagement of one case, as `reports.disengagement` types it."""

    scenario: str
    case_id: str
    t_s: float
    who: str
    cause: str
    odd: str
    lead_s: float
    speed_mps: float
    note: str


@dataclass(frozen=True, slots=True)
class OddCell:
    """One cell of an attribute: in how many runs it was met for at least `LEAST_S`, and for how long in all."""

    name: str
    runs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class OddLine:
    """One attribute of the ODD: its cells, how many of them were met, and the time spent outside of all or unknown."""

    attribute: str
    cells: tuple[OddCell, ...]
    met: int
    outside_s: float
    unknown_s: float


@dataclass(frozen=True, slots=True)
class OddPairs:
    """How many pairs of a cell of `first` with a cell of `second` were met at the same time."""

    first: str
    second: str
    met: int
    of: int


@dataclass(frozen=True, slots=True)
class OddDomain:
    """One ODD: the scenarios and runs that were judged against it, and what they met of its cells and their pairs."""

    name: str
    scenarios: tuple[str, ...]
    runs: int
    lines: tuple[OddLine, ...]
    pairs: tuple[OddPairs, ...]

    @property
    def cells(self) -> int:
        """Return how many cells there are to meet."""
        return sum(len(line.cells) for line in self.lines)

    @property
    def met(self) -> int:
        """Return how many cells were met."""
        return sum(line.met for line in self.lines)

    @property
    def pairs_of(self) -> int:
        """Return how many pairs of cells there are, possible or not."""
        return sum(p.of for p in self.pairs)

    @property
    def pairs_met(self) -> int:
        """Return how many pairs of cells were met at the same time."""
        return sum(p.met for p in self.pairs)


def proportion(count: int, of: int) -> Rate:
    """Return a share with its Clopper-Pearson interval."""
    if of == 0:
        return Rate(0, 0, math.nan, math.nan, math.nan)
    _, low, high = clopper_pearson(count, of)
    return Rate(count, of, count / of, low, high)


def per_1000_km(count: int, km: float) -> Rate:
    """Return a rate of events with its Garwood interval."""
    if not km > 0.0:
        return Rate(count, 0.0, math.nan, math.nan, math.nan)
    _, low, high = garwood(count, km / 1000.0)
    return Rate(count, km, count / km * 1000.0, low, high)


def outcome(name: str, rows: pd.DataFrame) -> Outcome:
    """Return the verdicts of rows, the share that passed of those judged, and the exposure of all that ran."""
    words = rows["verdict"].astype(str)
    counts = {v.value: int((words == v.value).sum()) for v in Verdict}
    judged = sum(counts[v] for v in JUDGED)
    return Outcome(
        name=name,
        cases=len(rows),
        counts={k: n for k, n in counts.items() if n},
        missing=sum(counts[v] for v in MISSING),
        passing=proportion(counts[Verdict.PASS], judged),
        km=total(rows, "distance_km"),
        hours=total(rows, "duration_s") / 3600.0,
    )


def by_scenario(rows: pd.DataFrame) -> list[Outcome]:
    """Return one outcome per scenario, in the order of the rows."""
    return [outcome(str(name), group) for name, group in rows.groupby("scenario", sort=False)]


def by_requirement(rows: pd.DataFrame) -> list[Outcome]:
    """Return one outcome per requirement id that the scenarios name, in the order of ids."""
    if "requirements" not in rows:
        return []
    named = [names(text) for text in rows["requirements"]]
    ids = sorted({one for some in named for one in some})
    return [outcome(one, rows[[one in some for some in named]]) for one in ids]


def criteria(rows: pd.DataFrame) -> list[CriterionLine]:
    """Return one line per scenario and criterion, the worst first."""
    found: dict[tuple[str, str], list[tuple[Mapping[str, Any], str]]] = {}
    for row in rows[["scenario", "case_id", "findings"]].to_dict("records") if "findings" in rows else []:
        for finding in listed(row["findings"]):
            key = (str(row["scenario"]), str(finding.get("criterion", "")))
            found.setdefault(key, []).append((finding, str(row["case_id"])))
    lines = [_criterion(key, entries) for key, entries in found.items()]
    return sorted(lines, key=lambda c: (-c.verdicts.get("FAIL", 0), c.scenario, c.criterion))


def _criterion(key: tuple[str, str], entries: Sequence[tuple[Mapping[str, Any], str]]) -> CriterionLine:
    verdicts: dict[str, int] = {}
    for finding, _ in entries:
        word = str(finding.get("verdict", ""))
        verdicts[word] = verdicts.get(word, 0) + 1

    def badness(entry: tuple[Mapping[str, Any], str]) -> tuple[bool, float]:
        margin = number(entry[0].get("robustness"))
        return entry[0].get("verdict") != Verdict.FAIL, math.inf if math.isnan(margin) else margin

    worst, case_id = min(entries, key=badness)
    return CriterionLine(
        scenario=key[0],
        criterion=key[1],
        text=str(worst.get("text", "")),
        verdicts=verdicts,
        robustness=number(worst.get("robustness")),
        value=number(worst.get("value")),
        unit=str(worst.get("unit", "")),
        t_s=number(worst.get("t_s")),
        case_id=case_id,
        why=str(worst.get("why", "")),
    )


def episodes(rows: pd.DataFrame) -> list[Episode]:
    """Return every disengagement, in the order of the rows."""
    return [
        Episode(
            scenario=str(row.get("scenario", "")),
            case_id=str(row["case_id"]),
            t_s=number(event.get("t_s")),
            who=str(event.get("who", "")),
            cause=str(event.get("cause", "")),
            odd=str(event.get("odd", "")),
            lead_s=number(event.get("lead_s")),
            speed_mps=number(event.get("speed_mps")),
            note=str(event.get("note", "")),
        )
        for row in (rows.to_dict("records") if "disengagements" in rows else [])
        for event in listed(row["disengagements"])
    ]


def disengagements(rows: pd.DataFrame) -> list[CauseLine]:
    """Return one line per cause, the most frequent first, after the line of all causes together."""
    km = total(rows, "distance_km")
    events = episodes(rows)
    counts = Counter(e.cause for e in events)
    causes = sorted(counts, key=lambda c: (-counts[c], c))
    groups = [("all causes", events), *((c, [e for e in events if e.cause == c]) for c in causes)]
    return [
        CauseLine(
            cause=name,
            rate=per_1000_km(len(group), km),
            lead_s=_median([e.lead_s for e in group]),
            runs=len({e.case_id for e in group}),
            who=dict(sorted(Counter(e.who for e in group).items())),
            odd=dict(sorted(Counter(e.odd for e in group).items())),
        )
        for name, group in groups
    ]


def odd_domains(rows: pd.DataFrame, named: Mapping[str, str]) -> list[OddDomain]:
    """Return what was met of every ODD; `named` is the ODD of each scenario, and "" stands for one without a name."""
    if "odd" not in rows:
        return []
    judged = rows.loc[[bool(mapped(text)) for text in rows["odd"]]]
    names = [named.get(str(scenario), "") for scenario in judged["scenario"]]
    return [_domain(name, judged.loc[[n == name for n in names]]) for name in dict.fromkeys(names)]


def _domain(name: str, rows: pd.DataFrame) -> OddDomain:
    lines = odd_coverage(rows)
    cells = {line.attribute: [cell.name for cell in line.cells] for line in lines}
    found = covered_cells(cells, (_situations(text) for text in rows.get("situations", ())))
    holes = Counter((a, b) for (a, _), (b, _) in found.pair_holes)
    together = [(a, b) for i, a in enumerate(cells) for b in list(cells)[i + 1 :]]
    sizes = {(a, b): len(cells[a]) * len(cells[b]) for a, b in together}
    return OddDomain(
        name=name,
        scenarios=tuple(str(s) for s in dict.fromkeys(rows["scenario"])),
        runs=len(rows),
        lines=tuple(lines),
        pairs=tuple(OddPairs(a, b, size - holes[a, b], size) for (a, b), size in sizes.items()),
    )


def _situations(text: object) -> list[Situation]:
    found = []
    for entry in listed(text):
        seconds, cells = number(entry.get("seconds")), entry.get("cells")
        if seconds > 0.0 and isinstance(cells, Mapping):
            found.append(Situation(seconds, {a: c for a, c in cells.items() if isinstance(c, str)}))
    return found


def odd_coverage(rows: pd.DataFrame) -> list[OddLine]:
    """Return what was met of the ODD that the cases were judged against; empty when none was.

    A row names every cell of its domain, those never met with 0 s: they are the denominator. Runs that were not judged
    count as well: they were driven, and the conditions were met.
    """
    spent: dict[str, dict[str, list[float]]] = {}
    for text in rows.get("odd", ()):
        for attribute, cells in mapped(text).items():
            if isinstance(cells, Mapping):
                line = spent.setdefault(str(attribute), {})
                for cell, seconds in cells.items():
                    line.setdefault(str(cell), []).append(max(number(seconds), 0.0))
    return [_odd_line(attribute, cells) for attribute, cells in spent.items()]


def _odd_line(attribute: str, spent: Mapping[str, Sequence[float]]) -> OddLine:
    cells = tuple(
        OddCell(name, sum(s >= LEAST_S - 1e-9 for s in seconds), math.fsum(seconds))
        for name, seconds in spent.items()
        if name not in (OUTSIDE, UNKNOWN)
    )
    return OddLine(
        attribute=attribute,
        cells=cells,
        met=sum(c.runs > 0 for c in cells),
        outside_s=math.fsum(spent.get(OUTSIDE, ())),
        unknown_s=math.fsum(spent.get(UNKNOWN, ())),
    )


def total(rows: pd.DataFrame, column: str) -> float:
    """Return the sum of a column, 0 when there is none."""
    return float(pd.to_numeric(rows[column], errors="coerce").sum()) if column in rows else 0.0


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: 1 case, 2 cases."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def number(value: object) -> float:
    """Return a number, nan for anything else."""
    try:
        return math.nan if value is None or isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan


def listed(text: object) -> list[Mapping[str, Any]]:
    """Return the objects in a JSON list, none when the text is missing or says something else."""
    found = _parsed(text)
    return [f for f in found if isinstance(f, Mapping)] if isinstance(found, list) else []


def names(text: object) -> list[str]:
    """Return the strings in a JSON list, none when the text is missing or says something else."""
    found = _parsed(text)
    return [f for f in found if isinstance(f, str)] if isinstance(found, list) else []


def mapped(text: object) -> Mapping[str, Any]:
    """Return a JSON object, empty when the text is missing or says something else."""
    found = _parsed(text)
    return found if isinstance(found, Mapping) else {}


def _parsed(text: object) -> object:
    if not isinstance(text, str) or not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _median(values: Sequence[float]) -> float:
    known = sorted(v for v in values if not math.isnan(v))
    if not known:
        return math.nan
    middle = len(known) // 2
    return known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2
