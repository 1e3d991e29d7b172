"""What exists, by kind: a name and one line about it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from defusedxml import ElementTree

from hil.drivers import DRIVERS
from reports.metrics import METRICS
from scenarios.suite import HOME, LIBRARY, SUITES, names
from sensors.rig import RIGS, SENSORS
from twin.authored import AuthoredError, read
from twin.catalog import Catalog
from twin.engines import ENGINES
from twin.errors import UnknownName
from twin.faults import FAULTS
from twin.odd import read as read_odd
from twin.road.library import find_map, map_names
from twin.state import KIND_NAMES
from twin.vehicle import BODIES

Row = tuple[str, str]


def rows_of(what: str) -> list[Row]:
    """Return the rows of one kind. Raises UnknownName."""
    if what not in KINDS:
        raise UnknownName("list", what, KINDS)
    return KINDS[what]()


def _of_catalog(catalog: Catalog) -> list[Row]:
    return [(name, _about(catalog.get(name))) for name in catalog]


def _about(thing: object) -> str:
    """Return the first sentence of what a thing says about itself, or of the module it lives in."""
    for source in (thing, importlib.import_module(getattr(thing, "__module__", "builtins"))):
        for text in (getattr(source, "about", None), getattr(source, "__doc__", None)):
            if isinstance(text, str) and text.strip():
                return " ".join(text.strip().split("\n\n")[0].split())
    return ""


def _authored(folder: Path) -> list[Row]:
    return [(name, _say(folder / f"{name}.yaml")) for name in names(folder)]


def _say(path: Path) -> str:
    """Return the `about` of an authored file, or what is wrong with it."""
    try:
        node = read(path).root.get("about")
    except AuthoredError as error:
        return str(error).splitlines()[0]
    return node.text if node is not None else ""


def _bodies() -> list[Row]:
    return [(name, f"{KIND_NAMES[b.kind]}, {b.length:g} x {b.width:g} x {b.height:g} m") for name, b in BODIES.items()]


def _maps() -> list[Row]:
    return [(name, _extent(find_map(name))) for name in map_names()]


def _extent(path: Path) -> str:
    root = ElementTree.parse(path).getroot()
    roads, junctions = root.findall("road"), root.findall("junction")
    lights = sum(signal.get("dynamic") == "yes" for signal in root.iter("signal"))
    kilometres = sum(float(road.get("length", "0")) for road in roads) / 1000.0
    counted = ((len(roads), "road"), (len(junctions), "junction"), (lights, "light"))
    return ", ".join([f"{kilometres:.1f} km", *(f"{n} {word}{'s' * (n > 1)}" for n, word in counted if n)])


def _faults() -> list[Row]:
    return [(kind.name, f"{kind.about} On: {', '.join(sorted(kind.applies_to))}.") for kind in FAULTS.values()]


def _odds() -> list[Row]:
    folder = HOME / "odd"
    return [(name, read_odd(folder / f"{name}.yaml").title) for name in names(folder)]


KINDS: Final[Mapping[str, Callable[[], list[Row]]]] = {
    "engines": lambda: _of_catalog(ENGINES),
    "maps": _maps,
    "vehicles": _bodies,
    "drivers": lambda: _of_catalog(DRIVERS),
    "sensors": lambda: _of_catalog(SENSORS),
    "rigs": lambda: _authored(RIGS),
    "faults": _faults,
    "metrics": lambda: _of_catalog(METRICS),
    "odds": _odds,
    "scenarios": lambda: _authored(LIBRARY),
    "suites": lambda: _authored(SUITES),
}
