"""Samples as JSON values, and back: bit for bit, except point clouds (rounded to 0.1 mm)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final, get_type_hints

import numpy as np

from twin.samples import (
    GnssFix,
    ImuSample,
    LaneBoundaries,
    ObjectList,
    Payload,
    PointCloud,
    PoseEstimate,
    Sample,
    TrafficLights,
    WheelSpeeds,
)
from twin.state import Floats, Ints

_TYPES: Final = (
    *(ObjectList, LaneBoundaries, GnssFix, ImuSample, WheelSpeeds, PoseEstimate, PointCloud, TrafficLights),
)
_BY_NAME: Final[Mapping[str, type[Any]]] = {t.__name__: t for t in _TYPES}


def numbers(value: object) -> str:
    """Return the JSON text of numbers, booleans, lists and maps of them with fixed keys.

    JSON knows no special floats: nan is null, infinity 1e999, which every reader of doubles takes back as infinity.
    """
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("NaN", "null").replace("Infinity", "1e999")


def floats(value: object) -> Floats:
    """Return an array of what `numbers` wrote, null read as nan. Raises ValueError or TypeError."""
    return np.array(value, dtype=np.float64)


def encode(sample: Sample) -> str:
    """Return one sample as JSON text with its three clocks and the labels of injected faults."""
    clocks = numbers(
        {"t_meas_ns": sample.t_meas_ns, "t_stamp_ns": sample.t_stamp_ns, "t_arrival_ns": sample.t_arrival_ns}
    )
    data = {f.name: _plain(getattr(sample.data, f.name)) for f in fields(sample.data)}
    faults = json.dumps(sample.faults, separators=(",", ":"))
    return f'{clocks[:-1]},"type":"{type(sample.data).__name__}","faults":{faults},"data":{numbers(data)}}}'


def decode(sensor: str, message: Mapping[str, Any]) -> Sample:
    """Return the sample that `encode` wrote. Raises KeyError, ValueError or TypeError when it is not one."""
    cls = _BY_NAME[message["type"]]
    data = message["data"]
    payload: Payload = cls(**{name: _typed(data[name], hint) for name, hint in _HINTS[cls.__name__].items()})
    return Sample(
        sensor=sensor,
        t_meas_ns=int(message["t_meas_ns"]),
        t_stamp_ns=int(message["t_stamp_ns"]),
        t_arrival_ns=int(message["t_arrival_ns"]),
        data=payload,
        faults=tuple(str(f) for f in message["faults"]),
    )


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        if value.dtype == np.float32:
            return np.round(value.astype(np.float64), 4).tolist()
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return value


def _typed(value: Any, hint: object) -> object:
    if hint is float:
        return math.nan if value is None else float(value)
    if hint is int or hint is bool:
        return hint(value)
    if hint == Floats:
        return floats(value)
    if hint == Ints:
        return np.array(value, dtype=np.int64)
    return np.array(value, dtype=hint.__args__[1].__args__[0])  # type: ignore[attr-defined]


_HINTS: Final[Mapping[str, Mapping[str, object]]] = {t.__name__: get_type_hints(t) for t in _TYPES}
