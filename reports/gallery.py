"""Which figures say something about these rows, and how to draw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports import plots, summary
from reports.finding import Verdict
from reports.listing import figure_columns, name_and_unit, numeric
from reports.summary import plural
from twin.state import Floats
from twin.view import Scene

_MAX_SCATTERS: Final = 12
_MAX_BARS: Final = 60
_MAX_HISTOGRAMS: Final = 9
_LONGEST_S: Final = 10.0  # a least time to something that is further off says nothing about a conflict


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG with what is to be said below it; `wide` takes the whole width of the page."""

    svg: str
    caption: str
    wide: bool = False


def pictures(rows: pd.DataFrame, replays: Mapping[str, Scene]) -> list[Picture]:
    """Return verdicts by scenario, how figures spread, failures over parameters, and speeds of the replayed runs."""
    out = []
    scenarios = summary.by_scenario(rows)
    if scenarios:
        out.append(
            Picture(
                plots.verdict_bars({s.name: s.counts for s in scenarios[:_MAX_BARS]}),
                "Verdicts of all cases by scenario.",
                True,
            )
        )
    verdicts = np.array([str(v) for v in rows["verdict"]])
    out += _histograms(rows, verdicts)[:_MAX_HISTOGRAMS]
    for points in _scatters(rows)[:_MAX_SCATTERS]:
        told = (
            "that tell failure from success best" if {"PASS", "FAIL"} <= set(points.verdicts) else "that varied first"
        )
        out.append(Picture(plots.scatter(points), f"Cases in the two parameters {told}, in SI units."))
    lines = _speeds(rows, replays)
    if lines:
        out.append(Picture(plots.curves("Ego speed of the replayed runs", "km/h", lines), "Coloured by verdict.", True))
    return out


def _histograms(rows: pd.DataFrame, verdicts: NDArray[np.str_]) -> list[Picture]:
    out = []
    for column in figure_columns(rows):
        values = numeric(rows, column)
        name, unit = name_and_unit(column)
        far = np.isfinite(values) & (values > _LONGEST_S) & (unit == "s") & name.startswith("min ")
        near = np.where(far, np.nan, values)
        if len(np.unique(near[np.isfinite(near)])) > 2:
            groups = {str(v): near[verdicts == v] for v in dict.fromkeys(verdicts)}
            out.append(Picture(plots.histogram(name, unit, groups), _missing_note(values, int(far.sum()))))
    return out


def _missing_note(values: Floats, far: int) -> str:
    missing = int((~np.isfinite(values)).sum())
    told = f"{plural(missing, 'case')} without this figure." if missing else "Every case has this figure."
    return told + (f" {plural(far, 'case')} above {_LONGEST_S:g} s, not drawn." if far else "")


def _scatters(rows: pd.DataFrame) -> list[plots.Points]:
    out = []
    for name, group in rows.groupby("scenario", sort=False):
        verdicts = [str(v) for v in group["verdict"]]
        values = {str(c): numeric(group, str(c)) for c in group.columns if str(c).startswith("p.")}
        varied = [c for c, v in values.items() if len(np.unique(v[np.isfinite(v)])) > 1]
        if len(varied) < 2:
            continue
        x, y = sorted(varied, key=lambda c: -_separation(values[c], verdicts))[:2]
        out.append(
            plots.Points(
                title=str(name),
                x_name=x[2:],
                y_name=y[2:],
                x=values[x],
                y=values[y],
                verdicts=verdicts,
            )
        )
    return out


def _separation(values: Floats, verdicts: Sequence[str]) -> float:
    """Return how well one parameter tells FAIL from PASS: distance of the Mann-Whitney probability from one half."""
    failed = np.array([v == Verdict.FAIL for v in verdicts])
    passed = np.array([v == Verdict.PASS for v in verdicts])
    a, b = values[failed & np.isfinite(values)], np.sort(values[passed & np.isfinite(values)])
    if not len(a) or not len(b):
        return 0.0
    below = np.searchsorted(b, a, "left") + np.searchsorted(b, a, "right")
    return abs(float(below.mean()) / 2 / len(b) - 0.5)


def _speeds(rows: pd.DataFrame, replays: Mapping[str, Scene]) -> list[plots.Curve]:
    verdict = dict(zip(rows["case_id"].astype(str), rows["verdict"].astype(str)))
    out = []
    for case_id, scene in replays.items():
        if scene["ticks"] > 1 and scene["actors"]:
            steps = scene["actors"][0]["speed"]
            speed = np.cumsum(np.pad(np.array(steps, dtype=float), (0, scene["ticks"] - len(steps)))) * 0.036
            t = np.arange(scene["ticks"]) * scene["step_s"]
            out.append(plots.Curve(case_id, verdict.get(case_id, ""), t, speed))
    return out
