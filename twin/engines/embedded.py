"""The compiled engine: dynamics, traffic, movement, contacts and the story, one tick at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.case import Case
from twin.command import Command
from twin.draw import key_of
from twin.dynamics import ActuatorFaults, Actuators, Plant, actuator_faults, actuators_of, plant_of
from twin.engines.probing import answer
from twin.engines.tick import (
    Contacts,
    Scratch,
    Walls,
    contacts_of,
    digest,
    scratch_of,
    tick,
    touch_now,
    trail_row,
    walls_of,
)
from twin.errors import InputError
from twin.ports import Hits, Rays
from twin.scene import scene_of
from twin.state import EGO, PRESENT, SP_ROWS, WAITING, Contact, Floats, Ints, World, WorldState, X, Y
from twin.story.evaluate import StoryMemory, evaluate, memory_of
from twin.traffic import Entries, Lines, entries_of, lines_of


@dataclass(slots=True)
class _Live:
    """Everything of one run that changes, or that the kernels need beside the case."""

    world: World
    memory: StoryMemory
    plant: Plant
    actuators: Actuators
    faults: ActuatorFaults
    lines: Lines
    entries: Entries
    walls: Walls
    contacts: Contacts
    scratch: Scratch
    k: int
    hash: np.uint64
    over: bool
    before: Floats  # f at the start of the tick just simulated, for probes
    now: WorldState | None = None


class Embedded:
    """Owns the world of one run; `reset` starts another."""

    def __init__(self) -> None:
        self._case: Case | None = None
        self._live: _Live | None = None
        self._lines: tuple[str, Lines, Walls] | None = None

    def reset(self, case: Case) -> WorldState:
        """Build the world of `case` and return its state at t = 0, story evaluated once.

        Raises InputError for a step that cannot be divided into physics substeps of at most 5 ms.
        """
        if case.substeps < 1 or case.step_ns % case.substeps != 0:
            raise InputError(f"a step of {case.step_ns} ns cannot be divided into {case.substeps} whole substeps")
        plant = plant_of(case.ego, case.step_ns // case.substeps)
        lines, walls = self._of_road(case)
        actors = len(case.actors)
        world = World(
            f=np.ascontiguousarray(case.f0, np.float64).copy(),
            n=np.ascontiguousarray(case.n0, np.int64).copy(),
            p=np.ascontiguousarray(case.p, np.float64).copy(),
            sp=np.zeros((SP_ROWS, actors)),
            environment=case.environment.copy(),
            lamps=np.zeros(len(case.road.signal_names), np.int64),
            severity=np.zeros(len(case.faults)),
            touch=np.zeros((actors, actors), np.int64),
            events=np.full(len(case.story.events), WAITING, np.int64),
        )
        self._case = case
        self._live = _Live(
            world=world,
            memory=memory_of(case.story, actors),
            plant=plant,
            actuators=actuators_of(plant),
            faults=actuator_faults(case.faults, case.actors[EGO]),
            lines=lines,
            entries=entries_of(case.road.arrays, actors),
            walls=walls,
            contacts=contacts_of(actors, walls),
            scratch=scratch_of(actors, case.substeps),
            k=0,
            hash=key_of(case.seed, "engine", "hash"),
            over=False,
            before=world.f.copy(),
        )
        touch_now(world, walls, self._live.contacts, self._live.scratch)
        return self._snapshot(case, self._live)

    def step(self, command: Command) -> WorldState:
        """Advance by one tick under `command`. Raises InputError before reset, after the end, for no finite number."""
        case, live = self._running()
        if live.over:
            raise InputError("the run is over: reset the engine before another step")
        if not (math.isfinite(command.accel_mps2) and math.isfinite(command.steer_rad)):
            raise InputError(f"a command must be finite, got {command.accel_mps2} m/s^2 and {command.steer_rad} rad")
        live.before = live.world.f.copy()
        tick(
            live.world,
            case.road.arrays,
            case.routes,
            live.lines,
            live.entries,
            live.plant,
            live.actuators,
            live.faults,
            live.walls,
            live.contacts,
            live.scratch,
            float(command.accel_mps2),
            float(command.steer_rad),
            live.k,
        )
        live.k += 1
        return self._snapshot(case, live)

    def probe(self, requests: Sequence[Rays]) -> list[Hits]:
        """Cast rays about the tick just simulated; whoever was moved by the story at its end is where it is now."""
        case, live = self._running()
        assert live.now is not None
        end = live.now.t_ns
        times = (end - case.step_ns, end) if live.k > 0 else (0, 0)
        f = (live.before, live.now.f)
        return answer(scene_of(case.road), times, f, live.now.n, live.world.p, requests)

    def _running(self) -> tuple[Case, _Live]:
        if self._case is None or self._live is None:
            raise InputError("the engine has no world yet: reset it with a case first")
        return self._case, self._live

    def _of_road(self, case: Case) -> tuple[Lines, Walls]:
        digest_ = case.road.digest
        if self._lines is None or self._lines[0] != digest_ or not digest_:
            self._lines = (digest_, lines_of(case.road.arrays), walls_of(case.road.arrays))
        return self._lines[1], self._lines[2]

    def _snapshot(self, case: Case, live: _Live) -> WorldState:
        world, t_ns = live.world, live.k * case.step_ns
        moved = world.f[[X, Y]].copy()
        present = world.n[PRESENT].copy()
        end = evaluate(
            case.story,
            live.memory,
            world,
            case.road.arrays,
            case.routes,
            case.programmes,
            t_ns,
            case.step_ns,
            live.k,
        )
        jumped = (world.f[[X, Y]] != moved).any(axis=0) | (world.n[PRESENT] != present)
        live.before[:, jumped] = world.f[:, jumped]
        live.over = bool(end) or t_ns >= case.after_ns
        live.hash = np.uint64(digest(live.hash, world))
        trail, times = _trail(live, t_ns, case.step_ns)
        live.now = WorldState(
            t_ns=t_ns,
            f=world.f.copy(),
            n=world.n.copy(),
            trail=trail,
            trail_t_ns=times,
            environment=world.environment.copy(),
            lamps=world.lamps.copy(),
            severity=world.severity.copy(),
            story=world.events.copy(),
            contacts=_contacts(live, t_ns, case),
            over=live.over,
            hash=int(live.hash),
        )
        return live.now


def _trail(live: _Live, t_ns: int, step_ns: int) -> tuple[Floats, Ints]:
    if live.k == 0:
        trail_row(live.scratch.trail, 0, live.world.f)
        return live.scratch.trail[:1].copy(), np.zeros(1, np.int64)
    substeps = len(live.scratch.trail) - 1
    times = t_ns - step_ns + np.arange(substeps + 1, dtype=np.int64) * (step_ns // substeps)
    return live.scratch.trail.copy(), times


def _contacts(live: _Live, t_ns: int, case: Case) -> tuple[Contact, ...]:
    found = []
    for k in range(int(live.contacts.used[0])):
        step, a, b = (int(v) for v in live.contacts.who[k])
        speed_a, speed_b, closing, x, y = (float(v) for v in live.contacts.values[k])
        at = 0 if live.k == 0 else t_ns - case.step_ns + step * (case.step_ns // case.substeps)
        found.append(Contact(at, a, b, speed_a, speed_b, closing, x, y))
    return tuple(found)
