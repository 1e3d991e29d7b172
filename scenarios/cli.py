"""The console command `twin`. Heavy parts load only when a command needs them.

Exit codes: 0 pass; 1 a verdict (or a gate, or a verification) failed; 2 bad input; 3 the machine's or our own fault, or
results that do not count; 130 interrupted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from twin.errors import InfrastructureError, InputError, TwinError

if TYPE_CHECKING:
    from scenarios.settings import Settings

PASS, FAILED, BAD_INPUT, BROKEN, INTERRUPTED = 0, 1, 2, 3, 130


class _Kind(TyperGroup):
    """Turns everything that can go wrong into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            _complain(str(error))
            ctx.exit(BAD_INPUT)
        except InfrastructureError as error:
            _complain(str(error))
            ctx.exit(BROKEN)
        except TwinError as error:
            _complain(str(error))
            ctx.exit(FAILED)
        except KeyboardInterrupt:
            _complain("stopped; the same command goes on where it left off")
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(PASS)
        except (MemoryError, OSError) as error:
            _complain(f"the machine refused: {error or type(error).__name__}")
            ctx.exit(BROKEN)


def _complain(message: str) -> None:
    typer.echo(message, err=True)


app = typer.Typer(
    cls=_Kind,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="One YAML scenario, every loop, and a verdict that can be defended.",
    epilog="Exit codes: 0 pass · 1 a verdict failed · 2 bad input · 3 broken or inconclusive · 130 interrupted.",
)


def _shipped(incomplete: str) -> list[str]:
    from scenarios.suite import LIBRARY, SUITES, names

    return [name for name in (*names(LIBRARY), *names(SUITES)) if name.startswith(incomplete)]


def _keys(incomplete: str) -> list[str]:
    from scenarios.settings import GROUPS, keys, options

    key, equals, _ = incomplete.partition("=")
    words = [f"{key}={name}" for name in options(key)] if equals and key in GROUPS else [f"{k}=" for k in keys()]
    return [word for word in words if word.startswith(incomplete)]


def _kinds(incomplete: str) -> list[str]:
    from scenarios.listing import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout, and nothing else there.")]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[key=value]...",
        help="Settings, such as map=town.xodr driver=my.module:Stack rig=full.",
        autocompletion=_keys,
    ),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where results go.", show_default=False)]


@app.command()
def check(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Scenario or suite files, or shipped names.", autocompletion=_shipped),
    ],
    as_json: AsJson = False,
) -> None:
    """Find every problem of scenario files without running them.

    [bold]twin check my/*.yaml[/bold]   a folder stands for the YAML files in it
    """
    from scenarios import console, suite
    from scenarios.check import check as check_files
    from twin.authored import AuthoredError, Problem
    from twin.errors import UnknownName

    problems: list[Problem] = []
    scenarios: list[Path] = []
    inside = {name: sorted(str(p) for p in Path(name).glob("*.y*ml")) for name in files if Path(name).is_dir()}
    for name in [each for given in files for each in inside.get(given) or [given]]:
        try:
            path = suite.find(name)
            if not suite.is_suite(path):
                scenarios.append(path)
                continue
            entries = suite.load(path).scenarios
            scenarios += [suite.beside(path, entry.scenario) for entry in entries]
        except AuthoredError as error:
            problems += error.problems
        except UnknownName as error:
            problems.append(Problem(name, 0, 0, 0, str(error)))
    problems += check_files(list(dict.fromkeys(scenarios)))
    if as_json:
        _print_json({"problems": [console.problem_json(p) for p in problems], "files": len(files)})
    else:
        console.show_problems(problems, len(files))
    raise typer.Exit(BAD_INPUT if problems else PASS)


