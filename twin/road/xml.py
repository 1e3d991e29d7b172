"""OpenDRIVE text to plain facts: what a map says, before any geometry.

Reads OpenDRIVE 1.4 to 1.8 (ASAM). Nothing in a file is executed: document type definitions, entities and external
references are refused, sizes are limited, numbers must be finite. Every complaint is a MapError with the road it is in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from twin.errors import MapError
from twin.road.arrays import BIKING, DRIVING, OTHER, PARKING, SHOULDER, SIDEWALK

MOST_BYTES = 256 * 1024 * 1024
MOST_LANES = 200  # on one side of a section
MOST_LENGTH = 2.0e6  # of all lanes together [m]

LANE_KINDS = {
    **dict.fromkeys(("driving", "entry", "exit", "onramp", "offramp", "connectingramp", "sliplane"), DRIVING),
    **dict.fromkeys(("bus", "taxi", "hov", "mwyentry", "mwyexit"), DRIVING),
    **dict.fromkeys(("shoulder", "stop"), SHOULDER),
    **dict.fromkeys(("sidewalk", "walking"), SIDEWALK),
    "parking": PARKING,
    "biking": BIKING,
}
_SPEED_UNITS = {"m/s": 1.0, "km/h": 1 / 3.6, "kph": 1 / 3.6, "mph": 0.44704}


@dataclass(frozen=True, slots=True)
class LaneFacts:
    """A lane of a section: its OpenDRIVE id, kind, the ids it is linked to, and its speed limits by s offset [m/s]."""

    id: int
    kind: int
    predecessors: tuple[int, ...]
    successors: tuple[int, ...]
    speeds: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class SectionFacts:
    """A lane section from s to the next one, or the road's end."""

    s: float
    end: float
    lanes: tuple[LaneFacts, ...]


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """What a road's end touches: another road's start or end, or a junction."""

    junction: bool
    id: str
    contact: str  # "start" or "end", "" for a junction


@dataclass(frozen=True, slots=True)
class SignalFacts:
    """A signal, or a reference to one, on a road. `validity` are the lane id ranges it is for, empty = all."""

    id: str
    s: float
    orientation: str
    validity: tuple[tuple[int, int], ...]
    dynamic: bool
    reference: bool


@dataclass(frozen=True, slots=True)
class BoxFacts:
    """A box beside the road in road coordinates, or (`corners`) the polygon of a crossing or outline."""

    s: float
    t: float
    z: float
    hdg: float
    length: float
    width: float
    height: float
    corners: tuple[tuple[float, float, bool], ...]  # (u, v, False) in the object's frame or (s, t, True) of the road
    crossing: bool


@dataclass(frozen=True, slots=True)
class RoadFacts:
    id: str
    length: float
    junction: str  # "" outside
    left_hand: bool
    predecessor: LinkFacts | None
    successor: LinkFacts | None
    sections: tuple[SectionFacts, ...]
    speeds: tuple[tuple[float, float], ...]  # (s, limit [m/s], nan = none)
    lane_offsets: tuple[tuple[float, float, float, float, float], ...]
    signals: tuple[SignalFacts, ...]
    objects: tuple[BoxFacts, ...]


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """A way through a junction: lanes of the incoming road joined to lanes of the connecting one."""

    incoming: str
    connecting: str
    contact: str
    links: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class MapFacts:
    """All of a file. `geometry` is OpenDRIVE text of the shapes alone: roads numbered from 0, moved by -origin."""

    roads: tuple[RoadFacts, ...]
    junctions: dict[str, tuple[ConnectionFacts, ...]]
    controllers: dict[str, tuple[str, ...]]
    junction_controllers: dict[str, tuple[str, ...]]
    geo_reference: str | None
    geo_offset: tuple[float, float, float]
    geometry: str
    origin: tuple[float, float]


