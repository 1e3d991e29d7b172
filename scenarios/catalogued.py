"""Names that catalogues hold: vehicles, drivers, rigs, sensors, faults and metrics that a scenario asks for."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from hil.drivers import DRIVERS
from reports.metrics import METRICS, YES_NO
from scenarios.actions import FaultChange
from scenarios.assemble import BUILT_IN_DRIVERS
from scenarios.names import Names, items_of
from scenarios.references import words_of
from scenarios.schema import Actor, Event, Phase, Scenario
from sensors import rig as rigs
from twin.authored import AuthoredError, Problem
from twin.errors import InputError, UnknownName, nearest
from twin.faults import ACTUATORS, FAULTS
from twin.leaf import CriterionLeaf, Leaf, Word
from twin.road.library import find_map
from twin.syntax import Expr
from twin.units import combine
from twin.vehicle import OBJECTS, PEDESTRIANS, VEHICLES
from twin.vocabulary import ACTOR_SIGNALS, Scope, fits, survey, unfit, unknown

_BODIES: Final[Mapping[str, Collection[str]]] = {
    "vehicle": VEHICLES,
    "pedestrian": PEDESTRIANS,
    "object": OBJECTS,
}


def map_problems(scenario: Scenario) -> Iterator[Problem]:
    """Yield the maps that are not there; a setting may replace them, so that a scenario is sound without them."""
    folder = Path(scenario.map.node.source.path).parent
    for name in words_of(scenario.map, scenario):
        try:
            find_map(name, (folder,))
        except UnknownName as error:
            yield scenario.map.problem(*_said("map", name, error.known))
        except InputError as error:
            yield scenario.map.problem(str(error), "a shipped map, an .xodr path or a town")


def catalogue_problems(scenario: Scenario, names: Names) -> Iterator[Problem]:
    """Yield every name that no catalogue holds, and every parameter or threshold that its row does not have."""
    yield from _actor(scenario.ego, scenario, DRIVERS)
    for actor in scenario.actors.values():
        yield from _actor(actor, scenario, BUILT_IN_DRIVERS)
    for traffic in scenario.traffic:
        for name in traffic.mix or {}:
            if name not in VEHICLES:
                yield traffic.problem(*_said("vehicle", name, VEHICLES), key="mix")
    kinds = yield from _rig(scenario)
    for change in (*scenario.faults, *_story_faults(scenario)):
        yield from _fault(change, scenario, names, kinds)
    for name, leaf in scenario.criteria.items():
        if leaf.sound:
            yield from _criterion(name, leaf, scenario, names)


def _said(what: str, name: str, known: Iterable[str]) -> tuple[str, str, str]:
    error = unknown(what, name, list(known), 0)
    return error.message, error.expected, error.suggestion


def _actor(actor: Actor, scenario: Scenario, drivers: Iterable[str]) -> Iterator[Problem]:
    for key, known in _BODIES.items():
        word: Word | None = getattr(actor, key)
        for name in words_of(word, scenario) if word is not None else ():
            if name not in known and word is not None:
                yield word.problem(*_said(key, name, known))
    if actor.driver is not None:
        for name in words_of(actor.driver.use, scenario):
            if name in drivers or (":" in name and actor is scenario.ego):
                continue
            message, expected, close = _said("driver", name, drivers)
            more = "; or module:Class" if actor is scenario.ego else ""
            yield actor.driver.use.problem(message, expected + more, close)


def _rig(scenario: Scenario) -> Generator[Problem, None, Mapping[str, str] | None]:
    """Return the kinds of the ego's components by name, or None when the rig is open."""
    word = scenario.ego.rig
    if word is None or word.startswith("$"):
        return None
    try:
        specs = rigs.read(str(word))
    except AuthoredError as error:
        yield from error.problems
        return None
    except InputError:
        yield word.problem(*_said("rig", str(word), rigs.names()))
        return None
    return {spec.name: spec.kind for spec in specs}


def _story_faults(scenario: Scenario) -> Iterator[FaultChange]:
    for item in items_of(scenario):
        if not isinstance(item, Phase):
            for do in (item.do,) if isinstance(item, Event) else item.do:
                if do.fault is not None:
                    yield do.fault


