"""The scenario language as models: every key of a scenario file, frozen, unknown keys refused.

Field names are the words of the YAML; the Python words among them carry an underscore (`from_`, `for_`, `as_`,
`set_`). Leaves keep their text, their place and their parsed expression (`twin.leaf`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag

from scenarios.actions import (
    BODY_VERBS,
    LATERAL_VERBS,
    SPEED_VERBS,
    ActorDo,
    Arrive,
    Brake,
    ChangeLane,
    Control,
    Do,
    Environment,
    EnvironmentChange,
    FaultChange,
    Follow,
    KeepGap,
    LaneOffset,
    Limits,
    SpeedAction,
    Step,
    Sun,
)
from scenarios.fields import (
    Anything,
    Condition,
    CriterionText,
    Duration,
    Flagged,
    IfBusy,
    Lamp,
    Length,
    Listed,
    Mapped,
    Model,
    Name,
    Ratio,
    Text,
    Times,
    Value,
    node_of,
    tree,
)
from scenarios.mending import Mending
from scenarios.spots import Heading, Path, PathPoint, Route, Spot, Start
from twin.authored import AuthoredError, Document, Problem

__all__ = [
    "BODY_VERBS",
    "LATERAL_VERBS",
    "SPEED_VERBS",
    "Actor",
    "ActorDo",
    "Arrive",
    "Brake",
    "ChangeLane",
    "Control",
    "Do",
    "DriverUse",
    "Ego",
    "End",
    "Environment",
    "EnvironmentChange",
    "Event",
    "Exposure",
    "FaultChange",
    "FaultEntry",
    "Follow",
    "Heading",
    "KeepGap",
    "LaneOffset",
    "Limits",
    "Path",
    "PathPoint",
    "Phase",
    "Recovered",
    "Route",
    "Scenario",
    "Sequence",
    "SignalPhase",
    "SignalProgramme",
    "SpeedAction",
    "Spot",
    "Start",
    "Step",
    "Sun",
    "Together",
    "Traffic",
    "TriggeringCondition",
    "in_order",
    "read_scenario",
    "recover",
]


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else Listed.at(node_of(value), [value])


class Together(Model):
    """Values that are chosen jointly: each row gives one value per column."""

    columns: tuple[Name, ...] = Field(min_length=1)
    rows: tuple[tuple[Anything, ...], ...] = Field(min_length=1, max_length=10_000)


class Exposure(Model):
    """How often this scenario is met on the road."""

    alternatives = (("per_1000km", "per_hour"),)

    per_1000km: Ratio | None = None
    per_hour: Ratio | None = None
    source: Text | None = None


class DriverUse(Model):
    """A driver of the catalogue or module:Class; further keys are its parameters."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Anything]
    short = "use"

    use: Name


class Actor(Model):
    """Whatever moves. Without `start` it is not there until `appear`."""

    alternatives: ClassVar[tuple[tuple[str, ...], ...]] = (("vehicle", "pedestrian", "object"),)

    vehicle: Name | None = None
    pedestrian: Name | None = None
    object: Name | None = None
    start: Start | None = None
    driver: DriverUse | None = None
    control: Control | None = None
    route: Name | None = None
    go_to: Spot | None = None


class Ego(Actor):
    """The actor that the stack under test drives."""

    alternatives: ClassVar[tuple[tuple[str, ...], ...]] = (("vehicle",),)
    at_most_one: ClassVar[tuple[tuple[str, ...], ...]] = (("vehicle", "pedestrian", "object"),)

    start: Start
    rig: Name | None = None


class Traffic(Model):
    """Background traffic around an actor; `mix` gives each vehicle its share."""

    around: Name
    radius: Length
    count: Ratio
    mix: dict[str, Ratio] | None = None


class SignalPhase(Model):
    """One phase of a programme: what each signal or approach shows, for how long."""

    name: Name | None = None
    show: dict[str, Lamp]
    for_: Duration = Field(alias="for")


class SignalProgramme(Model):
    """A fixed-time programme of a junction or of one signal."""

    phases: tuple[SignalPhase, ...] = Field(min_length=1, max_length=64)
    offset: Duration | None = None


class Event(Model):
    """Actions with a trigger. `when` fires on the first tick it holds, `whenever` each time it turns true anew."""

    at_most_one = (("when", "whenever"),)

    name: Name | None = None
    when: Condition | None = None
    whenever: Condition | None = None
    times: Times | None = None
    do: Do
    until: Condition | None = None
    if_busy: IfBusy | None = None
    optional: Flagged | None = None


