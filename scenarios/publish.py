"""The papers of a sweep: `report.html` and `junit.xml`, made from what lies in its folder."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from reports import junit
from reports.page import Meta, write_report
from reports.table import read as read_table
from reports.verdict import judge
from scenarios.replay import case_of, settings_of
from scenarios.settings import ReportSettings
from scenarios.single import scene
from twin.authored import AuthoredError
from twin.authored import read as read_authored
from twin.case import Case
from twin.errors import InputError, RecordError
from twin.record import Recorded, read, versions
from twin.view import Scene


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
        papers["report"] = write_report(folder, rows, scenes, _meta(about, cases, folder))
    return papers


def _requirements(about: dict[str, Any]) -> dict[str, list[str]]:
    """Return the requirement ids of every scenario whose file is still there."""
    found: dict[str, list[str]] = {}
    for name, path in about["files"].items():
        try:
            node = read_authored(path).root.get("requirements")
        except AuthoredError:
            continue
        found[name] = [item.text for item in node.items] if node is not None else []
    return found


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


def _meta(about: dict[str, Any], cases: list[Case], folder: Path) -> Meta:
    drivers = sorted({case.driver.name for case in cases})
    command = shlex.join(["twin", "sweep", str(about["target"]), "--out", str(folder)])
    return Meta(title=str(about["name"]), command=command, driver=", ".join(drivers), facts=versions())
