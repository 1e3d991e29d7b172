"""From the facts of an OpenDRIVE file and sampled lane shapes to a road: joints, stop lines, boxes, crossings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from twin.errors import MapError
from twin.road.arrays import DRIVING, OTHER, Road
from twin.road.build import Extras, LaneShape, StopLine, assemble, curvature_of, resample
from twin.road.xml import BoxFacts, LaneFacts, LinkFacts, MapFacts, RoadFacts, SignalFacts
from twin.state import Floats

Sampler = Callable[[int, int, Floats], Floats]
"""(row of the road, lane id, s) -> (n, 5) x, y, z, heading, width; heading is right up to half a turn."""

_EDGE = 1e-3  # how far from a section's ends it is sampled [m]
_LEAST = 5e-3  # sections shorter than this have no shape [m]
_GAP = 2.5  # most distance between the ends of joined lanes [m]
_SNAP = 0.2  # ends without links that lie closer are joined [m]
_NARROW = 1.5  # driving lanes that nowhere reach this width are not driven on [m]
_WIDEST = 200.0  # [m]

End = tuple[int, int, int, bool]  # road row, section, lane id, at the end of s (not its start)


def compile_road(name: str, digest: str, facts: MapFacts, sample: Sampler) -> Road:
    """Return the road network of `facts`, its geometry asked from `sample`. Raises MapError."""
    junctions = sorted({road.junction for road in facts.roads} - {""} | set(facts.junctions))
    sections = [_sections(road) for road in facts.roads]
    shapes: list[LaneShape] = []
    rows: dict[tuple[int, int, int], int] = {}
    for road_row in range(len(facts.roads)):
        for section_row, (start, end, lanes, _) in enumerate(sections[road_row]):
            for lane in lanes:
                shape = _shape(facts, road_row, section_row, lane, start, end, junctions, sample)
                if shape is not None:
                    rows[road_row, section_row, lane.id] = len(shapes)
                    shapes.append(shape)
    _set_t(facts, sections, shapes, rows)
    joints = _Joints(facts, sections, shapes, rows)
    surroundings = _Surroundings(facts, shapes, rows, sections)
    signals = sorted({s.id for road in facts.roads for s in road.signals if s.dynamic and not s.reference})
    boxes = [box for r, road in enumerate(facts.roads) for o in road.objects if (box := surroundings.box(r, o))]
    extras = Extras(
        stop_lines=_stop_lines(facts, shapes, rows, {name: k for k, name in enumerate(signals)}),
        boxes=np.array(boxes, dtype=np.float64).reshape(-1, 7),
        signal_names=tuple(signals),
        controllers=facts.controllers,
        junction_controllers={name: ids for name, ids in facts.junction_controllers.items() if ids},
        crossings=tuple(
            polygon
            for r, road in enumerate(facts.roads)
            for o in road.objects
            if o.crossing and (polygon := surroundings.polygon(r, o)) is not None
        ),
        geo_reference=facts.geo_reference,
        geo_offset=facts.geo_offset,
    )
    return assemble(
        name, digest, shapes, joints.pairs(), tuple(road.id for road in facts.roads), tuple(junctions), extras
    )


def _sections(road: RoadFacts) -> list[tuple[float, float, tuple[LaneFacts, ...], bool]]:
    """Cut lane sections where a speed limit changes: (start, end, lanes, continues the section before)."""
    out = []
    for section in road.sections:
        cuts = {s for s, _ in road.speeds} | {section.s + s for lane in section.lanes for s, _ in lane.speeds}
        inner = sorted(s for s in cuts if section.s + 1.0 < s < section.end - 1.0)
        for k, (start, end) in enumerate(pairwise([section.s, *inner, section.end])):
            out.append((start, end, section.lanes, k > 0))
    return out


def _limit(road: RoadFacts, section_s: float, lane: LaneFacts, at: float) -> float:
    """Return the speed limit at s: the lane's own, else the road's [m/s], nan for none."""
    own = [v for s, v in lane.speeds if section_s + s <= at]
    if own:
        return own[-1]
    general = [v for s, v in sorted(road.speeds, key=lambda pair: pair[0]) if s <= at]
    return general[-1] if general else math.nan


def _shape(
    facts: MapFacts,
    road_row: int,
    section_row: int,
    lane: LaneFacts,
    start: float,
    end: float,
    junctions: list[str],
    sample: Sampler,
) -> LaneShape | None:
    road = facts.roads[road_row]
    if end - start < _LEAST:
        return None
    edge = max(_EDGE, 4e-7 * end)
    if end - start < 4 * edge:
        return None
    count = max(5, math.ceil(end - start) + 1)
    at = np.linspace(start + edge, end - edge, count).astype(np.float32).astype(np.float64)
    found = sample(road_row, lane.id, at)
    fine = np.isfinite(found).all(axis=1)
    if fine.sum() < 2:
        return None
    at, found = at[fine], found[fine]
    if np.abs(found[:, :3]).max() > 1e6 or found[:, 4].max() > _WIDEST:
        raise MapError(f"road '{road.id}', lane {lane.id}: impossible shape (further than 1000 km or wider than 200 m)")
    forward = (lane.id < 0) != road.left_hand
    xy, heading = found[:, :2], np.unwrap(found[:, 3])
    chord = xy[-1] - xy[0] if np.hypot(*(xy[1] - xy[0])) < 1e-6 else xy[1] - xy[0]
    if math.cos(float(heading[0]) - math.atan2(chord[1], chord[0])) < 0.0:
        heading = heading + math.pi
    xy, heading, at = _to_ends(xy, heading, at, start, end)
    if not forward:
        found, xy, at, heading = found[::-1], xy[::-1], at[::-1], heading[::-1] + math.pi
    if np.hypot(*np.diff(xy, axis=0).T).sum() < _LEAST:
        return None
    others = {"z": found[:, 2], "width": np.maximum(found[:, 4], 0.0), "road_s": at}
    xy, heading, step, more = resample(xy, heading, others)
    heading = heading - 2 * math.pi * round(float(heading[0]) / (2 * math.pi))
    middle = 0.5 * (start + end)
    narrow = lane.kind == DRIVING and more["width"].max() < _NARROW
    section_s = max((s.s for s in road.sections if s.s <= middle), default=0.0)
    return LaneShape(
        road=road_row,
        section=section_row,
        lane_id=lane.id,
        kind=OTHER if narrow else lane.kind,
        junction=junctions.index(road.junction) if road.junction else -1,
        forward=forward,
        speed_limit=_limit(road, section_s, lane, middle),
        step=step,
        xyz=np.column_stack([xy + np.array(facts.origin), more["z"]]),
        heading=heading,
        pitch=-np.arctan(np.gradient(more["z"], step)),
        curvature=curvature_of(heading, step),
        width=more["width"],
        road_s=more["road_s"],
        road_t=np.zeros_like(more["road_s"]),
    )


def lane_offset(road: RoadFacts, s: Floats) -> Floats:
    """Return how far the middle of the lanes lies left of the road's reference line at s [m]."""
    out = np.zeros_like(s)
    for start, a, b, c, d in road.lane_offsets:
        ds = s - start
        out = np.where(ds >= 0.0, a + ds * (b + ds * (c + ds * d)), out)
    return out


