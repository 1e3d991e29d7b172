"""Maps by name, the cache, and the child that may die."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.errors import MapError, UnknownName
from twin.maps.make import MapText, RoadText, Shape, profile
from twin.road import library, load, map_names
from twin.road.arrays import Road
from twin.road.cache import read_road, write_road


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a small map file, with an empty cache beside it."""
    monkeypatch.setenv("AVTWIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(library, "_loaded", {})
    road = RoadText("1", (3.0, 4.0, 0.0), [Shape(40.0)], [(0.0, profile([("driving", 3.5)]))], "town", 50.0)
    path = tmp_path / "small.xodr"
    path.write_text(MapText("small", [road]).text())
    return path


def same(one: Road, other: Road) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one.arrays, other.arrays))


def forget() -> None:
    library._loaded.clear()


def test_five_maps_are_shipped() -> None:
    assert map_names() == ("motorway_3_lanes", "ramp_merge", "roundabout", "rural_curves", "urban_grid")


def test_a_map_is_found_by_path_and_by_name_in_a_folder(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_path = load(str(small))
    assert (by_path.name, by_path.arrays.length.tolist()) == ("small", pytest.approx([40.0, 40.0], abs=1e-4))
    assert load("small", [small.parent]) is by_path
    assert load("small.xodr", [small.parent]) is by_path
    monkeypatch.setenv("AVTWIN_MAPS", f"/nowhere:{small.parent}")
    assert load("small") is by_path


def test_unknown_maps_are_refused_with_what_is_near(small: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'urban_grid'"):
        load("urban_gird")
    with pytest.raises(MapError, match=r"no map file.*did you mean 'small.xodr'"):
        load(str(small.with_name("smal.xodr")))
    with pytest.raises((MapError, UnknownName)):
        load("a\0b")
    with pytest.raises((MapError, UnknownName)):
        load("x" * 5000)


def test_the_second_load_reads_the_cache(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(str(small))
    forget()

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(library, "_compile", never)
    assert same(load(str(small)), first)


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "flipped"])
def test_a_damaged_cache_file_is_made_anew(small: Path, damage: str) -> None:
    first = load(str(small))
    (kept,) = (small.parent / "cache" / "maps").glob("*.npz")
    whole = kept.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    kept.write_bytes(
        {"cut": whole[:-500], "garbage": b"PK" + b"x" * 99, "empty": b"", "flipped": bytes(flipped)}[damage]
    )
    forget()
    assert same(load(str(small)), first)
    assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_only_time(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = small.parent / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("AVTWIN_CACHE", str(blocked))
    assert load(str(small)).name == "small"


def test_a_map_survives_being_written_and_read(tmp_path: Path) -> None:
    road = load("urban_grid")
    write_road(tmp_path / "a.npz", road)
    read = read_road(tmp_path / "a.npz")
    assert read is not None
    assert same(read, road)
    assert (read.controllers, read.junction_controllers) == (road.controllers, road.junction_controllers)
    assert (read.signal_names, read.geo_reference) == (road.signal_names, road.geo_reference)
    assert [c.tolist() for c in read.crossings] == [c.tolist() for c in road.crossings]
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_a_reader_that_dies_is_an_error_of_the_map(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = small.with_name("python")
    fake.write_text("#!/bin/sh\nkill -SEGV $$\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    with pytest.raises(MapError, match=r"small.xodr' ended CARLA's OpenDRIVE reader with SIGSEGV; check"):
        load(str(small))


def test_a_reader_that_does_not_come_back_is_ended(small: Path, tmp_path: Path) -> None:
    with pytest.raises(MapError, match=r"took more than 0.01 s"):
        library._compile(small, small, tmp_path / "out.npz", patience_s=0.01)


def test_what_the_reader_refuses_is_said_with_the_file(small: Path) -> None:
    small.write_text(small.read_text().replace('length="40.0" id', 'length="forty" id'))
    with pytest.raises(MapError, match=r"small.xodr': road '1': <road length=\"forty\"> is not a usable number"):
        load(str(small))
    assert not list((small.parent / "cache").rglob("*.npz"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<width sOffset="0.0" ', '<width sOffset="20.0" '),
        ('<lane id="-1" ', '<lane id="-3" '),
        ('<laneOffset s="0" a="0.0" ', '<laneOffset s="20" a="1.0" '),
    ],
)
def test_gaps_that_would_end_the_reader_are_filled(small: Path, old: str, new: str) -> None:
    text = small.read_text()
    assert old in text
    small.write_text(text.replace(old, new))
    road = load(str(small))
    assert np.isfinite(road.arrays.width).all()
    assert road.arrays.length[0] > 39.0


def test_a_folder_is_no_map(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="no map file"):
        load(str(tmp_path))


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hostile_geometry_ends_in_a_road_or_an_error(small: Path, data: st.DataObject) -> None:
    text = small.read_text()
    values = ["0", "-1", "1e9", "1e-9", "99999", "3.5", "-3.5", "7"]
    for _ in range(data.draw(st.integers(1, 5))):
        spots = [k for k in range(len(text)) if text[k] == '"' and text[k - 1] == "="]
        at = data.draw(st.sampled_from(spots)) + 1
        text = text[:at] + data.draw(st.sampled_from(values)) + text[text.index('"', at) :]
    path = small.with_name("hostile.xodr")
    path.write_text(text)
    try:
        road = load(str(path))
    except MapError:
        return
    assert np.isfinite(road.arrays.x).all()