def read_facts(text: bytes) -> MapFacts:
    """Read an OpenDRIVE file. Raises MapError."""
    if len(text) > MOST_BYTES:
        raise MapError(f"the file has {len(text) >> 20} MiB, more than the {MOST_BYTES >> 20} MiB that are read")
    try:
        root = fromstring(text, forbid_dtd=True)
    except DefusedXmlException as refused:
        raise MapError(
            f"the file declares a document type or entities ({type(refused).__name__}), "
            "which are never read; remove the <!DOCTYPE>"
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        raise MapError(f"the file is not well-formed XML: {error}") from None
    for element in root.iter():
        if isinstance(element.tag, str) and "}" in element.tag:
            element.tag = element.tag.rpartition("}")[2]
    if root.tag != "OpenDRIVE":
        raise MapError(f"the file is not OpenDRIVE: its root is <{str(root.tag)[:40]}>, <OpenDRIVE> was expected")
    elements = root.findall("road")
    if not elements:
        raise MapError("the file has no <road>")
    roads = tuple(_road(element) for element in elements)
    names = [road.id for road in roads]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise MapError(f"road ids must be unique; used more than once: {', '.join(twice[:5])}")
    total = sum((section.end - section.s) * len(section.lanes) for road in roads for section in road.sections)
    if total > MOST_LENGTH:
        raise MapError(f"its lanes are {total / 1000:.0f} km long together, more than {MOST_LENGTH / 1000:.0f} km")
    header = root.find("header")
    geo = header.find("geoReference") if header is not None else None
    offset = header.find("offset") if header is not None else None
    geometry, origin = _geometry(elements)
    return MapFacts(
        roads=roads,
        junctions={
            junction.get("id", ""): tuple(_connection(c) for c in junction.findall("connection"))
            for junction in root.findall("junction")
        },
        controllers={
            controller.get("id", ""): tuple(dict.fromkeys(c.get("signalId", "") for c in controller.findall("control")))
            for controller in root.findall("controller")
        },
        junction_controllers={
            junction.get("id", ""): tuple(dict.fromkeys(c.get("id", "") for c in junction.findall("controller")))
            for junction in root.findall("junction")
        },
        geo_reference=(geo.text or "").strip() or None if geo is not None else None,
        geo_offset=(0.0, 0.0, 0.0)
        if offset is None
        else (number(offset, "x", 0.0), number(offset, "y", 0.0), number(offset, "z", 0.0)),
        geometry=geometry,
        origin=origin,
    )


def number(element: Element, name: str, default: float | None = None) -> float:
    """Return a finite attribute. Raises MapError naming the element."""
    written = element.get(name)
    if written is None or not written.strip():
        if default is None:
            raise MapError(f"<{element.tag}> lacks the attribute '{name}'")
        return default
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > 1e12:
        raise MapError(f'<{element.tag} {name}="{written[:40]}"> is not a usable number')
    return value


def _integer(element: Element, name: str) -> int:
    value = number(element, name)
    if value != int(value) or abs(value) > 1_000_000:
        raise MapError(f'<{element.tag} {name}="{(element.get(name) or "")[:40]}"> is not a whole number')
    return int(value)


def _road(element: Element) -> RoadFacts:
    name = element.get("id", "")
    try:
        return _read_road(element, name)
    except MapError as error:
        raise MapError(f"road '{name[:40]}': {error}") from None


def _read_road(element: Element, name: str) -> RoadFacts:
    if not name:
        raise MapError("a <road> lacks the attribute 'id'")
    length = number(element, "length")
    if length <= 0.0:
        raise MapError(f"its length is {length:g} m")
    lanes = element.find("lanes")
    found = [] if lanes is None else lanes.findall("laneSection")
    if lanes is None or not found:
        raise MapError("it has no <laneSection>")
    if element.find("planView/geometry") is None:
        raise MapError("it has no <geometry> in its <planView>")
    starts = [number(section, "s") for section in found]
    if any(b < a for a, b in pairwise(starts)) or starts[0] < 0.0:
        raise MapError("its lane sections are not in ascending s")
    ends = [min(end, length) for end in (*starts[1:], length)]
    junction = element.get("junction", "-1").strip()
    return RoadFacts(
        id=name,
        length=length,
        junction="" if junction in ("", "-1") else junction,
        left_hand=element.get("rule", "RHT") == "LHT",
        predecessor=_link(element.find("link/predecessor")),
        successor=_link(element.find("link/successor")),
        sections=tuple(SectionFacts(s, end, _lanes(e)) for e, s, end in zip(found, starts, ends)),
        speeds=tuple(_road_speeds(element)),
        lane_offsets=tuple(
            (number(e, "s"), number(e, "a"), number(e, "b", 0.0), number(e, "c", 0.0), number(e, "d", 0.0))
            for e in lanes.findall("laneOffset")
        ),
        signals=tuple(_signals(element)),
        objects=tuple(_objects(element)),
    )


def _link(element: Element | None) -> LinkFacts | None:
    if element is None or not element.get("elementId"):
        return None
    junction = element.get("elementType") == "junction"
    return LinkFacts(junction, element.get("elementId", ""), "" if junction else element.get("contactPoint", "start"))


def _lanes(section: Element) -> tuple[LaneFacts, ...]:
    lanes = {}
    for element in section.findall("left/lane") + section.findall("right/lane"):
        lane = _integer(element, "id")
        if lane == 0:
            continue
        lanes[lane] = LaneFacts(
            id=lane,
            kind=LANE_KINDS.get(element.get("type", "none").lower(), OTHER),
            predecessors=tuple(_integer(link, "id") for link in element.findall("link/predecessor")),
            successors=tuple(_integer(link, "id") for link in element.findall("link/successor")),
            speeds=tuple(sorted((number(e, "sOffset", 0.0), _speed(e)) for e in element.findall("speed"))),
        )
    return tuple(lanes[key] for key in sorted(lanes))


def _speed(element: Element) -> float:
    """Return a limit [m/s]; nan for `no limit` and `undefined`."""
    written = element.get("max", "undefined").strip()
    if written in ("no limit", "undefined", ""):
        return math.nan
    unit = element.get("unit", "m/s").strip()
    if unit not in _SPEED_UNITS:
        raise MapError(f'<speed unit="{unit[:20]}">: known units are {", ".join(_SPEED_UNITS)}')
    value = number(element, "max") * _SPEED_UNITS[unit]
    return value if value > 0.0 else math.nan


def _road_speeds(element: Element) -> Iterator[tuple[float, float]]:
    for kind in element.findall("type"):
        speed = kind.find("speed")
        yield number(kind, "s", 0.0), math.nan if speed is None else _speed(speed)


def _signals(element: Element) -> Iterator[SignalFacts]:
    for signal in element.findall("signals/signal") + element.findall("signals/signalReference"):
        yield SignalFacts(
            id=signal.get("id", ""),
            s=number(signal, "s"),
            orientation=signal.get("orientation", "none"),
            validity=tuple((_integer(v, "fromLane"), _integer(v, "toLane")) for v in signal.findall("validity")),
            dynamic=signal.get("dynamic") == "yes",
            reference=signal.tag == "signalReference",
        )


def _objects(element: Element) -> Iterator[BoxFacts]:
    """Yield what stands beside the road, repeats spelled out, without what lies flat on it."""
    for item in element.findall("objects/object"):
        kind = (item.get("type") or "none").lower()
        if kind in ("roadmark", "patch", "parkingspace", "wind", "roadsurface"):
            continue
        radius = number(item, "radius", 0.0)
        length, width = (2 * radius or number(item, name, 0.0) for name in ("length", "width"))
        hdg = number(item, "hdg", 0.0)
        s, t, z = number(item, "s", 0.0), number(item, "t", 0.0), number(item, "zOffset", 0.0)
        height = number(item, "height", 0.0)
        repeats = item.findall("repeat")
        outlines = item.findall("outline") + item.findall("outlines/outline")
        if kind == "crosswalk":
            corners = _corners(outlines[0]) if outlines else _rectangle(length, width)
            if len(corners) >= 3:
                yield BoxFacts(s, t, z, hdg, length, width, height, corners, True)
        elif repeats:
            for repeat in repeats:
                yield from _repeated(repeat, hdg, (s, t, z, length, width, height))
        elif outlines:
            for outline in outlines:
                corners = _corners(outline)
                tall = max((number(c, "height", 0.0) for c in outline), default=0.0) or height
                if len(corners) >= 3 and tall > 0.0:
                    yield BoxFacts(s, t, z, hdg, length, width, tall, corners, False)
        elif length > 0.0 and width > 0.0 and height > 0.0:
            yield BoxFacts(s, t, z, hdg, length, width, height, (), False)


def _rectangle(length: float, width: float) -> tuple[tuple[float, float, bool], ...]:
    if length <= 0.0 or width <= 0.0:
        return ()
    u, v = length / 2, width / 2
    return ((u, v, False), (-u, v, False), (-u, -v, False), (u, -v, False))


def _corners(outline: Element) -> tuple[tuple[float, float, bool], ...]:
    local = [(number(c, "u"), number(c, "v"), False) for c in outline.findall("cornerLocal")]
    return tuple(local or [(number(c, "s"), number(c, "t"), True) for c in outline.findall("cornerRoad")])


def _repeated(repeat: Element, hdg: float, base: tuple[float, ...]) -> Iterator[BoxFacts]:
    """Yield the boxes of a repeated object; a continuous one (distance 0) is cut to pieces of at most 4 m."""
    _, base_t, base_z, base_length, base_width, base_height = base
    start, length = number(repeat, "s", base[0]), number(repeat, "length", 0.0)
    distance = number(repeat, "distance", 0.0)
    count = max(1, math.ceil(length / 4.0)) if distance <= 0.0 else int(length / distance + 1e-9) + 1
    if count > 20_000:
        raise MapError(f"an object is repeated {count} times")

    def at(name: str, default: float, part: float) -> float:
        a = number(repeat, f"{name}Start", default)
        return a + part * (number(repeat, f"{name}End", a) - a)

    for k in range(count):
        part = (k + 0.5) / count if distance <= 0.0 else k * distance / length if length > 0.0 else 0.0
        box_length = length / count if distance <= 0.0 else at("length", base_length, part)
        width = at("width", base_width, part) or (0.1 if distance <= 0.0 else 0.0)
        height = at("height", base_height, part)
        if box_length > 0.0 and width > 0.0 and height > 0.0:
            t, z = at("t", base_t, part), at("zOffset", base_z, part)
            turned = hdg if distance > 0.0 else 0.0
            yield BoxFacts(start + part * length, t, z, turned, box_length, width, height, (), False)


def _connection(element: Element) -> ConnectionFacts:
    return ConnectionFacts(
        incoming=element.get("incomingRoad", ""),
        connecting=element.get("connectingRoad") or element.get("linkedRoad") or "",
        contact=element.get("contactPoint", "start"),
        links=tuple((_integer(link, "from"), _integer(link, "to")) for link in element.findall("laneLink")),
    )


def _geometry(roads: list[Element]) -> tuple[str, tuple[float, float]]:
    """Return OpenDRIVE text with the shapes of the roads alone, moved near (0, 0), and where (0, 0) was.

    The reader of shapes answers in single precision, which would be half a metre in UTM coordinates.
    """
    first = roads[0].find("planView/geometry")
    assert first is not None
    origin = (float(round(number(first, "x"))), float(round(number(first, "y"))))
    root = Element("OpenDRIVE")
    header = SubElement(root, "header", revMajor="1", revMinor="4", name="", version="1.00")
    SubElement(header, "geoReference").text = "+proj=tmerc +lat_0=0 +lon_0=0"
    for row, road in enumerate(roads):
        try:
            _road_shape(road, SubElement(root, "road", name="", id=str(row), junction="-1"), origin)
        except MapError as error:
            raise MapError(f"road '{road.get('id', '')[:40]}': {error}") from None
    return tostring(root, encoding="unicode"), origin


def _road_shape(road: Element, out: Element, origin: tuple[float, float]) -> None:
    """Copy the reference line, the heights and the widths of a road."""
    out.set("length", repr(number(road, "length")))
    plan = SubElement(out, "planView")
    pieces = road.findall("planView/geometry")
    if number(pieces[0], "s") > 1e-3:
        raise MapError(f"its <planView> begins at s = {number(pieces[0], 's'):g} m")
    for geometry in pieces:
        moved = SubElement(
            plan,
            "geometry",
            s=repr(number(geometry, "s")),
            x=repr(number(geometry, "x") - origin[0]),
            y=repr(number(geometry, "y") - origin[1]),
            hdg=repr(number(geometry, "hdg")),
            length=repr(number(geometry, "length")),
        )
        for shape in geometry:
            if shape.tag in ("line", "arc", "spiral", "poly3", "paramPoly3"):
                written = {k: value if k == "pRange" else repr(number(shape, k)) for k, value in shape.attrib.items()}
                SubElement(moved, shape.tag, written)
        if len(moved) == 0:
            raise MapError("a <geometry> has no shape that is known")
    _profile(road, out)
    lanes = SubElement(out, "lanes")
    source = road.find("lanes")
    assert source is not None
    _pieces(lanes, source.findall("laneOffset"), "laneOffset", "s")
    for section in source.findall("laneSection"):
        _section(section, SubElement(lanes, "laneSection", s=repr(number(section, "s"))))


def _polynomial(element: Element, along: str) -> dict[str, str]:
    return {name: repr(number(element, name, 0.0)) for name in (along, "a", "b", "c", "d")}


def _pieces(out: Element, found: list[Element], tag: str, along: str) -> None:
    """Copy the pieces of a polynomial; where the first begins late, a zero before it (the reader needs one at 0)."""
    ordered = sorted(found, key=lambda piece: number(piece, along, 0.0))
    if not ordered or number(ordered[0], along, 0.0) > 0.0:
        SubElement(out, tag, {along: "0.0", "a": "0.0", "b": "0.0", "c": "0.0", "d": "0.0"})
    for piece in ordered:
        SubElement(out, tag, _polynomial(piece, along))


def _profile(road: Element, out: Element) -> None:
    heights = road.findall("elevationProfile/elevation")
    if heights:
        _pieces(SubElement(out, "elevationProfile"), heights, "elevation", "s")


def _section(section: Element, out: Element) -> None:
    """Copy the widths of a section; lane ids that are left out get a lane without width (the reader needs them all)."""
    for side, sign in (("left", 1), ("center", 0), ("right", -1)):
        group = SubElement(out, side)
        if sign == 0:
            SubElement(group, "lane", id="0", type="none", level="false")
            continue
        lanes = {abs(_integer(lane, "id")): lane for lane in section.findall(f"{side}/lane")}
        if any(_integer(lane, "id") * sign <= 0 for lane in lanes.values()):
            raise MapError(f"the {side} side of a lane section has lane ids of the other side")
        most = max(lanes, default=0)
        if most > MOST_LANES:
            raise MapError(f"a lane section has {most} lanes on one side, more than {MOST_LANES}")
        for k in range(most, 0, -1) if sign > 0 else range(1, most + 1):
            copy = SubElement(group, "lane", id=str(sign * k), type="driving", level="false")
            lane = lanes.get(k)
            borders = lane.findall("border") if lane is not None else []
            widths = lane.findall("width") if lane is not None else []
            if borders and not widths:
                _pieces(copy, borders, "border", "sOffset")
            else:
                _pieces(copy, widths, "width", "sOffset")