def _set_t(
    facts: MapFacts,
    sections: list[list[tuple[float, float, tuple[LaneFacts, ...], bool]]],
    shapes: list[LaneShape],
    rows: dict[tuple[int, int, int], int],
) -> None:
    """Fill in the t of every lane: the lane offset plus the widths of the lanes between it and the middle."""
    for road_row, road in enumerate(facts.roads):
        for section_row, (_, _, lanes, _) in enumerate(sections[road_row]):
            for side in (-1, 1):
                ids = sorted((lane.id for lane in lanes if lane.id * side > 0), key=abs)
                inner: list[LaneShape] = []
                for lane_id in ids:
                    row = rows.get((road_row, section_row, lane_id))
                    if row is None:
                        continue
                    shape = shapes[row]
                    between = sum((_at_s(other, shape.road_s, other.width) for other in inner), shape.width / 2)
                    shape.road_t[:] = lane_offset(road, shape.road_s) + side * between
                    inner.append(shape)


def _at_s(shape: LaneShape, s: Floats, values: Floats) -> Floats:
    """Return values along a lane at the s of its road."""
    return np.interp(
        s, *((shape.road_s, values) if shape.road_s[-1] > shape.road_s[0] else (shape.road_s[::-1], values[::-1]))
    )


def _to_ends(xy: Floats, heading: Floats, at: Floats, start: float, end: float) -> tuple[Floats, Floats, Floats]:
    """Move the first and the last sample to the section's very ends, along their tangents."""
    xy, heading, at = xy.copy(), heading.copy(), at.copy()
    for k, other, target in ((0, 1, start), (-1, -2, end)):
        ds = at[k] - at[other]
        if ds:
            part = (target - at[k]) / ds
            chord = math.copysign(float(np.hypot(*(xy[k] - xy[other]))), ds)
            xy[k] += part * chord * np.array([math.cos(heading[k]), math.sin(heading[k])])
            heading[k] += part * (heading[k] - heading[other])
        at[k] = target
    return xy, heading, at


