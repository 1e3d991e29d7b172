"""Rig files and their mistakes."""

from pathlib import Path

import pytest

from sensors.rig import build, names, read
from tests.sensors.drives import a_case
from twin.authored import AuthoredError
from twin.case import SensorSpec
from twin.errors import InputError, UnknownName


def written(tmp_path: Path, sensors: str) -> str:
    path = tmp_path / "my.yaml"
    path.write_text(f"rig: my\nsensors:\n{sensors}", encoding="utf-8")
    return str(path)


def test_quantities_become_si(tmp_path: Path) -> None:
    (spec,) = read(
        written(
            tmp_path, "  gps:\n    kind: gnss\n    rate: 5 Hz\n    phase: 30 ms\n    mount: {x: 80 cm, yaw: 180 deg}\n"
        )
    )
    assert spec.name == "gps"
    assert spec.kind == "gnss"
    assert spec.parameters["rate"] == 5.0
    assert spec.parameters["phase"] == 30_000_000
    mount = spec.parameters["mount"]
    assert isinstance(mount, dict)
    assert mount["x"] == 0.8
    assert mount["yaw"] == pytest.approx(3.14159265358979)


def test_all_problems_of_a_file_at_once_each_at_its_place(tmp_path: Path) -> None:
    lines = (
        *("a: {kind: gnns}", "b: {kind: imu, rate: 5 m}"),
        *("c: {kind: gnss, rnage: 4 m}", "d: {kind: objects, sources: [e]}"),
    )
    text = "".join(f"  {line}\n" for line in lines)
    with pytest.raises(AuthoredError) as caught:
        read(written(tmp_path, text))
    found = [(p.line, p.message, p.suggestion) for p in caught.value.problems]
    assert [line for line, _, _ in found] == [3, 4, 5, 6]
    assert found[0][2] == "gnss"
    assert "length" in found[1][1]
    assert "rnage" in found[2][1]
    assert "'e'" in found[3][1]


def test_an_unknown_rig_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="highway"):
        read("higway")


def test_hostile_names_reach_no_file() -> None:
    with pytest.raises(UnknownName):
        read("../../secret")


def test_the_shipped_rigs_are_named() -> None:
    assert {"highway", "urban", "object_level", "full", "minimal"} <= set(names())


def test_sources_in_a_circle_are_refused() -> None:
    specs = [SensorSpec("a", "objects", {"sources": ("b",)}), SensorSpec("b", "objects", {"sources": ("a",)})]
    with pytest.raises(InputError, match="circle"):
        build(specs, a_case())


def test_what_has_no_field_of_view_is_no_source() -> None:
    specs = [SensorSpec("imu", "imu"), SensorSpec("objects", "objects", {"sources": ("imu",)})]
    with pytest.raises(InputError, match="field of view"):
        build(specs, a_case())


def test_a_fault_that_cannot_sit_there_is_refused() -> None:
    from twin.faults import Fault

    with pytest.raises(InputError, match="cannot sit on"):
        build([SensorSpec("imu", "imu")], a_case(faults=[Fault("ego.imu", "ghost")]))
