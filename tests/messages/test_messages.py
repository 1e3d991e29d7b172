"""Every mistake has its page: a wrong file and what a person is told about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.check import problems_of
from twin.authored import AuthoredError, decode, parse, render

HERE = Path(__file__).resolve().parent
FILES = sorted(HERE.glob("*.yaml"))


def told(path: Path) -> str:
    """Return what a person is told about a file."""
    try:
        return render(problems_of(parse(decode(path.read_bytes(), path.name), path.name)))
    except AuthoredError as error:
        return str(error)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_mistake_is_told_as_written_beside_it(path: Path) -> None:
    expected = path.with_suffix(".txt").read_text(encoding="utf-8")
    assert told(path) + "\n" == expected


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_message_says_where_and_what_was_expected(path: Path) -> None:
    message = told(path)
    assert message.startswith(f"{path.name}:")
    assert "expected: " in message


def test_there_is_a_page_for_every_file() -> None:
    assert len(FILES) >= 90
    assert {p.stem for p in FILES} == {p.stem for p in HERE.glob("*.txt")}
