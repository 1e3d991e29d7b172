"""The record: what goes in comes out, the same run gives the same bytes, and a bad file is an error, not a surprise."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import Writer

from tests.synthetic import case_of, run_of, touched
from twin.command import Cause, Command, Mode
from twin.errors import RecordError, StackTimeout
from twin.record import Recorded, Recorder, first_divergence, read, write
from twin.run import Run
from twin.samples import (
    GnssFix,
    ImuSample,
    LaneBoundaries,
    ObjectList,
    PointCloud,
    PoseEstimate,
    Sample,
    Seen,
    TrafficLights,
    WheelSpeeds,
)
from twin.state import EGO, WorldState, X

META = {
    "text": "scenario: cut_in\nmap: drawn\n",
    "files": {"part.yaml": "fragment: x\n"},
    "settings": {"step": "50 ms"},
}
ARRAYS = ("t_ns", "f", "n", "environment", "lamps", "severity", "story", "command", "mode", "estimate", "hashes")


def samples() -> list[Sample]:
    three = np.array([0.1, -0.0, np.nan])
    payloads = [
        ObjectList(
            ids=np.array([4, 9]),
            kinds=np.array([0, 5]),
            center_xy=np.array([[1.0, 2.0], [1 / 3, 4.0]]),
            velocity_xy=np.zeros((2, 2)),
            yaw=np.array([0.1, 0.2]),
            size_lw=np.ones((2, 2)),
            score=np.array([0.9, 0.4]),
            sources=np.array([3, 1]),
        ),
        LaneBoundaries(np.arange(4.0), -np.arange(4.0), True, False),
        GnssFix(three, three, three, 4),
        ImuSample(three, three),
        WheelSpeeds(np.arange(4.0), 0.02),
        PoseEstimate(1.0, 2.0, 0.1, 9.0, 0.0, float("nan"), float("inf")),
        TrafficLights(np.array([0]), np.array([31.5]), np.array([3])),
    ]
    return [
        Sample(f"s{k}", k * 10, k * 10 + 1, 50_000_000 + k, p, ("bias",) if k else ()) for k, p in enumerate(payloads)
    ]


def same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float) and isinstance(b, float):
        return np.float64(a).tobytes() == np.float64(b).tobytes()
    return a == b


def recorded(tmp_path: Path, run: Run) -> Recorded:
    write(tmp_path / "run.mcap", run, samples(), META)
    return read(tmp_path / "run.mcap")


def test_every_array_comes_back_bit_for_bit(tmp_path: Path) -> None:
    run = touched(run_of(noise=0.1))
    back = recorded(tmp_path, run)
    for name in ARRAYS:
        assert same(getattr(run, name), getattr(back, name)), name
    assert back.contacts == run.contacts
    assert back.cause == run.cause


def test_all_that_is_needed_to_run_again_comes_back(tmp_path: Path) -> None:
    back = recorded(tmp_path, run_of())
    assert back.text == META["text"]
    assert back.files == META["files"]
    assert back.meta == {"settings": {"step": "50 ms"}}
    assert (back.scenario, back.seed, back.values) == ("cut_in", 7, {"gap": 20.0, "lateral": "1.5"})
    assert (back.map_name, back.map_digest, back.actors) == ("drawn", "d1", ("ego", "cutter"))
    assert {"kernels", "numba", "numpy", "carla", "avtwin"} <= set(back.versions)


def test_every_kind_of_sample_comes_back_bit_for_bit(tmp_path: Path) -> None:
    back = recorded(tmp_path, run_of()).samples
    for a, b in zip(samples(), back, strict=True):
        assert (a.sensor, a.t_meas_ns, a.t_stamp_ns, a.t_arrival_ns, a.faults) == (
            b.sensor,
            b.t_meas_ns,
            b.t_stamp_ns,
            b.t_arrival_ns,
            b.faults,
        )
        assert type(a.data) is type(b.data)
        for field in a.data.__dataclass_fields__:
            assert same(getattr(a.data, field), getattr(b.data, field)), field


def test_point_clouds_are_kept_only_when_asked_for(tmp_path: Path) -> None:
    cloud = PointCloud(
        np.array([[1.00004, 2, 3]], np.float32),
        np.array([0.5], np.float32),
        np.array([7], np.int32),
        np.array([2], np.int16),
    )
    sample = Sample("lidar", 0, 0, 0, cloud)
    write(tmp_path / "without.mcap", run_of(), [sample])
    write(tmp_path / "with.mcap", run_of(), [sample], clouds=True)
    assert read(tmp_path / "without.mcap").samples == ()
    back = read(tmp_path / "with.mcap").samples[0].data
    assert isinstance(back, PointCloud)
    assert back.points_xyz.dtype == np.float32
    np.testing.assert_allclose(back.points_xyz, cloud.points_xyz, atol=1e-4)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, run_of(noise=0.1), samples(), META)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_run_of_twenty_seconds_and_ten_actors_stays_below_one_and_a_half_megabytes(tmp_path: Path) -> None:
    actors = ("ego", *(f"car_{k}" for k in range(9)))
    write(tmp_path / "run.mcap", run_of(case_of(actors), noise=0.01), samples(), META)
    assert (tmp_path / "run.mcap").stat().st_size < 1_500_000


def test_any_mcap_reader_finds_json_messages_with_schemas_at_simulation_time(tmp_path: Path) -> None:
    run = run_of(ticks=3)
    write(tmp_path / "run.mcap", run)
    with (tmp_path / "run.mcap").open("rb") as file:
        found = [
            (schema.encoding, channel.message_encoding, message.log_time)
            for schema, channel, message in make_reader(file).iter_messages(topics=["/state"])
            if schema is not None
        ]
    assert found == [("jsonschema", "json", 0), ("jsonschema", "json", 50_000_000), ("jsonschema", "json", 100_000_000)]


def test_a_run_whose_stack_never_started_is_recorded_too(tmp_path: Path) -> None:
    recorder = Recorder(case_of(), META)
    run = recorder.run(StackTimeout("start took more than 30 s"))
    write(tmp_path / "run.mcap", run, recorder.samples, recorder.meta)
    back = read(tmp_path / "run.mcap")
    assert (len(back.t_ns), back.failure_kind, back.stopped) == (0, "StackTimeout", "stack")


def state(t_ns: int, over: bool = False) -> WorldState:
    run = run_of(ticks=1)
    return WorldState(
        t_ns=t_ns,
        f=run.f[0],
        n=run.n[0],
        trail=np.zeros((1, 12)),
        trail_t_ns=np.array([t_ns]),
        environment=run.environment[0],
        lamps=run.lamps[0],
        severity=run.severity[0],
        story=run.story[0],
        contacts=(),
        over=over,
        hash=t_ns + 1,
    )


def test_the_recorder_keeps_commands_modes_and_the_newest_estimate() -> None:
    recorder = Recorder(case_of())
    estimates = [Sample("localiser", t, t, t, PoseEstimate(float(t), 0.0, 0.0, 5.0, 0.0, 0.0, 0.2)) for t in (1, 2)]
    recorder.see(state(0), Seen(0, ()), Command(1.0, 0.1))
    recorder.see(state(1), Seen(1, tuple(estimates)), Command(2.0, 0.0, Mode.MINIMAL_RISK, Cause.PERCEPTION))
    recorder.see(state(2), Seen(2, ()), None)
    run = recorder.run(StackTimeout("late"))
    assert np.isnan(run.estimate[0]).all()
    assert run.estimate[1:, 0].tolist() == [2.0, 2.0]
    assert run.command[:2].tolist() == [[1.0, 0.1], [2.0, 0.0]]
    assert np.isnan(run.command[2]).all()
    assert run.mode.tolist() == [0, 2, 2]
    assert run.cause == ("none", "perception", "sw")


@pytest.mark.parametrize(
    ("t_ns", "over", "stopped"), [(0, True, "end"), (20_000_000_000, True, "after"), (0, False, "budget")]
)
def test_why_a_run_stopped_is_read_from_its_last_tick(t_ns: int, over: bool, stopped: str) -> None:
    recorder = Recorder(case_of())
    recorder.see(state(t_ns, over), Seen(t_ns, ()), Command(0.0, 0.0))
    assert recorder.run().stopped == stopped


def test_two_equal_runs_do_not_diverge(tmp_path: Path) -> None:
    run = run_of(noise=0.1)
    assert first_divergence(run, recorded(tmp_path, run)) is None


def test_divergence_names_tick_field_actor_and_both_values() -> None:
    run = run_of()
    f = run.f.copy()
    f[100:, X, 1] = np.nextafter(f[100:, X, 1], np.inf)
    found = first_divergence(run, replace(run, f=f))
    assert found is not None
    assert (found.tick, found.t_s, found.field, found.actor) == (100, 5.0, "x", 1)
    assert float(found.a) < float(found.b)


def test_divergence_tells_minus_zero_from_zero_and_takes_nan_for_nan() -> None:
    run = run_of()
    command = run.command.copy()
    command[7, 1] = -0.0
    estimate = run.estimate.copy()
    found = first_divergence(run, replace(run, command=command, estimate=estimate))
    assert found is not None
    assert (found.tick, found.field, found.a, found.b) == (7, "command.steer_rad", "0.0", "-0.0")


def test_divergence_prefers_the_earlier_tick_over_the_order_of_blocks() -> None:
    run = run_of()
    f = run.f.copy()
    f[9, X, EGO] += 1.0
    mode = run.mode.copy()
    mode[4] = 2
    found = first_divergence(run, replace(run, f=f, mode=mode))
    assert found is not None
    assert (found.tick, found.field) == (4, "mode")


def test_divergence_in_hidden_state_and_in_length_is_named() -> None:
    alone = case_of(("ego",))
    run = run_of(alone, ticks=10)
    hashes = run.hashes.copy()
    hashes[3] ^= np.uint64(1)
    hidden = first_divergence(run, replace(run, hashes=hashes))
    assert hidden is not None
    assert (hidden.tick, hidden.field) == (3, "hashes")
    longer = first_divergence(run, run_of(alone, ticks=12))
    assert longer is not None
    assert (longer.tick, longer.field, longer.a, longer.b) == (10, "length", "10 ticks", "12 ticks")


def test_a_record_takes_the_case_assembled_anew_and_no_other(tmp_path: Path) -> None:
    run = run_of()
    back = recorded(tmp_path, run)
    assert first_divergence(back.run(run.case), run) is None
    with pytest.raises(RecordError, match="actors ego, stranger"):
        back.run(case_of(("ego", "stranger")))


def test_a_missing_file_and_a_folder_are_errors_that_name_the_path(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"none\.mcap' cannot be read"):
        read(tmp_path / "none.mcap")
    with pytest.raises(RecordError, match="cannot be read"):
        read(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("record") / "run.mcap"
    write(path, run_of(ticks=5), samples(), META)
    return path.read_bytes()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_truncated_record_is_an_error(whole: bytes, tmp_path: Path, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(whole) - 1))
    (tmp_path / "cut.mcap").write_bytes(whole[:cut])
    with pytest.raises(RecordError):
        read(tmp_path / "cut.mcap")


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_record_is_an_error_or_reads_the_same(whole: bytes, tmp_path: Path, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[at] ^= data.draw(st.integers(1, 255))
    (tmp_path / "bad.mcap").write_bytes(damaged)
    try:
        back = read(tmp_path / "bad.mcap")
    except RecordError:
        return
    assert first_divergence(back, run_of(ticks=5)) is None
    assert back.text == META["text"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(max_size=400))
def test_junk_is_an_error(whole: bytes, tmp_path: Path, junk: bytes) -> None:
    for content in (junk, whole[:8] + junk):
        (tmp_path / "junk.mcap").write_bytes(content)
        with pytest.raises(RecordError):
            read(tmp_path / "junk.mcap")


def test_a_foreign_mcap_file_is_told_from_ours(tmp_path: Path) -> None:
    with (tmp_path / "foreign.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start()
        writer.register_channel("/odom", "json", 0)
        writer.finish()
    with pytest.raises(RecordError, match="not one written by this project"):
        read(tmp_path / "foreign.mcap")


def test_a_chunk_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked(tmp_path: Path, whole: bytes) -> None:
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(200 << 20))
    assert len(bomb) < 100_000
    fields = b"\0" * 16 + (200 << 20).to_bytes(8, "little") + b"\0" * 4 + (4).to_bytes(4, "little") + b"zstd"
    chunk = fields + len(bomb).to_bytes(8, "little") + bomb
    header_end = 8 + 9 + int.from_bytes(whole[9:17], "little")
    path = tmp_path / "bomb.mcap"
    path.write_bytes(whole[:header_end] + b"\x06" + len(chunk).to_bytes(8, "little") + chunk + whole[header_end:])
    with pytest.raises(RecordError, match="unpack to more"):
        read(path)


def test_settings_that_are_not_json_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="JSON"):
        write(tmp_path / "run.mcap", run_of(ticks=2), meta={"x": object()})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(RecordError, match="cannot be written"):
        write(tmp_path / "taken" / "run.mcap", run_of(ticks=2))
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


@pytest.mark.skipif(os.geteuid() == 0, reason="a read-only folder does not stop the superuser")
def test_a_read_only_folder_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RecordError, match="cannot be written"):
        write(tmp_path / "run.mcap", run_of(ticks=2))


def test_a_full_disk_is_an_error_that_keeps_the_old_record_and_nothing_half_written(tmp_path: Path) -> None:
    script = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from tests.synthetic import run_of
from twin.errors import RecordError
from twin.record import write
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    write(Path({str(tmp_path / "run.mcap")!r}), run_of(noise=0.1))
except RecordError as error:
    print(error)
    sys.exit(7)
"""
    write(tmp_path / "run.mcap", run_of(ticks=2))
    before = (tmp_path / "run.mcap").read_bytes()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, "cannot be written" in done.stdout) == (7, True), done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["run.mcap"]
    assert (tmp_path / "run.mcap").read_bytes() == before
