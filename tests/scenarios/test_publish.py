"""The papers of a sweep lead back to its cases."""

from __future__ import annotations

import json
import re
import shlex
from html import unescape
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scenarios.cli import app

BRAKE = Path(__file__).resolve().parent / "data" / "brake.yaml"


@pytest.mark.slow
def test_the_command_on_the_page_runs_the_same_case_again(tmp_path: Path) -> None:
    words = ["sweep", str(BRAKE), "samples=2", "workers=0", "engine.step=25 ms", "driver=reference.hold"]
    told = CliRunner().invoke(app, [*words, "record=all", "--out", str(tmp_path / "s"), "--json"])
    assert told.exit_code in (0, 1), told.output
    page = (tmp_path / "s" / "report.html").read_text("utf-8")
    again = [shlex.split(unescape(text)) for text in re.findall(r"<code>(twin run .*?)</code>", page)]
    assert len(again) == 2
    cases = set()
    for command in again:
        ran = CliRunner().invoke(app, [*command[1:], "--out", str(tmp_path / "r"), "--json"])
        cases.add(json.loads(ran.stdout)["case_id"])
    assert cases == {path.stem for path in (tmp_path / "s" / "records").glob("*.mcap")}


@pytest.mark.slow
def test_the_command_of_the_sweep_names_what_was_set(tmp_path: Path) -> None:
    words = ["sweep", str(BRAKE), "samples=2", "workers=0", "engine.step=25 ms", "record=none"]
    told = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "s"), "--json"])
    assert told.exit_code in (0, 1), told.output
    page = (tmp_path / "s" / "report.html").read_text("utf-8")
    (command,) = (shlex.split(unescape(text)) for text in re.findall(r"<code>(twin sweep .*?)</code>", page))
    assert {"samples=2", "workers=0", "record=none", "engine.step=25000000 ns"} <= set(command)
    repeated = CliRunner().invoke(app, [*command[1:], "--json"])
    assert repeated.exit_code == told.exit_code, repeated.output
    assert json.loads(repeated.stdout)["done"] == 2