class _Joints:
    """Which lane goes on into which, from the links of lanes, roads and junctions."""

    def __init__(
        self,
        facts: MapFacts,
        sections: list[list[tuple[float, float, tuple[LaneFacts, ...], bool]]],
        shapes: list[LaneShape],
        rows: dict[tuple[int, int, int], int],
    ) -> None:
        self.facts, self.sections, self.shapes, self.rows = facts, sections, shapes, rows
        self.road_rows = {road.id: row for row, road in enumerate(facts.roads)}

    def pairs(self) -> list[tuple[int, int]]:
        """Return (lane, lane after it) of all joints that fit geometrically."""
        after: dict[tuple[int, int, int], set[tuple[int, int, int]]] = {}
        for a, b in (*self._within_roads(), *self._between_roads(), *self._through_junctions()):
            for one, other in ((a, b), (b, a)):
                if self._leaves(one) and not self._leaves(other) and one[:3] != other[:3]:
                    after.setdefault(one[:3], set()).add(other[:3])
        known = set(self.rows)
        found: set[tuple[int, int]] = set()
        for key in sorted(known):
            for following in self._shaped(key, after, known):
                joint = self.rows[key], self.rows[following]
                if self._fits(*joint):
                    found.add(joint)
        return sorted(found | self._snapped(found))

    def _leaves(self, end: End) -> bool:
        """Return whether traffic leaves the lane at this end."""
        return ((end[2] < 0) != self.facts.roads[end[0]].left_hand) == end[3]

    @staticmethod
    def _shaped(
        key: tuple[int, int, int],
        after: dict[tuple[int, int, int], set[tuple[int, int, int]]],
        known: set[tuple[int, int, int]],
    ) -> Iterator[tuple[int, int, int]]:
        """Yield what comes next, stepping over lanes too short to have a shape."""
        todo, seen = sorted(after.get(key, ())), {key}
        while todo:
            other = todo.pop()
            if other in seen:
                continue
            seen.add(other)
            if other in known:
                yield other
            else:
                todo.extend(sorted(after.get(other, ())))

    def _fits(self, a: int, b: int) -> bool:
        one, other = self.shapes[a], self.shapes[b]
        if (one.kind == DRIVING) != (other.kind == DRIVING):
            return False
        gap = float(np.hypot(*(one.xyz[-1, :2] - other.xyz[0, :2])))
        return gap <= _GAP and math.cos(one.heading[-1] - other.heading[0]) > 0.0

    def _snapped(self, found: set[tuple[int, int]]) -> set[tuple[int, int]]:
        """Return joints of driving lanes that no link names, but whose loose ends meet."""
        driving = [row for row, shape in enumerate(self.shapes) if shape.kind == DRIVING]
        loose = sorted(set(driving) - {a for a, _ in found})
        fresh = sorted(set(driving) - {b for _, b in found})
        if not loose or not fresh:
            return set()
        starts = np.array([self.shapes[row].xyz[0] for row in fresh])
        out = set()
        for a in loose:
            shape = self.shapes[a]
            for k in np.flatnonzero(np.linalg.norm(starts - shape.xyz[-1], axis=1) <= _SNAP):
                b = fresh[int(k)]
                if b != a and math.cos(shape.heading[-1] - self.shapes[b].heading[0]) > 0.99:
                    out.add((a, b))
        return out

    def _within_roads(self) -> Iterator[tuple[End, End]]:
        for road, sections in enumerate(self.sections):
            for k, ((_, _, lanes, _), (_, _, others, continues)) in enumerate(pairwise(sections)):
                by_id = {lane.id: lane for lane in others}
                backward = {i for lane in others for i in lane.predecessors}
                for lane in lanes:
                    same = by_id.get(lane.id)
                    implied = same is not None and not same.predecessors and lane.id not in backward
                    targets: tuple[int, ...] = (lane.id,) if continues else lane.successors
                    if not continues and not targets and implied and same is not None and same.kind == lane.kind:
                        targets = (lane.id,)
                    for target in targets:
                        yield (road, k, lane.id, True), (road, k + 1, target, False)
                if not continues:
                    for other in others:
                        for target in other.predecessors:
                            yield (road, k, target, True), (road, k + 1, other.id, False)

    def _end(self, road: int, at_end: bool) -> int:
        return len(self.sections[road]) - 1 if at_end else 0

    def _between_roads(self) -> Iterator[tuple[End, End]]:
        for row, road in enumerate(self.facts.roads):
            for link, at_end in ((road.predecessor, False), (road.successor, True)):
                other = self._target(link)
                if other is None or link is None:
                    continue
                section = self._end(row, at_end)
                far_end = link.contact == "end"
                for lane in self.sections[row][section][2]:
                    for target in lane.successors if at_end else lane.predecessors:
                        yield (row, section, lane.id, at_end), (other, self._end(other, far_end), target, far_end)

    def _target(self, link: LinkFacts | None) -> int | None:
        return None if link is None or link.junction else self.road_rows.get(link.id)

    def _through_junctions(self) -> Iterator[tuple[End, End]]:
        for name, connections in self.facts.junctions.items():
            for connection in connections:
                row = self.road_rows.get(connection.incoming)
                other = self.road_rows.get(connection.connecting)
                if row is None or other is None:
                    continue
                road = self.facts.roads[row]
                far_end = connection.contact == "end"
                for link, at_end in ((road.predecessor, False), (road.successor, True)):
                    if link is None or not link.junction or link.id != name:
                        continue
                    for lane, target in connection.links:
                        yield (
                            (row, self._end(row, at_end), lane, at_end),
                            (other, self._end(other, far_end), target, far_end),
                        )


