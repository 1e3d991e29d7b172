"""Bodies and vehicles of the catalogue."""

from __future__ import annotations

import math

import numpy as np
import pytest

from twin.errors import InputError, UnknownName
from twin.state import CENTER_X, HEIGHT, KIND, LENGTH, P_ROWS, PEDESTRIAN, TRAFFIC, WHEELBASE, WIDTH
from twin.vehicle import BODIES, VEHICLES, body, params


def test_mid_sedan_understeers_by_one_degree_per_g() -> None:
    assert math.degrees(params("mid_sedan").understeer * 9.81) == pytest.approx(0.981, abs=0.001)


@pytest.mark.parametrize("name", ["ford_escort", "bmw_320i", "vw_vanagon"])
def test_commonroad_sets_steer_neutrally(name: str) -> None:
    assert params(name).understeer == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("name", sorted(BODIES))
def test_every_body_has_a_size_and_finite_facts(name: str) -> None:
    p = body(name)
    assert p.shape == (P_ROWS,)
    assert min(p[LENGTH], p[WIDTH], p[HEIGHT]) > 0.0
    assert np.isfinite(p[[KIND, CENTER_X, WHEELBASE]]).all()
    assert p[WHEELBASE] < p[LENGTH]
    assert p[TRAFFIC] == 0.0


@pytest.mark.parametrize("name", [n for n in sorted(VEHICLES) if n not in ("bicycle", "motorcycle")])
def test_dynamics_and_body_describe_the_same_box(name: str) -> None:
    p, vehicle = body(name), params(name)
    assert p[LENGTH] == vehicle.length
    assert p[CENTER_X] == pytest.approx(vehicle.length / 2 - vehicle.rear_overhang)
    assert 0.0 < vehicle.front_axle < vehicle.wheelbase
    assert vehicle.length > vehicle.wheelbase + vehicle.rear_overhang


def test_bodies_are_copies_that_nobody_shares() -> None:
    body("adult")[LENGTH] = 99.0
    assert body("adult")[LENGTH] == 0.5
    assert body("adult")[KIND] == PEDESTRIAN


def test_an_unknown_body_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="mid_sedan"):
        body("mid_sedam")


def test_the_ego_cannot_be_a_bicycle() -> None:
    with pytest.raises(InputError, match="bicycle"):
        params("bicycle")
