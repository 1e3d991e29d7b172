"""What every row of the sensor catalogue keeps: rates, clocks, determinism, and faults that touch nothing else."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from sensors.device import Kind
from sensors.rig import SENSORS, Rig, read
from tests.sensors.drives import a_case, digest, sense, states
from twin.case import Case, SensorSpec
from twin.errors import InputError
from twin.faults import FAULTS, SENDING, Fault
from twin.ports import Hits, Rays
from twin.samples import Sample

KINDS = sorted(SENDING)
TICKS = 24
FUSED = ("imu", "wheels", "gnss")
PAIRS = [(kind, fault) for kind in KINDS for fault, row in sorted(FAULTS.items()) if kind in row.applies_to]
LINK = {"latency": 0.004, "jitter": 0.001, "loss": 0.05}


def rig_of(*kinds: str) -> list[SensorSpec]:
    specs = [SensorSpec("watcher", "detector", {"range": 80.0})]
    for kind in dict.fromkeys((*FUSED, *kinds)):
        given: dict[str, object] = {"link": LINK}
        if kind == "localiser":
            given["sources"] = FUSED
        if kind == "objects":
            given |= {"sources": ("watcher",), "ghost_rate": 0.5}
        specs.append(SensorSpec(kind, kind, given))
    return specs


def drive(case: Case, hard: float = 0.0, read_only: Sequence[str] | None = None) -> list[Sample]:
    severity = [[hard] * len(case.faults)] * TICKS
    return sense(case, TICKS, severity, turn=0.05, read=None if read_only is None else frozenset(read_only))


def faulty(case: Case, kind: str, fault: str) -> Case:
    parameters = {"rate": 40.0} if fault == "ghost" else {}
    return replace(case, faults=(Fault(f"ego.{kind}", fault, parameters),))


def test_the_catalogue_holds_what_faults_can_sit_on() -> None:
    assert set(SENSORS) == SENDING | {"detector"}
    for name in SENSORS:
        row = SENSORS.get(name)
        assert isinstance(row, Kind)
        assert row.about


@pytest.mark.parametrize("kind", KINDS)
def test_measures_at_exact_multiples_of_its_period(kind: str) -> None:
    specs = [
        replace(s, parameters={k: v for k, v in s.parameters.items() if k != "link"} | {"link": {}})
        for s in rig_of(kind)
    ]
    case = a_case(specs)
    period = round(1e9 / SENSORS.get(kind).config().rate)
    times = [s.t_meas_ns for s in drive(case) if s.sensor == kind]
    duration = period - 1 if kind == "lidar" else 0
    assert times == [k * period for k in range(((TICKS - 1) * 50_000_000 - duration) // period + 1)]


@pytest.mark.parametrize("kind", KINDS)
def test_same_case_same_bytes_and_another_seed_others(kind: str) -> None:
    case = a_case(rig_of(kind))
    first = digest(drive(case))
    assert first == digest(drive(case))
    noisy = kind != "ground_truth"
    other = digest(drive(replace(case, seed=case.seed + 1)))
    assert [d for d in first if d[0] == kind] != [d for d in other if d[0] == kind] or not noisy


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_arrives_after_it_was_true_and_within_its_tick(kind: str) -> None:
    case = a_case(rig_of(kind))
    rig = Rig(case.rig)
    rig.reset(case)
    before_ns = -1
    for state in states(case, TICKS):
        seen = rig.sense(state, _nothing)
        assert seen.t_ns == state.t_ns
        arrivals = [s.t_arrival_ns for s in seen.samples]
        assert arrivals == sorted(arrivals)
        assert all(before_ns < t <= state.t_ns for t in arrivals)
        assert all(s.t_meas_ns <= s.t_arrival_ns for s in seen.samples)
        before_ns = state.t_ns


def _nothing(requests: Sequence[Rays]) -> list[Hits]:
    return [
        Hits(np.full(len(r.t_ns), np.inf), np.full(len(r.t_ns), -2), np.zeros(len(r.t_ns)), np.zeros(len(r.t_ns)))
        for r in requests
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_no_fault_at_severity_zero_changes_a_byte(kind: str) -> None:
    case = a_case(rig_of(kind))
    clean = digest(drive(case))
    every = tuple(Fault(f"ego.{kind}", fault) for k, fault in PAIRS if k == kind)
    assert digest(drive(replace(case, faults=every), 0.0)) == clean


@pytest.mark.parametrize(("kind", "fault"), PAIRS)
def test_a_fault_shows_on_its_sensor_and_on_no_other(kind: str, fault: str) -> None:
    case = a_case(rig_of(kind, "lanes"))
    clean, hit = digest(drive(case)), digest(drive(faulty(case, kind, fault), 1.0))
    assert [d for d in clean if d[0] == kind] != [d for d in hit if d[0] == kind]
    untouched = {d[0] for d in clean} - {kind} - ({"localiser"} if kind in FUSED else set())
    for sensor in untouched:
        assert [d for d in clean if d[0] == sensor] == [d for d in hit if d[0] == sensor]


@pytest.mark.parametrize("kind", KINDS)
def test_a_blackout_ends_without_a_trace(kind: str) -> None:
    case = faulty(a_case(rig_of(kind)), kind, "blackout")
    dark = [[1.0] if 8 <= k < 14 else [0.0] for k in range(TICKS)]
    clean, hit = digest(sense(case, TICKS, [[0.0]] * TICKS)), digest(sense(case, TICKS, dark))
    duration = 100_000_000 if kind == "lidar" else 0
    gone = [d for d in clean if d not in hit]
    assert gone
    assert all(d[0] == kind for d in gone) or kind in FUSED
    assert all(400_000_000 <= int(str(d[1])) + duration <= 700_000_000 for d in gone if d[0] == kind)
    assert [d for d in hit if d[0] == kind] == [d for d in clean if d[0] == kind and d in hit]


@pytest.mark.parametrize("kind", KINDS)
def test_a_frozen_device_repeats_itself(kind: str) -> None:
    spec = [replace(s, parameters={**s.parameters, "link": {}}) for s in rig_of(kind)]
    for new_stamp in (0.0, 1.0):
        case = replace(a_case(spec), faults=(Fault(f"ego.{kind}", "freeze", {"new_stamp": new_stamp}),))
        frozen = [[1.0] if k >= 8 else [0.0] for k in range(TICKS)]
        samples = [s for s in sense(case, TICKS, frozen) if s.sensor == kind]
        stuck = [s for s in samples if s.faults]
        assert len(stuck) > 3
        assert {s.t_meas_ns for s in stuck} == {next(s for s in reversed(samples) if not s.faults).t_meas_ns}
        assert len({s.t_stamp_ns for s in stuck}) == (1 if new_stamp == 0.0 else len(stuck))
        assert len({d[4:] for d in digest(stuck)}) == 1


def test_a_sensor_that_nobody_reads_changes_nothing() -> None:
    case = a_case(rig_of("objects", "lidar", "localiser", "lanes"))
    everything = digest(drive(case))
    only = digest(drive(case, read_only=["localiser", "lanes"]))
    assert only == [d for d in everything if d[0] in ("localiser", "lanes")]
    assert {d[0] for d in only} == {"localiser", "lanes"}


def test_delay_and_drop_follow_their_parameters() -> None:
    case = a_case(rig_of("objects"))
    late = replace(case, faults=(Fault("ego.imu", "delay", {"by": 0.2}),))
    clean = {s.t_meas_ns: s for s in drive(case) if s.sensor == "imu"}
    delayed = [s for s in drive(late, 0.5) if s.sensor == "imu"]
    assert len(delayed) > 50
    assert all(s.t_arrival_ns - clean[s.t_meas_ns].t_arrival_ns == 100_000_000 for s in delayed)
    dropped = replace(case, faults=(Fault("ego.imu", "drop", {"probability": 1.0}),))
    kept = sum(s.sensor == "imu" for s in drive(dropped, 0.4))
    assert abs(kept / len(clean) - 0.6) < 3 * (0.24 / len(clean)) ** 0.5


@pytest.mark.parametrize("name", ["highway", "urban", "object_level", "full", "minimal"])
def test_every_shipped_rig_reads_builds_and_sends(name: str) -> None:
    specs = read(name)
    seen = {s.sensor for s in drive(a_case(specs))}
    assert {s.name for s in specs if s.kind != "detector"} == seen


def test_a_rig_that_was_not_reset_says_so() -> None:
    case = a_case()
    with pytest.raises(InputError, match="reset"):
        Rig(()).sense(next(iter(states(case, 1))), _nothing)
