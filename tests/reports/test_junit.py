"""JUnit XML: the structure that Jenkins reads, one element per verdict, whatever the names."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports import junit
from twin.errors import RecordError

SUITE = {"name", "tests", "failures", "errors", "skipped", "time"}
ELEMENTS = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "property": set(),
    "testcase": {"failure", "error", "skipped", "system-out"},
    **{tag: set() for tag in ("failure", "error", "skipped", "system-out")},
}
ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors", "time"},
    "testsuite": SUITE,
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name", "classname", "time"},
    **{tag: {"type", "message"} for tag in ("failure", "error", "skipped")},
    "system-out": set(),
}


def table(*verdicts: str, scenario: str = "cut_in", why: str = "too close") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "case_id": [f"c{k}" for k in range(len(verdicts))],
            "scenario": scenario,
            "seed": range(len(verdicts)),
            "verdict": verdicts,
            "cause": ["" if v == "PASS" else "SW" for v in verdicts],
            "why": ["" if v == "PASS" else why for v in verdicts],
            "duration_s": 20.0,
            "requirements": json.dumps(["R157-5.2.5.2"]),
            "p.gap": 12.5,
            "p.kind": "a b",
        }
    )


def document(rows: pd.DataFrame, **more: object) -> ET.Element:
    return ET.fromstring(junit.text(rows, "night", more.get("requirements", {}), more.get("files", {})))  # type: ignore[arg-type]


def assert_jenkins_reads(element: ET.Element) -> None:
    assert set(element.attrib) == ATTRIBUTES[element.tag]
    for child in element:
        assert child.tag in ELEMENTS[element.tag]
        assert_jenkins_reads(child)
    if "time" in element.attrib:
        assert re.fullmatch(r"\d+\.\d{3}", element.attrib["time"])


EVERY = ("PASS", "FAIL", "UNPREVENTABLE", "INVALID", "INCONCLUSIVE", "ERROR", "TIMEOUT", "FLAKY")


def test_the_structure_is_the_one_jenkins_reads() -> None:
    assert_jenkins_reads(document(table(*EVERY)))


@pytest.mark.parametrize(
    ("verdict", "element"),
    [
        ("PASS", None),
        ("FAIL", "failure"),
        ("FLAKY", "failure"),
        ("ERROR", "error"),
        ("TIMEOUT", "error"),
        ("INVALID", "skipped"),
        ("INCONCLUSIVE", "skipped"),
        ("UNPREVENTABLE", "skipped"),
        ("SOMETHING_NEW", "error"),
    ],
)
def test_each_verdict_has_its_element(verdict: str, element: str | None) -> None:
    case = next(document(table(verdict)).iter("testcase"))
    assert [c.tag for c in case if c.tag != "system-out"] == ([element] if element else [])


def test_counts_are_those_of_the_elements() -> None:
    root = document(table(*EVERY))
    suite = root[0]
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(name, "")) == len(list(suite.iter(tag)))
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("time")) == ("8", "2", "2", "160.000")


def test_each_scenario_is_a_suite_with_its_requirements() -> None:
    rows = pd.concat([table("PASS"), table("FAIL", scenario="merge")])
    root = document(rows, requirements={"merge": ["R1", "R157-5.2.5.2"]})
    told = {s.get("name"): [p.get("value") for p in s.iter("property")] for s in root}
    assert told == {"cut_in": ["R157-5.2.5.2"], "merge": ["R1", "R157-5.2.5.2"]}


def test_a_case_says_why_and_how_to_run_it_again() -> None:
    root = document(table("FAIL"), files={"cut_in": "my scenarios/cut in.yaml"})
    failure = next(root.iter("failure"))
    assert (failure.get("type"), failure.get("message"), failure.text) == ("FAIL.SW", "too close", "too close")
    out = next(root.iter("system-out")).text or ""
    again = next(line for line in out.splitlines() if line.startswith("again: ")).removeprefix("again: ")
    assert shlex.split(again) == [
        *("twin", "run", "my scenarios/cut in.yaml", "--seed", "0"),
        *("--set", "gap=12.5", "--set", "kind=a b"),
    ]


@settings(max_examples=200, deadline=None)
@given(name=st.text(), why=st.text())
def test_any_text_gives_a_well_formed_document(name: str, why: str) -> None:
    root = document(table("FAIL", scenario=name or "x", why=why))
    assert_jenkins_reads(root)


def test_markup_in_names_stays_text() -> None:
    root = document(table("FAIL", scenario="<x>&]]>", why="</failure>"))
    assert root[0].get("name") == "<x>&]]>"
    assert next(root.iter("failure")).text == "</failure>"


def test_no_rows_give_an_empty_document() -> None:
    root = document(table())
    assert (root.get("tests"), len(root)) == ("0", 0)


def test_the_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    junit.write(tmp_path / "junit.xml", table("PASS"))
    assert ET.parse(tmp_path / "junit.xml").getroot().tag == "testsuites"
    assert [p.name for p in tmp_path.iterdir()] == ["junit.xml"]
    with pytest.raises(RecordError, match="cannot be written"):
        junit.write(tmp_path / "junit.xml" / "in.xml", table("PASS"))
