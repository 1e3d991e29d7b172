"""The story of a scenario turned into rows: names become numbers, places spots, quantities SI."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scenarios.actions import (
    ActorDo,
    Arrive,
    Brake,
    ChangeLane,
    Control,
    Do,
    EnvironmentChange,
    FaultChange,
    Follow,
    KeepGap,
    LaneOffset,
    SpeedAction,
    Step,
)
from scenarios.actions import Limits as LimitsWritten
from scenarios.placing import Placer
from scenarios.schema import Event, FaultEntry, Phase, Scenario, TriggeringCondition
from scenarios.schema import Sequence as Steps
from scenarios.spots import Spot, Start
from scenarios.weather import rows_of
from twin.errors import ExpressionError, nearest
from twin.faults import FAULTS, Fault
from twin.leaf import Leaf, Word, located
from twin.road.kernels import lane_pose
from twin.state import FRICTION, ILLUMINANCE, LAMP_NAMES, SUN_AZIMUTH, SUN_ELEVATION, Floats
from twin.story import tables as t
from twin.story.compile import Action, Builder, Limits, Names, Place
from twin.story.compile import Event as Row
from twin.story.measure import wrap
from twin.syntax import Compare, Expr, Number, Signal

Item = Event | Steps | Phase
CROSSING = math.radians(20.0)
STRAIGHT_M = 1000.0


@dataclass(frozen=True, slots=True)
class Told:
    """A finished story with what people call its events, and the fault channels that it switches."""

    tables: t.StoryTables
    names: tuple[str, ...]
    must_start: tuple[int, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Cast:
    """Whom and what a story can name, apart from its own events."""

    actors: Mapping[str, int]
    signals: Mapping[str, int]
    roads: Mapping[str, int]
    routes: Mapping[str, int]  # rows of the route tables
    heading_for: Mapping[int, int]  # id of a `go_to` place -> row of the route tables
    phases: Mapping[str, Mapping[str, Mapping[int, int]]]  # programme -> phase -> signal row -> lamp
    lights: int


def tell(scenario: Scenario, placer: Placer, known: Mapping[str, Expr], cast: Cast, sky: Floats, step_ns: int) -> Told:
    """Compile the story, the fault schedule and the end of a scenario. Raises AuthoredError."""
    return _Teller(scenario, placer, known, cast, sky, step_ns).tell()


def walk(items: Sequence[Item], parent: int = -1, first: int = 0) -> Iterator[tuple[int, int, Item]]:
    """Yield (row, parent row, item) of a story in the order of the file, phases before what is in them."""
    row = first
    for item in items:
        yield row, parent, item
        here = row
        row += 1
        if isinstance(item, Phase):
            inner = list(walk(item.story, here, row))
            yield from inner
            row += len(inner)


def name_of(item: Item) -> str:
    """Return what a person calls an event, "" for an unnamed one."""
    if isinstance(item, Phase):
        return str(item.phase)
    return str(item.sequence if isinstance(item, Steps) else item.name or "")


class _Teller:
    def __init__(
        self,
        scenario: Scenario,
        placer: Placer,
        known: Mapping[str, Expr],
        cast: Cast,
        sky: Floats,
        step_ns: int,
    ) -> None:
        self.scenario = scenario
        self.placer = placer
        self.known = known
        self.cast = cast
        self.sky = sky
        self.groups = {g: tuple(w.of(known) for w in members) for g, members in scenario.groups.items()}
        self.items = list(walk(scenario.story, -1, len(self._on_paths())))
        events = {name_of(item): row for row, _, item in self.items if name_of(item)}
        self.places: dict[str, int] = {}
        self.paths: dict[str, int] = {}
        variables = {name: i for i, name in enumerate(scenario.variables)}
        self.names = Names(
            actors=cast.actors,
            groups=self.groups,
            places=self.places,
            variables=variables,
            events=events,
            signals=cast.signals,
            roads=cast.roads,
        )
        self.b = Builder(self.names, step_ns)
        self.faults: list[Fault] = []

    def tell(self) -> Told:
        for name, spot in self.scenario.places.items():
            if spot.form != "find" or str(spot.find) != "junction":
                self.places[name] = self.b.place(self._place(spot))
        channels = [self._fault(entry) for entry in self.scenario.faults]
        for name in self._on_paths():
            path, s = self._start_path(name)
            axes = (self._axis(name, 1),)
            follow = Action(t.DO_FOLLOW, self.cast.actors[name], axes, other=path, a=s, flags=t.FLAG_EXACTLY)
            self.b.event(Row(actions=(follow,), optional=True))
        must_start = []
        for row, parent, item in self.items:
            self._item(parent, item)
            if not isinstance(item, Phase) and not (item.optional is not None and item.optional.flag(self.known)):
                must_start.append(row)
        names = [f"{name} goes its way" for name in self._on_paths()] + [name_of(i) for _, _, i in self.items]
        for entry, action in zip(self.scenario.faults, channels):
            names.append(f"fault {entry.fault} on {entry.on}")
            self._scheduled(entry, (action,))
        for condition in self.scenario.triggering_conditions:
            names.append(str(condition.condition))
            self._scheduled(condition, self._condition_actions(condition))
        tables = self.b.tables(
            end=self._end(),
            variables=[leaf.number(self.known, _any_dimension(leaf, self.known)) for leaf in self._variables()],
            signals=self.cast.lights,
            faults=len(self.faults),
            clock_runs=self._clock_runs(),
            given_weather=self._given_weather(),
        )
        return Told(tables, tuple(names), tuple(must_start), tuple(self.faults))

    def _variables(self) -> list[Leaf]:
        return list(self.scenario.variables.values())

    def _clock_runs(self) -> bool:
        written = self.scenario.environment
        return bool(written and written.clock_runs is not None and written.clock_runs.flag(self.known))

    def _given_weather(self) -> int:
        written = self.scenario.environment
        given = rows_of(written, self.known, self.sky) if written else {}
        return sum(1 << row for row in given if row in _DERIVED)

    def _on_paths(self) -> list[str]:
        """Return the actors that follow a line from the start: on a path, or across the road as they are headed."""
        actors = {"ego": self.scenario.ego, **self.scenario.actors}
        there = {name: a.start for name, a in actors.items() if a.start is not None}
        return [name for name, start in there.items() if start.form == "path" or self._crosses(name, start)]

    def _crosses(self, name: str, start: Start) -> bool:
        """A vehicle that starts turned against its lane goes straight on: it would follow the lane else."""
        at = self.placer.start(name).at
        if name == "ego" or start.heading is None or at.lane < 0:
            return False
        lane = float(lane_pose(self.placer.road.arrays, at.lane, at.s, 0.0)[3])
        return abs(wrap(at.yaw - lane)) > CROSSING

    def _start_path(self, name: str) -> tuple[int, float]:
        """Return the row of the line that an actor follows from the start, and where on it the actor is."""
        start = {"ego": self.scenario.ego, **self.scenario.actors}[name].start
        assert start is not None
        at = self.placer.start(name).at
        if start.path is not None:
            return self._path(start.path), at.path_s
        beyond = [at.x + STRAIGHT_M * math.cos(at.yaw), at.y + STRAIGHT_M * math.sin(at.yaw), at.z]
        return self.b.path(np.array([[at.x, at.y, at.z], beyond])), 0.0

    # --- conditions ---------------------------------------------------------------------------------------------

    def _expression(self, leaf: Leaf | None) -> int:
        if leaf is None:
            return -1
        folded = leaf.fold(self.known)
        try:
            return self.b.expression(folded)
        except ExpressionError as error:
            raise located(leaf.node, error) from error

    def _end(self) -> int:
        when = self.scenario.end.when
        if not when:
            return -1
        for leaf in when:
            try:
                Builder(self.names, 1_000_000_000).expression(leaf.fold(self.known))
            except ExpressionError as error:
                raise located(leaf.node, error) from error
        return self.b.either([leaf.fold(self.known) for leaf in when])

    # --- events -------------------------------------------------------------------------------------------------

    def _item(self, parent: int, item: Item) -> None:
        if isinstance(item, Phase):
            start, until = self._expression(item.from_), self._expression(item.until)
            self.b.event(Row(t.PHASE, parent, start, until, times=self._times(item.times, 1)))
            return
        whenever = item.whenever is not None
        when = self._expression(item.whenever if whenever else item.when)
        guards = dict(self.b.guards)
        until = self._expression(item.until)
        steps: Sequence[Do] = item.do if isinstance(item, Steps) else (item.do,)
        actions: list[Action] = []
        for number, step in enumerate(steps):
            actions += [replace(a, step=number) for a in self._do(step, guards)]
        busy = {"join": t.JOIN, "replace": t.REPLACE, "skip": t.SKIP}[str(item.if_busy or "join")]
        optional = item.optional is not None and item.optional.flag(self.known)
        times = self._times(item.times, -1 if whenever else 1)
        self.b.event(Row(t.PLAIN, parent, when, until, whenever, times, busy, optional, tuple(actions)))

    def _times(self, leaf: Leaf | None, otherwise: int) -> int:
        if leaf is None:
            return otherwise
        if leaf.text.strip() == "any":
            return -1
        return leaf.integer(self.known, 1)

    def _scheduled(self, entry: FaultEntry | TriggeringCondition, actions: tuple[Action, ...]) -> None:
        if entry.at is not None:
            at = entry.at.duration_ns(self.known)
            when = self.b.expression(_time_reaches(at))
        else:
            when = self._expression(entry.when)
        self.b.event(Row(when=when, actions=actions, optional=True))

    def _condition_actions(self, entry: TriggeringCondition) -> tuple[Action, ...]:
        change = self._weather(entry.environment)
        if entry.for_ is None:
            return tuple(change)
        wait = Action(t.DO_WAIT, step=1, ns=entry.for_.duration_ns(self.known))
        back = [
            replace(a, step=2, target=self.b.constant(float(self.sky[a.other])), pace_ns=0, pace=t.PACE_INSTANT)
            for a in change
        ]
        return (*change, wait, *back)

    # --- actions ------------------------------------------------------------------------------------------------

    def _do(self, do: Do, guards: Mapping[str, Mapping[str, int]]) -> list[Action]:
        out: list[Action] = []
        for key in do.written:
            if key in do.actors:
                for name, guard in self._who(do, key, guards):
                    out += [replace(a, guard=guard) for a in self._actor(name, do.actors[key])]
            elif key == "environment" and do.environment is not None:
                out += self._weather(do.environment)
            elif key == "signals" and do.signals is not None:
                out += self._signals(do, do.signals)
            elif key == "set" and do.set_ is not None:
                out += [self._set(do, name, leaf) for name, leaf in do.set_.items()]
            elif key == "fault" and do.fault is not None:
                out.append(self._fault(do.fault))
            elif key == "note":
                out.append(Action(t.DO_NOTE))
            elif key == "wait" and isinstance(do, Step) and do.wait is not None:
                out.append(self._wait(do.wait))
        return out

    def _who(self, do: Do, key: str, guards: Mapping[str, Mapping[str, int]]) -> list[tuple[str, int]]:
        if key in self.cast.actors:
            return [(key, -1)]
        if key in self.groups:
            return [(name, -1) for name in self.groups[key]]
        if key == "them":
            if not guards:
                raise do.error("'them' needs a condition with any(group. ..)", "when: any(group. ..)", key=key)
            return [(name, node) for members in guards.values() for name, node in members.items()]
        known = [*self.cast.actors, *self.groups, "them"]
        hint = nearest(key, known) or ""
        raise do.error(f"no actor or group is called '{key}'", ", ".join(known), hint, key=key)

    def _actor(self, name: str, do: ActorDo) -> list[Action]:
        actor = self.cast.actors[name]
        out = []
        for verb in do.verbs:
            made: Action = getattr(self, f"_do_{verb}")(name, actor, getattr(do, verb))
            out.append(replace(made, actor=actor))
        return out

    def _axis(self, name: str, axis: int) -> int:
        return t.axis_of_actor(self.cast.actors[name], axis)

    def _wait(self, leaf: Leaf) -> Action:
        folded = leaf.fold(self.known)
        if isinstance(folded, Number):
            return Action(t.DO_WAIT, ns=leaf.duration_ns(self.known))
        return Action(t.DO_WAIT, target=self._expression(leaf))

    def _do_speed(self, name: str, actor: int, do: SpeedAction) -> Action:
        base = Action(t.DO_SPEED, axes=(self._axis(name, 0),), limits=self._limits(do.limits))
        base = self._held(base, do.for_)
        if do.track is not None:
            return replace(base, verb=t.DO_TRACK_SPEED, target=self._expression(do.track))
        if do.profile is not None:
            return replace(base, verb=t.DO_PROFILE, other=self._profile(do))
        base = self._paced(base, do.over, do.at, do.instantly, str(do.shape or "linear"))
        if base.shape == t.LINEAR and not math.isnan(base.limits.jerk):
            assert do.limits is not None
            raise do.limits.error("a linear ramp has no finite jerk", "shape: smooth or cubic", key="jerk")
        return replace(base, target=self._expression(do.to))

    def _profile(self, do: SpeedAction) -> int:
        assert do.profile is not None
        if not do.profile:
            raise do.error("a profile needs a point", "[[0 s, 0 m/s], ..]", key="profile")
        entries = [(at.duration_ns(self.known), v.number(self.known)) for at, v in do.profile]
        for i in range(1, len(entries)):
            if entries[i][0] <= entries[i - 1][0]:
                raise do.profile[i][0].error("the times of a profile must grow", "a later time")
        return self.b.profile(entries)

    def _do_brake(self, name: str, actor: int, do: Brake) -> Action:
        base = self._held(Action(t.DO_BRAKE, axes=(self._axis(name, 0),)), do.for_)
        target = self._expression(do.to) if do.to is not None else self.b.constant(0.0)
        return replace(self._paced(base, do.over, do.at, None, str(do.shape or "linear")), target=target)

    def _do_keep_gap(self, name: str, actor: int, do: KeepGap) -> Action:
        word = do.behind or do.ahead_of
        leaf = do.gap or do.centre_gap
        assert word is not None
        assert leaf is not None
        given = leaf.quantity(self.known)
        if given.value < 0.0:
            raise leaf.error("a gap cannot be negative", "0 m or more")
        flags = t.FLAG_AHEAD if do.ahead_of is not None else 0
        flags |= t.FLAG_TIME_GAP if given.dimension == "s" else 0
        flags |= t.FLAG_CENTRE if do.centre_gap is not None else 0
        flags |= t.FLAG_ONCE if do.once is not None and do.once.flag(self.known) else 0
        other = self._other(word, name)
        limits = self._limits(do.limits)
        axes = (self._axis(name, 0),)
        return Action(t.DO_KEEP_GAP, axes=axes, other=other, flags=flags, a=given.value, limits=limits)

    def _other(self, word: Word, name: str) -> int:
        other = word.of(self.known)
        if other not in self.cast.actors or other == name:
            raise word.error(f"'{other}' is no other actor", ", ".join(a for a in self.cast.actors if a != name))
        return self.cast.actors[other]

    def _do_arrive(self, name: str, actor: int, do: Arrive) -> Action:
        tolerance = do.tolerance.number(self.known) if do.tolerance is not None else 0.0
        base = Action(
            t.DO_ARRIVE,
            axes=(self._axis(name, 0),),
            other=self.b.place(self._place(do.at, name)),
            place=self.b.place(self._place(do.reaches, do.as_.of(self.known))),
            partner=self._other(do.as_, name),
            a=tolerance,
        )
        if do.speed is None:
            return base
        base = replace(base, target=self._expression(do.speed))
        if do.steady is None:
            return base
        steady = do.steady.quantity(self.known)
        pace = t.PACE_TIME if steady.dimension == "s" else t.PACE_WAY
        return replace(base, pace=pace, pace_value=steady.value)

    def _do_change_lane(self, name: str, actor: int, do: ChangeLane) -> Action:
        axes = (self._axis(name, 1),)
        base = Action(t.DO_CHANGE_LANE, axes=axes, target=self._lane(name, do), a=0.0, limits=self._limits(do.limits))
        return self._paced(base, do.over, do.lateral_speed, do.instantly, str(do.shape or "smooth"))

    def _lane(self, name: str, do: ChangeLane) -> int:
        of = self.cast.actors[name]
        if do.of is not None:
            of = self._other(do.of, "") if do.of.of(self.known) != name else of
        if do.to_id is not None:
            arrays = self.placer.road.arrays
            wanted = do.to_id.integer(self.known, -999)
            lanes = [i for i in range(len(arrays.lane_id)) if int(arrays.lane_id[i]) == wanted]
            if not lanes:
                raise do.to_id.error(f"the map has no lane with id {wanted}", "an OpenDRIVE lane id of the map")
            return self._lane_with_id(name, do, lanes)
        assert do.to is not None
        folded = do.to.fold(self.known)
        text = do.to.text.strip() if not isinstance(folded, Number) else ""
        word = getattr(folded, "path", (text,))[0] if len(getattr(folded, "path", (text,))) == 1 else ""
        if word in ("left", "right"):
            lanes_over = do.lanes.integer(self.known, 1) if do.lanes is not None else 1
            return self.b.lane_beside(of, lanes_over if word == "left" else -lanes_over)
        try:
            return self.b.lane(folded, of)
        except ExpressionError as error:
            raise located(do.to.node, error) from error

    def _lane_with_id(self, name: str, do: ChangeLane, lanes: list[int]) -> int:
        """Choose the lane by its id on the road where the actor starts."""
        assert do.to_id is not None
        arrays = self.placer.road.arrays
        at = self.placer.start(name, do.to_id).at
        same = [i for i in lanes if at.lane >= 0 and arrays.road[i] == arrays.road[at.lane]]
        if not same:
            raise do.to_id.error("the road where this actor starts has no such lane", "an id of a lane there")
        return self.b.constant(float(same[0]))

    def _do_lane_offset(self, name: str, actor: int, do: LaneOffset) -> Action:
        base = Action(t.DO_OFFSET, axes=(self._axis(name, 1),), limits=self._limits(do.limits))
        base = self._held(base, do.for_)
        if do.track is not None:
            return replace(base, verb=t.DO_TRACK_OFFSET, target=self._expression(do.track))
        base = replace(base, target=self._expression(do.to))
        return self._paced(base, do.over, do.lateral_speed, do.instantly, str(do.shape or "smooth"))

    def _do_follow(self, name: str, actor: int, do: Follow) -> Action:
        axes: tuple[int, ...] = (self._axis(name, 1),)
        flags = t.FLAG_EXACTLY if do.exactly is not None and do.exactly.flag(self.known) else 0
        path = self._path(do.path)
        if do.clock is not None and str(do.clock) != "none":
            if str(do.clock) != "own":
                raise do.clock.error(f"'{do.clock}' is no clock", "own or none")
            if self.placer.path(do.path.of(self.known))[1] is None:
                raise do.clock.error("this path has no times of its own", "points with time:")
            axes = (self._axis(name, 0), *axes)
            flags |= t.FLAG_CLOCK
        return Action(t.DO_FOLLOW, axes=axes, other=path, flags=flags, a=0.0)

    def _path(self, word: Word) -> int:
        name = word.of(self.known)
        if name not in self.scenario.paths:
            known = sorted(self.scenario.paths)
            raise word.error(f"no path is called '{name}'", ", ".join(known) or "none", nearest(name, known) or "")
        if name not in self.paths:
            self.paths[name] = self.b.path(*self.placer.path(name))
        return self.paths[name]

    def _do_route(self, name: str, actor: int, word: Word) -> Action:
        route = word.of(self.known)
        if route not in self.cast.routes:
            known = sorted(self.cast.routes)
            raise word.error(f"no route is called '{route}'", ", ".join(known) or "none", nearest(route, known) or "")
        return Action(t.DO_ROUTE, other=self.cast.routes[route])

    def _do_go_to(self, name: str, actor: int, spot: Spot) -> Action:
        return Action(t.DO_ROUTE, other=self.cast.heading_for[id(spot)])

    def _do_teleport(self, name: str, actor: int, spot: Spot) -> Action:
        place = self.b.place(self._place(spot, name))
        return Action(t.DO_TELEPORT, axes=(self._axis(name, 0), self._axis(name, 1)), place=place)

    def _do_appear(self, name: str, actor: int, spot: Spot) -> Action:
        return Action(t.DO_APPEAR, place=self.b.place(self._place(spot, name)), a=0.0)

    def _do_vanish(self, name: str, actor: int, leaf: Leaf) -> Action:
        if not leaf.flag(self.known):
            raise leaf.error("vanishing has no opposite", "vanish: true, or appear: place")
        return Action(t.DO_VANISH, axes=(self._axis(name, 0), self._axis(name, 1)))

    def _do_control(self, name: str, actor: int, do: Control) -> Action:
        speed, steering = do.speed or do.both, do.steering or do.both
        flags, axes = 0, []
        if speed is not None:
            flags |= t.FLAG_TAKES_SPEED | (t.FLAG_SPEED if speed == "story" else 0)
            axes.append(self._axis(name, 0))
        if steering is not None:
            flags |= t.FLAG_TAKES_LATERAL | (t.FLAG_LATERAL if steering == "story" else 0)
            axes.append(self._axis(name, 1))
        return Action(t.DO_CONTROL, axes=tuple(axes), flags=flags)

    def _weather(self, do: EnvironmentChange) -> list[Action]:
        over = do.over.duration_ns(self.known) if do.over is not None else 0
        actors = len(self.cast.actors)
        return [
            Action(
                t.DO_ENVIRONMENT,
                axes=(t.axis_of_weather(actors, row),),
                other=row,
                target=self.b.constant(value),
                pace=t.PACE_TIME,
                pace_ns=over,
            )
            for row, value in rows_of(do, self.known, self.sky).items()
        ]

    def _signals(self, do: Do, signals: Mapping[str, Word]) -> list[Action]:
        out = []
        for name, word in signals.items():
            shown = word.of(self.known)
            if name in self.cast.signals and shown in (*LAMP_NAMES, "programme"):
                rows = {self.cast.signals[name]: LAMP_NAMES.index(shown) if shown in LAMP_NAMES else -1}
            elif shown in self.cast.phases.get(name, {}):
                rows = dict(self.cast.phases[name][shown])
            elif name in self.cast.phases:
                known = list(self.cast.phases[name])
                raise word.error(f"'{name}' has no phase '{shown}'", ", ".join(known), nearest(shown, known) or "")
            elif name in self.cast.signals:
                known = [*LAMP_NAMES, "programme"]
                raise word.error(f"'{shown}' is no lamp", ", ".join(known), nearest(shown, known) or "")
            else:
                known = sorted({*self.cast.signals, *self.cast.phases})
                raise word.error(f"no traffic light is called '{name}'", ", ".join(known) or "none")
            actors = len(self.cast.actors)
            out += [
                Action(t.DO_SIGNAL, axes=(t.axis_of_signal(actors, row),), other=row, ns=lamp)
                for row, lamp in rows.items()
            ]
        return out

    def _set(self, do: Do, name: str, leaf: Leaf) -> Action:
        if name not in self.names.variables:
            known = sorted(self.names.variables)
            raise leaf.error(f"no variable is called '{name}'", ", ".join(known) or "variables: {name: start value}")
        return Action(t.DO_SET, other=self.names.variables[name], target=self._expression(leaf))

    def _fault(self, do: FaultChange) -> Action:
        name = do.fault.of(self.known)
        if name not in FAULTS:
            known = sorted(FAULTS)
            raise do.fault.error(f"no fault is called '{name}'", ", ".join(known), nearest(name, known) or "")
        kind = FAULTS[name]
        given: dict[str, float] = {}
        for key, leaf in (do.__pydantic_extra__ or {}).items():
            if key not in kind.parameters:
                known = sorted(kind.parameters)
                expected = ", ".join(known) or "none"
                raise do.error(f"fault '{name}' has no parameter '{key}'", expected, nearest(key, known) or "", key=key)
            given[key] = leaf.number(self.known, kind.parameters[key].dimension)
        channel = len(self.faults)
        self.faults.append(Fault(do.on.of(self.known), name, kind.values(given)))
        severity = do.severity.number(self.known, "1") if do.severity is not None else 1.0
        if not 0.0 <= severity <= 1.0:
            assert do.severity is not None
            raise do.severity.error(f"{severity:g} is no severity", "0 (none) to 1 (full)")
        action = Action(
            t.DO_FAULT,
            axes=(t.axis_of_fault(len(self.cast.actors), self.cast.lights, channel),),
            other=channel,
            a=severity,
            pace_ns=do.ramp.duration_ns(self.known) if do.ramp is not None else 0,
        )
        if do.for_ is None:
            return action
        return replace(action, hold=t.HOLD_TIME, hold_ns=do.for_.duration_ns(self.known))

    # --- parts of actions ---------------------------------------------------------------------------------------

    def _paced(self, a: Action, over: Leaf | None, rate: Leaf | None, instantly: Leaf | None, shape: str) -> Action:
        a = replace(a, shape={"linear": t.LINEAR, "smooth": t.SMOOTH, "cubic": t.CUBIC}[shape])
        if instantly is not None and instantly.flag(self.known):
            return replace(a, pace=t.PACE_INSTANT)
        if over is not None:
            given = over.quantity(self.known)
            if given.value < 0.0:
                raise over.error("a transition cannot take less than nothing", "0 s or more")
            if given.dimension == "m":
                return replace(a, pace=t.PACE_WAY, pace_value=given.value)
            return replace(a, pace=t.PACE_TIME, pace_value=given.value, pace_ns=given.t_ns or 0)
        if rate is not None:
            return replace(a, pace=t.PACE_RATE, pace_value=abs(rate.number(self.known)))
        return a

    def _held(self, a: Action, leaf: Leaf | None) -> Action:
        if leaf is None:
            return a
        given = leaf.quantity(self.known)
        if given.value < 0.0:
            raise leaf.error("nothing is held for less than nothing", "0 s or more")
        if given.dimension == "m":
            return replace(a, hold=t.HOLD_WAY, hold_m=given.value)
        return replace(a, hold=t.HOLD_TIME, hold_ns=given.t_ns or 0)

    def _limits(self, written: LimitsWritten | None) -> Limits:
        if written is None:
            return Limits()
        values = {}
        for key in ("speed", "accel", "decel", "jerk", "lat_accel"):
            leaf = getattr(written, key)
            if leaf is not None:
                values[key] = leaf.number(self.known)
                if not values[key] > 0.0:
                    raise leaf.error("a limit must be above 0", "a positive bound")
        return Limits(**values)

    def _place(self, spot: Spot, who: str | None = None) -> Place:
        point = {"rear_axle": t.POINT_REAR, "centre": t.POINT_CENTRE, "front": t.POINT_FRONT}
        code = point[str(spot.point or "rear_axle")]
        if spot.form == "name" and spot.name in self.scenario.places:
            inner = self.scenario.places[str(spot.name)]
            if inner.form in ("ahead", "beside") and not (spot.offset or spot.heading):
                return self._place(inner, who)
        if spot.form == "ahead":
            return replace(self._by_lane(spot), point=code)
        if spot.form == "beside" or (spot.form == "name" and spot.name == "here"):
            return replace(self._by_body(spot, who), point=code)
        found = self.placer.find(spot, None)
        path = -1
        if found.path is not None:
            if found.path not in self.paths:
                self.paths[found.path] = self.b.path(*self.placer.path(found.path))
            path = self.paths[found.path]
        return Place(
            lane=found.lane,
            path=path,
            point=code,
            x=found.x,
            y=found.y,
            z=found.z,
            yaw=found.yaw,
            s=found.s,
            d=found.d,
            away=found.path_s,
        )

    def _by_lane(self, spot: Spot) -> Place:
        word = spot.ahead_of or spot.behind
        assert word is not None
        leaf = spot.gap or spot.centre_gap
        flags = t.PLACE_BEHIND if spot.behind is not None else 0
        flags |= 0 if spot.centre_gap is not None else t.PLACE_BUMPERS
        away = 0.0
        if leaf is not None:
            given = leaf.quantity(self.known)
            away = given.value
            flags |= t.PLACE_TIME if given.dimension == "s" else 0
        offset = spot.offset.number(self.known) if spot.offset is not None else 0.0
        actor, shift = self._other(word, ""), self.placer.shift(spot)
        return Place(t.BY_LANE, actor=actor, shift=shift, flags=flags, d=offset, away=away, turn=self._turn(spot))

    def _turn(self, spot: Spot) -> float:
        if spot.heading is None:
            return 0.0
        if spot.heading.turned is None:
            raise spot.heading.error("a place that moves with an actor turns with it", "heading: 90 deg")
        return spot.heading.turned.number(self.known)

    def _by_body(self, spot: Spot, who: str | None) -> Place:
        if spot.beside is not None:
            actor = self._other(spot.beside, "")
        elif who is not None:
            actor = self.cast.actors[who]
        else:
            raise spot.error("'here' needs an actor", "a place of its own")
        flags = {"body": 0, "road": t.PLACE_LANE_AXES, "world": t.PLACE_WORLD}[str(spot.axes or "body")]
        dx = spot.dx.number(self.known) if spot.dx is not None else 0.0
        dy = spot.dy.number(self.known) if spot.dy is not None else 0.0
        return Place(t.BY_BODY, actor=actor, flags=flags, dx=dx, dy=dy, turn=self._turn(spot))


_DERIVED = frozenset({FRICTION, SUN_ELEVATION, SUN_AZIMUTH, ILLUMINANCE})


def _time_reaches(t_ns: int) -> Expr:
    return Compare((Signal(("time",)), Number(t_ns / 1e9, "s", t_ns)), (">=",))


def _any_dimension(leaf: Leaf, known: Mapping[str, Expr]) -> str:
    folded = leaf.fold(known)
    return (folded.dimension or "1") if isinstance(folded, Number) else "1"