def _stop_lines(
    facts: MapFacts, shapes: list[LaneShape], rows: dict[tuple[int, int, int], int], signals: dict[str, int]
) -> list[StopLine]:
    """Return where traffic stops for dynamic signals.

    A signal holds for the driving lanes of its validity, or of its orientation where it gives none. On a road inside
    a junction the line is the lane's start. A signal that is referred to elsewhere and valid for lane 0 only says
    where the device stands.
    """
    referred = {s.id for road in facts.roads for s in road.signals if s.reference}
    found = set()
    for row, road in enumerate(facts.roads):
        on_road: list[int] = sorted(
            lane for key, lane in rows.items() if key[0] == row and shapes[lane].kind == DRIVING
        )
        for signal in road.signals:
            if signal.id not in signals:
                continue
            for lane in _lanes_of(signal, on_road, shapes, signal.id in referred):
                shape = shapes[lane]
                if road.junction:
                    if shape.section == (0 if shape.forward else max(shapes[k].section for k in on_road)):
                        found.add((signals[signal.id], lane, 0.0))
                    continue
                low, high = sorted((float(shape.road_s[0]), float(shape.road_s[-1])))
                at = min(max(signal.s, 0.0), road.length)
                if low <= at < high or (at == high == road.length):
                    order = np.argsort(shape.road_s)
                    s = np.interp(at, shape.road_s[order], (np.arange(len(shape.road_s)) * shape.step)[order])
                    found.add((signals[signal.id], lane, float(s)))
    return [StopLine(*line) for line in sorted(found)]


