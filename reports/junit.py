"""Results as JUnit XML for CI: a test suite per scenario, a test case per case.

| verdict                              | element | why                                                        |
|--------------------------------------|---------|------------------------------------------------------------|
| PASS                                 | none    |                                                            |
| FAIL, FLAKY                          | failure | the stack broke a criterion, or cannot be relied on        |
| ERROR, TIMEOUT                       | error   | ours or the machine's                                      |
| UNPREVENTABLE, INVALID, INCONCLUSIVE | skipped | says nothing against the stack; never counted as a success |

Elements and attributes are those of the `junit-10.xsd` of the Jenkins xUnit plug-in, which allows properties on suites
only: requirement ids stand there, seed and replay command in each case's `system-out`. Times are simulated seconds.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pandas as pd

from reports.summary import names
from twin.files import write_whole

_ELEMENT: Final = {
    **dict.fromkeys(("FAIL", "FLAKY"), "failure"),
    **dict.fromkeys(("ERROR", "TIMEOUT"), "error"),
    **dict.fromkeys(("UNPREVENTABLE", "INVALID", "INCONCLUSIVE"), "skipped"),
}
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(
    path: Path,
    rows: pd.DataFrame,
    name: str = "twin",
    requirements: Mapping[str, Sequence[str]] | None = None,
    files: Mapping[str, str] | None = None,
) -> None:
    """Write the rows of `reports.table`, whole or not at all. Raises RecordError.

    `requirements` gives the ids that a scenario covers, `files` where its YAML is, for the command to run a case again.
    """
    write_whole(path, text(rows, name, requirements or {}, files or {}))


def text(rows: pd.DataFrame, name: str, requirements: Mapping[str, Sequence[str]], files: Mapping[str, str]) -> bytes:
    """Return the XML document."""
    root = ET.Element("testsuites", {"name": _clean(name), **_counts(rows)})
    for scenario, group in rows.groupby("scenario", sort=False):
        skipped = sum(_ELEMENT.get(str(v)) == "skipped" for v in group["verdict"])
        heading = {"name": _clean(str(scenario)), **_counts(group), "skipped": str(skipped)}
        suite = ET.SubElement(root, "testsuite", heading)
        properties = ET.SubElement(suite, "properties")
        for requirement in sorted({*requirements.get(str(scenario), ()), *_named(group)}):
            ET.SubElement(properties, "property", name="requirement", value=_clean(requirement))
        for row in group.to_dict("records"):
            _case(suite, {str(k): v for k, v in row.items()}, files.get(str(scenario), str(scenario)))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def command(row: Mapping[str, Any], file: str) -> str:
    """Return the command line that runs the case of a row again."""
    words = ["twin", "run", file, "--seed", str(row["seed"])]
    for key, value in row.items():
        if key.startswith("p.") and not _missing(value):
            shown = value if isinstance(value, str) else repr(float(value))
            words += ["--set", f"{key[2:]}={shown}"]
    return shlex.join(words)


def _case(suite: ET.Element, row: Mapping[str, Any], file: str) -> None:
    verdict = str(row["verdict"])
    case = ET.SubElement(
        suite,
        "testcase",
        name=_clean(f"{row['scenario']} {row['case_id']}"),
        classname=_clean(f"avtwin.{row['scenario']}"),
        time=_seconds(row.get("duration_s")),
    )
    why = "" if _missing(row.get("why")) else str(row["why"])
    if verdict != "PASS":
        cause = "" if _missing(row.get("cause")) else str(row["cause"])
        kind = f"{verdict}.{cause}" if cause else verdict
        outcome = ET.SubElement(case, _ELEMENT.get(verdict, "error"), type=_clean(kind), message=_clean(why[:500]))
        outcome.text = _clean(why)
    lines = [f"verdict: {verdict}", f"seed: {row['seed']}", f"again: {command(row, file)}"]
    if not _missing(row.get("record")):
        lines.append(f"record: {row['record']}")
    ET.SubElement(case, "system-out").text = _clean("\n".join(lines))


def _named(rows: pd.DataFrame) -> set[str]:
    return {one for text in rows.get("requirements", ()) for one in names(text)}


def _counts(rows: pd.DataFrame) -> dict[str, str]:
    kinds = [_ELEMENT.get(str(v), "" if v == "PASS" else "error") for v in rows["verdict"]]
    spent = pd.to_numeric(rows["duration_s"], errors="coerce").sum() if "duration_s" in rows else 0.0
    return {
        "tests": str(len(kinds)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "time": _seconds(spent),
    }


def _seconds(value: object) -> str:
    return "0.000" if _missing(value) else f"{float(str(value)):.3f}"


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)) or value == ""


def _clean(value: str) -> str:
    """XML 1.0 has no way to write most control characters; each becomes U+FFFD."""
    return _NOT_XML.sub("\ufffd", value)
