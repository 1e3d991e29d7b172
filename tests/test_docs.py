"""What the documents say is true: every scenario passes, every command runs, every named file is there."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from scenarios.cli import app

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a page that are written in a language."""
    return [text for kind, text in FENCE.findall(page.read_text("utf-8")) if kind == language]


def scenario_blocks() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for k, text in enumerate(blocks(page, "yaml")):
            if text.startswith("scenario:"):
                yield f"{page.name}-{k}", text


def commands() -> list[list[str]]:
    """Return the `twin` commands of README as words, without their comments."""
    lines = [line for text in blocks(README, "sh") for line in text.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("twin ")]


def makers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_make", ROOT / "docs" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def first(folder: Path) -> Path:
    """Write README's first scenario as it says, and return its path."""
    path = folder / "first.yaml"
    path.write_text(next(text for text in blocks(README, "yaml") if text.startswith("scenario: first")), "utf-8")
    return path


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in scenario_blocks()])
def test_every_scenario_in_the_documents_passes_the_check(text: str, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text, "utf-8")
    told = CliRunner().invoke(app, ["check", str(path)])
    assert told.exit_code == 0, told.stdout


def test_the_documents_hold_scenarios_and_commands() -> None:
    assert len(list(scenario_blocks())) >= 2
    assert {words[1] for words in commands()} >= {"check", "run", "sweep", "replay"}


@pytest.mark.slow
def test_the_commands_of_the_readme_do_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    first(tmp_path)
    (tmp_path / "my_stack.py").write_text(blocks(README, "python")[0], "utf-8")
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    for words in commands():
        words = [word for given in words[1:] for word in (sorted(map(str, tmp_path.glob(given))) or [given])]
        if words[0] == "sweep":
            words = [*(w for w in words if not w.startswith("samples=")), "samples=2", "workers=0"]
        told = CliRunner().invoke(app, words)
        assert told.exit_code in (0, 1), (words, told.output)
        assert "Traceback" not in told.output
    sys.modules.pop("my_stack", None)


def test_every_kind_that_the_readme_lists_can_be_listed() -> None:
    named = re.findall(r"`twin list ([\w|]+)`", README.read_text("utf-8"))
    assert named
    for kind in named[0].split("|"):
        told = CliRunner().invoke(app, ["list", kind, "--json"])
        assert told.exit_code == 0, kind
        assert json.loads(told.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["readme", "example"])
def test_the_stack_that_is_shown_drives(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = blocks(README, "python")[0] if where == "readme" else (ROOT / "examples" / "my_stack.py").read_text("utf-8")
    (tmp_path / f"stack_of_{where}.py").write_text(shown, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    words = ["run", str(first(tmp_path)), f"driver=stack_of_{where}:MyStack", "--out", str(tmp_path / "out"), "--json"]
    told = CliRunner().invoke(app, words)
    sys.modules.pop(f"stack_of_{where}", None)
    assert told.exit_code in (0, 1), told.output
    result = json.loads(told.stdout)
    assert result["cause"] != "SW", result["why"]
    assert result["figures"]["progress_m"] > 100.0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_link_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)\)", text) if "://" not in link]
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


def test_the_map_of_the_code_names_only_what_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("## Files")[2]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert len(named) > 40
    assert [name for name in named if not list(ROOT.glob(name))] == []
    for folder in re.findall(r"^\| `([a-z]+/)` \|", README.read_text("utf-8"), re.M):
        assert (ROOT / folder).is_dir()


def test_the_map_of_the_code_names_every_module() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("## Files")[2]
    named = {name for line in text.splitlines() if line.startswith("| `") for name in re.findall(r"`([^`]+)`", line)}
    covered = {path for name in named for path in ROOT.glob(name)}
    covered |= {inner for path in covered if path.is_dir() for inner in path.rglob("*.py")}
    packages = ("twin", "sensors", "hil", "reports", "scenarios")
    modules = {path for package in packages for path in (ROOT / package).rglob("*.py") if path.name != "__init__.py"}
    assert sorted(str(path.relative_to(ROOT)) for path in modules - covered) == []


@pytest.mark.parametrize("name", ["faults.md", "metrics.md", "sensors.md"])
def test_the_reference_pages_follow_from_the_code(name: str) -> None:
    made = str(makers().pages()[name])
    assert (ROOT / "docs" / name).read_text("utf-8") == made, "run `python docs/make.py`"
