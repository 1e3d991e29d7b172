"""Draws: the published known answer, the shape of the distributions, and streams that do not touch each other."""

from __future__ import annotations

import numpy as np
import pytest

from twin.draw import key_of, normal, philox, poisson, uniform, uniforms


def test_the_block_of_zeros_is_the_published_one() -> None:
    first, second = philox(np.uint64(0), np.uint64(0))  # Random123, philox4x32-10: 6627e8d5 e169c58d bc57ac4c 9b00dbd8
    assert (int(first), int(second)) == (0xE169C58D6627E8D5, 0x9B00DBD8BC57AC4C)


def test_many_uniforms_are_those_drawn_one_by_one() -> None:
    key = key_of(3, "ego.gnss", "white")
    assert uniforms(key, 5, 20).tolist() == [uniform(key, 5 + i) for i in range(20)]


def test_uniforms_fill_the_unit_interval_evenly() -> None:
    drawn = uniforms(key_of(1, "a", "b"), 0, 100_000)
    assert 0.0 <= drawn.min() < 1e-4
    assert 1.0 - 1e-4 < drawn.max() < 1.0
    counts = np.histogram(drawn, bins=100, range=(0.0, 1.0))[0]
    assert ((counts - 1000.0) ** 2 / 1000.0).sum() < 149.4  # chi-square, 99 degrees of freedom, alpha = 0.001


def test_normals_have_mean_zero_and_variance_one() -> None:
    key = key_of(1, "a", "b")
    drawn = np.array([normal(key, i) for i in range(50_000)])
    assert abs(drawn.mean()) < 4.0 / np.sqrt(50_000)
    assert drawn.var() == pytest.approx(1.0, abs=4.0 * np.sqrt(2.0 / 50_000))


def test_poisson_has_its_mean_as_variance() -> None:
    key = key_of(2, "a", "b")
    drawn = np.array([poisson(key, i, 3.0) for i in range(20_000)])
    assert drawn.mean() == pytest.approx(3.0, abs=4.0 * np.sqrt(3.0 / 20_000))
    assert drawn.var() == pytest.approx(3.0, rel=0.06)


def test_every_name_has_its_own_stream() -> None:
    keys = {int(key_of(seed, part, use)) for seed in (1, 2) for part in ("a", "ab") for use in ("b", "")}
    assert len(keys) == 8
