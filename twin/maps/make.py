"""Write the shipped maps: `python -m twin.maps.make [FOLDER]`. OpenDRIVE 1.6, right-hand traffic, metres."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

Pose = tuple[float, float, float]
Attributes = dict[str, str]

GEO_REFERENCE = "+proj=tmerc +lat_0=48.1 +lon_0=11.5 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"


def text_of(value: float) -> str:
    """Return a number as written into a map: to the micrometre, without a negative zero."""
    return repr(round(value, 6) + 0.0)


@dataclass(frozen=True)
class Shape:
    """A piece of a reference line: curvature goes linearly from `begin` to `end` [1/m]."""

    length: float
    begin: float = 0.0
    end: float = 0.0


def along(pose: Pose, shape: Shape) -> Pose:
    """Return the pose at the end of a shape that begins at `pose` (Simpson's rule on the heading)."""
    x, y, heading = pose
    count = 2 * max(8, math.ceil(shape.length / 2))
    slope = (shape.end - shape.begin) / shape.length
    step = shape.length / count
    for k in range(count + 1):
        s = k * step
        angle = heading + shape.begin * s + 0.5 * slope * s * s
        weight = step / 3 * (1 if k in (0, count) else 4 if k % 2 else 2)
        x += weight * math.cos(angle)
        y += weight * math.sin(angle)
    return x, y, heading + 0.5 * (shape.begin + shape.end) * shape.length


def bend(radius: float, angle: float, easing: float = 0.0) -> list[Shape]:
    """Return a curve that turns by `angle` (left +), with clothoids of length `easing` at both ends."""
    curvature = math.copysign(1.0 / radius, angle)
    arc = Shape(abs(angle) * radius - easing, curvature, curvature)
    return [Shape(easing, 0.0, curvature), arc, Shape(easing, curvature, 0.0)] if easing else [arc]


def turn(start: Pose, goal: Pose) -> list[Shape]:
    """Return a line and an arc (either may lack) from one pose to another; their tangents must meet ahead of both."""
    dx, dy = goal[0] - start[0], goal[1] - start[1]
    angle = (goal[2] - start[2] + math.pi) % (2 * math.pi) - math.pi
    if abs(angle) < 1e-9:
        return [Shape(math.hypot(dx, dy))]
    sin = math.sin(angle)
    before = (dx * math.sin(goal[2]) - dy * math.cos(goal[2])) / sin
    after = (dy * math.cos(start[2]) - dx * math.sin(start[2])) / sin
    tangent = min(before, after)
    curve = bend(tangent / math.tan(abs(angle) / 2), angle)
    lead, tail = before - tangent, after - tangent
    return [*([Shape(lead)] if lead > 1e-6 else []), *curve, *([Shape(tail)] if tail > 1e-6 else [])]


@dataclass(frozen=True)
class Lane:
    """A lane of a section: `widths` are (s offset, width, change per metre)."""

    id: int
    kind: str
    widths: tuple[tuple[float, float, float], ...]
    before: int | None = None
    after: int | None = None


@dataclass
class RoadText:
    """A road to be written. Links are OpenDRIVE's predecessor and successor elements as attributes."""

    id: str
    start: Pose
    shapes: Sequence[Shape]
    sections: Sequence[tuple[float, Sequence[Lane]]]
    kind: str
    speed_kmh: float
    junction: str = "-1"
    before: Attributes | None = None
    after: Attributes | None = None
    offset: float = 0.0
    offset_change: float = 0.0
    heights: Sequence[tuple[float, float, float, float, float]] = ()
    signals: Sequence[Attributes] = ()
    objects: Sequence[tuple[Attributes, Sequence[tuple[float, float]]]] = ()

    @property
    def length(self) -> float:
        return sum(shape.length for shape in self.shapes)

    @property
    def end(self) -> Pose:
        pose = self.start
        for shape in self.shapes:
            pose = along(pose, shape)
        return pose

    def write(self, root: Element) -> None:
        road = SubElement(root, "road", name="", length=text_of(self.length), id=self.id, junction=self.junction)
        link = SubElement(road, "link")
        for name, target in (("predecessor", self.before), ("successor", self.after)):
            if target is not None:
                SubElement(link, name, target)
        kind = SubElement(road, "type", s="0", type=self.kind)
        SubElement(kind, "speed", max=f"{self.speed_kmh:g}", unit="km/h")
        self._write_plan(SubElement(road, "planView"))
        profile = SubElement(road, "elevationProfile")
        for height in self.heights:
            SubElement(profile, "elevation", dict(zip(("s", "a", "b", "c", "d"), (f"{v:.12g}" for v in height))))
        self._write_lanes(SubElement(road, "lanes"))
        objects = SubElement(road, "objects")
        for attributes, corners in self.objects:
            item = SubElement(objects, "object", attributes)
            if corners:
                outline = SubElement(SubElement(item, "outlines"), "outline", id="0", closed="true")
                for s, t in corners:
                    SubElement(outline, "cornerRoad", s=text_of(s), t=text_of(t), dz="0", height="0")
        signals = SubElement(road, "signals")
        for attributes in self.signals:
            SubElement(signals, "signal", attributes)

    def _write_plan(self, plan: Element) -> None:
        pose, s = self.start, 0.0
        for shape in self.shapes:
            geometry = SubElement(
                plan,
                "geometry",
                s=text_of(s),
                x=text_of(pose[0]),
                y=text_of(pose[1]),
                hdg=f"{pose[2]:.12g}",
                length=text_of(shape.length),
            )
            if shape.begin != shape.end:
                SubElement(geometry, "spiral", curvStart=f"{shape.begin:.12g}", curvEnd=f"{shape.end:.12g}")
            elif shape.begin:
                SubElement(geometry, "arc", curvature=f"{shape.begin:.12g}")
            else:
                SubElement(geometry, "line")
            pose, s = along(pose, shape), s + shape.length

    def _write_lanes(self, lanes: Element) -> None:
        SubElement(lanes, "laneOffset", s="0", a=text_of(self.offset), b=f"{self.offset_change:.12g}", c="0", d="0")
        for s, members in self.sections:
            section = SubElement(lanes, "laneSection", s=text_of(s))
            for side, sign in (("left", 1), ("center", 0), ("right", -1)):
                here = sorted((lane for lane in members if lane.id * sign > 0), key=lambda lane: -lane.id)
                if side == "center":
                    SubElement(SubElement(section, side), "lane", id="0", type="none", level="false")
                elif here:
                    group = SubElement(section, side)
                    for lane in here:
                        _write_lane(group, lane)


def _write_lane(group: Element, lane: Lane) -> None:
    element = SubElement(group, "lane", id=str(lane.id), type=lane.kind, level="false")
    link = SubElement(element, "link")
    for name, target in (("predecessor", lane.before), ("successor", lane.after)):
        if target is not None:
            SubElement(link, name, id=str(target))
    for offset, width, change in lane.widths:
        SubElement(element, "width", sOffset=text_of(offset), a=text_of(width), b=f"{change:.12g}", c="0", d="0")


@dataclass
class JunctionText:
    """A junction to be written: connections (incoming road, connecting road, from lane, to lane), its controllers."""

    id: str
    connections: list[tuple[str, str, int, int]] = field(default_factory=list)
    controllers: list[str] = field(default_factory=list)

    def write(self, root: Element) -> None:
        junction = SubElement(root, "junction", name="", id=self.id)
        ways: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for incoming, connecting, one, other in self.connections:
            ways.setdefault((incoming, connecting), []).append((one, other))
        for k, ((incoming, connecting), links) in enumerate(ways.items()):
            connection = SubElement(
                junction,
                "connection",
                {"id": str(k), "incomingRoad": incoming, "connectingRoad": connecting, "contactPoint": "start"},
            )
            for one, other in links:
                SubElement(connection, "laneLink", {"from": str(one), "to": str(other)})
        for name in self.controllers:
            SubElement(junction, "controller", id=name, type="0")


@dataclass
class MapText:
    """A whole map to be written."""

    name: str
    roads: list[RoadText] = field(default_factory=list)
    junctions: list[JunctionText] = field(default_factory=list)
    controllers: dict[str, list[str]] = field(default_factory=dict)

    def text(self) -> str:
        root = Element("OpenDRIVE")
        header = SubElement(root, "header", revMajor="1", revMinor="6", name=self.name, version="1")
        SubElement(header, "geoReference").text = GEO_REFERENCE
        for road in self.roads:
            road.write(root)
        for name, signals in self.controllers.items():
            controller = SubElement(root, "controller", name="", id=name)
            for signal in signals:
                SubElement(controller, "control", signalId=signal, type="0")
        for junction in self.junctions:
            junction.write(root)
        indent(root, " ")
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def to_road(road: str, contact: str) -> Attributes:
    return {"elementType": "road", "elementId": road, "contactPoint": contact}


def to_junction(junction: str) -> Attributes:
    return {"elementType": "junction", "elementId": junction}


def profile(kinds: Sequence[tuple[str, float]], sides: Sequence[int] = (1, -1)) -> list[Lane]:
    """Return lanes of constant width from the middle outwards, the same on every side."""
    return [Lane(side * (k + 1), kind, ((0.0, width, 0.0),)) for side in sides for k, (kind, width) in enumerate(kinds)]


def motorway_3_lanes() -> MapText:
    """Two carriageways of three lanes, hard shoulder and median, 6.2 km, gentle bends both ways, 130 km/h."""
    lanes = profile([("median", 2.0), *[("driving", 3.75)] * 3, ("shoulder", 3.0)])
    shapes = [Shape(1500.0), *bend(2500.0, 0.5, 200.0), Shape(800.0), *bend(1800.0, -0.6, 200.0)]
    shapes.append(Shape(6200.0 - sum(shape.length for shape in shapes)))
    return MapText("motorway_3_lanes", [RoadText("1", (0.0, 0.0, 0.0), shapes, [(0.0, lanes)], "motorway", 130.0)])


def heights(knots: Sequence[tuple[float, float, float]]) -> list[tuple[float, float, float, float, float]]:
    """Return the cubic pieces through knots (s, height, grade)."""
    out = []
    for (s, z, g), (s2, z2, g2) in pairwise(knots):
        d = s2 - s
        out.append((s, z, g, (3 * (z2 - z) / d - 2 * g - g2) / d, (2 * (z - z2) / d + g + g2) / d**2))
    return out


def rural_curves() -> MapText:
    """A two-way country road of 4 km: bends of 120 to 500 m radius, a crest, a dip, grades to 7 %, 100 km/h."""
    shapes = [Shape(500.0)]
    for radius, angle in ((500.0, 0.7), (250.0, -1.2), (150.0, 1.5), (300.0, -1.0), (120.0, 1.4), (400.0, -0.8)):
        shapes += [*bend(radius, angle, 50.0), Shape(200.0)]
    shapes.append(Shape(4000.0 - sum(shape.length for shape in shapes)))
    knots = [(0.0, 0.0, 0.0), (600.0, 6.0, 0.02), (1100.0, 36.0, 0.07), (1500.0, 46.0, -0.03)]
    knots += [(2200.0, 16.0, -0.05), (2700.0, 8.0, 0.02), (3300.0, 32.0, 0.05), (4000.0, 45.0, 0.0)]
    lanes = profile([("driving", 3.5), ("shoulder", 1.0)])
    road = RoadText("1", (0.0, 0.0, 0.0), shapes, [(0.0, lanes)], "rural", 100.0, heights=heights(knots))
    return MapText("rural_curves", [road])


def ramp_merge() -> MapText:
    """Two lanes that take in a ramp: 250 m acceleration lane, the last 50 m taper to nothing; 130 km/h."""
    width = 3.5

    def lane(number: int, kind: str = "driving", **links: int) -> Lane:
        return Lane(-number, kind, ((0.0, width, 0.0),), **links)

    through = [lane(1, before=-1, after=-1), lane(2, before=-2, after=-2)]
    main = RoadText("1", (0.0, 0.0, 0.0), [Shape(1000.0)], [(0.0, [lane(1), lane(2)])], "motorway", 130.0)
    main.after = to_junction("100")
    joint = Shape(40.0)
    way = RoadText("10", (1000.0, 0.0, 0.0), [joint], [(0.0, through)], "motorway", 130.0, "100")
    way.before, way.after = to_road("1", "end"), to_road("2", "start")
    merge = RoadText(
        "11", (1000.0, -2 * width, 0.0), [joint], [(0.0, [lane(1, before=-1, after=-3)])], "motorway", 130.0, "100"
    )
    merge.before, merge.after = to_road("3", "end"), to_road("2", "start")
    taper = Lane(-3, "driving", ((0.0, width, 0.0), (200.0, width, -width / 50.0)))
    wide = [lane(1, after=-1), lane(2, after=-2), taper]
    ahead = RoadText(
        "2",
        (1040.0, 0.0, 0.0),
        [Shape(1460.0)],
        [(0.0, wide), (250.0, [lane(1, before=-1), lane(2, before=-2), Lane(-3, "shoulder", ((0.0, 2.5, 0.0),))])],
        "motorway",
        130.0,
    )
    ahead.before = to_junction("100")
    shapes = [Shape(150.0), *bend(80.0, 1.0, 30.0), Shape(40.0), *bend(150.0, -0.6, 30.0), Shape(60.0)]
    x, y, heading = 0.0, 0.0, 0.0
    for shape in shapes:
        x, y, heading = along((x, y, heading), shape)
    cos, sin = math.cos(-heading), math.sin(-heading)
    start = (1000.0 - (x * cos - y * sin), -2 * width - (x * sin + y * cos), -heading)
    ramp = RoadText("3", start, shapes, [(0.0, [lane(1)])], "motorway", 80.0)
    ramp.after = to_junction("100")
    junction = JunctionText("100", [("1", "10", -1, -1), ("1", "10", -2, -2), ("3", "11", -1, -1)])
    return MapText("ramp_merge", [main, ahead, ramp, way, merge], [junction])


LANE, PARKING, SIDEWALK = 3.5, 2.2, 2.5
ARM_LANES = profile([("driving", LANE), ("parking", PARKING), ("sidewalk", SIDEWALK)])
CURB = LANE + PARKING


def beside(pose: Pose, left: float) -> Pose:
    """Return the pose moved to its left."""
    return pose[0] - left * math.sin(pose[2]), pose[1] + left * math.cos(pose[2]), pose[2]


def crossing(number: str, s: float, half_width: float) -> tuple[Attributes, Sequence[tuple[float, float]]]:
    """Return a pedestrian crossing 4 m long around s, from kerb to kerb."""
    attributes = {"id": number, "type": "crosswalk", "s": text_of(s), "t": "0", "zOffset": "0", "hdg": "0"}
    attributes |= {"orientation": "none", "length": "4", "width": text_of(2 * half_width)}
    corners = [(s - 2, -half_width), (s + 2, -half_width), (s + 2, half_width), (s - 2, half_width)]
    return attributes, corners


def building(
    number: str, s: float, t: float, size: tuple[float, float, float]
) -> tuple[Attributes, Sequence[tuple[float, float]]]:
    length, width, height = (text_of(v) for v in size)
    attributes = {"id": number, "type": "building", "s": text_of(s), "t": text_of(t), "zOffset": "0", "hdg": "0"}
    return {**attributes, "orientation": "none", "length": length, "width": width, "height": height}, []


def light(number: str, s: float, t: float, facing: str) -> Attributes:
    return {
        **{"id": number, "s": text_of(s), "t": text_of(t), "zOffset": "3", "dynamic": "yes", "orientation": facing},
        **{"type": "1000001", "subtype": "-1", "country": "OpenDRIVE", "height": "1", "width": "0.35", "value": "-1"},
    }


@dataclass
class Arm:
    """Where a two-way road meets a junction: the road, which of its ends, and the pose of its middle, looking out."""

    road: RoadText
    at_end: bool
    out: Pose

    @property
    def entry(self) -> Pose:
        """Return where traffic enters the junction."""
        x, y, heading = beside(self.out, LANE / 2)
        return x, y, heading + math.pi

    @property
    def exit(self) -> Pose:
        return beside(self.out, -LANE / 2)

    @property
    def lane_in(self) -> int:
        return -1 if self.at_end else 1

    @property
    def contact(self) -> str:
        return "end" if self.at_end else "start"


def way_through(number: str, junction: JunctionText, one: Arm, other: Arm, speed_kmh: float) -> RoadText:
    """Return the connecting road from one arm to another, and note it in the junction."""
    junction.connections.append((one.road.id, number, one.lane_in, -1))
    lane = Lane(-1, "driving", ((0.0, LANE, 0.0),), before=one.lane_in, after=-other.lane_in)
    return RoadText(
        number,
        one.entry,
        turn(one.entry, other.exit),
        [(0.0, [lane])],
        "town",
        speed_kmh,
        junction.id,
        to_road(one.road.id, one.contact),
        to_road(other.road.id, other.contact),
        LANE / 2,
    )


def urban_grid() -> MapText:
    """Nine signalised crossroads 200 m apart, one lane each way, parking, sidewalks, crossings, houses; 50 km/h."""
    spacing, radius, outside = 200.0, 15.0, 160.0
    town = MapText("urban_grid")
    arms: dict[tuple[int, int], list[Arm]] = {(i, j): [] for i in range(3) for j in range(3)}
    number = 0
    for horizontal in (True, False):
        heading = 0.0 if horizontal else math.pi / 2
        for line in range(3):
            for k in range(4):
                number += 1
                low = -outside - radius if k == 0 else (k - 1) * spacing
                high = 2 * spacing + radius + outside if k == 3 else k * spacing
                begin, end = low + (radius if k else 0.0), high - (radius if k < 3 else 0.0)
                here = line * spacing
                start = (begin, here, heading) if horizontal else (here, begin, heading)
                road = RoadText(str(number), start, [Shape(end - begin)], [(0.0, ARM_LANES)], "town", 50.0)
                nodes = [(k - 1, line), (k, line)] if horizontal else [(line, k - 1), (line, k)]
                _urban_road(road, nodes[0] if k else None, nodes[1] if k < 3 else None, arms)
                town.roads.append(road)
    for (i, j), around in sorted(arms.items()):
        junction = JunctionText(str(100 + 3 * i + j))
        around.sort(key=lambda arm: round(arm.out[2] / (math.pi / 2)) % 4)
        for one in around:
            for other in around:
                if one is not other:
                    number += 1
                    town.roads.append(way_through(str(number), junction, one, other, 50.0))
        for axis in range(2):
            controller = f"{junction.id}{axis}"
            signals = [signal_name(arm) for arm in around if round(arm.out[2] / (math.pi / 2)) % 2 == axis]
            town.controllers[controller] = signals
            junction.controllers.append(controller)
        town.junctions.append(junction)
    return town


def signal_name(arm: Arm) -> str:
    return f"{arm.road.id}{'2' if arm.at_end else '1'}"


def _urban_road(
    road: RoadText,
    before: tuple[int, int] | None,
    after: tuple[int, int] | None,
    arms: dict[tuple[int, int], list[Arm]],
) -> None:
    """Add what stands along a street and tie its ends to the junctions."""
    length, signals, objects = road.length, [], []
    for node, at_end in ((before, False), (after, True)):
        if node is None:
            continue
        x, y, heading = road.end if at_end else road.start
        arm = Arm(road, at_end, (x, y, heading + math.pi if at_end else heading))
        arms[node].append(arm)
        link = to_junction(str(100 + 3 * node[0] + node[1]))
        if at_end:
            road.after = link
        else:
            road.before = link
        s = length - 7.0 if at_end else 7.0
        signals.append(light(signal_name(arm), s, -CURB - 0.5 if at_end else CURB + 0.5, "+" if at_end else "-"))
        objects.append(crossing(f"{signal_name(arm)}9", length - 3.5 if at_end else 3.5, CURB))
    count = int((length - 30.0) // 45.0)
    gap = (length - 30.0) / count
    for k in range(count):
        for side in (-1, 1):
            size = (gap - 8.0, 14.0, 9.0 + 3.0 * ((k + (side > 0)) % 3))
            objects.append(
                building(f"{road.id}{k}{(side + 1) // 2}", 15.0 + (k + 0.5) * gap, side * (CURB + SIDEWALK + 9.0), size)
            )
    road.signals, road.objects = signals, objects


def roundabout() -> MapText:
    """A roundabout of one lane, 18 m radius, with four two-way arms of 200 m, crossings before it; 50 and 30 km/h."""
    radius, mouth, half, width = 18.0, 40.0, math.radians(25.0), 4.5
    town = MapText("roundabout")
    ring_lane = Lane(-1, "driving", ((0.0, width, 0.0),))
    lanes = profile([("driving", LANE), ("sidewalk", SIDEWALK)])
    arms, rings = [], []
    for k in range(4):
        angle = k * math.pi / 2
        out = (mouth * math.cos(angle), mouth * math.sin(angle), angle)
        arm = RoadText(str(k + 1), out, [Shape(200.0)], [(0.0, lanes)], "town", 50.0, before=to_junction(str(100 + k)))
        arm.objects = [crossing(f"{k + 1}9", 4.0, LANE)]
        arms.append(Arm(arm, False, out))
        on_ring = angle + half
        start = (radius * math.cos(on_ring), radius * math.sin(on_ring), on_ring + math.pi / 2)
        ring = RoadText(
            str(k + 5),
            start,
            bend(radius, math.pi / 2 - 2 * half),
            [(0.0, [ring_lane])],
            "town",
            30.0,
            before=to_junction(str(100 + k)),
            after=to_junction(str(100 + (k + 1) % 4)),
            offset=width / 2,
        )
        rings.append(ring)
    ways = []
    for k, mouth_of in enumerate(arms):
        junction = JunctionText(str(100 + k))
        comes, goes = rings[k - 1], rings[k]
        leaves_arm, leaves_ring = (
            (mouth_of.road, "start", 1, mouth_of.entry, LANE),
            (comes, "end", -1, comes.end, width),
        )
        joins_arm, joins_ring = (
            (mouth_of.road, "start", -1, mouth_of.exit, LANE),
            (goes, "start", -1, goes.start, width),
        )
        for n, (one, other) in enumerate(
            ((leaves_ring, joins_ring), (leaves_arm, joins_ring), (leaves_ring, joins_arm)), start=1
        ):
            ways.append(_ring_way(f"{k + 1}{n}", junction, one, other, radius))
        town.junctions.append(junction)
    town.roads = [*(arm.road for arm in arms), *rings, *ways]
    return town


RingEnd = tuple[RoadText, str, int, Pose, float]  # road, which end, lane id, pose of the lane's centre, its width


def _ring_way(number: str, junction: JunctionText, one: RingEnd, other: RingEnd, radius: float) -> RoadText:
    """Return a connecting road of a roundabout whose lane widens evenly; ring to ring it follows the circle."""
    angle = (other[3][2] - one[3][2] + math.pi) % (2 * math.pi) - math.pi
    on_ring = one[1] == "end" and other[2] == -1 and angle > 0
    shapes = bend(radius, angle) if on_ring else turn(one[3], other[3])
    change = (other[4] - one[4]) / sum(shape.length for shape in shapes)
    lane = Lane(-1, "driving", ((0.0, one[4], change),), before=one[2], after=other[2])
    junction.connections.append((one[0].id, number, one[2], -1))
    return RoadText(
        number,
        one[3],
        shapes,
        [(0.0, [lane])],
        "town",
        30.0,
        junction.id,
        to_road(one[0].id, one[1]),
        to_road(other[0].id, other[1]),
        one[4] / 2,
        change / 2,
    )


MAPS: tuple[Callable[[], MapText], ...] = (motorway_3_lanes, urban_grid, rural_curves, roundabout, ramp_merge)


def main(folder: Path) -> None:
    """Write every map into `folder`."""
    for make in MAPS:
        made = make()
        (folder / f"{made.name}.xodr").write_text(made.text(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
