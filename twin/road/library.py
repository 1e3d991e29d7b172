"""Maps by name: shipped ones, OpenDRIVE files, CARLA towns; compiled once, kept on disk and in memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from twin.errors import MapError, UnknownName, suggest
from twin.road.arrays import Road
from twin.road.cache import compiler_version, digest_of, read_road, write_road
from twin.road.xml import MOST_BYTES

SHIPPED = Path(__file__).resolve().parent.parent / "maps"
REFUSED = 3
PATIENCE_S = 120.0

_loaded: dict[tuple[str, str], Road] = {}


def map_names() -> tuple[str, ...]:
    """Return the names of the shipped maps."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.xodr")))


def find_map(name: str, search: Sequence[Path] = ()) -> Path:
    """Return the OpenDRIVE file that `name` means: a shipped map, a path, or NAME.xodr in a searched folder.

    Searched are `search`, the current folder and the folders of $AVTWIN_MAPS, in this order.
    Raises MapError for a path that is not there, UnknownName for a name that nothing answers to.
    """
    if name in map_names():
        return SHIPPED / f"{name}.xodr"
    named = [Path(p) for p in os.environ.get("AVTWIN_MAPS", "").split(os.pathsep) if p]
    folders = [*search, Path(), *named]
    is_path = name.lower().endswith(".xodr") or "/" in name or os.sep in name
    for folder in folders:
        path = folder / (name if is_path else f"{name}.xodr")
        try:
            if path.is_file():
                return path
        except (OSError, ValueError):
            break
    if is_path:
        parent = Path(name).parent
        siblings = [p.name for folder in folders for p in sorted((folder / parent).glob("*.xodr"))]
        raise MapError(
            f"there is no map file '{name}'{suggest(Path(name).name, siblings)}; give the path of an .xodr file"
        )
    near = {path.stem for folder in folders for path in folder.glob("*.xodr")}
    raise UnknownName("map", name, {*map_names(), *near})


def load(name: str, search: Sequence[Path] = ()) -> Road:
    """Return the compiled road network of a map, see `find_map` for names.

    Raises MapError (unreadable, hostile, or fatal to CARLA's library), UnknownName.
    """
    path = find_map(name, search)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise MapError(f"map '{path}' has {path.stat().st_size >> 20} MiB, more than {MOST_BYTES >> 20} MiB")
        text = path.read_bytes()
    except OSError as error:
        raise MapError(f"map '{path}' cannot be read: {error.strerror}") from None
    digest = digest_of(text)
    key = (digest, path.stem)
    if key not in _loaded:
        _loaded[key] = replace(_compiled(path, text, digest), name=path.stem)
    return _loaded[key]


def _compiled(path: Path, text: bytes, digest: str) -> Road:
    from twin.kernel import cache_root

    kept = cache_root() / "maps" / f"{digest}-{compiler_version()}.npz"
    road = read_road(kept)
    if road is not None and road.digest == digest:
        return road
    with tempfile.TemporaryDirectory(prefix="avtwin-map-") as folder:
        source, target = Path(folder) / "map.xodr", Path(folder) / "map.npz"
        source.write_bytes(text)
        _compile(path, source, target)
        road = read_road(target)
    if road is None:
        raise MapError(f"map '{path}': the compiled map cannot be read back; is the disk full?")
    try:
        write_road(kept, road)
    except OSError:
        return road
    return road


def _compile(path: Path, source: Path, target: Path, patience_s: float = PATIENCE_S) -> None:
    """Run the child that compiles. Raises MapError saying what happened and what to try."""
    root = str(Path(__file__).resolve().parents[2])
    inherited = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, inherited]))}
    command = [sys.executable, "-m", "twin.road.parse", str(source), str(target), path.stem, str(int(patience_s))]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=patience_s, env=environment, stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired:
        raise MapError(f"map '{path}' took more than {patience_s:g} s to compile; cut it into smaller parts") from None
    if done.returncode == 0:
        return
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode == REFUSED:
        raise MapError(f"map '{path}': {said.splitlines()[-1] if said else 'refused'}")
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise MapError(
            f"map '{path}' ended CARLA's OpenDRIVE reader with {name}; "
            "check the file against the OpenDRIVE schema, and look for lanes without <width> and for empty sections"
        )
    raise MapError(f"map '{path}' could not be compiled: {said.splitlines()[-1] if said else 'no reason was given'}")
