"""The values of one case: parameters and derived values as expressions that leaves fold in."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.schema import Scenario
from twin.errors import ExpressionError
from twin.leaf import value_of
from twin.syntax import Draw, Expr, Number, Signal
from twin.units import UNITS
from twin.vocabulary import Scope, dimension_of


def dimensions(scenario: Scenario) -> dict[str, str]:
    """Return the dimension of every parameter, column and derived value; "text" for words, "any" where unknown."""
    scope_of = {name: _dimension(leaf.value) if leaf.sound else "any" for name, leaf in scenario.parameters.items()}
    for together in scenario.together:
        for i, column in enumerate(together.columns):
            cells = [row[i].expr for row in together.rows if i < len(row)]
            scope_of[str(column)] = _first_known(cells)
    actors = ("ego", *scenario.actors)
    for name, leaf in scenario.derived.items():
        try:
            scope = Scope(actors=actors, parameters=scope_of, open=True)
            scope_of[name] = dimension_of(leaf.expr, scope) if leaf.sound else "any"
        except ExpressionError:
            scope_of[name] = "any"
    return scope_of


def bind(
    scenario: Scenario, values: Mapping[str, float | str], fixed: Mapping[str, float] | None = None
) -> dict[str, Expr]:
    """Return what leaves fold in: chosen values (SI, or words), fixed sizes ("ego.width": 1.8), derived values.

    Derived values that use a size missing in `fixed` are left out. Raises AuthoredError at the derived value.
    """
    kinds = dimensions(scenario)
    out: dict[str, Expr] = {name: value_of(value, kinds.get(name, "any")) for name, value in values.items()}
    out.update({name: Number(value, "m") for name, value in (fixed or {}).items()})
    for name, leaf in scenario.derived.items():
        folded = leaf.fold(out)
        if isinstance(folded, Number):
            out[name] = folded
        elif fixed is not None:
            raise leaf.error("this is not known before the run", "parameters and fixed sizes such as ego.width")
    return out


def _dimension(value: Draw | Expr) -> str:
    if not isinstance(value, Draw):
        return _of(value)
    if value.dist in ("csv", "beta"):
        return UNITS[value.unit][1] if value.unit else "1"
    return _first_known(list(value.args))


def _first_known(cells: list[Expr]) -> str:
    kinds = [_of(c) for c in cells]
    bare_zero = [isinstance(c, Number) and c.dimension is None and c.value == 0.0 for c in cells]
    return next((k for k, z in zip(kinds, bare_zero) if not z), kinds[0] if kinds else "any")


def _of(value: Expr) -> str:
    if isinstance(value, Signal) and value.args is None:
        return "text"
    try:
        return dimension_of(value)
    except ExpressionError:
        return "any"
