"""Figures: valid SVG whatever the names, the same bytes each time, ink that follows the page."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports import plots

HREF = "{http://www.w3.org/1999/xlink}href"
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return ["".join(e.itertext()) for e in ET.fromstring(svg).iter(f"{SVG}text")]


def drawings(name: str) -> list[str]:
    x = np.array([1.0, 2.0, np.nan, 4.0])
    return [
        plots.verdict_bars({name: {"PASS": 3, "FAIL": 1}}),
        plots.histogram(name, "s", {"PASS": x, "FAIL": np.array([0.5])}),
        plots.scatter(plots.Points(name, name, name, x, x, ["PASS", "FAIL", "PASS", "INVALID"])),
        plots.curves(name, "km/h", [plots.Curve(name, "PASS", x[:2], x[:2])]),
    ]


@pytest.mark.parametrize("k", range(4))
def test_a_drawing_is_the_same_bytes_each_time(k: int) -> None:
    assert drawings("cut_in")[k] == drawings("cut_in")[k]


@settings(max_examples=15, deadline=None)
@given(st.text(min_size=1, max_size=30) | st.sampled_from(["$x^$", "</svg><script>", "a\x00b", "\ud800", "日本"]))
def test_any_name_gives_well_formed_svg_without_a_script(name: str) -> None:
    for svg in drawings(name):
        assert not [e for e in ET.fromstring(svg).iter() if str(e.tag).endswith("script")]


def test_dollars_are_not_mathematics() -> None:
    assert "$gap_1$" in texts(plots.verdict_bars({"$gap_1$": {"PASS": 1}}))


def test_only_verdicts_that_occur_are_in_the_legend() -> None:
    assert {"PASS", "FAIL"} <= set(texts(drawings("a")[0]))
    assert "TIMEOUT" not in texts(drawings("a")[0])


def test_ink_follows_the_page() -> None:
    svg = drawings("a")[0]
    assert "currentColor" in svg
    assert "#010203" not in svg


def test_every_verdict_has_a_colour_and_a_shape_of_its_own() -> None:
    assert len(set(plots.VERDICT_COLOURS.values())) == len(plots.VERDICT_COLOURS) == 8
    assert len(set(plots._MARKERS.values())) == 8


def test_many_points_are_thinned_but_no_verdict_vanishes() -> None:
    n = 20_000
    verdicts = ["PASS"] * (n - 1) + ["FAIL"]
    svg = plots.scatter(plots.Points("t", "x", "y", np.arange(float(n)), np.arange(float(n)), verdicts))
    marks = len(list(ET.fromstring(svg).iter(f"{SVG}use")))
    assert 1000 < marks < 2500
    assert svg.count(plots.VERDICT_COLOURS["FAIL"]) >= 1


def test_every_reference_finds_its_target_and_no_two_drawings_share_an_id() -> None:
    first, second = ET.fromstring(drawings("a")[2]), ET.fromstring(drawings("b")[2])
    for root in (first, second):
        ids = {e.get("id") for e in root.iter() if e.get("id")}
        used = {e.get(HREF, "")[1:] for e in root.iter() if e.get(HREF)}
        assert used
        assert used <= ids
    assert not {e.get("id") for e in first.iter()} & {e.get("id") for e in second.iter() if e.get("id")}
