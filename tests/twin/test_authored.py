"""YAML as text with places: nothing typed, everything bounded, every problem shown where it stands."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from twin.authored import MAX_BYTES, AuthoredError, Node, Problem, decode, parse, read, walk


def problems_of(text: str) -> tuple[Problem, ...]:
    try:
        return parse(text, "f.yaml").problems
    except AuthoredError as error:
        return error.problems


@pytest.mark.parametrize(
    "text", ["on", "off", "yes", "NO", "12:30", "014", "0o14", "1e3", "3.10", "2026-11-23", "null"]
)
def test_no_plain_scalar_gets_a_type(text: str) -> None:
    assert parse(f"a: {text}\n{text}: b\n").root.plain() == {"a": text, text: "b"}


def test_nodes_know_lines_and_columns_from_one() -> None:
    root = parse("a: 1\nb:\n  - x\n  - {c: long word}\n").root
    items = root.get("b")
    assert items is not None
    inner = items.items[1].get("c")
    assert inner is not None
    assert (inner.line, inner.col, inner.end_col) == (4, 9, 18)
    key = items.items[1].key("c")
    assert key is not None
    assert (key.line, key.col) == (4, 6)


def test_a_problem_shows_its_line_with_a_caret() -> None:
    node = parse("gap: 3 parsecs\n", "f.yaml").root.get("gap")
    assert node is not None
    shown = str(node.problem("no unit is called 'parsecs'", "a listed unit", "m", offset=2))
    assert shown == (
        "f.yaml:1:8: no unit is called 'parsecs'\n"
        "    gap: 3 parsecs\n"
        "           ^^^^^^^\n"
        "  expected: a listed unit\n"
        "  did you mean 'm'?"
    )


@pytest.mark.parametrize(
    ("text", "line", "col"),
    [
        ("when: >-\n  ego.speed > 3 m/s\n  and bad\n", 3, 7),
        ("when: ego.speed > 3 m/s\n  and bad\n", 2, 7),
        ('when: "ego.speed and bad"\n', 1, 22),
        ("when: ego.speed and bad\n", 1, 21),
    ],
)
def test_an_offset_is_found_in_folded_and_quoted_text(text: str, line: int, col: int) -> None:
    node = parse(text).root.get("when")
    assert node is not None
    problem = node.problem("bad", offset=node.text.index("bad"))
    assert (problem.line, problem.col) == (line, col)


def test_long_lines_are_shown_around_the_place() -> None:
    node = parse("a: " + "x" * 300 + "\n").root.get("a")
    assert node is not None
    lines = str(node.problem("bad", offset=250)).splitlines()
    assert len(lines[1]) < 140
    assert lines[1][lines[2].index("^")] == "x"


def test_both_places_of_equal_keys_are_told_and_reading_goes_on() -> None:
    found = problems_of("a: 1\nb: &x 2\na: 3\n")
    assert [(p.line, p.message) for p in found] == [
        (2, "'&x' is an anchor"),
        (3, "'a' is written twice, first at line 1"),
    ]


def test_quoted_text_may_hold_what_plain_text_may_not() -> None:
    assert parse('{a: "b, c: d # e", f: "min(1, 2) > 3"}').problems == ()


def test_a_real_comment_is_no_problem() -> None:
    assert parse("s: 3 m   # metres\nmap: x        # built in\n").problems == ()


@pytest.mark.parametrize(
    "data", [b"a: \xff", "a: b".encode("utf-16"), b"a: \x00", b"\x7fELF\x00\x01", b"a" * (MAX_BYTES + 1)]
)
def test_bytes_that_are_no_modest_text_are_refused(data: bytes) -> None:
    with pytest.raises(AuthoredError) as caught:
        decode(data, "f.yaml")
    assert len(caught.value.problems) == 1


def test_a_byte_order_mark_is_taken_for_what_it_is() -> None:
    assert parse(decode(b"\xef\xbb\xbfa: b\n", "f.yaml")).root.plain() == {"a": "b"}


def test_windows_line_ends_are_line_ends() -> None:
    root = parse("a: b\r\nc: d\r\n").root
    assert root.plain() == {"a": "b", "c": "d"}


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    for path, message in ((tmp_path, "directory"), (tmp_path / "none.yaml", "no such file")):
        with pytest.raises(AuthoredError, match=message):
            read(path)
    with pytest.raises(AuthoredError):
        read("a\x00b")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission_is_told(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("a: b")
    path.chmod(0)
    with pytest.raises(AuthoredError, match="cannot be read"):
        read(path)


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 5000,
        "{a: " * 5000,
        "- " * 1900 + "x",
        "\n".join("- [" + ",".join("x" * 1 for _ in range(900)) + "]" for _ in range(60)),
        "a: " + "x" * 5000,
        "a: &a [x]\nb: [" + "*a," * 900 + "]",
        "a: b\n" + "\n".join("k" * 200 for _ in range(2000)),
        "? " * 1900,
        "!" * 3000 + " a",
        "a: '" + "''" * 1900,
    ],
    ids=range(10),
)
def test_hostile_shapes_end_in_bounded_time(text: str) -> None:
    start = time.perf_counter()
    assert problems_of(text)
    assert time.perf_counter() - start < 20.0


GOOD = b"scenario: a\nplaces: {x: {lane: 1, s: 5 m}}\nstory:\n  - when: >-\n      a > 3 m\n    do: {note: 'x'}\n# end\n"


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=120))
@example(b"\xef\xbb\xbf")
@example(b"%TAG ! tag:x,2000:\n---\n!x a\n")
@example(b"a: \xc2\x85b")
@example(b"--- |\n x\n...\n")
def test_any_bytes_are_read_or_refused_kindly(data: bytes) -> None:
    problems: tuple[Problem, ...] = ()
    nodes: list[Node] = []
    try:
        nodes = list(walk(parse(decode(data, "f.yaml"), "f.yaml").root))
    except AuthoredError as error:
        problems = error.problems
    assert nodes or problems


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD)), st.sampled_from(list(b"{}[]:,#&*!|>'\"%@`\t\n -?<=.x9$\\"))), max_size=6
    )
)
def test_any_slip_in_a_good_file_is_read_or_told_at_a_place(slips: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD)
    for at, byte in slips:
        data.insert(at, byte)
    for problem in problems_of(bytes(data).decode()):
        assert problem.message
        assert 0 <= problem.line <= data.count(b"\n") + 1
        assert problem.end_col > problem.col or problem.line == 0
