"""The schema that editors read accepts what the language accepts, and knows its structure."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

import scenarios
from scenarios.editor import json_schema

HERE = Path(__file__).resolve().parent / "language"
LIBRARY = Path(scenarios.__file__).resolve().parent / "library"
FILES = sorted([*HERE.glob("*.yaml"), *LIBRARY.glob("*.yaml")])

GOOD: dict[str, Any] = {
    "scenario": "probe",
    "map": "motorway_3_lanes",
    "ego": {"vehicle": "mid_sedan", "start": {"lane": 2, "s": "100 m"}},
    "actors": {"van": {"vehicle": "van"}},
    "story": [{"do": {"van": {"speed": {"to": "3 m/s"}}}}],
    "end": {"after": "20 s"},
}


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_good_files_are_good_for_editors(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    assert [e.message for e in validator.iter_errors(data)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("speling",), 1),
        (("map",), None),
        (("tags",), "one"),
        (("ego", "vehicle"), ["a"]),
        (("ego", "start"), {"lain": 2}),
        (("end",), {}),
        (("story", 0, "do", "van", "speed"), {"at": "3 m/s^2"}),
        (("story", 0, "do", "van", "speed"), {"to": "3 m/s", "track": "ego.speed"}),
        (("story", 0, "do", "van", "fly"), {}),
        (("story", 0, "wenn"), "time > 3 s"),
        (("actors", "van"), {"vehicle": "van", "object": "box"}),
    ],
)
def test_wrong_files_are_wrong_for_editors(
    path: tuple[str | int, ...], value: object, validator: jsonschema.Draft202012Validator
) -> None:
    assert validator.is_valid(GOOD)
    wrong = copy.deepcopy(GOOD)
    place: Any = wrong
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert not validator.is_valid(wrong)


def test_every_field_tells_what_it_wants() -> None:
    schema = json_schema()
    speed = schema["$defs"]["SpeedAction"]
    assert "a speed" in speed["properties"]["to"]["description"]
    assert schema["$schema"].endswith("2020-12/schema")
