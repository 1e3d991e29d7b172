"""`--set name=value`: the parameters of one case as a person chooses them, everything else nominal."""

from __future__ import annotations

from collections.abc import Sequence

from scenarios.marginals import Value, constant_of
from scenarios.sampling import axes_of, nominal
from scenarios.schema import Scenario
from twin.errors import ExpressionError, InputError, UnknownName
from twin.expression import parse_expr
from twin.units import describe


def chosen(scenario: Scenario, assignments: Sequence[str]) -> dict[str, Value]:
    """Return the values of one case. A bare number is SI, as results and records write it.

    Raises UnknownName for a parameter that the scenario does not have, InputError for a value that does not fit.
    """
    values = nominal(scenario)
    dimensions = {name: axis.dimension for axis in axes_of(scenario) for name in axis.names}
    for text in assignments:
        name, equals, written = (part.strip() for part in text.partition("="))
        if not equals:
            raise InputError(f"'{text}' sets nothing; write --set name=value, for example --set gap='12 m'")
        if name not in values:
            raise UnknownName("parameter", name, values)
        values[name] = _value(name, written, dimensions[name])
    return values


def _value(name: str, written: str, wanted: str) -> Value:
    try:
        value, dimension = constant_of(parse_expr(written))
    except ExpressionError as error:
        raise InputError(f"--set {name}={written}: {error}") from error
    bare = isinstance(value, float) and dimension in ("1", "zero")
    if wanted not in (dimension, "any") and not (bare and wanted != "text"):
        raise InputError(f"--set {name}={written}: expected {describe(wanted)}, got {describe(dimension)}")
    return value
