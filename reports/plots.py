"""Figures as inline SVG. Ink follows the page (`currentColor`), so one drawing serves light, dark and print."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from twin.state import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito, "Color Universal Design", 2008, toned for white and dark ground; shapes differ too.
VERDICT_COLOURS: Final[Mapping[str, str]] = {
    "PASS": "#009e73",
    "FAIL": "#d55e00",
    "FLAKY": "#cc79a7",
    "UNPREVENTABLE": "#e69f00",
    "INVALID": "#7a8b99",
    "INCONCLUSIVE": "#56b4e9",
    "TIMEOUT": "#a89b82",
    "ERROR": "#8d6bb8",
}
_MARKERS: Final = {
    **{"PASS": "o", "FAIL": "X", "FLAKY": "P", "UNPREVENTABLE": "D"},
    **{"INVALID": "s", "INCONCLUSIVE": "^", "TIMEOUT": "v", "ERROR": "*"},
}
_INK: Final = "#010203"
_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "avtwin",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
}
_MAX_POINTS: Final = 1500
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Points:
    """Cases in the plane of two parameters."""

    title: str
    x_name: str
    y_name: str
    x: Floats
    y: Floats
    verdicts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Curve:
    """One quantity of one run over time."""

    label: str
    verdict: str
    t_s: Floats
    values: Floats


P = ParamSpec("P")


def _drawn(draw: Callable[P, Figure]) -> Callable[P, str]:
    @wraps(draw)
    def drawing(*args: P.args, **kwargs: P.kwargs) -> str:
        with mpl.rc_context(_STYLE), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            return _svg(draw(*args, **kwargs))

    return drawing


@_drawn
def verdict_bars(counts: Mapping[str, Mapping[str, int]]) -> Figure:
    """Draw verdicts by scenario: scenario -> verdict -> number of cases."""
    names = list(counts)[::-1]
    figure, axes = _figure(12.6, 0.8 + 0.3 * len(names))
    left = np.zeros(len(names))
    for verdict in VERDICT_COLOURS:
        widths = np.array([counts[n].get(verdict, 0) for n in names], dtype=float)
        if widths.any():
            axes.barh(range(len(names)), widths, left=left, color=VERDICT_COLOURS[verdict], label=verdict, height=0.66)
            left += widths
    axes.set_yticks(range(len(names)), [_short(n) for n in names])
    axes.set_xlabel("cases")
    axes.margins(y=0.02)
    figure.legend(loc="outside right upper", fontsize=9)
    return figure


@_drawn
def histogram(title: str, unit: str, groups: Mapping[str, Floats], limit: float | None = None) -> Figure:
    """Draw how a figure is spread over the cases, stacked by verdict."""
    shown = {v: groups[v][np.isfinite(groups[v])] for v in VERDICT_COLOURS if v in groups}
    shown = {v: values for v, values in shown.items() if len(values)}
    figure, axes = _figure(4.1, 2.7)
    everything = np.concatenate(list(shown.values()))
    low, high = float(everything.min()), float(everything.max())
    bins = np.linspace(low, high if high > low else low + 1.0, 25)
    axes.hist(
        list(shown.values()),
        bins=list(bins),
        stacked=True,
        color=[VERDICT_COLOURS[v] for v in shown],
        label=list(shown),
        rwidth=0.92,
    )
    if limit is not None:
        axes.axvline(limit, color=_INK, linewidth=1.0, linestyle="--")
    axes.set_title(_short(title, 44))
    axes.set_xlabel(unit)
    axes.set_ylabel("cases")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    figure.legend(loc="outside lower center", ncols=4, fontsize=8, columnspacing=1.0, handletextpad=0.4)
    return figure


@_drawn
def scatter(points: Points) -> Figure:
    """Draw cases over two parameters, coloured and shaped by verdict; failures lie on top."""
    figure, axes = _figure(4.1, 3.2)
    verdicts = np.array(points.verdicts)
    order = [v for v in VERDICT_COLOURS if v != "FAIL"] + ["FAIL"]
    for verdict in order:
        at = np.flatnonzero(verdicts == verdict)
        at = at[:: max(1, -(-len(at) // _MAX_POINTS))]
        if len(at):
            axes.scatter(
                points.x[at],
                points.y[at],
                s=22,
                c=VERDICT_COLOURS[verdict],
                marker=_MARKERS[verdict],
                label=verdict,
                alpha=0.85,
                linewidths=0,
            )
    axes.set_title(_short(points.title, 44))
    axes.set_xlabel(_short(points.x_name))
    axes.set_ylabel(_short(points.y_name))
    figure.legend(loc="outside lower center", ncols=4, fontsize=8, columnspacing=1.0, handletextpad=0.4)
    return figure


@_drawn
def curves(title: str, unit: str, lines: Sequence[Curve]) -> Figure:
    """Draw one quantity of many runs over time, coloured by verdict."""
    figure, axes = _figure(12.6, 3.2)
    seen: set[str] = set()
    for line in lines:
        axes.plot(
            line.t_s,
            line.values,
            color=VERDICT_COLOURS.get(line.verdict, _INK),
            linewidth=1.2,
            alpha=0.8,
            label="_" if line.verdict in seen else line.verdict,
        )
        seen.add(line.verdict)
    axes.set_title(_short(title, 90))
    axes.set_xlabel("time [s]")
    axes.set_ylabel(unit)
    figure.legend(loc="outside lower center", ncols=4, fontsize=8, columnspacing=1.0, handletextpad=0.4)
    return figure


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(True, color=_INK, alpha=0.12, linewidth=0.5)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    FigureCanvasSVG(figure).print_svg(out, metadata=nothing)  # type: ignore[no-untyped-call]
    text = out.getvalue()
    text = _NOT_XML.sub("\ufffd", text[text.index("<svg") :]).replace(_INK, "currentColor")
    return _own_ids(text).replace("<svg ", '<svg role="img" ', 1)


def _own_ids(svg: str) -> str:
    """Drop ids that nothing refers to, and tell the others from those of every other drawing of the page."""
    used = set(re.findall(r"(?:href=\"|url\()#([^\")]+)", svg))
    key = hashlib.blake2b(svg.encode(), digest_size=4).hexdigest()
    svg = re.sub(r' id="([^"]*)"', lambda m: f' id="{key}-{m[1]}"' if m[1] in used else "", svg)
    return re.sub(r"(href=\"|url\()#", rf"\g<1>#{key}-", svg)


def _short(name: str, length: int = 34) -> str:
    clean = _NOT_XML.sub("\ufffd", name).replace("\n", " ").replace("\r", " ")
    return clean if len(clean) <= length else clean[: length - 1] + "…"
