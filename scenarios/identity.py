"""What a case is, as a name: cases with the same name give the same bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scenarios.settings import Settings
from twin.record import versions

_ROOT = Path(__file__).resolve().parent.parent
_WHAT_RUNS = (
    *(f"{package}/**/*.py" for package in ("twin", "sensors", "hil", "reports", "scenarios")),
    "twin/**/*.lark",
    "twin/maps/*.xodr",
    "scenarios/odd/*.yaml",
    "conf/rig/*.yaml",
)
_RIM = (
    *("bench", "bottomline", "choice", "cli", "cluster", "console", "dispatch", "doctor", "editor", "ledger"),
    *("listing", "planning", "pools", "publish", "replay", "settings", "single", "suite", "sweep"),
)
_NO_MATTER = (
    "twin/view/",
    *(f"reports/{name}.py" for name in ("gallery", "junit", "listing", "page", "plots", "summary")),
    *(f"scenarios/{name}.py" for name in _RIM),
)


def digest(value: object, size: int = 8) -> str:
    """Return a short name for data: blake2b of its JSON."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=size).hexdigest()


@cache
def engine_version() -> str:
    """Return the name of everything that can change a result: our sources and the libraries' versions."""
    found = hashlib.blake2b(json.dumps(dict(versions()), sort_keys=True).encode(), digest_size=8)
    for path in sorted({path for pattern in _WHAT_RUNS for path in _ROOT.glob(pattern)}):
        name = path.relative_to(_ROOT).as_posix()
        if not name.startswith(_NO_MATTER):
            found.update(name.encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def content(settings: Settings, driver: str, files: Sequence[Path] = ()) -> dict[str, Any]:
    """Return what changes a result beside the scenario and the engine: settings, and the files that are named.

    `driver` is who drives; a stack that comes from a Python file counts with that file.
    """
    named = [Path(name) for name in (settings.map, settings.rig) if name]
    return {
        "named": [path.name for path in named],
        "engine": [settings.engine.name, settings.step_ns, settings.substeps],
        "driver": settings.driver.model_dump(mode="json"),
        "files": [_file(path) for path in (*named, *files)],
        "stack": _module(driver),
    }


def case_id(made_of: str, values: Mapping[str, float | str], seed: int) -> str:
    """Return the name of a case; `made_of` is the digest of everything else."""
    exact = {name: value if isinstance(value, str) else float(value).hex() for name, value in values.items()}
    return digest([made_of, exact, seed])


def _file(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest() if path.is_file() else ""


def _module(driver: str) -> str:
    """Return the digest of the file that a `module:Class` driver comes from."""
    if ":" not in driver:
        return ""
    try:
        spec = find_spec(driver.partition(":")[0])
    except (ImportError, ValueError):
        return ""
    return _file(Path(spec.origin)) if spec and spec.origin else ""