class Sequence(Model):
    """Steps one after another."""

    at_most_one = (("when", "whenever"),)

    sequence: Name
    when: Condition | None = None
    whenever: Condition | None = None
    times: Times | None = None
    do: tuple[Step, ...] = Field(min_length=1, max_length=200)
    until: Condition | None = None
    if_busy: IfBusy | None = None
    optional: Flagged | None = None


class Phase(Model):
    """A part of the story with its own beginning and end; its events are armed only while it runs."""

    phase: Name
    from_: Condition | None = Field(default=None, alias="from")
    until: Condition | None = None
    times: Times | None = None
    story: tuple[StoryItem, ...] = Field(min_length=1, max_length=500)


def _kind(value: Any) -> str:
    if isinstance(value, Mapped):
        for kind in ("sequence", "phase"):
            if kind in value:
                return kind
    if isinstance(value, Sequence | Phase):
        return type(value).__name__.lower()
    return "event"


StoryItem = Annotated[
    Annotated[Event, Tag("event")] | Annotated[Sequence, Tag("sequence")] | Annotated[Phase, Tag("phase")],
    Discriminator(_kind),
]


class FaultEntry(FaultChange):
    """A fault on the schedule: `at` a time or `when` a condition holds; further keys are its parameters."""

    alternatives = (("at", "when"),)

    at: Duration | None = None
    when: Condition | None = None


class TriggeringCondition(Model):
    """An environmental limit met during the run (ISO 21448), never mixed up with a fault."""

    alternatives = (("at", "when"),)

    condition: Name
    at: Duration | None = None
    when: Condition | None = None
    for_: Duration | None = Field(default=None, alias="for")
    environment: EnvironmentChange


class End(Model):
    """When the run is over: any condition of `when`, at the latest `after`."""

    when: Annotated[tuple[Condition, ...], BeforeValidator(_as_list)] = ()
    after: Duration


class Scenario(Model):
    """One scenario file."""

    scenario: Name
    version: Text | None = None
    about: Text | None = None
    tags: tuple[Text, ...] = ()
    requirements: tuple[Text, ...] = ()
    map: Name
    odd: Name | None = None
    environment: Environment | None = None
    parameters: dict[str, Value] = Field(default_factory=dict)
    together: tuple[Together, ...] = ()
    derived: dict[str, Anything] = Field(default_factory=dict)
    constraints: tuple[Condition, ...] = ()
    exposure: Exposure | None = None
    places: dict[str, Spot] = Field(default_factory=dict)
    paths: dict[str, Path] = Field(default_factory=dict)
    routes: dict[str, Route] = Field(default_factory=dict)
    signals: dict[str, SignalProgramme] = Field(default_factory=dict)
    ego: Ego
    actors: dict[str, Actor] = Field(default_factory=dict)
    groups: dict[str, tuple[Name, ...]] = Field(default_factory=dict)
    traffic: tuple[Traffic, ...] = ()
    variables: dict[str, Anything] = Field(default_factory=dict)
    story: tuple[StoryItem, ...] = Field(default=(), max_length=500)
    faults: tuple[FaultEntry, ...] = Field(default=(), max_length=200)
    triggering_conditions: tuple[TriggeringCondition, ...] = Field(default=(), max_length=200)
    criteria: dict[str, CriterionText] = Field(default_factory=dict)
    end: End


Phase.model_rebuild()
Scenario.model_rebuild()


def read_scenario(document: Document) -> Scenario:
    """Turn a document into a scenario. Raises AuthoredError with every problem at once."""
    found = recover(document)
    if found.scenario is None or found.problems:
        raise AuthoredError(found.problems)
    return found.scenario


@dataclass(frozen=True, slots=True)
class Recovered:
    """A scenario as far as it could be read, every problem in the order of the file, and the names that were lost."""

    scenario: Scenario | None
    problems: tuple[Problem, ...]
    lost: frozenset[str] = frozenset()


def recover(document: Document) -> Recovered:
    """Read a scenario past everything that is wrong with it. Leaves that spell nothing are not sound."""
    root, early = document.root, document.problems
    if root.kind != "map":
        return Recovered(None, (*early, root.problem("this is no scenario", "a map that starts with 'scenario: name'")))
    mending = Mending()
    for piece in document.dropped:
        mending.forget(tree(piece), section=True)
    scenario = mending.read(Scenario, tree(root))
    told = {p.line for p in early}
    later = [p for p in mending.problems if p.line not in told]
    return Recovered(scenario, in_order([*early, *later]), frozenset(mending.lost))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems without repetition, from the top of the file down."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.line, p.col)))
