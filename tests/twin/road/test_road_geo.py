"""Geodesy against published figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from twin.errors import MapError
from twin.road import Road, load
from twin.road.build import straight_road
from twin.road.geo import from_geodetic, to_geodetic

MERIDIAN_45 = 4_984_944.378  # arc of a WGS 84 meridian from the equator to 45 degrees [m]


def on(reference: str, offset: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Road:
    return replace(straight_road(1, 50.0), geo_reference=reference, geo_offset=offset)


def test_scale_and_false_easting_are_honoured() -> None:
    road = on("+proj=tmerc +lat_0=0 +lon_0=9 +k=0.9996 +x_0=500000 +y_0=1000 +datum=WGS84 +units=m +no_defs")
    latitude, longitude, height = to_geodetic(road, 500_000.0, 1000.0 + 0.9996 * MERIDIAN_45, 7.0)
    assert (latitude, longitude, height) == (pytest.approx(45.0, abs=1e-8), pytest.approx(9.0, abs=1e-8), 7.0)


def test_the_offset_of_the_header_is_added() -> None:
    road = on("+proj=utm +zone=32 +datum=WGS84", (500_000.0, 0.9996 * MERIDIAN_45, 100.0))
    latitude, longitude, height = to_geodetic(road, 0.0, 0.0, 1.0)
    assert (latitude, longitude, height) == (pytest.approx(45.0, abs=1e-8), pytest.approx(9.0, abs=1e-8), 101.0)
    assert from_geodetic(road, 45.0, 9.0, 101.0) == pytest.approx((0.0, 0.0, 1.0), abs=1e-3)


def test_east_is_east_and_north_is_north() -> None:
    road = load("urban_grid")
    here = to_geodetic(road, 0.0, 0.0)
    assert here[:2] == pytest.approx((48.1, 11.5), abs=1e-9)
    assert to_geodetic(road, 100.0, 0.0)[1] > here[1]
    assert to_geodetic(road, 0.0, 100.0)[0] > here[0]
    assert from_geodetic(road, *to_geodetic(road, 123.0, -45.0, 6.0)) == pytest.approx((123.0, -45.0, 6.0), abs=1e-6)


def test_a_map_without_projection_says_so() -> None:
    with pytest.raises(MapError, match="has no <geoReference>"):
        to_geodetic(straight_road(1, 50.0), 0.0, 0.0)


def test_an_unknown_projection_is_named() -> None:
    with pytest.raises(MapError, match=r"geoReference '\+proj=banana' cannot be used"):
        to_geodetic(on("+proj=banana"), 0.0, 0.0)


def test_a_point_beyond_the_projection_is_refused() -> None:
    with pytest.raises(MapError, match="has no place on map"):
        from_geodetic(load("urban_grid"), 95.0, 11.5)
