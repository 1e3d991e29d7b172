"""Compiled maps on disk: one file of plain arrays per content, written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.road.arrays import Road, RoadArrays

_COMPILER = ("arrays", "build", "cache", "network", "parse", "xml")
_SCALARS = {"cell": float, "grid_x": float, "grid_y": float, "grid_nx": int, "grid_ny": int}
_FACTS = tuple(f.name for f in fields(Road) if f.name not in ("arrays", "crossings"))


def digest_of(text: bytes) -> str:
    """Return the content hash of an OpenDRIVE file."""
    return hashlib.blake2b(text, digest_size=16).hexdigest()


@cache
def compiler_version() -> str:
    """Return a hash of everything that shapes a compiled map."""
    digest = hashlib.blake2b(digest_size=8)
    for module in _COMPILER:
        digest.update((Path(__file__).parent / f"{module}.py").read_bytes())
    return digest.hexdigest()


def write_road(target: Path, road: Road) -> None:
    """Write a compiled map under a temporary name, then rename it. Raises OSError."""
    facts = {name: getattr(road, name) for name in _FACTS}
    text = json.dumps(facts, default=dict).encode()
    stored = {f"arrays_{key}": np.asarray(value) for key, value in road.arrays._asdict().items()}
    stored |= {f"crossing_{k:06d}": polygon for k, polygon in enumerate(road.crossings)}
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, facts=np.frombuffer(text, dtype=np.uint8), **stored)
        temporary.replace(target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def read_road(source: Path) -> Road | None:
    """Return a compiled map, or None where there is none that can be used."""
    try:
        with source.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            facts = json.loads(stored["facts"].tobytes())
            arrays = {key: _array(key, stored[f"arrays_{key}"]) for key in RoadArrays._fields}
            crossings = tuple(stored[key] for key in sorted(stored.files) if key.startswith("crossing_"))
        return Road(
            arrays=RoadArrays(**arrays),
            crossings=crossings,
            name=facts["name"],
            digest=facts["digest"],
            road_names=tuple(facts["road_names"]),
            junction_names=tuple(facts["junction_names"]),
            signal_names=tuple(facts["signal_names"]),
            controllers={key: tuple(ids) for key, ids in facts["controllers"].items()},
            junction_controllers={key: tuple(ids) for key, ids in facts["junction_controllers"].items()},
            geo_reference=facts["geo_reference"],
            geo_offset=tuple(facts["geo_offset"]),
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile):
        return None


def _array(key: str, value: NDArray[Any]) -> Any:
    return _SCALARS[key](value) if key in _SCALARS else value
