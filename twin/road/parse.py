"""The child process that asks CARLA's library for the geometry of a map: `python -m twin.road.parse IN OUT NAME`.

Some files make that library end its process, so it never runs in ours. Limits: address space and processor time.
Exit code 0: OUT holds the compiled map. 3: the file is at fault, standard error says why. Anything else is a crash.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import carla
import numpy as np

from twin.errors import MapError
from twin.road.cache import digest_of, write_road
from twin.road.network import Sampler, compile_road
from twin.road.xml import read_facts
from twin.state import Floats

MOST_MEMORY = 6 * 1024**3
REFUSED = 3


def carla_sampler(geometry: str) -> Sampler:
    """Return a sampler of the lanes of OpenDRIVE text; x, y, yaw are turned from left-handed to ENU."""
    world = carla.Map("map", geometry)

    def sample(road: int, lane: int, s: Floats) -> Floats:
        out = np.full((len(s), 5), np.nan)
        for k, at in enumerate(s.tolist()):
            try:
                waypoint = world.get_waypoint_xodr(road, lane, at)
            except (IndexError, RuntimeError) as error:
                raise MapError(
                    f"CARLA's library has no shape for road number {road + 1} of the file, lane {lane}, "
                    f"at s = {at:g} m ({error}); check the <width> and the ids of its lanes"
                ) from None
            if waypoint is not None:
                pose = waypoint.transform
                place = pose.location
                out[k] = place.x, -place.y, place.z, -pose.rotation.yaw, waypoint.lane_width
        out[:, 3] = np.radians(out[:, 3])
        return out

    return sample


def main(source: Path, target: Path, name: str, seconds: int) -> int:
    """Compile `source` into `target`."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    text = source.read_bytes()
    try:
        facts = read_facts(text)
        try:
            sample = carla_sampler(facts.geometry)
        except RuntimeError as error:
            raise MapError(f"CARLA's library cannot read its geometry: {error}") from None
        road = compile_road(name, digest_of(text), facts, sample)
    except MapError as error:
        print(error, file=sys.stderr)
        return REFUSED
    except (MemoryError, RecursionError) as error:
        print(f"it needs more than {MOST_MEMORY >> 30} GiB to compile ({type(error).__name__})", file=sys.stderr)
        return REFUSED
    write_road(target, road)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
