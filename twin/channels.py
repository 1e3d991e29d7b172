"""The JSON schemas of a record's channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from twin.state import E_NAMES, F_NAMES, N_NAMES, Contact

ESTIMATE: Final = ("x", "y", "yaw", "speed_mps", "std_xy")

_NUMBER: Final = {"type": ["number", "null"]}
_LIST: Final = {"type": "array", "items": _NUMBER}
SCHEMAS: Final[Mapping[str, Mapping[str, object]]] = {
    "/state": {
        "properties": {
            "hash": {"type": "string"},
            "f": {"type": "object", "properties": dict.fromkeys(F_NAMES, _LIST)},
            "n": {"type": "object", "properties": dict.fromkeys(N_NAMES, _LIST)},
        }
    },
    "/world": {
        "properties": {
            "environment": {"type": "object", "properties": dict.fromkeys(E_NAMES, _NUMBER)},
            **dict.fromkeys(("lamps", "severity", "story"), _LIST),
        }
    },
    "/command": {
        "properties": {
            "accel_mps2": _NUMBER,
            "steer_rad": _NUMBER,
            "mode": {"type": "string"},
            "cause": {"type": "string"},
        }
    },
    "/estimate": {"properties": dict.fromkeys(ESTIMATE, _NUMBER)},
    "/contacts": {"properties": dict.fromkeys(Contact.__dataclass_fields__, _NUMBER)},
}
SAMPLE_SCHEMA: Final = {
    "properties": {
        **{n: {"type": "integer"} for n in ("t_meas_ns", "t_stamp_ns", "t_arrival_ns")},
        "type": {"type": "string"},
        "faults": {"type": "array", "items": {"type": "string"}},
        "data": {"type": "object"},
    }
}
