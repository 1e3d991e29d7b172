"""The report: one HTML file that opens from disk, fetches nothing, and says what was run, how it went, how sure we are.

Everything authored (names, reasons, criteria) is escaped by the template or embedded as JSON; a content security policy
lets no script run but the two of this page, known by their hashes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pandas as pd
from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup, escape

from reports import summary
from reports.coverage import LEAST_S
from reports.finding import Verdict, measured
from reports.gallery import pictures
from reports.listing import table
from reports.summary import plural
from twin.files import write_whole
from twin.view import Scene, assets, embed, policy, replay_html

_ORDER: Final = (
    *(Verdict.FAIL, Verdict.FLAKY, Verdict.UNPREVENTABLE, Verdict.PASS),
    *(Verdict.INVALID, Verdict.INCONCLUSIVE, Verdict.TIMEOUT, Verdict.ERROR),
)
_SECTIONS: Final = (
    ("scenarios", "Scenarios"),
    ("requirements", "Requirements"),
    ("criteria", "Criteria"),
    ("replays", "Replays"),
    ("figures", "Figures"),
    ("odd", "ODD"),
    ("disengagements", "Disengagements"),
    ("cases", "Cases"),
    ("again", "Repeat"),
)
_MAX_EPISODES: Final = 300


@dataclass(frozen=True, slots=True)
class Meta:
    """What the rows do not say: how it was run, and what it was run against.

    `odds` names the ODD that a scenario is judged against, `again` gives the command that runs one case again, by case
    id, and `facts` are lines of "to get the same again".
    """

    title: str = "Report"
    command: str = ""
    driver: str = ""
    odds: Mapping[str, str] = field(default_factory=dict)
    again: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


def write_report(folder: Path, rows: pd.DataFrame, replays: Mapping[str, Scene], meta: Meta | None = None) -> Path:
    """Write `report.html` in `folder` and return its path. `replays` holds scenes by case id. Raises RecordError."""
    path = folder / "report.html"
    write_whole(path, render(rows, replays, meta or Meta()).encode())
    return path


def render(rows: pd.DataFrame, replays: Mapping[str, Scene], meta: Meta) -> str:
    """Return the page."""
    everything = summary.outcome("all", rows)
    shown = _replays(rows, replays, meta.again)
    events = summary.episodes(rows)
    viewer, script = assets(), _asset("report.js")
    columns, cases = table(rows)
    return (
        _environment()
        .get_template("report.html")
        .render(
            title=meta.title,
            subtitle=_subtitle(rows, meta),
            headline=_headline(everything),
            policy=policy(viewer.script, script),
            style=Markup(_asset("report.css")),
            script=Markup(script),
            viewer=Markup(viewer.html),
            sections=_SECTIONS,
            order=[v.value for v in _ORDER],
            missing_words=[v.value for v in summary.MISSING],
            all=everything,
            tiles=_tiles(rows, everything),
            scenarios=summary.by_scenario(rows),
            requirements=summary.by_requirement(rows),
            criteria=[_with_open(c) for c in summary.criteria(rows)],
            replays=shown,
            replay_ids={r["case_id"] for r in shown},
            replay_note=_replay_note(len(shown), len(rows)),
            figures=[{"svg": Markup(p.svg), "caption": p.caption, "wide": p.wide} for p in pictures(rows, replays)],
            odds=[_domain(domain) for domain in summary.odd_domains(rows, meta.odds)],
            odd_note=_odd_note(),
            disengagements=summary.disengagements(rows),
            episodes=events[:_MAX_EPISODES],
            episodes_left=max(0, len(events) - _MAX_EPISODES),
            columns=columns,
            cases=Markup(
                embed(
                    {
                        "columns": columns,
                        "rows": cases,
                        "order": [v.value for v in _ORDER],
                        "replays": sorted(r["case_id"] for r in shown),
                        "again": dict(sorted(meta.again.items())),
                    }
                )
            ),
            facts=[(k, v) for k, v in {"command": meta.command, **meta.facts}.items() if v],
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=DictLoader({"report.html": _asset("report.html")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {
        **{"percent": _percent, "figure": _figure, "duration": _duration},
        **{"measured": _measured, "breaking": _breaking, "counted": _counted},
    }
    return environment


def _asset(name: str) -> str:
    return files("reports").joinpath("templates", name).read_text("utf-8")


def _percent(value: float) -> str:
    return f"{value * 100:.1f} %" if math.isfinite(value) else "–"


def _figure(value: float) -> str:
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "−∞"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}".replace(",", "\u202f").replace("-", "−")


def _measured(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return _figure(value)
    return (
        measured(value, unit).replace("m/s^2", "m/s²").replace("m/s^3", "m/s³").replace("-", "−").replace(" ", "\u00a0")
    )


def _breaking(name: str) -> Markup:
    """Return a name that may go on in the next line after `_`, `.` and `/`, and nowhere else."""
    return Markup(re.sub(r"([_/]|\.(?=\D))", r"\1<wbr>", str(escape(name))))


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "–"


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 100
        else f"{seconds / 60:.0f} min"
        if seconds < 6000
        else f"{seconds / 3600:.1f} h"
    )


def _subtitle(rows: pd.DataFrame, meta: Meta) -> str:
    parts = [plural(len(rows), "case"), plural(rows["scenario"].nunique(), "scenario")]
    if meta.driver:
        parts.append(f"driver {meta.driver}")
    if meta.odds:
        parts.append(f"ODD {', '.join(dict.fromkeys(meta.odds.values()))}")
    return " · ".join(parts)


def _headline(all_: summary.Outcome) -> str:
    judged = int(all_.passing.of)
    failed = all_.counts.get(Verdict.FAIL, 0)
    if not all_.cases:
        return "Nothing was run."
    if not judged:
        return f"None of {plural(all_.cases, 'case')} could be judged, so there is no rate to give."
    start = (
        f"{failed} of {plural(judged, 'judged case')} failed. "
        if failed
        else f"No failure in {plural(judged, 'judged case')}. "
    )
    rate = all_.passing
    start += f"{_percent(rate.value)} passed, 95 % interval {_percent(rate.low)} to {_percent(rate.high)}. "
    if not all_.missing:
        return start + "No case is missing from this rate."
    words = ", ".join(f"{all_.counts[v]} {v.value}" for v in summary.MISSING if all_.counts.get(v))
    return (
        start
        + f"{plural(all_.missing, 'case')} {'is' if all_.missing == 1 else 'are'} missing from this rate: {words}."
    )


def _tiles(rows: pd.DataFrame, all_: summary.Outcome) -> list[dict[str, str]]:
    events = summary.disengagements(rows)[0].rate
    bounds = "" if math.isnan(events.value) else f" [{_figure(events.low)}, {_figure(events.high)}]"
    return [
        {"name": "judged cases that pass", "value": _percent(all_.passing.value)},
        {"name": "cases missing from the rate", "value": f"{all_.missing} / {all_.cases}"},
        {"name": "driven", "value": f"{_figure(all_.km)} km"},
        {"name": "simulated", "value": f"{_figure(all_.hours)} h"},
        {"name": f"disengagements per 1000 km{bounds}", "value": _figure(events.value)},
    ]


def _with_open(line: summary.CriterionLine) -> dict[str, Any]:
    decided = line.verdicts.get("PASS", 0) + line.verdicts.get("FAIL", 0)
    return {name: getattr(line, name) for name in line.__dataclass_fields__} | {
        "open": sum(line.verdicts.values()) - decided
    }


def _odd_line(line: summary.OddLine) -> dict[str, Any]:
    most = max((c.seconds for c in line.cells), default=0.0)
    weights = [round(0.12 + 0.4 * math.sqrt(c.seconds / most), 3) if c.runs else 0.0 for c in line.cells]
    return {name: getattr(line, name) for name in line.__dataclass_fields__} | {"shown": list(zip(line.cells, weights))}


def _domain(domain: summary.OddDomain) -> dict[str, Any]:
    return {
        "name": domain.name or "without a name",
        "scenarios": domain.scenarios,
        "runs": domain.runs,
        "met": domain.met,
        "cells": domain.cells,
        "pairs_met": domain.pairs_met,
        "pairs_of": domain.pairs_of,
        "pairs": sorted(domain.pairs, key=lambda p: (p.met / p.of, -p.of)),
        "lines": [_odd_line(line) for line in domain.lines],
    }


def _odd_note() -> str:
    return (
        "Conditions measured tick by tick in the runs, not those asked for in the scenarios, over the cells of the ODD "
        f"that each scenario is judged against. A cell is met once a run was in it for {LEAST_S} s; hatched cells "
        "never were. A pair is met when both cells were met at the same time; pairs that cannot occur together are "
        "counted too. Time outside the ODD or with the condition unknown covers nothing."
    )


def _replay_note(shown: int, cases: int) -> str:
    if not shown:
        return "No record was kept, so there is nothing to replay."
    rest = "" if shown == cases else " The sweep with record=all keeps the others as well."
    return f"{plural(shown, 'run')} of {cases} with a record, the worst first.{rest}"


def _replays(rows: pd.DataFrame, replays: Mapping[str, Scene], again: Mapping[str, str]) -> list[dict[str, Any]]:
    by_id = {str(r["case_id"]): r for r in rows.to_dict("records")}
    rank = {v.value: i for i, v in enumerate(_ORDER)}
    out = []
    for case_id, scene in replays.items():
        row = by_id.get(case_id, {})
        why = row.get("why")
        out.append(
            {
                "case_id": case_id,
                "scenario": str(scene["scenario"]),
                "seed": scene["seed"],
                "verdict": str(row["verdict"]) if "verdict" in row else "",
                "why": why if isinstance(why, str) else "",
                "again": again.get(case_id, ""),
                "html": Markup(replay_html(scene, case_id)),
            }
        )
    return sorted(out, key=lambda r: (rank.get(r["verdict"], len(rank)), r["scenario"], r["case_id"]))
