"""Answers to ray casts from two snapshots of the world."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twin.caster import bodies_of, cast
from twin.ports import Hits, Rays
from twin.scene import Scene
from twin.state import Floats, Ints


def answer(
    scene: Scene, t_ns: tuple[int, int], f: tuple[Floats, Floats], n: Ints, p: Floats, requests: Sequence[Rays]
) -> list[Hits]:
    """Cast rays against the map and the bodies of `n` (now), moving between the two states of f."""
    start, now = f
    frames = np.stack((start, now)) if t_ns[1] > t_ns[0] else now[np.newaxis]
    times = np.array(t_ns if t_ns[1] > t_ns[0] else t_ns[1:], np.int64)
    bodies = bodies_of(times, frames, n, p)
    return [cast(scene, bodies, rays) for rays in requests]
