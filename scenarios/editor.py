"""The scenario language as JSON Schema 2020-12, for completion and hints in editors.

An editor sees structure and words; quantities and expressions are strings to it (a bare `2` or `true` is a number or a
boolean there, as YAML 1.2 types it). What only the language can tell, `twin check` tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from scenarios.fields import SCALAR, Model
from scenarios.schema import Scenario

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


_SCALAR: Final = {"type": SCALAR}


def json_schema() -> dict[str, Any]:
    """Return the schema of a scenario file."""
    schema = _tidied(Scenario.model_json_schema(by_alias=True))
    definitions: dict[str, Any] = schema["$defs"]
    for model in _models(Model):
        if model.__name__ in definitions:
            definitions[model.__name__] = _with_rules(model, definitions[model.__name__])
    when = definitions["End"]["properties"]["when"]
    definitions["End"]["properties"]["when"] = {"anyOf": [when["items"], when]}
    return {"$schema": DIALECT, "title": "Scenario", **schema}


def _models(base: type[Model]) -> Iterator[type[Model]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


def _with_rules(model: type[Model], schema: dict[str, Any]) -> dict[str, Any]:
    out = dict(schema)
    if model.alternatives:
        out["allOf"] = [{"oneOf": [{"required": [key]} for key in keys]} for keys in model.alternatives]
    return {"anyOf": [_SCALAR, out]} if model.short else out


def _tidied(value: Any) -> Any:
    """Drop generated titles, defaults and nulls: an optional key is left out, never null."""
    if isinstance(value, list):
        return [_tidied(v) for v in value]
    if not isinstance(value, dict):
        return value
    out = {k: _tidied(v) for k, v in value.items() if not (k == "title" and isinstance(v, str)) and k != "default"}
    options = out.get("anyOf")
    if isinstance(options, list):
        real = [o for o in options if o != {"type": "null"}]
        if len(real) == 1:
            del out["anyOf"]
            return {**real[0], **out}
        out["anyOf"] = real
    return out
