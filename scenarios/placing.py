"""Where things are at t = 0: places, starts and paths of a scenario resolved to spots on the map.

Places may lean on other places and on the starts of actors; each is resolved once, when it is first asked for, and a
circle is an error that shows the circle.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from scenarios.fields import Model
from scenarios.schema import Actor, Scenario
from scenarios.spots import Heading, Path, Spot, Start
from twin.authored import AuthoredError
from twin.draw import key_of
from twin.errors import InputError
from twin.leaf import Leaf, Word
from twin.road import Road, RouteTables
from twin.road import places as topology
from twin.road.geo import from_geodetic
from twin.road.kernels import advance, beside, lane_pose, locate
from twin.state import CENTER_X, LENGTH, WIDTH, Floats
from twin.story.measure import wrap
from twin.syntax import Expr, Number


@dataclass(frozen=True, slots=True)
class Body:
    """The box of an actor [m]: reaches from the reference point forward and back, and its width."""

    front: float
    rear: float
    centre: float
    width: float

    @staticmethod
    def of(column: Floats) -> Body:
        """Return the reaches of a column of fixed facts (P_ROWS,)."""
        centre, half = float(column[CENTER_X]), 0.5 * float(column[LENGTH])
        return Body(centre + half, half - centre, centre, float(column[WIDTH]))


@dataclass(frozen=True, slots=True)
class Found:
    """A spot: lane -1 off the road. `through` are lanes that the spot says to take, `junction` the one it is about."""

    x: float
    y: float
    z: float
    yaw: float
    lane: int = -1
    s: float = 0.0
    d: float = 0.0
    path: str | None = None
    path_s: float = 0.0
    through: tuple[int, ...] = ()
    junction: int = -1


@dataclass(frozen=True, slots=True)
class Began:
    """How an actor starts."""

    at: Found
    speed: float


class Lookup(Mapping[str, Expr]):
    """Values that leaves fold in: chosen ones, and within a start the facts of other starts, found when asked for."""

    def __init__(self, known: Mapping[str, Expr], start_of: Callable[[str, str], Expr | None]) -> None:
        self.known = known
        self.starting = 0
        self._start_of = start_of

    def __getitem__(self, name: str) -> Expr:
        if name in self.known:
            return self.known[name]
        who, _, what = name.partition(".")
        found = self._start_of(who, what) if what and self.starting else None
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


class Placer:
    """Resolves the places of one case. `bodies` gives the box of every actor by name."""

    def __init__(
        self,
        scenario: Scenario,
        road: Road,
        onward: RouteTables,
        known: Mapping[str, Expr],
        bodies: Mapping[str, Body],
        seed: int,
    ) -> None:
        self._seed = seed
        self.road = road
        self.values = Lookup(known, self._fact)
        self._scenario = scenario
        self._onward = onward
        self._bodies = bodies
        self._actors: dict[str, Actor] = {"ego": scenario.ego, **scenario.actors}
        self._began: dict[str, Began] = {}
        self._places: dict[str, Found] = {}
        self._paths: dict[str, tuple[Floats, tuple[int, ...] | None]] = {}
        self._routes: dict[str, tuple[int, ...]] = {}
        self._open: list[str] = []

    # --- named things -------------------------------------------------------------------------------------------

    def start(self, name: str, asked: Model | Leaf | Word | None = None) -> Began:
        """Return how an actor starts. Raises AuthoredError for an actor without a start, or a circle of them."""
        if name not in self._began:
            actor = self._actors[name]
            if actor.start is None:
                raise _at(asked or actor, f"'{name}' has no start", "an actor that is there from the start")
            label = self._enter(name, actor.start)
            self.values.starting += 1
            self._began[name] = Began(self.stand(actor.start, name), self._speed(actor.start))
            self.values.starting -= 1
            self._open.remove(label)
        return self._began[name]

    def _speed(self, start: Start) -> float:
        if start.speed is None:
            return 0.0
        speed = start.speed.number(self.values)
        if speed < 0.0 or not math.isfinite(speed):
            raise start.speed.error(f"{speed:g} m/s is no start speed", "0 m/s or more")
        return speed

    def place(self, name: str, asked: Model | Word) -> Found:
        """Return a named place."""
        if name not in self._places:
            known = {**self._scenario.places}
            if name not in known:
                raise _at(asked, f"no place is called '{name}'", ", ".join(sorted(known)) or "a place under places:")
            label = self._enter(name, known[name])
            self._places[name] = self.find(known[name], None)
            self._open.remove(label)
        return self._places[name]

    def path(self, name: str) -> tuple[Floats, tuple[int, ...] | None]:
        """Return the points (n, 3) of a path, and their times [ns] where it has a clock of its own."""
        if name not in self._paths:
            path: Path = self._scenario.paths[name]
            label = self._enter(name, path)
            spots = [self.find(p, None) for p in path.points]
            points = np.array([[f.x, f.y, f.z] for f in spots])
            times: tuple[int, ...] | None = None
            if any(p.time is not None for p in path.points):
                times = tuple(self._time_of(p) for p in path.points)
                late = next((i for i in range(1, len(times)) if times[i] <= times[i - 1]), None)
                if late is not None:
                    raise path.points[late].error("the times of a path must grow", "a later time", key="time")
            if len(points) < 2 or float(np.abs(np.diff(points[:, :2], axis=0)).max()) < 1e-6:
                raise path.error("a path needs two points apart", "points: [{..}, {..}]")
            self._paths[name] = (points, times)
            self._open.remove(label)
        return self._paths[name]

    def _time_of(self, point: Spot) -> int:
        time = getattr(point, "time", None)
        if time is None:
            raise point.error("this point has no time while others have", "time: 2 s")
        return int(time.duration_ns(self.values))

    def define_route(self, name: str, lanes: tuple[int, ...]) -> None:
        """Let places name positions along a route."""
        self._routes[name] = lanes

    def _enter(self, label: str, model: Model) -> str:
        if label in self._open:
            circle = " -> ".join([*self._open[self._open.index(label) :], label])
            raise model.error(f"these places need each other: {circle}", "one that stands on its own")
        self._open.append(label)
        return label

    def _fact(self, who: str, what: str) -> Expr | None:
        """Return a fact of an actor's start as a constant, None where it is none."""
        if who not in self._actors or self._actors[who].start is None:
            return None
        kinds = {"speed": "m/s", "x": "m", "y": "m", "z": "m", "heading": "rad", "s": "m", "lane_offset": "m"}
        if what not in kinds:
            return None
        began = self.start(who)
        at = began.at
        facts = {
            "speed": began.speed,
            "x": at.x,
            "y": at.y,
            "z": at.z,
            "heading": at.yaw,
            "s": at.s,
            "lane_offset": at.d,
        }
        return Number(facts[what], kinds[what])

    # --- spots --------------------------------------------------------------------------------------------------

    def stand(self, spot: Spot, who: str) -> Found:
        """Return where the reference point of an actor is when its `point` is at the spot."""
        found = self.find(spot, who)
        body = self._bodies[who]
        lead = {"front": body.front, "centre": body.centre}.get(str(spot.point or "rear_axle"), 0.0)
        if lead == 0.0:
            return found
        if found.lane >= 0 and abs(wrap(found.yaw - self._heading(found))) < 1e-9:
            return self._along(found, -lead)
        return replace(found, x=found.x - lead * math.cos(found.yaw), y=found.y - lead * math.sin(found.yaw))

    def find(self, spot: Spot, who: str | None) -> Found:
        """Return the spot that a place means; `who` is the actor that it is for, where there is one."""
        try:
            found = getattr(self, f"_find_{spot.form}")(spot, who)
        except AuthoredError:
            raise
        except InputError as error:
            raise spot.error(str(error)) from error
        return self._turned(spot, found)

    def _turned(self, spot: Spot, found: Found) -> Found:
        if spot.offset is not None and spot.form not in ("road",):
            found = self._aside(found, spot.offset.number(self.values))
        heading: Heading | None = spot.heading
        if heading is None:
            return found
        if heading.world is not None:
            return replace(found, yaw=wrap(heading.world.number(self.values)))
        assert heading.turned is not None
        turned = heading.turned.number(self.values)
        absolute = spot.form in ("xy", "geo")
        return replace(found, yaw=wrap(turned if absolute else found.yaw + turned))

    def _aside(self, found: Found, offset: float) -> Found:
        if found.lane >= 0:
            return self._on_lane(found.lane, found.s, found.d + offset, found)
        x, y = found.x - offset * math.sin(found.yaw), found.y + offset * math.cos(found.yaw)
        return replace(found, x=x, y=y)

    def _on_lane(self, lane: int, s: float, d: float, like: Found | None = None) -> Found:
        x, y, z, heading, _, _ = lane_pose(self.road.arrays, lane, s, d)
        through = like.through if like else ()
        return Found(x, y, z, wrap(heading), lane, s, d, through=through, junction=like.junction if like else -1)

    def _heading(self, found: Found) -> float:
        return float(lane_pose(self.road.arrays, found.lane, found.s, 0.0)[3])

    def _along(self, found: Found, ds: float) -> Found:
        lane, s, left = advance(self.road.arrays, self._onward, 0, found.lane, found.s, ds)
        for_lane = found.through
        if ds > 0.0 and for_lane and found.s + ds > self.road.arrays.length[found.lane]:
            lane, s, left = self._through(found, ds)
        if abs(left) > 1e-6:
            raise InputError(f"the road ends {abs(left):.1f} m before this place")
        return self._on_lane(int(lane), float(s), found.d, found)

    def _through(self, found: Found, ds: float) -> tuple[int, float, float]:
        s = found.s + ds - float(self.road.arrays.length[found.lane])
        lane = found.through[0]
        lane, s, left = advance(self.road.arrays, self._onward, 0, lane, 0.0, s)
        return int(lane), float(s), float(left)

    def _from(self, spot: topology.Spot) -> Found:
        return Found(spot.x, spot.y, spot.z, wrap(spot.heading), spot.lane, spot.s, spot.d)

    def _find_name(self, spot: Spot, who: str | None) -> Found:
        assert spot.name is not None
        if spot.name == "here":
            if who is None:
                raise spot.error("'here' needs an actor", "a place of its own")
            return self.start(who, spot).at
        return self.place(spot.name.of(self.values), spot)

    def _find_lane(self, spot: Spot, who: str | None) -> Found:
        assert spot.lane is not None
        assert spot.s is not None
        number = spot.lane.integer(self.values, 1)
        return self._from(topology.main_lane(self.road, number, spot.s.number(self.values)))

    def _find_road(self, spot: Spot, who: str | None) -> Found:
        assert spot.road is not None
        assert spot.s is not None
        road = spot.road.text.strip().strip('"')
        s = spot.s.number(self.values)
        offset = spot.offset.number(self.values) if spot.offset is not None else 0.0
        if spot.lane_id is not None:
            lane_id = spot.lane_id.integer(self.values, -999)
            return self._from(topology.by_ids(self.road, road, lane_id, s, offset))
        assert spot.t is not None
        return self._from(topology.by_road(self.road, road, s, spot.t.number(self.values) + offset))

    def _find_xy(self, spot: Spot, who: str | None) -> Found:
        assert spot.x is not None
        assert spot.y is not None
        x, y = spot.x.number(self.values), spot.y.number(self.values)
        return self._at_xy(x, y, spot.z.number(self.values) if spot.z else None, self._absolute(spot))

    def _find_geo(self, spot: Spot, who: str | None) -> Found:
        assert spot.lat is not None
        assert spot.lon is not None
        lat, lon = spot.lat.number(self.values), spot.lon.number(self.values)
        x, y, _ = from_geodetic(self.road, math.degrees(lat), math.degrees(lon), 0.0)
        return self._at_xy(x, y, spot.z.number(self.values) if spot.z else None, self._absolute(spot))

    def _absolute(self, spot: Spot) -> float:
        heading = spot.heading
        leaf = (heading.world or heading.turned) if heading else None
        return leaf.number(self.values) if leaf else 0.0

    def _at_xy(self, x: float, y: float, z: float | None, yaw: float) -> Found:
        if not (math.isfinite(x) and math.isfinite(y)):
            raise InputError("this place is nowhere")
        lane, s, d = locate(self.road.arrays, x, y, yaw)
        if lane < 0:
            return Found(x, y, z or 0.0, yaw)
        height = lane_pose(self.road.arrays, lane, s, d)[2]
        return Found(x, y, height if z is None else z, yaw, int(lane), float(s), float(d))

    def _find_path(self, spot: Spot, who: str | None) -> Found:
        assert spot.path is not None
        assert spot.s is not None
        name = spot.path.of(self.values)
        if name not in self._scenario.paths:
            raise spot.path.error(f"no path is called '{name}'", ", ".join(sorted(self._scenario.paths)) or "none")
        points, _ = self.path(name)
        s = spot.s.number(self.values)
        way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points[:, :2], axis=0).T))])
        if not -1e-6 <= s <= way[-1] + 1e-6:
            raise spot.s.error(f"path '{name}' is {way[-1]:.2f} m long", f"0 m to {way[-1]:.2f} m")
        i = int(np.clip(np.searchsorted(way, s, side="right") - 1, 0, len(points) - 2))
        while i > 0 and way[i + 1] <= way[i]:
            i -= 1
        part = (s - way[i]) / (way[i + 1] - way[i])
        x, y, z = points[i] + (points[i + 1] - points[i]) * part
        leg = points[i + 1] - points[i]
        found = self._at_xy(float(x), float(y), float(z), math.atan2(float(leg[1]), float(leg[0])))
        return replace(found, path=name, path_s=s)

    def _find_route(self, spot: Spot, who: str | None) -> Found:
        assert spot.route is not None
        name = spot.route.of(self.values)
        if name not in self._routes:
            raise spot.route.error(f"no route is called '{name}'", ", ".join(sorted(self._routes)) or "none")
        rest = spot.s.number(self.values) if spot.s is not None else 0.0
        for lane in self._routes[name]:
            length = float(self.road.arrays.length[lane])
            if rest <= length:
                return self._on_lane(lane, rest, 0.0)
            rest -= length
        raise (spot.s or spot.route).error(f"route '{name}' ends {rest:.1f} m before", "a shorter way")

    def _find_ahead(self, spot: Spot, who: str | None) -> Found:
        word = spot.ahead_of or spot.behind
        assert word is not None
        other = self._actor(word)
        began = self.start(other, word)
        at = began.at
        if at.lane < 0:
            return self._ahead_in_the_open(spot, who, other, began)
        lane, s = at.lane, at.s
        for _ in range(abs(self.shift(spot))):
            lane, s = beside(self.road.arrays, lane, s, 1 if self.shift(spot) > 0 else -1)
            if lane < 0:
                side = "left" if self.shift(spot) > 0 else "right"
                assert spot.lane is not None
                raise spot.lane.error(f"there is no lane on the {side} of '{other}'", "a lane that the map has there")
        base = self._on_lane(int(lane), float(s), 0.0)
        return self._along(base, self._away(spot, who, other, began))

    def _ahead_in_the_open(self, spot: Spot, who: str | None, other: str, began: Began) -> Found:
        away = self._away(spot, who, other, began)
        at = began.at
        x, y = at.x + away * math.cos(at.yaw), at.y + away * math.sin(at.yaw)
        return self._at_xy(x, y, at.z, at.yaw)

    def _away(self, spot: Spot, who: str | None, other: str, began: Began) -> float:
        """Return the signed way between reference points."""
        leaf = spot.gap or spot.centre_gap
        away = 0.0
        if leaf is not None:
            given = leaf.quantity(self.values)
            away = given.value * began.speed if given.dimension == "s" else given.value
            if away < 0.0 or not math.isfinite(away):
                raise leaf.error(f"{away:g} m is no gap", "0 m or more")
        if spot.centre_gap is None:
            mine = self._bodies[who] if who is not None else Body(0.0, 0.0, 0.0, 0.0)
            its = self._bodies[other]
            away += its.front + mine.rear if spot.ahead_of is not None else its.rear + mine.front
        return away if spot.ahead_of is not None else -away

    def shift(self, spot: Spot) -> int:
        """Return how many lanes to the left of the other actor a relative place is."""
        if spot.lane is None:
            return 0
        lanes = spot.lanes.integer(self.values, 0) if spot.lanes is not None else 1
        side = spot.lane.word(self.values) if not _is_number(spot.lane.fold(self.values)) else ""
        if side not in ("left", "right"):
            raise spot.lane.error("this is no side", "left or right of the other actor")
        return lanes if side == "left" else -lanes

    def _actor(self, word: Word) -> str:
        name = word.of(self.values)
        if name not in self._actors:
            raise word.error(f"no actor is called '{name}'", ", ".join(sorted(self._actors)))
        return name

    def _find_beside(self, spot: Spot, who: str | None) -> Found:
        assert spot.beside is not None
        at = self.start(self._actor(spot.beside), spot.beside).at
        dx = spot.dx.number(self.values) if spot.dx is not None else 0.0
        dy = spot.dy.number(self.values) if spot.dy is not None else 0.0
        axes = str(spot.axes or "body")
        if axes == "road" and at.lane >= 0:
            return self._aside(self._along(replace(at, d=at.d), dx), dy)
        axis = 0.0 if axes == "world" else at.yaw
        x = at.x + dx * math.cos(axis) - dy * math.sin(axis)
        y = at.y + dx * math.sin(axis) + dy * math.cos(axis)
        return self._at_xy(x, y, None if at.lane >= 0 else at.z, at.yaw)

    def _find_along(self, spot: Spot, who: str | None) -> Found:
        base = spot.before or spot.after
        assert base is not None
        assert spot.by is not None
        at = self.find(base, who)
        if at.lane < 0:
            raise base.error("this place is not on a lane", "a place on the road")
        by = spot.by.number(self.values)
        moved = self._along(replace(at), -by if spot.before is not None else by)
        return replace(moved, through=at.through if spot.before is not None else ())

    def _find_find(self, spot: Spot, who: str | None) -> Found:
        kind = str(spot.find)
        pick = self._key(spot)
        if kind == "junction":
            raise spot.error("a junction is no spot to stand on", "{approach: its name, turn: straight}")
        if kind == "crossing":
            return self._from(topology.find_crossing(self.road, pick=pick))
        found = topology.find_lane(
            self.road,
            length=self._number(spot.length),
            right_lane_for=self._number(spot.right_lane_for),
            left_lane_for=self._number(spot.left_lane_for),
            curvature_below=self._number(spot.curvature_below),
            curvature_above=self._number(spot.curvature_above),
            grade_above=self._number(spot.grade_above),
            speed_limit_above=self._number(spot.speed_limit_above),
            lanes_at_least=spot.lanes_at_least.integer(self.values, 1) if spot.lanes_at_least is not None else None,
            pick=pick,
        )
        at = self._from(found)
        return self._along(at, spot.s.number(self.values)) if spot.s is not None else at

    def _find_approach(self, spot: Spot, who: str | None) -> Found:
        assert spot.approach is not None
        found = topology.approach(
            self.road,
            self.junction(spot.approach),
            turn=cast(topology.Turn, str(spot.turn or "any")),
            from_right_of=self._seen_from(spot.from_right_of),
            from_left_of=self._seen_from(spot.from_left_of),
            opposite_to=self._seen_from(spot.opposite_to),
            pick=self._key(spot),
        )
        return replace(self._from(found.spot), through=(found.through,), junction=found.junction)

    def junction(self, word: Word) -> int:
        """Return the row of a junction that a place names, by `find: junction` or by its id on the map."""
        name = word.of(self.values)
        place = self._scenario.places.get(name)
        if place is None:
            if name in self.road.junction_names:
                return self.road.junction_names.index(name)
            known = [n for n, p in self._scenario.places.items() if str(p.find) == "junction"]
            raise word.error(f"no junction is called '{name}'", ", ".join(known) or "a place {find: junction}")
        if str(place.find) != "junction":
            raise word.error(f"'{name}' is no junction", "a place {find: junction}")
        signalised = place.signalised.flag(self.values) if place.signalised is not None else None
        arms = place.arms.integer(self.values, 1) if place.arms is not None else None
        try:
            return topology.find_junction(self.road, signalised=signalised, arms=arms, pick=self._key(place))
        except InputError as error:
            raise place.error(str(error)) from error

    def _seen_from(self, spot: Spot | None) -> topology.Spot | None:
        if spot is None:
            return None
        at = self.find(spot, None)
        return topology.Spot(at.lane, at.s, at.d, at.x, at.y, at.z, at.yaw)

    def _number(self, leaf: Leaf | None) -> float | None:
        return leaf.number(self.values) if leaf is not None else None

    def _key(self, spot: Spot) -> int | None:
        """Return which of several matches is meant: None the first, a number that one, random one by the seed."""
        if spot.pick is None:
            return None
        if spot.pick.text.strip() == "random":
            where = f"{spot.node.line}:{spot.node.col}"
            return int(key_of(self._seed, f"place {where}", "pick") >> np.uint64(1))
        return spot.pick.integer(self.values, 0)


def _is_number(expr: Expr) -> bool:
    return isinstance(expr, Number)


def _at(where: Model | Leaf | Word, message: str, expected: str) -> AuthoredError:
    return where.error(message, expected)
