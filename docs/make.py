"""Write the reference pages that follow from the code: `python docs/make.py`. A test holds them up to date."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, get_type_hints

from pydantic import BaseModel

from reports.metrics import METRICS
from sensors import quantities
from sensors.config import Clock, DeviceConfig, Link, Mount
from sensors.device import Kind
from sensors.lidar import PATTERNS
from sensors.rig import SENSORS
from twin.faults import FAULTS

_HERE: Final = Path(__file__).resolve().parent
_MADE: Final = "<!-- Written by docs/make.py from the code; edit there. -->\n"
_UNITS: Final = {
    **{"Metres": "m", "Distance": "m", "Radians": "rad", "Spread": "rad", "Seconds": "s", "Offset": "s"},
    **{"Hertz": "Hz", "PerSecond": "1/s", "Speed": "m/s", "Acceleration": "m/s^2", "TurnRate": "rad/s"},
    **{"Curvature": "1/m", "Nanoseconds": "ns"},
}


def pages() -> dict[str, str]:
    """Return the text of every generated page by file name."""
    return {"faults.md": faults(), "metrics.md": metrics(), "sensors.md": sensors()}


def faults() -> str:
    """Return the catalogue of faults as a page."""
    rows = [
        (
            f"`{kind.name}`",
            kind.about,
            ", ".join(sorted(kind.applies_to)),
            ", ".join(f"`{name}` {_amount(p.default, p.dimension)}" for name, p in kind.parameters.items()) or "–",
            kind.standard,
        )
        for kind in FAULTS.values()
    ]
    return "\n".join(
        [
            "# Faults\n",
            _MADE,
            "A fault is injected by an entry of `faults:` or by a `fault` action of the story:",
            "`{at: 3 s, for: 2 s, on: ego.lidar_front, fault: blackout}`. Without `for` it stays; `severity: 50 %` "
            "makes it",
            "half as hard, and severity 0 is bit-identical to no fault. A fault on one component never shifts a number "
            "of",
            "another. `on` names a sensor of the rig, or `ego.brake`, `ego.steer`, `ego.drive`. Limits of the "
            "environment are",
            "`triggering_conditions:`, never faults.\n",
            *_table(("fault", "what happens", "on", "parameters and defaults", "from"), rows),
        ]
    )


def metrics() -> str:
    """Return the catalogue of metrics as a page."""
    rows = []
    for name in METRICS:
        one: Any = METRICS.get(name)
        better = {"higher": "more", "lower": "less"}.get(one.better, "–")
        rows.append((f"`{name}`", "yes or no" if one.yes_no else one.unit, better, one.about, _absent(one.absent)))
    return "\n".join(
        [
            "# Metrics\n",
            _MADE,
            "A criterion asks a metric of the ego: `ttc: min >= 1 s`, `no_collision: true`; a formula reads it by "
            "name. The",
            'last column is what a formula reads where the metric does not apply; "–" makes what depends on it '
            "INCONCLUSIVE.\n",
            *_table(("metric", "unit", "better", "what it is", "where it does not apply"), rows),
        ]
    )


def sensors() -> str:
    """Return every sensor's model, settings and faults as a page."""
    out = [
        "# Sensors\n",
        _MADE,
        "A rig file (`conf/rig/*.yaml`) names the devices of the ego. Every sample passes geometry, physics, noise, "
        "device",
        "fault and transport, in this order, and carries three clocks: when it was true, what the device claims, when "
        "it",
        "arrives. Defaults below are in SI; a rig file writes quantities with units (`range: 200 m`).\n",
        "## What every device has\n",
        *_fields(DeviceConfig, ("rate", "phase")),
        *(line for part in (Mount, Link, Clock) for line in _part(part)),
    ]
    for name in SENSORS:
        kind: Kind = SENSORS.get(name)
        module = inspect.getmodule(kind.config)
        text = inspect.getdoc(module) or ""
        taken = sorted(fault for fault, row in FAULTS.items() if name in row.applies_to)
        own = [field for field in kind.config.model_fields if field not in ("phase", "clock")]
        out += [
            f"## {name}\n",
            text + "\n",
            (inspect.getdoc(kind.config) or "") + "\n",
            *_fields(kind.config, own),
            f"Faults: {', '.join(f'`{fault}`' for fault in taken) or 'none'}.\n",
        ]
    patterns = ", ".join(f"`{name}` ({len(p.elevations)} channels)" for name, p in PATTERNS.items())
    return "\n".join([*out, f"Patterns of a LiDAR: {patterns}."]) + "\n"


def _part(part: type[BaseModel]) -> Iterator[str]:
    yield f"`{part.__name__.lower()}`: {' '.join((inspect.getdoc(part) or '').split())}\n"
    yield from _fields(part, part.model_fields)


def _fields(config: type[BaseModel], names: Any) -> list[str]:
    aliases = {id(alias): name for name, alias in vars(quantities).items()}
    hints = get_type_hints(config, include_extras=True, localns=vars(quantities))
    rows = []
    for name in names:
        unit = _UNITS.get(aliases.get(id(hints[name]), ""), "")
        choices = getattr(hints[name], "__args__", ()) if "Literal" in str(hints[name])[:16] else ()
        default = config.model_fields[name].default
        others = ", ".join(f"`{one}`" for one in choices if one != default)
        rows.append((f"`{name}`", _default(default, unit) + (f" (or {others})" if others else "")))
    return [*_table(("setting", "default"), rows)]


def _default(value: object, unit: str) -> str:
    if isinstance(value, BaseModel):
        given = {name: getattr(value, name) for name in value.model_fields_set}
        return ", ".join(f"{name} {_number(one)}" for name, one in sorted(given.items())) or "as above"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, int | float):
        return _amount(float(value), unit)
    return f"`{value}`"


def _amount(value: float, unit: str) -> str:
    return f"{_number(value)} {unit}".strip() if unit != "1" else _number(value)


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _absent(value: float) -> str:
    return "–" if math.isnan(value) else "∞" if math.isinf(value) else _number(value)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""


if __name__ == "__main__":
    for file, content in pages().items():
        (_HERE / file).write_text(content, encoding="utf-8")
    sys.exit(0)
