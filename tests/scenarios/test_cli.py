"""The console command: help, lists, JSON that is clean, exit codes, and messages without tracebacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from scenarios.cli import app
from scenarios.listing import KINDS


def twin(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_help_tells_every_command_and_the_exit_codes() -> None:
    told = twin("--help").stdout
    for command in ("check", "run", "sweep", "replay", "report", "list", "schema", "doctor"):
        assert command in told
    assert "Exit codes" in told


@pytest.mark.parametrize("command", ["check", "run", "sweep", "replay", "report", "schema"])
def test_the_help_of_a_command_shows_an_example(command: str) -> None:
    told = twin(command, "--help")
    assert told.exit_code == 0
    assert f"twin {command} " in " ".join(told.stdout.split()).replace("Usage: twin", "")


def test_help_comes_without_the_heavy_libraries() -> None:
    code = (
        "import sys; from scenarios.cli import app\n"
        "heavy = {'ray', 'hydra', 'numba', 'numpy', 'pandas', 'matplotlib', 'pyarrow'} & sys.modules.keys()\n"
        "sys.exit(','.join(sorted(heavy)) or 0)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("what", KINDS)
def test_every_list_has_rows_with_a_name_and_a_line(what: str) -> None:
    told = twin("list", what, "--json")
    assert told.exit_code == 0, told.stderr
    rows = json.loads(told.stdout)
    assert rows
    assert all(row["name"] and row["about"] for row in rows), [r["name"] for r in rows if not r["about"]]
    assert rows[0]["name"] in twin("list", what).stdout


def test_an_unknown_list_names_those_that_exist() -> None:
    told = twin("list", "map")
    assert told.exit_code == 2
    assert "did you mean 'maps'? Known: drivers, engines," in told.stderr


def test_doctor_says_what_the_machine_can_do() -> None:
    told = twin("doctor", "--json")
    assert {"python", "cores", "memory", "disk", "carla", "ray"} <= {c["what"] for c in json.loads(told.stdout)}
    assert "python" in twin("doctor").stdout


@pytest.mark.parametrize("command", ["run", "sweep"])
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["motorway_cut_inn"], "did you mean 'motorway_cut_in'"),
        (["nowhere/x.yaml"], "no such file"),
        (["motorway_cut_in", "enigne=x"], "did you mean 'engine'"),
        (["motorway_cut_in", "engine=unreal"], "Known: embedded, fine."),
        (["motorway_cut_in", "samples"], "write key=value"),
    ],
)
def test_bad_input_is_a_message_and_exit_code_2(command: str, words: list[str], told: str) -> None:
    result = twin(command, *words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_a_folder_without_a_sweep_has_no_report(tmp_path: Path) -> None:
    told = twin("report", str(tmp_path))
    assert told.exit_code == 2
    assert "results.parquet" in told.stderr


@pytest.mark.parametrize("content", [b"", b"not a record", b"\x89MCAP0\r\n" + b"\x00" * 50])
def test_what_is_no_record_cannot_be_replayed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mcap"
    path.write_bytes(content)
    told = twin("replay", str(path))
    assert told.exit_code == 3
    assert "not a usable record" in told.stderr


def test_a_missing_record_is_told(tmp_path: Path) -> None:
    told = twin("replay", str(tmp_path / "gone.mcap"))
    assert told.exit_code == 3
    assert "gone.mcap" in told.stderr


def test_check_counts_problems_and_shows_them_with_carets(tmp_path: Path) -> None:
    path = tmp_path / "bad ü.yaml"
    path.write_text("scenario: x\nmpa: urban_grid\nend: {after: 20 m}\n", encoding="utf-8")
    told = twin("check", str(path))
    assert told.exit_code == 2
    assert f"{path}:2:1: unknown key 'mpa'" in told.stdout
    assert "^^^" in told.stdout
    listed = json.loads(twin("check", str(path), "--json").stdout)["problems"]
    assert (2, 1) in [(p["line"], p["col"]) for p in listed]


def test_check_of_a_suite_looks_into_its_scenarios(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("scenario: one\n", encoding="utf-8")
    suite = tmp_path / "night.yaml"
    suite.write_text("suite: night\nscenarios: [{scenario: one.yaml}]\n", encoding="utf-8")
    told = twin("check", str(suite))
    assert told.exit_code == 2
    assert "one.yaml" in told.stdout


def test_schema_is_json_and_can_be_written_to_a_file(tmp_path: Path) -> None:
    printed = json.loads(twin("schema").stdout)
    assert printed["$schema"].endswith("2020-12/schema")
    path = tmp_path / "a b" / "schema.json"
    assert twin("schema", "--out", str(path)).exit_code == 0
    assert json.loads(path.read_text(encoding="utf-8")) == printed


def test_no_colours_reach_a_pipe() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "scenarios.cli", "list", "suites"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "FORCE_COLOR": ""},
    )
    assert "demo" in told.stdout
    assert "\x1b" not in told.stdout


def test_a_closed_pipe_is_no_fault() -> None:
    command = f"{sys.executable} -m scenarios.cli schema | head -c 1"
    told = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert told.stderr == ""


def test_help_is_quick() -> None:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "scenarios.cli", "--help"], capture_output=True, check=True)
    assert time.perf_counter() - began < 5.0
