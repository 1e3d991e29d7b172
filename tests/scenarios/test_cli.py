"""The console command: help, lists, JSON that is clean, exit codes, and messages without tracebacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from scenarios.cli import app
from scenarios.listing import KINDS
from scenarios.replay import case_of, settings_of
from twin.record import read, write
from twin.state import X

BRAKE = Path(__file__).resolve().parent / "data" / "brake.yaml"


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


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """One run of a case, in a folder whose name is not plain."""
    folder = tmp_path_factory.mktemp("läuft (1) = a")
    told = twin("run", str(BRAKE), "--set", "gap=40 m", "--set", "decel=2 m/s^2", "--out", str(folder), "--json")
    assert told.exit_code in (0, 1), told.stderr
    return folder, json.loads(told.stdout)


def test_a_run_leaves_a_record_and_a_replay_and_says_where(once: tuple[Path, dict[str, Any]]) -> None:
    folder, told = once
    assert told["verdict"] in ("PASS", "FAIL")
    assert told["values"]["gap"] == 40.0
    assert Path(told["record"]) == folder / f"{told['case_id']}.mcap"
    assert Path(told["record"]).is_file()
    assert "<html" in Path(told["replay"]).read_text(encoding="utf-8")
    assert {f["criterion"] for f in told["findings"]} == {"no_collision", "ttc"}
    assert told["figures"]


def test_a_record_run_again_is_identical(once: tuple[Path, dict[str, Any]]) -> None:
    told = twin("replay", once[1]["record"], "--verify")
    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith("identical")
    assert json.loads(twin("replay", once[1]["record"], "--json").stdout)["identical"]


def test_a_record_that_was_tampered_with_names_the_tick_and_the_field(
    once: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    recorded = read(Path(once[1]["record"]))
    settings = settings_of(recorded)
    case = case_of(recorded, settings)
    run = recorded.run(case)
    run.f[17, X, 1] += 1e-9
    write(tmp_path / "t.mcap", run, (), {"text": recorded.text, **recorded.meta})
    told = twin("replay", str(tmp_path / "t.mcap"), "--verify")
    assert told.exit_code == 1
    assert "first at tick 17 (0.850 s): x of lead was" in told.stdout
    assert twin("replay", str(tmp_path / "t.mcap")).exit_code == 0


def test_a_run_prints_its_verdict_its_figures_and_its_paths(tmp_path: Path) -> None:
    told = twin(
        "run", str(BRAKE), "driver=reference.hold", "--set", "gap=15 m", "--set", "decel=7", "--out", str(tmp_path)
    )
    assert told.exit_code == 1
    for word in ("FAIL", "no_collision", "min_ttc_s", "record ", "replay "):
        assert word in told.stdout


def test_the_seed_and_the_settings_name_the_case(tmp_path: Path) -> None:
    def case(*words: str) -> str:
        return str(json.loads(twin("run", str(BRAKE), *words, "--out", str(tmp_path), "--json").stdout)["case_id"])

    assert len({case(), case("--seed", "2"), case("driver=reference.hold"), case("engine.step=20 ms")}) == 4
    assert case() == case("workers=7")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--set", "gpa=3 m"], "did you mean 'gap'"),
        (["--set", "gap=3 s"], "expected a length"),
        (["map=no such (1).xodr"], "no such (1).xodr"),
        (["driver=nowhere:Stack"], "no module called 'nowhere'"),
        (["driver=reference.abe"], "did you mean 'reference.aeb'"),
        (["rig=higway"], "did you mean 'highway'"),
    ],
)
def test_a_run_that_cannot_be_set_up_is_bad_input_and_leaves_nothing(
    tmp_path: Path, words: list[str], told: str
) -> None:
    result = twin("run", str(BRAKE), *words, "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert told in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_told_and_is_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    for command in (["run"], ["sweep", "samples=1", "workers=0"]):
        told = twin(command[0], str(BRAKE), *command[1:], "--out", str(tmp_path / "file" / "x"))
        assert told.exit_code == 3
        assert "cannot be written" in told.stderr
        assert "Traceback" not in told.output


def test_a_full_disk_is_told_and_leaves_no_half_record(tmp_path: Path) -> None:
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from scenarios.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); main()"
    )
    words = ["run", str(BRAKE), "--out", str(tmp_path / "out")]
    told = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert told.returncode == 3, told.stderr
    assert "cannot be written" in told.stderr or "the machine refused" in told.stderr
    assert "Traceback" not in told.stderr
    assert not list(tmp_path.rglob("*.*"))


def test_a_sweep_leaves_its_papers_and_the_report_can_be_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "a b ü"
    told = twin("sweep", str(BRAKE), "samples=3", "workers=0", "records.count=1", "--out", str(folder), "--json")
    assert told.exit_code in (0, 1), told.stderr
    result = json.loads(told.stdout)
    assert (result["planned"], result["done"], result["complete"]) == (3, 3, True)
    for name in ("results.parquet", "report.html", "junit.xml", "sweep.json"):
        assert (folder / name).stat().st_size > 0
    assert len(list((folder / "records").glob("*.mcap"))) == 1
    (folder / "report.html").unlink()
    made = twin("report", str(folder), "--json")
    assert Path(json.loads(made.stdout)["report"]).is_file()
    assert twin("report", str(folder), "report=none", "--json").stdout.strip() == "{}"


def test_the_default_folder_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["sweep", str(BRAKE), "samples=2", "workers=0", "record=none", "report=none", "--json"]
    first, second = (json.loads(twin(*words).stdout)["results"] for _ in range(2))
    assert first == second
    assert Path(first).parent.parent == Path("runs")
    assert json.loads(twin(*words, "seed=2").stdout)["results"] != first


def test_check_tells_of_an_unknown_name_and_of_the_other_files_too(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("scenario: x\nmap: urban_gird\n", encoding="utf-8")
    result = twin("check", "motorway_cut_inn", str(tmp_path / "bad.yaml"))
    assert result.exit_code == 2
    assert "did you mean 'motorway_cut_in'" in result.output
    assert "did you mean 'urban_grid'" in result.output


def test_check_of_a_folder_checks_the_files_in_it(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("scenario: x\n", encoding="utf-8")
    result = twin("check", str(tmp_path))
    assert result.exit_code == 2
    assert "a.yaml" in result.output
    assert "b.yaml" in result.output
