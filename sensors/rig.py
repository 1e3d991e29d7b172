"""The rig: all sensors of the ego, read from a file, built for a case, asked once a tick."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sensors.config import DeviceConfig
from sensors.device import Device, Kind
from twin.authored import AuthoredError, Node, Problem
from twin.authored import read as read_authored
from twin.case import Case, SensorSpec
from twin.catalog import Catalog
from twin.errors import InputError, UnknownName, nearest
from twin.ports import Probe, Truth
from twin.samples import Sample, Seen
from twin.state import WorldState

RIGS: Final = Path(__file__).resolve().parent.parent / "conf" / "rig"

SENSORS: Final = Catalog(
    "sensor",
    "sensors",
    {
        "detector": "sensors.detector:KIND",
        "gnss": "sensors.gnss:KIND",
        "ground_truth": "sensors.ground_truth:KIND_OF",
        "imu": "sensors.imu:KIND",
        "lanes": "sensors.lanes:KIND",
        "lidar": "sensors.lidar:KIND",
        "lights": "sensors.lights:KIND",
        "localiser": "sensors.localiser:KIND",
        "objects": "sensors.objects:OBJECTS",
        "wheels": "sensors.wheels:KIND",
    },
)

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def names() -> list[str]:
    """Return the names of the shipped rigs."""
    return sorted(p.stem for p in RIGS.glob("*.yaml"))


def read(name: str) -> tuple[SensorSpec, ...]:
    """Return the sensors of a shipped rig, or of the rig file at a path.

    Raises UnknownName for a name that nobody ships, AuthoredError with every problem of the file.
    """
    path = RIGS / f"{name}.yaml"
    if not _NAME.fullmatch(name) or not path.is_file():
        if not name.endswith((".yaml", ".yml")):
            raise UnknownName("rig", name, names())
        path = Path(name)
    document = read_authored(path)
    problems = list(document.problems)
    specs = _sensors(document.root, problems)
    if problems:
        raise AuthoredError(sorted(problems, key=lambda p: (p.line, p.col)))
    return specs


def _sensors(root: Node, problems: list[Problem]) -> tuple[SensorSpec, ...]:
    known = ("rig", "about", "sensors")
    for key in root.entries:
        if key not in known:
            problems.append(_at(root, key).problem(f"unknown key '{key}'", ", ".join(known), nearest(key, known) or ""))
    sensors = root.get("sensors")
    if root.kind != "map" or sensors is None or sensors.kind != "map":
        problems.append((sensors or root).problem("a rig needs 'sensors', a map", "sensors: {name: {kind: ...}}"))
        return ()
    specs = [s for name, (key, node) in sensors.entries.items() if (s := _sensor(name, key, node, problems))]
    known_names = {s.name for s in specs}
    for spec in specs:
        for source in _sources(spec.parameters):
            if source not in known_names:
                node = sensors.get(spec.name) or sensors
                at = node.get("sources") or node
                expected = "one of " + ", ".join(sorted(known_names - {spec.name}))
                hint = nearest(source, known_names) or ""
                problems.append(at.problem(f"no sensor of this rig is called '{source}'", expected, hint))
    return tuple(specs)


def _sensor(name: str, key: Node, node: Node, problems: list[Problem]) -> SensorSpec | None:
    if not _NAME.fullmatch(name):
        problems.append(key.problem(f"'{name}' is no name for a sensor", "lower case letters, digits and _"))
        return None
    kind_node = node.get("kind") if node.kind == "map" else None
    if kind_node is None or kind_node.kind != "text":
        problems.append(node.problem(f"'{name}' needs a kind", "kind: one of " + ", ".join(SENSORS)))
        return None
    if kind_node.text not in SENSORS:
        expected = "one of " + ", ".join(SENSORS)
        hint = nearest(kind_node.text, SENSORS) or ""
        problems.append(kind_node.problem(f"no sensor is called '{kind_node.text}'", expected, hint))
        return None
    kind: Kind = SENSORS.get(kind_node.text)
    given = {k: v.plain() for k, (_, v) in node.entries.items() if k != "kind"}
    try:
        config = kind.config.model_validate(given)
    except ValidationError as error:
        problems += [_problem(e, node, kind.config) for e in error.errors(include_url=False)]
        return None
    return SensorSpec(name, kind_node.text, config.model_dump(exclude_unset=True))


def _problem(error: ErrorDetails, node: Node, config: type[DeviceConfig]) -> Problem:
    here = node
    for step in error["loc"][:-1]:
        here = (here.get(str(step)) if here.kind == "map" else None) or here
    last = str(error["loc"][-1]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        known = list(config.model_fields)
        for step in error["loc"][:-1]:
            part = config.model_fields[str(step)].annotation if str(step) in config.model_fields else None
            known = list(getattr(part, "model_fields", known))
        at = _at(here, last)
        return at.problem(f"unknown key '{last}'", "one of " + ", ".join(known), nearest(last, known) or "")
    at = (here.get(last) if here.kind == "map" else None) or here
    message = error["msg"].removeprefix("Value error, ")
    return at.problem(message)


def _at(node: Node, key: str) -> Node:
    return node.key(key) or node


def _sources(parameters: Mapping[str, object]) -> tuple[str, ...]:
    sources = parameters.get("sources", ())
    return tuple(str(s) for s in sources) if isinstance(sources, tuple | list) else ()


def build(specs: Sequence[SensorSpec], case: Case) -> dict[str, Device]:
    """Return a device for each spec, sources before those that use them.

    Raises InputError for parameters a kind does not take, a source that is missing, or sources in a circle.
    """
    devices: dict[str, Device] = {}
    waiting = list(specs)
    while waiting:
        ready = [s for s in waiting if all(source in devices for source in _sources(_config(s).model_dump()))]
        if not ready:
            stuck = ", ".join(s.name for s in waiting)
            raise InputError(f"the sources of {stuck} are missing from the rig, or go round in a circle")
        for spec in ready:
            kind: Kind = SENSORS.get(spec.kind)
            config = _config(spec)
            sources = {name: devices[name] for name in _sources(config.model_dump())}
            devices[spec.name] = Device(spec.name, spec.kind, config, case, kind.model, sources)
        waiting = [s for s in waiting if s.name not in devices]
    return devices


def _config(spec: SensorSpec) -> DeviceConfig:
    kind: Kind = SENSORS.get(spec.kind)
    try:
        return kind.config.model_validate(dict(spec.parameters))
    except ValidationError as error:
        raise InputError(f"sensor '{spec.name}': {error}") from error


class Rig:
    """All sensors of the ego. With `read`, only the named ones are computed, and whatever they fuse."""

    def __init__(self, specs: Sequence[SensorSpec], read: Iterable[str] | None = None) -> None:
        self._specs = tuple(specs)
        self._read = frozenset(s.name for s in self._specs) if read is None else frozenset(read)
        self._devices: tuple[Device, ...] = ()
        self._case: Case | None = None

    def reset(self, case: Case) -> None:
        """Build every device afresh for a case."""
        devices = build(self._specs, case)
        wanted: set[str] = set()
        queue = [name for name in self._read if name in devices]
        while queue:
            name = queue.pop()
            if name not in wanted:
                wanted.add(name)
                queue += devices[name].feeds
        self._devices = tuple(d for name, d in devices.items() if name in wanted and d.sends)
        self._case = case

    def sense(self, state: WorldState, probe: Probe) -> Seen:
        """Return what arrived since the last tick, by arrival, then in the order of the rig."""
        if self._case is None:
            raise InputError("the rig has not been reset to a case")
        truth = Truth(state, self._case, probe)
        samples: list[Sample] = []
        for device in self._devices:
            arrived = device.sense(truth)
            if device.name in self._read:
                samples += arrived
        samples.sort(key=lambda s: s.t_arrival_ns)
        return Seen(state.t_ns, tuple(samples))
