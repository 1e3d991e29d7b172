"""The one place where names become objects: a scenario, its chosen values, a seed and settings make a case.

A pure function: the same text, values, seed and settings give the same case, so that a record can be run again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scenarios.background import Extra, around
from scenarios.fields import Model
from scenarios.placing import Began, Body, Found, Placer
from scenarios.schema import Actor, Scenario
from scenarios.spots import Spot
from scenarios.storyline import Cast, tell, walk
from scenarios.values import bind
from scenarios.weather import vector_of
from sensors.rig import read as read_rig
from twin import odd
from twin.authored import AuthoredError, Problem
from twin.case import Case, DriverSpec
from twin.clock import NS_PER_S
from twin.collision import clearance
from twin.errors import InputError, UnknownName, nearest
from twin.leaf import Word
from twin.road import Road, RouteTables, load
from twin.road.kernels import ANY_KIND, contains, lane_pose, locate, locate_kind
from twin.road.routes import route_lanes, route_tables, straight_lanes
from twin.signals import Programmes, default_programmes
from twin.state import (
    AIM_LANE,
    CENTER_X,
    DESIRED_SPEED,
    DRIVER,
    F_ROWS,
    LAMP_NAMES,
    LANE,
    LATERAL_BY,
    LENGTH,
    N_ROWS,
    PITCH,
    PRESENT,
    ROUTE,
    SPEED_BY,
    STORY,
    TRAFFIC,
    VISIBLE,
    VX,
    WIDTH,
    YAW,
    D,
    Floats,
    Ints,
    S,
    X,
    Y,
    Z,
)
from twin.syntax import Expr
from twin.vehicle import body, params

SEEN_BY_ALL = 7
BUILT_IN_DRIVERS = ("traffic",)
REACH_S = 60.0  # how far ahead a route without a goal is told, at the fastest the ego can be


class DriverChoice(Protocol):
    """Who drives instead of the driver that the scenario names."""

    @property
    def name(self) -> str | None: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def step_budget(self) -> int: ...
    @property
    def start_budget(self) -> int: ...


class Choices(Protocol):
    """What is set from outside a scenario; durations in nanoseconds."""

    @property
    def map(self) -> str | None: ...
    @property
    def rig(self) -> str | None: ...
    @property
    def driver(self) -> DriverChoice: ...
    @property
    def step_ns(self) -> int: ...
    @property
    def substeps(self) -> int: ...


@dataclass(frozen=True, slots=True)
class DriverSetup:
    """The driver as the scenario names it, with the usual budgets."""

    name: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    step_budget: int = 5 * NS_PER_S
    start_budget: int = 30 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Setup:
    """Choices that leave everything as the scenario has it. `folder` is where its relative paths begin."""

    folder: Path | None = None
    map: str | None = None
    rig: str | None = None
    driver: DriverChoice = DriverSetup()
    step_ns: int = 50_000_000
    substeps: int = 10


@dataclass(frozen=True, slots=True)
class _Way:
    """A row of the route tables: the lanes an actor means to travel, and where it wants to be."""

    lanes: tuple[int, ...] = ()
    goal: tuple[int, float] | None = None


def assemble(scenario: Scenario, values: Mapping[str, float | str], seed: int, settings: Choices) -> Case:
    """Return the case that values (SI) and a seed make of a scenario. Raises AuthoredError, MapError."""
    return _Assembly(scenario, values, seed, settings).case()


class _Assembly:
    def __init__(self, scenario: Scenario, values: Mapping[str, float | str], seed: int, settings: Choices) -> None:
        self.scenario, self.values, self.seed, self.settings = scenario, values, seed, settings
        self.folder = getattr(settings, "folder", None) or Path(scenario.node.source.path).parent
        self.known: dict[str, Expr] = bind(scenario, values)
        self.road = self._map()
        self.written: dict[str, Actor] = {"ego": scenario.ego, **scenario.actors}
        self.columns = {name: self._column(name, actor) for name, actor in self.written.items()}
        self.known = bind(scenario, values, self._sizes())
        straight = route_tables(self.road, [])
        bodies = {name: Body.of(column) for name, column in self.columns.items()}
        self.placer = Placer(scenario, self.road, straight, self.known, bodies, seed)
        self.began: dict[str, Began] = {}
        self.ways: list[_Way] = []
        self.way_of: dict[str, int] = {}
        self.named_ways: dict[str, int] = {}
        self.heading_for: dict[int, int] = {}

    def case(self) -> Case:
        self._place_all()
        extras = self._traffic()
        self._ways()
        routes = self._route_tables()
        names = (*self.written, *(e.name for e in extras))
        p = np.column_stack([*self.columns.values(), *(e.column for e in extras)])
        f0, n0 = self._blocks(extras, len(names))
        sky = vector_of(self.scenario.environment, self.known)
        signals, phases = self._signal_names()
        cast = Cast(
            actors={name: i for i, name in enumerate(names)},
            signals=signals,
            roads={name: i for i, name in enumerate(self.road.road_names)},
            routes=self.named_ways,
            heading_for=self.heading_for,
            phases=phases,
            lights=len(self.road.signal_names),
        )
        told = tell(self.scenario, self.placer, self.known, cast, sky, self.settings.step_ns)
        lanes, goal_s = self._ego_route(routes)
        scenario = self.scenario
        return Case(
            scenario=str(scenario.scenario),
            seed=self.seed,
            values=dict(self.values),
            step_ns=self.settings.step_ns,
            substeps=self.settings.substeps,
            after_ns=self._after_ns(),
            road=self.road,
            actors=names,
            f0=f0,
            n0=n0,
            p=p,
            ego=params(self._vehicle(scenario.ego).of(self.known)),
            ego_route=lanes,
            goal_s=goal_s,
            routes=routes,
            story=told.tables,
            programmes=self._programmes(signals, phases),
            environment=sky,
            faults=told.faults,
            rig=self._rig(),
            driver=self._driver(),
            criteria=tuple(leaf.criterion(name, self.known) for name, leaf in scenario.criteria.items()),
            odd=self._odd(),
            must_start=told.must_start,
            event_names=told.names,
            requirements=tuple(str(r) for r in scenario.requirements),
            about=str(scenario.about or ""),
        )

    # --- map, bodies --------------------------------------------------------------------------------------------

    def _map(self) -> Road:
        word = self.scenario.map
        name = self.settings.map or word.of(self.known)
        try:
            return load(name, (self.folder,))
        except UnknownName as error:
            if self.settings.map is not None:
                raise
            hint = nearest(name, error.known) or ""
            raise word.error(f"no map is called '{name}'", ", ".join(error.known), hint) from error
        except InputError as error:
            if self.settings.map is not None:
                raise
            raise word.error(str(error)) from error

    def _vehicle(self, actor: Actor) -> Word:
        word = actor.vehicle or actor.pedestrian or actor.object
        assert isinstance(word, Word)
        return word

    def _column(self, name: str, actor: Actor) -> Floats:
        word = self._vehicle(actor)
        model = word.of(self.known)
        try:
            column = body(model)
            if name == "ego":
                params(model)
        except UnknownName as error:
            hint = nearest(model, error.known) or ""
            raise word.error(
                f"no vehicle, pedestrian or object is called '{model}'", ", ".join(error.known), hint
            ) from error
        except InputError as error:
            raise word.error(str(error)) from error
        if name != "ego" and actor.driver is not None:
            self._driven(actor, column)
        return column

    def _driven(self, actor: Actor, column: Floats) -> None:
        assert actor.driver is not None
        use = actor.driver.use.of(self.known)
        if use not in BUILT_IN_DRIVERS:
            hint = nearest(use, BUILT_IN_DRIVERS) or ""
            raise actor.driver.use.error(
                f"no driver of other actors is called '{use}'", ", ".join(BUILT_IN_DRIVERS), hint
            )
        column[TRAFFIC] = 1.0
        for key, leaf in (actor.driver.__pydantic_extra__ or {}).items():
            if key != "speed":
                raise actor.driver.error(f"driver '{use}' has no parameter '{key}'", "speed", key=key)
            column[DESIRED_SPEED] = leaf.number(self.known, "m/s")

    def _sizes(self) -> dict[str, float]:
        out = {}
        for name, column in self.columns.items():
            out[f"{name}.width"] = float(column[WIDTH])
            out[f"{name}.length"] = float(column[LENGTH])
        return out

    # --- starts -------------------------------------------------------------------------------------------------

    def _place_all(self) -> None:
        problems: list[Problem] = []
        for name, actor in self.written.items():
            if actor.start is None:
                continue
            try:
                self.began[name] = self.placer.start(name)
            except AuthoredError as error:
                problems += error.problems
        if problems:
            raise AuthoredError(dict.fromkeys(problems))
        self._refuse_overlaps()

    def _refuse_overlaps(self) -> None:
        problems = []
        names = list(self.began)
        for i, name in enumerate(names):
            for other in names[:i]:
                a, b = self._box(name), self._box(other)
                if abs(self.began[name].at.z - self.began[other].at.z) < 2.0 and clearance(a, b) == 0.0:
                    start = self.written[name].start
                    assert start is not None
                    problems.append(start.problem(f"'{name}' starts inside '{other}'", "a place that is free"))
        if problems:
            raise AuthoredError(problems)

    def _box(self, name: str) -> tuple[float, float, float, float, float]:
        return _box_of(self.began[name].at, self.columns[name])

    def _traffic(self) -> list[Extra]:
        out: list[Extra] = []
        for number, item in enumerate(self.scenario.traffic):
            centre = item.around.of(self.known)
            if centre not in self.began:
                raise item.around.error(f"no actor '{centre}' is there at the start", ", ".join(sorted(self.began)))
            boxes = [self._box(name) for name in self.began] + [_box_of(e.at, e.column) for e in out]
            out += around(item, number, self.road, self.began[centre], boxes, self.known, self.seed)
        return out

    def _blocks(self, extras: Sequence[Extra], count: int) -> tuple[Floats, Ints]:
        f0, n0 = np.zeros((F_ROWS, count)), np.zeros((N_ROWS, count), np.int64)
        n0[LANE] = -1
        n0[AIM_LANE] = -1
        n0[VISIBLE] = SEEN_BY_ALL
        for i, (name, actor) in enumerate(self.written.items()):
            n0[SPEED_BY, i], n0[LATERAL_BY, i] = self._control(name, actor)
            n0[ROUTE, i] = self.way_of.get(name, 0)
            if name in self.began:
                self._stand(f0, n0, i, self.began[name])
        for i, extra in enumerate(extras, len(self.written)):
            self._stand(f0, n0, i, Began(extra.at, extra.speed))
        return f0, n0

    def _stand(self, f0: Floats, n0: Ints, i: int, began: Began) -> None:
        at = self._on_its_lane(began.at)
        f0[[X, Y, Z, YAW, S, D, VX], i] = at.x, at.y, at.z, at.yaw, at.s, at.d, began.speed
        n0[PRESENT, i] = 1
        n0[LANE, i] = at.lane
        n0[AIM_LANE, i] = at.lane
        if at.lane >= 0:
            heading, pitch = lane_pose(self.road.arrays, at.lane, at.s, 0.0)[3:5]
            f0[PITCH, i] = pitch * math.cos(at.yaw - heading)

    def _on_its_lane(self, at: Found) -> Found:
        """Return a spot with the lane that holds it: aside of a lane it is on another one, or on none."""
        arrays = self.road.arrays
        if at.lane >= 0 and contains(arrays, at.lane, at.s, at.d):
            return at
        lane, s, d = locate(arrays, at.x, at.y, at.yaw)
        if lane < 0:
            lane, s, d = locate_kind(arrays, at.x, at.y, ANY_KIND)
        return replace(at, lane=int(lane), s=float(s), d=float(d))

    def _control(self, name: str, actor: Actor) -> tuple[int, int]:
        natural = DRIVER if name == "ego" or actor.driver is not None else STORY
        control = actor.control
        if control is None:
            return natural, natural
        words = {"driver": DRIVER, "story": STORY}
        speed, steering = control.speed or control.both, control.steering or control.both
        return (
            words[str(speed)] if speed is not None else natural,
            words[str(steering)] if steering is not None else natural,
        )

    # --- routes -------------------------------------------------------------------------------------------------

    def _ways(self) -> None:
        for name, route in self.scenario.routes.items():
            spots = [self.placer.find(spot, None) for spot in route.through]
            lanes = self._lanes_through(route, spots)
            self.named_ways[name] = self._add(_Way(lanes, (spots[-1].lane, spots[-1].s)))
            self.placer.define_route(name, lanes)
        for name, actor in self.written.items():
            if actor.route is not None:
                self.way_of[name] = self._named(actor.route)
            elif actor.go_to is not None:
                self.way_of[name] = self._towards(actor.go_to)
            elif name in self.began and self.began[name].at.through:
                at = self.began[name].at
                self.way_of[name] = self._add(_Way(self._into(actor, at)))
        for _, _, item in walk(self.scenario.story):
            steps = getattr(item, "do", ())
            for step in steps if isinstance(steps, tuple) else (steps,):
                for do in step.actors.values():
                    if do.go_to is not None:
                        self.heading_for[id(do.go_to)] = self._towards(do.go_to)

    def _add(self, way: _Way) -> int:
        self.ways.append(way)
        return len(self.ways)

    def _named(self, word: Word) -> int:
        name = word.of(self.known)
        if name not in self.named_ways:
            known = sorted(self.named_ways)
            raise word.error(f"no route is called '{name}'", ", ".join(known) or "none", nearest(name, known) or "")
        return self.named_ways[name]

    def _towards(self, spot: Spot) -> int:
        found = self.placer.find(spot, None)
        if found.lane < 0:
            raise spot.error("this place is not on a lane", "a place on the road")
        return self._add(_Way((), (found.lane, found.s)))

    def _lanes_through(self, where: Model, spots: Sequence[Found]) -> tuple[int, ...]:
        if any(f.lane < 0 for f in spots):
            raise where.error("a route goes through places on lanes", "places on the road")
        stops = [(f.lane, f.s) for f in spots]
        if len(stops) == 1:
            return (stops[0][0],)
        try:
            lanes = route_lanes(self.road, stops[0][0], stops[0][1], stops[-1], stops[1:-1])
        except InputError as error:
            raise where.error(str(error)) from error
        return tuple(int(lane) for lane in lanes)

    def _into(self, actor: Actor, at: Found) -> tuple[int, ...]:
        """Return the lanes from a start into the junction lane that its place says to take, and straight on."""
        through = at.through[0]
        try:
            first = [int(lane) for lane in route_lanes(self.road, at.lane, at.s, (through, 0.0))]
        except InputError as error:
            assert actor.start is not None
            raise actor.start.error(str(error)) from error
        beyond = straight_lanes(self.road, through, 0.0, self._horizon())
        return (*first, *(int(lane) for lane in beyond[1:]))

    def _horizon(self) -> float:
        return float(params(self._vehicle(self.scenario.ego).of(self.known)).max_speed) * REACH_S

    def _route_tables(self) -> RouteTables:
        tables = route_tables(self.road, [way.goal for way in self.ways])
        succ_first, succ = self.road.arrays.succ_first, self.road.arrays.succ
        for row, way in enumerate(self.ways, 1):
            for here, after in zip(way.lanes, way.lanes[1:]):
                if after in succ[succ_first[here] : succ_first[here + 1]]:
                    tables.next[row, here] = after
                    tables.side[row, here] = 0
                elif after == self.road.arrays.left[here]:
                    tables.side[row, here] = 1
                elif after == self.road.arrays.right[here]:
                    tables.side[row, here] = -1
        return tables

    def _ego_route(self, routes: RouteTables) -> tuple[NDArray[np.int64], float]:
        """Return the lanes that a navigator gives the driver, and where on the last one the goal is."""
        at = self.began["ego"].at
        if at.lane < 0:
            return np.zeros(0, np.int64), math.inf
        way = self.ways[self.way_of["ego"] - 1] if "ego" in self.way_of else _Way()
        start = self.scenario.ego.start
        if way.goal is not None:
            via = [(lane, 0.0) for lane in way.lanes[1:-1]] if way.lanes and at.lane != way.lanes[0] else []
            try:
                stops = [(way.lanes[0], 0.0), *via] if via else []
                return route_lanes(self.road, at.lane, at.s, way.goal, stops), way.goal[1]
            except InputError as error:
                raise start.error(str(error)) from error
        if way.lanes:
            return np.array(way.lanes, np.int64), math.inf
        return straight_lanes(self.road, at.lane, at.s, self._horizon()), math.inf

    # --- traffic lights -----------------------------------------------------------------------------------------

    def _signal_names(self) -> tuple[dict[str, int], dict[str, dict[str, dict[int, int]]]]:
        """Return rows of signals by id and by approach, and the lamps of the phases of each programme."""
        rows = {name: i for i, name in enumerate(self.road.signal_names)}
        for name, spot in self.scenario.places.items():
            if spot.form == "find" and str(spot.find) == "junction":
                continue
            found = self.placer.place(name, spot)
            here = self._signals_at(found)
            if here:
                rows.setdefault(name, here[0])
        phases: dict[str, dict[str, dict[int, int]]] = {}
        for name, programme in self.scenario.signals.items():
            phases[name] = {}
            for i, phase in enumerate(programme.phases):
                lamps = {}
                for light, word in phase.show.items():
                    for row in self._lights(programme.phases[i], light, rows):
                        lamps[row] = LAMP_NAMES.index(word.of(self.known))
                phases[name][str(phase.name or i)] = lamps
        return rows, phases

    def _lights(self, phase: Model, light: str, rows: Mapping[str, int]) -> list[int]:
        if light in self.scenario.places:
            found = self._signals_at(self.placer.place(light, phase))
            if found:
                return found
            raise phase.error(f"no traffic light stands at '{light}'", "a signalised approach", key="show")
        if light in self.road.controllers:
            return [rows[s] for s in self.road.controllers[light] if s in rows]
        if light in rows:
            return [rows[light]]
        known = sorted({*rows, *self.road.controllers})
        hint = nearest(light, known) or ""
        raise phase.error(f"no traffic light is called '{light}'", ", ".join(known) or "none", hint, key="show")

    def _signals_at(self, found: Found) -> list[int]:
        """Return the signals of the stop line at a place: the nearest within 30 m on its lane or what follows."""
        arrays = self.road.arrays
        lanes = {found.lane, *found.through} - {-1}
        rows = [
            (abs(float(arrays.stop_s[k]) - found.s) if arrays.stop_lane[k] == found.lane else 0.0, int(row))
            for k, row in enumerate(arrays.stop_signal)
            if int(arrays.stop_lane[k]) in lanes
        ]
        return sorted({row for away, row in rows if away < 30.0})

    def _programmes(self, rows: Mapping[str, int], phases: Mapping[str, Mapping[str, Mapping[int, int]]]) -> Programmes:
        plain = default_programmes(self.road)
        lists: list[list[tuple[int, int]]] = []
        for s in range(len(self.road.signal_names)):
            span = range(plain.first[s], plain.first[s + 1])
            lists.append([(int(plain.lamp[i]), int(plain.duration_ns[i])) for i in span])
        offsets = plain.offset_ns.copy()
        for name, programme in self.scenario.signals.items():
            shown = sorted({row for lamps in phases[name].values() for row in lamps})
            red = LAMP_NAMES.index("red")
            offset = programme.offset.duration_ns(self.known) if programme.offset is not None else 0
            for row in shown:
                lists[row] = []
                offsets[row] = offset
            for i, phase in enumerate(programme.phases):
                lamps = phases[name][str(phase.name or i)]
                duration = phase.for_.duration_ns(self.known)
                if duration <= 0:
                    raise phase.for_.error("a phase needs a duration above 0 s", "30 s")
                for row in shown:
                    lists[row].append((lamps.get(row, red), duration))
        flat = [entry for entries in lists for entry in entries]
        return Programmes(
            first=np.concatenate([[0], np.cumsum([len(entries) for entries in lists])]).astype(np.int64),
            lamp=np.array([lamp for lamp, _ in flat], np.int64),
            duration_ns=np.array([ns for _, ns in flat], np.int64),
            offset_ns=offsets,
        )

    # --- rig, driver, ODD ---------------------------------------------------------------------------------------

    def _rig(self) -> tuple[Any, ...]:
        word = self.scenario.ego.rig
        if self.settings.rig is not None:
            return tuple(read_rig(self.settings.rig))
        if word is None:
            return ()
        name = word.of(self.known)
        try:
            return tuple(read_rig(name))
        except AuthoredError:
            raise
        except UnknownName as error:
            hint = nearest(name, error.known) or ""
            raise word.error(f"no rig is called '{name}'", ", ".join(error.known), hint) from error
        except InputError as error:
            raise word.error(str(error)) from error

    def _driver(self) -> DriverSpec:
        chosen, written = self.settings.driver, self.scenario.ego.driver
        name, parameters = "reference.hold", {}
        if written is not None:
            name = written.use.of(self.known)
            extra = written.__pydantic_extra__ or {}
            parameters = {key: _plain(leaf.fold(self.known)) for key, leaf in extra.items()}
        if chosen.name is not None:
            name, parameters = chosen.name, dict(chosen.parameters)
        else:
            parameters = {**parameters, **chosen.parameters}
        return DriverSpec(name, parameters, chosen.step_budget / NS_PER_S, chosen.start_budget / NS_PER_S)

    def _odd(self) -> Any:
        word = self.scenario.odd
        if word is None:
            return None
        name = word.of(self.known)
        try:
            return odd.read(_odd_path(name, self.folder))
        except AuthoredError:
            raise
        except InputError as error:
            raise word.error(str(error)) from error

    def _after_ns(self) -> int:
        leaf = self.scenario.end.after
        after = leaf.duration_ns(self.known)
        if after <= 0:
            raise leaf.error("the longest time must be above 0 s", "after: 20 s")
        return after


def _box_of(at: Found, column: Floats) -> tuple[float, float, float, float, float]:
    forward = float(column[CENTER_X])
    x, y = at.x + forward * math.cos(at.yaw), at.y + forward * math.sin(at.yaw)
    return x, y, at.yaw, 0.5 * float(column[LENGTH]), 0.5 * float(column[WIDTH])


def _odd_path(name: str, folder: Path) -> Path:
    shipped = Path(__file__).resolve().parent / "odd" / f"{name}.yaml"
    return shipped if shipped.is_file() else folder / name


def _plain(expr: Expr) -> object:
    value = getattr(expr, "value", None)
    return value if value is not None else ".".join(getattr(expr, "path", ()))