def _fault(change: FaultChange, scenario: Scenario, names: Names, kinds: Mapping[str, str] | None) -> Iterator[Problem]:
    known = [n for n in words_of(change.fault, scenario) if n in FAULTS]
    for name in words_of(change.fault, scenario):
        if name not in FAULTS:
            yield change.fault.problem(*_said("fault", name, FAULTS))
    for component in words_of(change.on, scenario):
        who, _, part = component.partition(".")
        if who != "ego" or not part:
            yield change.on.problem(f"'{component}' is no component of the ego", "ego.NAME, e.g. ego.brake")
            continue
        kind = part if part in ACTUATORS else (kinds or {}).get(part)
        if kind is None and kinds is not None:
            message, expected, close = _said("component", part, [*kinds, *ACTUATORS])
            yield change.on.problem(message, expected, f"ego.{close}" if close else "")
        for name in known:
            if kind is not None and kind not in FAULTS[name].applies_to:
                possible = ", ".join(sorted(n for n, k in FAULTS.items() if kind in k.applies_to))
                yield change.fault.problem(f"'{name}' cannot sit on '{component}' ({kind})", f"one of {possible}")
    for name in known:
        yield from _fault_parameters(name, change, names)


def _fault_parameters(name: str, change: FaultChange, names: Names) -> Iterator[Problem]:
    parameters = FAULTS[name].parameters
    extra: Mapping[str, Leaf] = change.__pydantic_extra__ or {}
    for key, leaf in extra.items():
        if key not in parameters:
            expected = "one of " + ", ".join(sorted(parameters)) if parameters else "no parameter"
            yield change.problem(
                f"fault '{name}' has no parameter '{key}'", expected, nearest(key, parameters) or "", key
            )
            continue
        if leaf.sound:
            yield from _misfits(leaf, leaf.expr, parameters[key].dimension, names.scope)


def _misfits(leaf: Leaf | CriterionLeaf, expr: Expr, wanted: str | None, scope: Scope) -> Iterator[Problem]:
    """Yield what does not fit inside an expression, and how the whole of it misses the wanted dimension."""
    got, errors = survey(expr, scope)
    if wanted is not None and not fits(expr, got, wanted):
        errors.append(unfit(expr, got, wanted))
    yield from (leaf.misfit(error) for error in errors)


def _criterion(name: str, leaf: CriterionLeaf, scenario: Scenario, names: Names) -> Iterator[Problem]:
    if leaf.aggregate is not None:
        yield from _threshold(name, leaf, scenario, names)
    elif leaf.text.strip() in ("true", "false"):
        yield from _holding(name, leaf, scenario)
    else:
        metrics = dict.fromkeys(METRICS, "any")
        bare = {**metrics, **{k: w.dimension for k, w in ACTOR_SIGNALS.items() if not w.takes}}
        yield from _misfits(leaf, leaf.body, "bool", replace(names.scope, bare=bare))


def _unknown_metric(name: str, scenario: Scenario) -> Problem:
    section = scenario.node.get("criteria")
    key = section.key(name) if section else None
    return (key or scenario.node).problem(*_said("metric", name, METRICS))


def _holding(name: str, leaf: CriterionLeaf, scenario: Scenario) -> Iterator[Problem]:
    if name not in METRICS:
        yield _unknown_metric(name, scenario)
        return
    unit = METRICS.get(name).unit
    if unit != YES_NO:
        yield leaf.problem(f"'{name}' is measured in {unit}", f"a threshold, e.g. min >= 1 {unit}")


def _threshold(name: str, leaf: CriterionLeaf, scenario: Scenario, names: Names) -> Iterator[Problem]:
    wanted = None
    if name in METRICS:
        unit: str = METRICS.get(name).unit
        wanted = {"count": "1", "integral": combine(_plain(unit), "s", 1)}.get(leaf.aggregate or "", _plain(unit))
    else:
        yield _unknown_metric(name, scenario)
    yield from _misfits(leaf, leaf.body, wanted, names.scope)


def _plain(unit: str) -> str:
    return "1" if unit in (YES_NO, "", "-", "%") else unit
