"""What a person sees: problems, verdicts, tables and progress. Results go to stdout, progress and notes to stderr."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from reports.finding import measured
from twin.authored import Problem

if TYPE_CHECKING:
    from scenarios.doctor import Check
    from scenarios.ledger import Row
    from scenarios.planning import Plan
    from scenarios.replay import Replayed
    from scenarios.single import Single
    from twin.case import Case
    from twin.command import Command
    from twin.samples import Seen
    from twin.state import WorldState

_WIDE = 160  # columns, when nobody looks

out = Console(highlight=False, markup=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
notes = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

_COLOURS = {"PASS": "green", "FAIL": "red", "ERROR": "magenta", "TIMEOUT": "magenta", "FLAKY": "magenta"}
_OTHER = "yellow"


def verdict_text(verdict: str) -> Text:
    return Text(verdict, style=f"bold {_COLOURS.get(verdict, _OTHER)}")


def problem_json(problem: Problem) -> dict[str, Any]:
    return asdict(problem)


def show_problems(problems: Sequence[Problem], files: int) -> None:
    for problem in problems:
        head, *rest = str(problem).splitlines()
        out.print(Text(head, style="bold"))
        for line in rest:
            out.print(Text(line, style="red" if set(line.strip()) == {"^"} else ""))
    if problems:
        out.print(Text(f"{len(problems)} problem{'s' * (len(problems) > 1)}", style="bold red"))
    else:
        out.print(Text(f"{files} file{'s' * (files > 1)}, no problems", style="green"))


def tell_about_compiling() -> None:
    """Say once per machine why the first run takes longer."""
    from scenarios.warm import is_warm

    if not is_warm():
        notes.print("compiling kernels, once on this machine; this takes a minute or two", style="dim")


class Ride:
    """A watcher that shows how far a run has come in simulated time."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: Any = None

    def begin(self, case: Case) -> None:
        self._task = self._progress.add_task(case.scenario, total=case.after_ns / 1e9)

    def see(self, state: WorldState, seen: Seen, command: Command | None) -> str | None:
        del seen, command
        if self._task is not None:
            self._progress.update(self._task, completed=state.t_ns / 1e9)
        return None


@contextmanager
def ride(quiet: bool) -> Iterator[Ride]:
    """Show the progress of one run while the block lasts."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.1f} s"))
    with Progress(*columns, console=notes, transient=True, disable=quiet or not notes.is_terminal) as progress:
        yield Ride(progress)


@contextmanager
def race(planned: Plan, quiet: bool) -> Iterator[Callable[[Row, int, int], None]]:
    """Show the progress of a sweep while the block lasts; yields what is told of every case."""
    counts: Counter[str] = Counter()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(),
    )
    total = len(planned.jobs)
    with Progress(*columns, console=notes, disable=quiet, auto_refresh=notes.is_terminal) as progress:
        task = progress.add_task(planned.name, total=total, counts="")

        def seen(row: Row, done: int, _total: int) -> None:
            counts[row["verdict"]] += 1
            progress.update(task, completed=done, counts=_counts(counts))

        yield seen


def _counts(counts: Mapping[str, int]) -> str:
    return "  ".join(f"[{_COLOURS.get(v, _OTHER)}]{v} {n}[/]" for v, n in sorted(counts.items()))


def show_run(result: Single) -> None:
    out.print(Text.assemble((result.scenario, "bold"), f"  seed {result.seed}  case {result.case_id}"))
    out.print(Text.assemble(verdict_text(result.verdict), f"  {result.why}" if result.why else ""))
    if result.findings:
        table = _table("criterion", "asked", "measured", "at", "verdict")
        for finding in result.findings:
            table.add_row(
                finding.criterion,
                finding.text,
                measured(finding.value, finding.unit),
                "" if math.isnan(finding.t_s) else f"{finding.t_s:.2f} s",
                verdict_text(str(finding.verdict)),
            )
        out.print(table)
    figures = _table("figure", "value")
    for name, value in result.figures.items():
        if not math.isnan(value):
            figures.add_row(name, _number(value))
    out.print(figures)
    show_paths({"record": result.record, "replay": result.replay})


def show_sweep(result: Mapping[str, Any]) -> None:
    table = _table("scenario", *result["verdicts"], "pass rate", "95 % interval", "not counted")
    for one in result["scenarios"]:
        rate = one["pass_rate"]
        table.add_row(
            one["scenario"],
            *(str(one["counts"].get(v, "")) for v in result["verdicts"]),
            "-" if rate is None else f"{rate:.1%}",
            "-" if rate is None else f"{one['low']:.1%} to {one['high']:.1%}",
            str(one["missing"]) if one["missing"] else "",
        )
    out.print(table)
    for gate in result["gates"]:
        mark = Text("holds", style="green") if gate["holds"] else Text("falls", style="bold red")
        out.print(Text.assemble(f"gate {gate['gate']} {gate['asked']}: {gate['measured']}  ", mark))
    for constraint, count in result["rejected"].items():
        out.print(Text(f"{count} drawn combinations rejected by {constraint}", style="dim"))
    for case in result["unsteady"]:
        out.print(
            Text(f"{case} went another way when it was run again: the stack is not deterministic", style="yellow")
        )
    if not result["complete"]:
        left = result["planned"] - result["done"]
        out.print(Text(f"not finished: {left} cases left; the same command goes on", style="bold yellow"))
    show_paths({name: result[name] for name in ("results", "records", "report", "junit") if result[name]})


def show_replay(result: Replayed) -> None:
    if result.identical:
        out.print(Text.assemble(("identical", "bold green"), f"  {result.ticks} ticks of {result.scenario}"))
    else:
        out.print(Text.assemble(("diverges", "bold red"), f"  {result.told()}"))
    for name, (then, now) in result.changed.items():
        out.print(Text(f"  {name} was {then}, is {now}", style="yellow"))


def show_paths(paths: Mapping[str, Path | str]) -> None:
    for name, path in paths.items():
        out.print(Text.assemble((f"{name:8}", "dim"), str(path)))


def show_rows(what: str, rows: Sequence[tuple[str, str]]) -> None:
    table = _table(what, "")
    for name, about in rows:
        table.add_row(name, about)
    out.print(table)


def show_doctor(checks: Sequence[Check]) -> None:
    table = _table("", "what", "found", "advice")
    for one in checks:
        mark = Text("ok", style="green") if one.ok else Text("no", style="bold red" if one.needed else "yellow")
        table.add_row(mark, one.what, one.found, one.advice)
    out.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _number(value: float) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
