"""The one evaluator of stories: what happens inside one tick, in this order, each pass in file order."""

from __future__ import annotations

from twin.kernel import kernel
from twin.road.arrays import RoadArrays, RouteTables
from twin.signals import Programmes, lamp_at
from twin.state import (
    LATERAL_BY,
    LATERAL_MODE,
    OFFSET_HOLD,
    SPEED_BY,
    SPEED_HOLD,
    SPEED_MODE,
    World,
)
from twin.story.tables import StoryMemory, StoryTables, memory_of

__all__ = ["StoryMemory", "evaluate", "memory_of"]


@kernel
def evaluate(
    tables: StoryTables,
    memory: StoryMemory,
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    programmes: Programmes,
    t_ns: int,
    step_ns: int,
    k: int,
) -> bool:
    """Evaluate the story on the snapshot of tick k and write what holds for the coming tick.

    Returns True when the scenario's end holds.
    """
    if k == 0:
        for i in range(world.n.shape[1]):
            memory.control[2 * i] = world.n[SPEED_BY, i]
            memory.control[2 * i + 1] = world.n[LATERAL_BY, i]
    for s in range(len(world.lamps)):
        world.lamps[s] = lamp_at(programmes, s, t_ns)
    for i in range(world.n.shape[1]):
        world.n[SPEED_BY, i] = memory.control[2 * i]
        world.n[LATERAL_BY, i] = memory.control[2 * i + 1]
        world.n[SPEED_MODE, i] = SPEED_HOLD
        world.n[LATERAL_MODE, i] = OFFSET_HOLD
    for c in range(len(world.severity)):
        world.severity[c] = 0.0
    return False
