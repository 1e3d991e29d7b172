"""Expressions of a story, asked once per tick: every node of a run in postfix order, nothing short-circuits."""

from __future__ import annotations

import math

from twin.kernel import kernel
from twin.road.arrays import RoadArrays, RouteTables
from twin.road.kernels import beside, same_thread
from twin.state import World
from twin.story.measure import relation, relation_to_place, signal_of
from twin.story.tables import (
    ABOVE,
    ABS,
    ACOS,
    ACTOR,
    ADD,
    AFTER,
    AND,
    ARG_A,
    ARG_B,
    ARG_C,
    AT_LEAST,
    AT_MOST,
    ATAN,
    ATAN2,
    BECOMES,
    BELOW,
    CEASES,
    CONSTANT,
    COS,
    DIVIDE,
    EQUAL,
    EVENT,
    EVER,
    FLOOR,
    HELD,
    IMPLIES,
    LAMP,
    LANE_NUMBER,
    LANE_NUMBERED,
    LANE_SHIFT,
    LANE_THREAD,
    MAXIMUM,
    MINIMUM,
    MULTIPLY,
    NEGATE,
    NOT,
    OP,
    OR,
    POWER,
    RING,
    RING_FIRST,
    SAME_THREAD,
    SIGN,
    SIN,
    SQRT,
    SUBTRACT,
    TAN,
    TIME,
    TOWARDS_ACTOR,
    TOWARDS_PLACE,
    UNEQUAL,
    VARIABLE,
    WEATHER,
    StoryMemory,
    StoryTables,
)


@kernel
def ask(
    tables: StoryTables,
    memory: StoryMemory,
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    t_ns: int,
    expression: int,
) -> float:
    """Evaluate one expression on the snapshot and return its value (conditions: 1 true, 0 false)."""
    last = tables.expressions[expression, 1]
    for node in range(tables.expressions[expression, 0], last):
        op = tables.nodes[node, OP]
        a = tables.nodes[node, ARG_A]
        b = tables.nodes[node, ARG_B]
        if op == CONSTANT:
            value = tables.constants[node]
        elif op <= ATAN2:
            value = _binary(op, memory.node[a], memory.node[b])
        elif op <= FLOOR:
            value = _unary(op, memory.node[a])
        elif op <= HELD:
            value = _remembered(tables, memory, node, op, memory.node[a], t_ns)
        elif op == TIME:
            value = t_ns / 1e9
        elif op == VARIABLE:
            value = memory.variables[a]
        elif op == WEATHER:
            value = world.environment[a]
        elif op == LAMP:
            value = float(world.lamps[a])
        elif op == EVENT:
            value = float(memory.seen[b, a])
        elif op == ACTOR:
            value = signal_of(world, road, a, b)
        elif op == TOWARDS_ACTOR:
            value = relation(world, road, a, b, tables.nodes[node, ARG_C])
        elif op == TOWARDS_PLACE:
            value = relation_to_place(tables, world, road, routes, a, b, tables.nodes[node, ARG_C])
        else:
            value = _of_lanes(memory, world, road, op, a, b, tables.nodes[node, ARG_C])
        memory.node[node] = value
    return float(memory.node[last - 1])


@kernel
def forget(tables: StoryTables, memory: StoryMemory, expression: int) -> None:
    """Let a condition start afresh, as if it had never been asked."""
    if expression < 0:
        return
    for node in range(tables.expressions[expression, 0], tables.expressions[expression, 1]):
        memory.node_ns[node] = -1
        memory.node_seen[node] = 0


@kernel
def _true(value: float) -> bool:
    return value == value and value != 0.0