def _lanes_of(signal: SignalFacts, lanes: list[int], shapes: list[LaneShape], referred: bool) -> list[int]:
    ranges = [tuple(sorted(r)) for r in signal.validity if r != (0, 0)]
    if ranges:
        valid = [k for k in lanes if any(low <= shapes[k].lane_id <= high for low, high in ranges)]
        if len({shapes[k].forward for k in valid}) == 1:
            return valid
    elif signal.validity and referred:
        return []
    else:
        valid = lanes
    facing = {"+": 1, "-": -1}.get(signal.orientation, 0)
    return [k for k in valid if facing == 0 or (shapes[k].road_s[-1] > shapes[k].road_s[0]) == (facing > 0)]


class _Surroundings:
    """Places beside roads, from the innermost lanes' shapes."""

    def __init__(
        self,
        facts: MapFacts,
        shapes: list[LaneShape],
        rows: dict[tuple[int, int, int], int],
        sections: list[list[tuple[float, float, tuple[LaneFacts, ...], bool]]],
    ) -> None:
        self.facts, self.shapes, self.rows, self.sections = facts, shapes, rows, sections

    def pose(self, road_row: int, s: float, t: float) -> tuple[float, float, float, float] | None:
        """Return x, y, z and the road's heading at (s, t), None where the road has no shape."""
        road = self.facts.roads[road_row]
        at = min(max(s, 0.0), road.length)
        sections = self.sections[road_row]
        section = max((k for k, (start, *_) in enumerate(sections) if start <= at), default=0)
        for lane_id in (-1, 1):
            row = self.rows.get((road_row, section, lane_id))
            if row is None:
                continue
            shape = self.shapes[row]
            s_at = np.array([at])
            x, y, z = (float(_at_s(shape, s_at, shape.xyz[:, k])[0]) for k in range(3))
            heading = float(_at_s(shape, s_at, shape.heading)[0])
            if shape.road_s[-1] < shape.road_s[0]:
                heading += math.pi
            centre = float(_at_s(shape, s_at, shape.road_t)[0])
            over = s - at
            left = t - centre
            cos, sin = math.cos(heading), math.sin(heading)
            return x + over * cos - left * sin, y + over * sin + left * cos, z, heading
        return None

    def polygon(self, road_row: int, box: BoxFacts) -> Floats | None:
        """Return the corners (k, 2) of an outline in the world."""
        base = self.pose(road_row, box.s, box.t)
        if base is None:
            return None
        cos, sin = math.cos(base[3] + box.hdg), math.sin(base[3] + box.hdg)
        points = []
        for a, b, on_road in box.corners:
            if on_road:
                pose = self.pose(road_row, a, b)
                if pose is None:
                    return None
                points.append((pose[0], pose[1]))
            else:
                points.append((base[0] + a * cos - b * sin, base[1] + a * sin + b * cos))
        return np.array(points)

    def box(self, road_row: int, box: BoxFacts) -> tuple[float, ...] | None:
        """Return x, y, z, yaw, length, width, height of what stands there, None for crossings."""
        base = self.pose(road_row, box.s, box.t)
        if box.crossing or base is None:
            return None
        x, y, z, yaw = base[0], base[1], base[2] + box.z, base[3] + box.hdg
        if not box.corners:
            return x, y, z, yaw, box.length, box.width, box.height
        polygon = self.polygon(road_row, box)
        if polygon is None:
            return None
        cos, sin = math.cos(yaw), math.sin(yaw)
        local = (polygon - (x, y)) @ np.array([[cos, -sin], [sin, cos]])
        low, high = local.min(axis=0), local.max(axis=0)
        u, v = (low + high) / 2
        length, width = high - low
        if length <= 0.0 or width <= 0.0:
            return None
        return x + u * cos - v * sin, y + u * sin + v * cos, z, yaw, float(length), float(width), box.height
