"""Cross references inside a scenario: expressions against scope and dimension, names against their sections."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from scenarios.actions import LATERAL_VERBS, SPEED_VERBS, ActorDo, Arrive, ChangeLane, Control, Do, Follow, KeepGap
from scenarios.fields import Model
from scenarios.marginals import marginal_of
from scenarios.names import WORLD_WORDS, Names, items_of
from scenarios.schema import Actor, Event, Phase, Scenario, Traffic
from scenarios.spots import Spot, Start
from twin.authored import AuthoredError, Problem
from twin.errors import ExpressionError, nearest
from twin.expression import DISTRIBUTIONS
from twin.leaf import Leaf, ValueLeaf, Word
from twin.syntax import After, Binary, Compare, Draw, Expr, Held, Signal, Temporal, Text, Unary, Until
from twin.units import describe
from twin.vocabulary import ACTOR_SIGNALS, FUNCTIONS, Scope, fits, survey, unfit, unknown

_STORY: Final = frozenset({"story", "faults", "triggering_conditions", "end"})

Table = dict[tuple[type[Model], str], Callable[[Names], Collection[str]]]

_REFERS: Final[Table] = {
    (Spot, "ahead_of"): lambda n: n.actors,
    (Spot, "behind"): lambda n: n.actors,
    (Spot, "beside"): lambda n: n.actors,
    (Spot, "path"): lambda n: n.paths,
    (Spot, "route"): lambda n: n.routes,
    (Spot, "approach"): lambda n: n.places,
    (Spot, "name"): lambda n: (*n.places, "here"),
    (KeepGap, "behind"): lambda n: n.actors,
    (KeepGap, "ahead_of"): lambda n: n.actors,
    (Arrive, "as_"): lambda n: n.actors,
    (ChangeLane, "of"): lambda n: n.actors,
    (Follow, "path"): lambda n: n.paths,
    (ActorDo, "route"): lambda n: (*n.routes, "random"),
    (Actor, "route"): lambda n: (*n.routes, "random"),
    (Traffic, "around"): lambda n: n.actors,
}

_WHAT: Final = {
    "ahead_of": "actor",
    "behind": "actor",
    "beside": "actor",
    "of": "actor",
    "as_": "actor",
    "around": "actor",
    "path": "path",
    "route": "route",
}


def reference_problems(scenario: Scenario, names: Names) -> Iterator[Problem]:
    """Yield every name and every expression of a scenario that does not fit."""
    yield from _parameters(scenario, names)
    for section, field in type(scenario).model_fields.items():
        value = getattr(scenario, section)
        if section in ("parameters", "together", "derived", "constraints", "criteria", "groups") or field is None:
            continue
        for leaf, holder, key in leaves(value):
            if isinstance(leaf, Word):
                yield from _word(leaf, holder, key, names)
            elif isinstance(leaf, Leaf):
                moving = section in _STORY and not (isinstance(holder, Model) and key in ("after",))
                yield from _leaf(leaf, holder, key, names.scope, moving)
    yield from _constraints(scenario, names)
    for group, members in scenario.groups.items():
        for member in members:
            if member not in names.actors:
                yield _unknown_word(member, f"actor in group '{group}'", names.actors)
    yield from _actions(scenario, names)


def leaves(value: Any, holder: Model | None = None, key: str = "") -> Iterator[tuple[Any, Model | None, str]]:
    """Yield every Leaf and Word below a value, with the model and the field that hold it."""
    if isinstance(value, Leaf | Word | ValueLeaf):
        yield value, holder, key
    elif isinstance(value, Model):
        for name in type(value).model_fields:
            yield from leaves(getattr(value, name), value, name)
        for name, extra in (value.__pydantic_extra__ or {}).items():
            yield from leaves(extra, value, name)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, holder, str(name))
    elif isinstance(value, tuple):
        for item in value:
            yield from leaves(item, holder, key)


def _parameters(scenario: Scenario, names: Names) -> Iterator[Problem]:
    folder = Path(scenario.node.source.path).parent
    for name, leaf in scenario.parameters.items():
        if not leaf.sound:
            continue
        if isinstance(leaf.value, Signal) and leaf.value.args is not None and leaf.value.path[0] not in FUNCTIONS:
            yield leaf.misfit(unknown("draw", ".".join(leaf.value.path), DISTRIBUTIONS, leaf.value.pos))
            continue
        try:
            marginal_of(name, leaf, folder)
        except AuthoredError as error:
            yield from error.problems
    for together in scenario.together:
        for row in together.rows:
            if len(row) != len(together.columns):
                holder = row[0] if row else together
                yield holder.problem(f"this row has {len(row)} values", f"{len(together.columns)}, one for each column")
        for column in together.columns:
            if column in scenario.parameters:
                yield column.problem(f"'{column}' is also a parameter", "each name once")
    known: dict[str, str] = {n: d for n, d in names.scope.parameters.items() if n not in scenario.derived}
    for name, derived in scenario.derived.items():
        scope = replace(names.scope, parameters=known)
        if not derived.sound:
            continue
        yield from (derived.misfit(error) for error in survey(derived.expr, scope)[1])
        yield from _fixed_only(derived, False)
        known = {**known, name: names.scope.parameters[name]}


def _constraints(scenario: Scenario, names: Names) -> Iterator[Problem]:
    for leaf in scenario.constraints:
        yield from _leaf(leaf, None, "", names.constraint_scope, False)


def _leaf(leaf: Leaf, holder: Model | None, key: str, scope: Scope, moving: bool) -> Iterator[Problem]:
    if not leaf.sound:
        return
    if leaf.of.dimensions == ("any",):
        if isinstance(leaf.expr, Signal) and leaf.expr.args is None:
            return
        scope = replace(scope, words=())
    found = [leaf.misfit(error) for error in _misfits(leaf, replace(scope, words=leaf.of.words))]
    yield from found
    if not found and not moving:
        yield from _fixed_only(leaf, isinstance(holder, Start) and key == "speed")


def _misfits(leaf: Leaf, scope: Scope) -> Iterator[ExpressionError]:
    """Yield what does not fit inside an expression, and how the whole of it does not fit its place."""
    e, wanted = leaf.expr, leaf.of.dimensions
    got, errors = survey(e, scope)
    yield from errors
    if got == "text" and "text" in wanted:
        if isinstance(e, Signal) and leaf.of.words and e.args is None and e.path[0] not in leaf.of.words:
            yield unknown("word", e.path[0], leaf.of.words, e.pos)
    elif not any(fits(e, got, d) for d in wanted):
        first = unfit(e, got, wanted[0])
        yield ExpressionError(first.message, first.offset, leaf.of.expected, first.suggestion)


def _fixed_only(leaf: Leaf, starts: bool) -> Iterator[Problem]:
    for part in parts(leaf.expr):
        if isinstance(part, Signal) and _moves(part, starts):
            name = ".".join(part.path)
            also = " or another actor's start speed" if starts else ""
            yield leaf.problem(
                f"'{name}' is not known before the run",
                f"$parameters and fixed sizes such as ego.width{also}",
                "",
                part.pos,
            )
        elif isinstance(part, After | Held | Temporal | Until):
            yield leaf.problem("time has not begun here", "a constant", "", part.pos)


def _moves(part: Signal, starts: bool) -> bool:
    if len(part.path) == 1:
        return part.args is None and part.path[0] in ("time", "time_of_day")
    signal = ACTOR_SIGNALS.get(part.path[1])
    return not (signal is not None and signal.fixed) and not (starts and part.path[1] == "speed")


def parts(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and everything below it."""
    yield expr
    match expr:
        case Unary() | Temporal():
            yield from parts(expr.operand)
        case Binary() | Until():
            yield from parts(expr.left)
            yield from parts(expr.right)
        case Compare():
            for operand in expr.operands:
                yield from parts(operand)
        case After():
            yield from parts(expr.delay)
            yield from parts(expr.operand)
        case Held():
            yield from parts(expr.operand)
            yield from parts(expr.duration)
        case Signal():
            for arg in expr.args or ():
                yield from parts(arg)
        case _:
            return