@kernel
def _binary(op: int, a: float, b: float) -> float:
    if op == ADD:
        return a + b
    if op == SUBTRACT:
        return a - b
    if op == MULTIPLY:
        return a * b
    if op == DIVIDE:
        return a / b
    if op == POWER:
        return float(a**b)
    if op == MINIMUM:
        return math.nan if a != a or b != b else min(a, b)
    if op == MAXIMUM:
        return math.nan if a != a or b != b else max(a, b)
    if op == EQUAL:
        return 1.0 if a == b else 0.0
    if op == UNEQUAL:
        return 1.0 if a == a and b == b and a != b else 0.0
    if op == AT_MOST:
        return 1.0 if a <= b else 0.0
    if op == AT_LEAST:
        return 1.0 if a >= b else 0.0
    if op == BELOW:
        return 1.0 if a < b else 0.0
    if op == ABOVE:
        return 1.0 if a > b else 0.0
    if op == AND:
        return 1.0 if _true(a) and _true(b) else 0.0
    if op == OR:
        return 1.0 if _true(a) or _true(b) else 0.0
    if op == IMPLIES:
        return 1.0 if not _true(a) or _true(b) else 0.0
    return math.atan2(a, b)


@kernel
def _unary(op: int, a: float) -> float:
    if op == NEGATE:
        return -a
    if op == NOT:
        return 0.0 if _true(a) else 1.0
    if op == ABS:
        return abs(a)
    if op == SQRT:
        return math.sqrt(a) if a >= 0.0 else math.nan
    if op == SIN:
        return math.sin(a)
    if op == COS:
        return math.cos(a)
    if op == TAN:
        return math.tan(a)
    if op == ACOS:
        return math.acos(a) if -1.0 <= a <= 1.0 else math.nan
    if op == ATAN:
        return math.atan(a)
    if op == SIGN:
        return 1.0 if a > 0.0 else (-1.0 if a < 0.0 else a)
    return math.nan if a != a else float(math.floor(a)) if abs(a) < 9e15 else a


@kernel
def _remembered(tables: StoryTables, memory: StoryMemory, node: int, op: int, now: float, t_ns: int) -> float:
    if op == AFTER:
        return _delayed(tables, memory, node, now)
    truth = _true(now)
    if op == HELD:
        if not truth:
            memory.node_ns[node] = -1
            return 0.0
        if memory.node_ns[node] < 0:
            memory.node_ns[node] = t_ns
        return 1.0 if t_ns - memory.node_ns[node] >= tables.nodes[node, ARG_C] else 0.0
    if op == EVER:
        if truth:
            memory.node_seen[node] = 1
        return float(memory.node_seen[node])
    first = memory.node_seen[node] == 0
    before = memory.node_before[node]
    memory.node_seen[node] = 1
    memory.node_before[node] = now
    if first:
        return 0.0
    was = _true(before)
    if op == BECOMES:
        return 1.0 if truth and not was else 0.0
    if op == CEASES:
        return 1.0 if was and not truth else 0.0
    return 1.0 if before != now and not (before != before and now != now) else 0.0


@kernel
def _delayed(tables: StoryTables, memory: StoryMemory, node: int, now: float) -> float:
    size = tables.nodes[node, RING]
    first = tables.nodes[node, RING_FIRST]
    asked = memory.node_ns[node] + 1
    memory.node_ns[node] = asked
    memory.history[first + asked % size] = now
    if asked < size - 1:
        return 0.0
    return float(memory.history[first + (asked + 1) % size])


@kernel
def _of_lanes(memory: StoryMemory, world: World, road: RoadArrays, op: int, a: int, b: int, c: int) -> float:
    lane = int(memory.node[a]) if memory.node[a] == memory.node[a] else -1
    if lane < 0:
        return -1.0 if op == LANE_SHIFT else (0.0 if op in (SAME_THREAD, LANE_NUMBERED) else math.nan)
    if op == LANE_THREAD:
        return float(road.thread[lane])
    if op == LANE_NUMBER:
        return float(road.number[lane])
    if op == SAME_THREAD:
        other = int(memory.node[b]) if memory.node[b] == memory.node[b] else -1
        return 1.0 if other >= 0 and same_thread(road, lane, other) else 0.0
    if op == LANE_SHIFT:
        s = 0.5 * road.length[lane]
        for _ in range(abs(c)):
            if lane >= 0:
                lane, s = beside(road, lane, s, 1 if c > 0 else -1)
        return float(lane)
    for _ in range(32):
        if lane >= 0 and road.number[lane] != c:
            lane, _s = beside(road, lane, 0.5 * road.length[lane], 1 if road.number[lane] < c else -1)
    return float(lane) if lane >= 0 and road.number[lane] == c else -1.0
