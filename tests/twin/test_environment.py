"""Light, friction and the names of weather."""

from __future__ import annotations

import math

import numpy as np
import pytest

from twin.environment import WEATHER, environment, illuminance, sun, surface_friction
from twin.errors import InputError, UnknownName
from twin.state import CLOUDS, FRICTION, ILLUMINANCE, SUN_AZIMUTH, SUN_ELEVATION, TIME_OF_DAY, VISIBILITY


def test_the_default_is_clear_noon_on_dry_asphalt() -> None:
    e = environment()
    assert e[TIME_OF_DAY] == 43200.0
    assert e[FRICTION] == 1.0
    assert e[VISIBILITY] == math.inf


@pytest.mark.parametrize(("hour", "elevation", "azimuth"), [(12.0, 42.0, -90.0), (6.0, 0.0, 0.0), (18.0, 0.0, 180.0)])
def test_the_sun_rises_in_the_east_and_culminates_in_the_south(hour: float, elevation: float, azimuth: float) -> None:
    up, around = sun(hour * 3600.0)
    assert math.degrees(up) == pytest.approx(elevation, abs=1e-9)
    assert math.cos(around - math.radians(azimuth)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("degrees", "lux"), [(0.0, 800.0), (-6.0, 3.4), (-12.0, 0.008), (-18.0, 0.001), (-40.0, 0.001)]
)
def test_twilight_passes_its_usual_limits(degrees: float, lux: float) -> None:
    assert illuminance(math.radians(degrees), 0.0) == pytest.approx(lux, rel=1e-6)


def test_a_high_sun_gives_about_a_hundred_kilolux() -> None:
    assert 100_000.0 < illuminance(math.radians(60.0), 0.0) < 120_000.0


def test_light_never_falls_as_the_sun_rises() -> None:
    lux = [illuminance(math.radians(d), 0.0) for d in np.linspace(-30.0, 90.0, 600)]
    assert np.all(np.diff(lux) >= 0.0)


def test_an_overcast_sky_passes_a_quarter() -> None:
    assert illuminance(0.5, 1.0) == pytest.approx(0.25 * illuminance(0.5, 0.0))


def test_rain_and_snow_lower_friction() -> None:
    assert surface_friction(0.0, 0.0) == 1.0
    assert surface_friction(5.0, 0.0) == pytest.approx(0.7)
    assert surface_friction(0.0, 2.0) == pytest.approx(0.3)


def test_what_the_author_names_wins_over_what_follows() -> None:
    e = environment("rain", friction=0.5, sun_elevation=0.1)
    assert e[FRICTION] == 0.5
    assert e[SUN_ELEVATION] == 0.1
    assert e[ILLUMINANCE] == pytest.approx(illuminance(0.1, e[CLOUDS]))
    assert math.isfinite(e[SUN_AZIMUTH])


@pytest.mark.parametrize("name", sorted(WEATHER))
def test_every_named_weather_is_possible(name: str) -> None:
    e = environment(name)
    assert 0.0 < e[FRICTION] <= 1.0
    assert e[ILLUMINANCE] > 0.0


def test_an_unknown_weather_or_value_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="heavy_rain"):
        environment("heavy_rian")
    with pytest.raises(UnknownName, match="friction"):
        environment(fricton=0.5)


@pytest.mark.parametrize(
    ("name", "value"), [("clouds", 1.5), ("rain", -1.0), ("visibility", math.nan), ("wind", math.inf)]
)
def test_impossible_values_are_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=name):
        environment(**{name: value})
