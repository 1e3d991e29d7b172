"""A small stage for stories: a straight road, actors as points that obey set-points at once, and words to tell."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tests.cases import Actor, blocks, no_lights, straight_on
from twin.environment import environment
from twin.expression import parse_expr
from twin.folding import fold
from twin.road.build import straight_road
from twin.road.kernels import lane_pose
from twin.state import (
    AIM_LANE,
    LANE,
    LATERAL_BY,
    LATERAL_MODE,
    OFFSET_SET,
    POSE_SET,
    PRESENT,
    SP_OFFSET,
    SP_ROWS,
    SP_SPEED,
    SP_X,
    SP_Y,
    SP_YAW,
    SPEED_BY,
    SPEED_MODE,
    SPEED_SET,
    STORY,
    TRAVELLED,
    VX,
    YAW,
    D,
    S,
    World,
    X,
    Y,
)
from twin.story.compile import Builder, Names
from twin.story.evaluate import evaluate, memory_of
from twin.story.tables import StoryTables

STEP_NS = 50_000_000


def builder(actors: Sequence[str] = ("ego", "a"), **names: object) -> Builder:
    """Return a builder that knows the actors, and what else is named."""
    return Builder(Names({n: i for i, n in enumerate(actors)}, **names), STEP_NS)  # type: ignore[arg-type]


def expression(b: Builder, text: str) -> int:
    """Add an expression written in the language."""
    return b.expression(fold(parse_expr(text), {}))


class Stage:
    """Steps a story over points that move as told."""

    def __init__(self, tables: StoryTables, actors: Sequence[Actor] | None = None, lanes: int = 3) -> None:
        cast = actors or [Actor(), Actor(name="a", s=100.0, speed=10.0)]
        self.road = straight_road(lanes, 2000.0)
        f, n, p = blocks(self.road, cast)
        n[SPEED_BY] = STORY
        n[LATERAL_BY] = STORY
        self.tables = tables
        self.memory = memory_of(tables, len(cast))
        self.world = World(
            f,
            n,
            p,
            np.zeros((SP_ROWS, len(cast))),
            environment(),
            np.zeros(tables.signals, np.int64),
            np.zeros(tables.faults),
            np.zeros((len(cast), len(cast)), np.int64),
            np.zeros(len(tables.events), np.int64),
        )
        self.routes = straight_on(self.road)
        self.programmes = no_lights(self.road)
        self.k = 0
        self.over = False
        self.look()

    @property
    def t(self) -> float:
        """Time of the snapshot [s]."""
        return self.k * STEP_NS / 1e9

    def look(self) -> None:
        arrays = self.road.arrays
        t_ns = self.k * STEP_NS
        self.over = bool(
            evaluate(self.tables, self.memory, self.world, arrays, self.routes, self.programmes, t_ns, STEP_NS, self.k)
        )

    def step(self, times: int = 1) -> Stage:
        """Let the actors obey, then evaluate the story on what results."""
        for _ in range(times):
            for i in range(self.world.n.shape[1]):
                self._move(i)
            self.k += 1
            self.look()
        return self

    def until(self, t_s: float) -> Stage:
        """Step to a time."""
        return self.step(round(t_s * 1e9 / STEP_NS) - self.k)

    def _move(self, i: int) -> None:
        f, n, sp = self.world.f, self.world.n, self.world.sp
        if n[PRESENT, i] == 0:
            return
        v0 = f[VX, i]
        v1 = sp[SP_SPEED, i] if n[SPEED_MODE, i] == SPEED_SET else v0
        way = 0.5 * (v0 + v1) * STEP_NS / 1e9
        f[VX, i] = v1
        f[TRAVELLED, i] += way
        if n[LATERAL_MODE, i] == POSE_SET:
            f[X, i], f[Y, i], f[YAW, i] = sp[SP_X, i], sp[SP_Y, i], sp[SP_YAW, i]
            return
        f[S, i] += way
        if n[LATERAL_MODE, i] == OFFSET_SET:
            n[LANE, i] = n[AIM_LANE, i]
            f[D, i] = sp[SP_OFFSET, i]
        if n[LANE, i] >= 0:
            f[X, i], f[Y, i] = lane_pose(self.road.arrays, n[LANE, i], f[S, i], f[D, i])[:2]
        else:
            f[X, i] += way * math.cos(f[YAW, i])
            f[Y, i] += way * math.sin(f[YAW, i])