def _word(word: Word, holder: Model | None, key: str, names: Names) -> Iterator[Problem]:
    if word.startswith("$"):
        name = word[1:]
        kinds = names.scope.parameters
        if name not in kinds:
            error = unknown("parameter", name, kinds, 0)
            yield word.problem(error.message, error.expected, f"${error.suggestion}" if error.suggestion else "")
        elif kinds[name] not in ("text", "any"):
            yield word.problem(f"'{word}' is {describe(kinds[name])}", "a parameter drawn by choice(a, b)")
        return
    for base in type(holder).__mro__ if holder is not None else ():
        refers = _REFERS.get((base, key))
        if refers is not None:
            known = refers(names)
            if word not in known:
                yield _unknown_word(word, _WHAT.get(key, "place"), known)
            return


def _unknown_word(word: Word, what: str, known: Collection[str]) -> Problem:
    error = unknown(what, str(word), known, 0)
    return word.problem(error.message, error.expected or f"a {what}; none is defined here", error.suggestion)


def _actions(scenario: Scenario, names: Names) -> Iterator[Problem]:
    story_axes = _axes_of_story(scenario)
    for item in items_of(scenario):
        if isinstance(item, Phase):
            continue
        dos: tuple[Do, ...] = (item.do,) if isinstance(item, Event) else item.do
        for do in dos:
            yield from _do(do, scenario, names, story_axes)


