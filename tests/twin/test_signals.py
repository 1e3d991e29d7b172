"""Lamps of fixed-time programmes."""

from __future__ import annotations

import numpy as np
import pytest

from twin.signals import Programmes, lamp_at
from twin.state import LAMP_GREEN, LAMP_OFF, LAMP_RED, LAMP_YELLOW

S = 1_000_000_000
TWO = Programmes(
    first=np.array([0, 3, 3]),
    lamp=np.array([LAMP_GREEN, LAMP_YELLOW, LAMP_RED]),
    duration_ns=np.array([10 * S, 3 * S, 7 * S]),
    offset_ns=np.array([0, 0]),
)


@pytest.mark.parametrize(
    ("t_ns", "lamp"),
    [
        (0, LAMP_GREEN),
        (10 * S - 1, LAMP_GREEN),
        (10 * S, LAMP_YELLOW),
        (13 * S, LAMP_RED),
        (20 * S, LAMP_GREEN),
        (133 * S, LAMP_RED),
    ],
)
def test_phases_follow_each_other_and_repeat(t_ns: int, lamp: int) -> None:
    assert lamp_at(TWO, 0, t_ns) == lamp


def test_an_offset_starts_the_cycle_before_time_zero() -> None:
    assert lamp_at(TWO._replace(offset_ns=np.array([11 * S, 0])), 0, 0) == LAMP_YELLOW


def test_a_signal_without_phases_stays_off() -> None:
    assert lamp_at(TWO, 1, 5 * S) == LAMP_OFF
