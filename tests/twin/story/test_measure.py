"""What triggers see: gaps, sides, clearances, headways and times to collision of two cars, by hand."""

from __future__ import annotations

import math

import pytest

from tests.cases import Actor
from tests.twin.story.stage import Stage, builder, expression
from twin.story.compile import Place
from twin.story.nodes import ask
from twin.vehicle import params

CAR = params("mid_sedan")
CAST = [
    Actor(s=50.0, lane=2, speed=20.0),
    Actor(name="a", s=100.0, lane=2, speed=15.0),
    Actor(name="b", lane=1, s=55.0),
]


def value(text: str, cast: list[Actor] = CAST) -> float:
    b = builder(("ego", "a", "b"), groups={"others": ("a", "b")}, roads={"0": 0}, places={"spot": 0})
    b.place(Place(lane=2, x=80.0, y=-8.75, s=80.0))
    row = expression(b, text)
    stage = Stage(b.tables(), cast)
    return float(
        ask(stage.tables, stage.memory, stage.world, stage.road.arrays, stage.routes, 0, row)  # at t = 0
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ego.spacing_to(a)", 50.0),
        ("ego.gap_to(a)", 50.0 - CAR.length),
        ("a.gap_to(ego)", 50.0 - CAR.length),
        ("ego.gap_to(a).body", 50.0 - CAR.length),
        ("ego.ahead_by(a)", -50.0),
        ("a.ahead_by(ego)", 50.0),
        ("ego.gap_to(a).world", 50.0 - CAR.length),
        ("ego.gap_to(b)", 0.0 if CAR.length > 5.0 else 5.0 - CAR.length),
        ("ego.side_gap_to(b)", 3.5 - CAR.width),
        ("ego.distance_to(b)", math.hypot(5.0, 3.5)),
        ("ego.closing_on(a)", 5.0),
        ("a.closing_on(ego)", 5.0),
        ("ego.ttc_to(a)", (50.0 - CAR.length) / 5.0),
        ("ego.headway_to(a)", (50.0 - CAR.length) / 20.0),
        ("b.headway_to(a)", math.inf),
        ("ego.distance_to(spot)", 30.0),
        ("ego.gap_to(spot)", 30.0 - CAR.length + CAR.rear_overhang),
        ("ego.lane + 1 == b.lane", 1.0),
        ("ego.lane == a.lane", 1.0),
        ("ego.lane == b.lane", 0.0),
        ("ego.lane == 1", 1.0),
        ("ego.road == 0", 1.0),
        ("any(others.stopped)", 1.0),
        ("all(others.stopped)", 0.0),
        ("ego.width", CAR.width),
        ("sqrt(16) + floor(2.7) + sign(-3) + min(4, 2, 3) + max(1, 7)", 4 + 2 - 1 + 2 + 7),
        ("85 < 90 < 95", 1.0),
        ("not ego.offroad", 1.0),
    ],
)
def test_by_hand(text: str, expected: float) -> None:
    assert value(text) == pytest.approx(expected)


def test_an_oncoming_thread_never_matches_and_off_road_has_no_lane() -> None:
    lost = [CAST[0], Actor(name="a", lane=-1, x=10.0, y=500.0), CAST[2]]
    assert value("ego.lane == a.lane", lost) == 0.0
    assert value("a.offroad", lost) == 1.0
    assert math.isnan(value("a.lane_offset", lost))
