"""The names that one scenario defines, and the scope that its expressions may draw on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from scenarios.fields import Model
from scenarios.schema import Event, Phase, Scenario, Sequence
from scenarios.values import dimensions
from twin.authored import Problem
from twin.vocabulary import ACTOR_SIGNALS, FUNCTIONS, MEMORY, WORLD_SIGNALS, Scope

RESERVED: Final = frozenset(
    {"after", "for", "and", "or", "not", "until", "within", "default", "weights", "true", "false"}
    | {"time", "time_of_day", "always", "eventually", "historically", "once", "here", "them"}
)
WORLD_WORDS: Final = frozenset({"environment", "signals", "set", "fault", "note", "wait"})

StoryItem = Event | Sequence | Phase


@dataclass(frozen=True, slots=True)
class Names:
    """What the sections of a scenario call by name. Actors start with the ego."""

    actors: tuple[str, ...]
    groups: tuple[str, ...]
    places: tuple[str, ...]
    paths: tuple[str, ...]
    routes: tuple[str, ...]
    events: tuple[str, ...]
    scope: Scope

    @property
    def constraint_scope(self) -> Scope:
        """Where parameters may drop their `$`."""
        return replace(self.scope, bare=self.scope.parameters)


def names_of(scenario: Scenario) -> Names:
    """Collect the names of a scenario."""
    actors = ("ego", *scenario.actors)
    events = tuple(str(name) for _, name in events_of(scenario))
    scope = Scope(
        actors=actors,
        groups=tuple(scenario.groups),
        places=tuple(scenario.places),
        events=events,
        variables=dict.fromkeys(scenario.variables, "any"),
        parameters=dimensions(scenario),
    )
    places, paths, routes = tuple(scenario.places), tuple(scenario.paths), tuple(scenario.routes)
    return Names(actors, tuple(scenario.groups), places, paths, routes, events, scope)


def items_of(scenario: Scenario) -> Iterator[StoryItem]:
    """Yield every event, sequence and phase, outer before inner, in the order of the file."""
    todo: list[StoryItem] = list(reversed(scenario.story))
    while todo:
        item = todo.pop()
        yield item
        if isinstance(item, Phase):
            todo.extend(reversed(item.story))


def events_of(scenario: Scenario) -> Iterator[tuple[StoryItem, str]]:
    """Yield every named part of the story with its name."""
    for item in items_of(scenario):
        name = item.name if isinstance(item, Event) else item.sequence if isinstance(item, Sequence) else item.phase
        if name is not None:
            yield item, name


def name_problems(scenario: Scenario) -> Iterator[Problem]:
    """Yield names that cannot be used, are taken twice, or hide a word of the language."""
    node = scenario.node
    functions = {*FUNCTIONS, *MEMORY, *WORLD_SIGNALS}
    for section in ("parameters", "derived", "places", "paths", "routes", "actors", "groups", "variables"):
        for name in getattr(scenario, section):
            parent = node.get(section)
            key = parent.key(name) if parent else None
            if key is None:
                continue
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
                yield key.problem(f"'{name}' cannot be a name", "letters, digits and _, starting with a letter")
            elif name in RESERVED or (section in ("actors", "groups") and name in WORLD_WORDS | {"ego"}):
                yield key.problem(f"'{name}' is a word of the language", "another name")
            elif section == "variables" and name in functions | set(ACTOR_SIGNALS):
                yield key.problem(f"'{name}' is a signal or a function", "another name")
            elif section == "derived" and name in scenario.parameters:
                yield key.problem(f"'{name}' is also a parameter", "another name")
            elif section == "groups" and name in scenario.actors:
                yield key.problem(f"'{name}' is also an actor", "another name")
    seen: dict[str, Model] = {}
    for item, name in events_of(scenario):
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            yield item.problem(
                f"'{name}' cannot be a name", "letters, digits and _, starting with a letter", key=_key(item)
            )
        elif name in seen:
            line = seen[name].node.line
            yield item.problem(f"'{name}' is already called so at line {line}", "another name", key=_key(item))
        elif name in ("ego", *scenario.actors):
            yield item.problem(f"'{name}' is also an actor", "another name", key=_key(item))
        seen.setdefault(name, item)


def _key(item: StoryItem) -> str:
    return "name" if isinstance(item, Event) else "sequence" if isinstance(item, Sequence) else "phase"