def _do(do: Do, scenario: Scenario, names: Names, story_axes: frozenset[str]) -> Iterator[Problem]:
    if not do.written:
        yield do.problem("nothing is done here", "an actor and what it does")
    known = (*names.actors, *names.groups, "them")
    for who, what in do.actors.items():
        if who not in known:
            close = nearest(who, (*known, *WORLD_WORDS)) or ""
            yield do.problem(f"no actor is called '{who}'", "one of " + ", ".join(sorted(known)), close, key=who)
        if not what.verbs:
            yield what.problem("nothing is done here", "one of " + ", ".join(ActorDo.model_fields))
        if who == "ego" or (who in names.groups and "ego" in scenario.groups[who]):
            yield from _seized(what, story_axes)
    for variable in do.set_ or {}:
        if variable not in scenario.variables:
            close = nearest(variable, scenario.variables) or ""
            expected = "one of " + ", ".join(scenario.variables) if scenario.variables else "a name under variables:"
            yield do.problem(f"no variable is called '{variable}'", expected, close, key="set")


def _seized(what: ActorDo, story_axes: frozenset[str]) -> Iterator[Problem]:
    for verb in what.verbs:
        axis = "speed" if verb in SPEED_VERBS else "steering" if verb in LATERAL_VERBS else None
        if axis is not None and axis not in story_axes:
            yield what.problem(
                f"'{verb}' seizes the ego's {axis}, which its driver holds",
                f"control: {{{axis}: story}} at the ego, or in the story before this",
                key=verb,
            )


def _axes_of_story(scenario: Scenario) -> frozenset[str]:
    """Return the axes of the ego that the scenario gives to the story, at the start or at any time."""
    controls: list[Control] = [scenario.ego.control] if scenario.ego.control else []
    for item in items_of(scenario):
        dos: tuple[Do, ...] = () if isinstance(item, Phase) else (item.do,) if isinstance(item, Event) else item.do
        controls += [d.actors["ego"].control for d in dos if "ego" in d.actors and d.actors["ego"].control]
    axes: set[str] = set()
    for control in controls:
        for axis, owner in (("speed", control.both or control.speed), ("steering", control.both or control.steering)):
            if owner == "story":
                axes.add(axis)
    return frozenset(axes)


def words_of(word: Word, scenario: Scenario) -> tuple[str, ...]:
    """Return every name that a word can stand for: itself, or the choices of its parameter."""
    if not word.startswith("$"):
        return (str(word),)
    leaf = scenario.parameters.get(word[1:])
    value = leaf.value if leaf else None
    cells: tuple[Expr, ...] = ()
    if isinstance(value, Draw) and value.dist == "choice":
        cells = value.args
    elif value is not None and not isinstance(value, Draw):
        cells = (value,)
    return tuple(n for c in cells if (n := _name(c)) is not None)


def _name(cell: Expr) -> str | None:
    if isinstance(cell, Text):
        return cell.value
    return ".".join(cell.path) if isinstance(cell, Signal) and cell.args is None else None
