"""The papers of a sweep: `report.html` and `junit.xml`, made from what lies in its folder."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pandas as pd
from pydantic import ValidationError

from reports import junit
from reports.page import Meta, write_report
from reports.table import read as read_table
from reports.verdict import Verdict, judge
from scenarios.replay import case_of, settings_of
from scenarios.settings import ReportSettings, Settings, compose
from scenarios.single import scene
from twin.authored import AuthoredError, Node
from twin.authored import read as read_authored
from twin.case import Case
from twin.errors import InputError, RecordError
from twin.record import Recorded, read, versions
from twin.view import Scene

_OF_A_CASE: Final = ("map=", "rig=", "driver.", "engine.")
_DURATIONS: Final = (
    *("engine.step", "engine.substep", "engine.run_budget", "driver.step_budget", "driver.start_budget"),
    *("batch", "suite.budget"),
)


def publish(folder: Path, settings: ReportSettings) -> dict[str, Path]:
    """Write the papers that the settings ask for and return their paths by name.

    Raises InputError when the folder holds no sweep, RecordError when the disk refuses.
    """
    if not (folder / "results.parquet").is_file():
        raise InputError(f"'{folder}' holds no results.parquet; name the folder of a sweep")
    rows, about = read_table(folder), _about(folder)
    papers: dict[str, Path] = {}
    if settings.junit:
        papers["junit"] = folder / "junit.xml"
        junit.write(papers["junit"], rows, str(about["name"]), _requirements(about), about["files"])
    if settings.page:
        scenes: dict[str, Scene] = {}
        cases: list[Case] = []
        for recorded, case in _records(folder, rows, settings.replays):
            run = recorded.run(case)
            scenes[str(recorded.meta["case_id"])] = scene(run, judge(run))
            cases.append(case)
        papers["report"] = write_report(folder, rows, scenes, _meta(about, rows, cases, folder))
    return papers


def _requirements(about: dict[str, Any]) -> dict[str, list[str]]:
    """Return the requirement ids of every scenario whose file is still there."""
    found = {name: _key(path, "requirements") for name, path in about["files"].items()}
    return {name: [item.text for item in node.items] for name, node in found.items() if node is not None}


def _say(path: str, key: str) -> str:
    node = _key(path, key)
    return "" if node is None else node.text


def _key(path: str, key: str) -> Node | None:
    """Return what a scenario's file holds under a key, None when there is no such key or no file any more."""
    try:
        return read_authored(path).root.get(key)
    except AuthoredError:
        return None


def _records(folder: Path, rows: pd.DataFrame, most: int) -> Iterator[tuple[Recorded, Case]]:
    """Yield the records that belong to the rows and can still be assembled, in the order of the rows."""
    for case_id in rows["case_id"]:
        path = folder / "records" / f"{case_id}.mcap"
        if most <= 0:
            return
        if path.is_file():
            recorded = read(path)
            yield recorded, case_of(recorded, settings_of(recorded))
            most -= 1


def _about(folder: Path) -> dict[str, Any]:
    try:
        about = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordError(f"'{folder / 'sweep.json'}' cannot be read: {error}; run the sweep again") from error
    if not isinstance(about, dict) or not {"name", "files", "target"} <= about.keys():
        raise RecordError(f"'{folder / 'sweep.json'}' is not what a sweep leaves; run the sweep again")
    return about


def _meta(about: dict[str, Any], rows: pd.DataFrame, cases: list[Case], folder: Path) -> Meta:
    drivers = sorted({case.driver.name for case in cases})
    words = _overrides(about)
    command = shlex.join(["twin", "sweep", str(about["target"]), *words, "--out", str(folder)])
    named = {str(name): _say(path, "odd") for name, path in about["files"].items()}
    return Meta(
        title=str(about["name"]),
        command=command,
        driver=", ".join(drivers),
        odds={name: text for name, text in named.items() if text},
        again=_again(about, rows, folder, [word for word in words if word.startswith(_OF_A_CASE)]),
        facts=versions(),
    )


def _again(about: dict[str, Any], rows: pd.DataFrame, folder: Path, words: list[str]) -> dict[str, str]:
    """Return the command that runs a case again, for every case that did not pass and every one with a record."""
    commands = {}
    for row in rows.to_dict("records"):
        case, path = str(row["case_id"]), about["files"].get(row["scenario"])
        if path is None or (row["verdict"] == Verdict.PASS and not (folder / "records" / f"{case}.mcap").is_file()):
            continue
        commands[case] = " ".join(
            [junit.command({str(k): v for k, v in row.items()}, str(path)), *map(shlex.quote, words)]
        )
    return commands


def _overrides(about: dict[str, Any]) -> list[str]:
    """Return the settings of a sweep that are not as `conf` has them, as one writes them."""
    try:
        given = Settings.model_validate(about["settings"])
    except (KeyError, ValidationError) as error:
        raise RecordError(f"the settings of the sweep cannot be read: {error}; run the sweep again") from error
    default = dict(_leaves(compose().model_dump(), ""))
    changed = [(key, value) for key, value in _leaves(given.model_dump(), "") if value != default.get(key)]
    return [f"{key}={_written(key, value)}" for key, value in changed if not key.startswith("report.")]


def _leaves(tree: dict[str, Any], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _written(key: str, value: object) -> str:
    if value is None:
        return "null"
    if key in _DURATIONS:
        return f"{value} ns"
    return f"{value} B" if key == "records.size" else str(value)
