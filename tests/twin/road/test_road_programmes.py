"""Default light programmes."""

from __future__ import annotations

import numpy as np
import pytest

from twin.road import Road, load
from twin.road.build import straight_road
from twin.signals import default_programmes, lamp_at
from twin.state import LAMP_GREEN, LAMP_RED, LAMP_RED_YELLOW, LAMP_YELLOW

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def city() -> Road:
    return load("urban_grid")


def test_a_map_without_signals_has_no_programme() -> None:
    assert default_programmes(straight_road(1, 50.0)).first.tolist() == [0]


def test_a_signal_runs_red_yellow_green_yellow_red(city: Road) -> None:
    programmes = default_programmes(city)
    shown = [int(lamp_at(programmes, 0, t * SECOND)) for t in range(52)]
    assert shown[:26] == [LAMP_RED_YELLOW] + [LAMP_GREEN] * 20 + [LAMP_YELLOW] * 3 + [LAMP_RED] * 2
    assert set(shown[26:]) == {LAMP_RED}


def test_crossing_streams_are_never_free_together(city: Road) -> None:
    a = city.arrays
    programmes = default_programmes(city)
    axis = {
        int(k): round(float(a.heading[a.first[lane + 1] - 1]) / (np.pi / 2)) % 2
        for k, lane in zip(a.stop_signal, a.stop_lane)
    }
    junction = {int(k): int(a.junction[a.straight[lane]]) for k, lane in zip(a.stop_signal, a.stop_lane)}
    moving = {LAMP_GREEN, LAMP_YELLOW, LAMP_RED_YELLOW}
    free = 0
    for t in range(0, 52 * SECOND, SECOND // 2):
        open_now = [k for k in axis if int(lamp_at(programmes, k, t)) in moving]
        free += len(open_now)
        for at in set(junction.values()):
            assert len({axis[k] for k in open_now if junction[k] == at}) <= 1
    assert free == 36 * 24 * 2


def test_signals_without_controllers_take_turns_by_axis(city: Road) -> None:
    from dataclasses import replace

    bare = replace(city, controllers={}, junction_controllers={})
    with_them, without = default_programmes(city), default_programmes(bare)
    for t in range(0, 52, 3):
        shown = [[int(lamp_at(p, k, t * SECOND)) == LAMP_GREEN for k in range(36)] for p in (with_them, without)]
        assert shown[0] == shown[1]