@app.command()
def run(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A scenario file, or the name of a shipped one.", autocompletion=_shipped),
    ],
    overrides: Overrides = None,
    assign: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Choose a parameter, such as gap='12 m'.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The seed of everything random.")] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Run one case: parameters at their nominal values unless set.

    [bold]twin run motorway_cut_in --set gap='8 m' --seed 7[/bold]
    [bold]twin run my.yaml map=town.xodr driver=my_stack:Stack rig=full --out out[/bold]
    """
    from reports.table import exit_code
    from scenarios import console
    from scenarios.single import run_single
    from scenarios.suite import find

    settings = _settings(overrides, None if seed is None else f"seed={seed}")
    console.tell_about_compiling()
    with console.ride(quiet=as_json) as watcher:
        result = run_single(find(file), assign or [], settings, out, watcher)
    if as_json:
        _print_json(result.as_json())
    else:
        console.show_run(result)
    raise typer.Exit(exit_code([result.verdict]))


@app.command()
def sweep(
    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE_OR_SUITE", help="A scenario or suite, file or shipped name.", autocompletion=_shipped
        ),
    ],
    overrides: Overrides = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Run many cases on all cores; the same command again goes on where it stopped.

    [bold]twin sweep motorway_cut_in samples=500 sampler=sobol workers=8[/bold]
    [bold]twin sweep demo record=all ray.address=10.0.0.1:6379 --out runs/night[/bold]
    """
    from scenarios import console
    from scenarios.bottomline import bottom_line, exit_code_of
    from scenarios.planning import plan
    from scenarios.publish import publish
    from scenarios.suite import find
    from scenarios.sweep import sweep as run_sweep

    signal.signal(signal.SIGTERM, _as_interrupt)
    settings = _settings(overrides)
    planned = plan(find(target), settings)
    folder = out or Path("runs") / f"{planned.name}-{planned.identity}"
    console.tell_about_compiling()
    with console.race(planned, quiet=as_json) as seen:
        swept = run_sweep(planned, folder, settings, seen)
    papers = publish(folder, settings.report) if swept.complete else {}
    result = bottom_line(planned, swept, papers)
    if as_json:
        _print_json(result)
    else:
        console.show_sweep(result)
    raise typer.Exit(INTERRUPTED if swept.interrupted else exit_code_of(result))


@app.command()
def replay(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="An .mcap record of a run.")],
    verify: Annotated[bool, typer.Option("--verify", help="Exit with 1 when the run diverges.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a record again and name the first tick and field that differ, or say identical.

    [bold]twin replay runs/demo/records/0f3a9c.mcap --verify[/bold]
    """
    from scenarios import console
    from scenarios.replay import replay as run_again

    console.tell_about_compiling()
    result = run_again(record)
    if as_json:
        _print_json(result.as_json())
    else:
        console.show_replay(result)
    raise typer.Exit(FAILED if verify and not result.identical else PASS)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a sweep.")],
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Write the page of a sweep: verdicts, figures, coverage, disengagements, and replays to watch.

    [bold]twin report runs/demo[/bold]
    """
    from scenarios import console
    from scenarios.publish import publish

    papers = publish(folder, _settings(overrides).report)
    if as_json:
        _print_json({name: str(path) for name, path in papers.items()})
    else:
        console.show_paths(papers)


@app.command("list")
def list_(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="engines, maps, vehicles, drivers, sensors, rigs, ...", autocompletion=_kinds
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """List what exists: engines, maps, vehicles, drivers, sensors, rigs, faults, metrics, odds, scenarios, suites."""
    from scenarios import console
    from scenarios.listing import rows_of

    rows = rows_of(what)
    if as_json:
        _print_json([{"name": name, "about": about} for name, about in rows])
    else:
        console.show_rows(what, rows)


@app.command()
def schema(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it to a file.")] = None,
) -> None:
    """Print the JSON Schema of scenario files, for completion in an editor.

    [bold]twin schema --out .vscode/scenario.schema.json[/bold]
    """
    from scenarios.editor import json_schema
    from twin.files import write_whole

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_whole(out, text.encode())


@app.command()
def doctor(
    compile_now: Annotated[bool, typer.Option("--compile", help="Compile the kernels now, once per machine.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what this machine can do, and what is missing."""
    from dataclasses import asdict

    from scenarios import console
    from scenarios.doctor import examine

    if compile_now:
        from scenarios.warm import warm

        console.tell_about_compiling()
        warm()
    checks = examine(Path("runs"))
    if as_json:
        _print_json([asdict(one) for one in checks])
    else:
        console.show_doctor(checks)
    raise typer.Exit(BROKEN if any(one.needed and not one.ok for one in checks) else PASS)


def _settings(overrides: Iterable[str] | None, *more: str | None) -> Settings:
    from scenarios.settings import compose

    return compose([*(overrides or []), *(text for text in more if text)]).anchored(Path.cwd())


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str))


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the console command; a stack's module may live in the current folder."""
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)
    _guarded(app)


def _guarded(command: Callable[[], None]) -> None:
    """Say a fault of ours in one line; AVTWIN_DEBUG=1 shows where."""
    try:
        command()
    except Exception as error:
        if os.environ.get("AVTWIN_DEBUG"):
            raise
        _complain(f"a fault of avtwin itself: {type(error).__name__}: {error}; AVTWIN_DEBUG=1 shows the traceback")
        sys.exit(BROKEN)


if __name__ == "__main__":
    main()
