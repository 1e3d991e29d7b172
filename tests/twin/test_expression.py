"""One grammar: quantities from digits, precedence, draws, dimensions, constants, bounds."""

from __future__ import annotations

import math
import time

import pint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import ExpressionError
from twin.expression import (
    Scope,
    dimension_of,
    duration_ns,
    fold,
    parse_criterion,
    parse_expr,
    parse_value,
    scalar,
)
from twin.syntax import After, Binary, Compare, Draw, Expr, Flag, Held, Number, Signal, Temporal, Unary, Until
from twin.units import UNITS, combine, powers, raise_to, spell


def si(text: str, dimension: str) -> float:
    return scalar(fold(parse_expr(text), {}), dimension)


@pytest.mark.parametrize("unit", sorted(UNITS))
def test_unit_factors_agree_with_pint(unit: str) -> None:
    registry = pint.UnitRegistry()
    spelt = {"mph": "mile/hour", "kph": "km/hour", "km/h": "km/hour", "us": "microsecond", "min": "minute"}
    spelt |= {
        "h": "hour",
        "mm/h": "mm/hour",
        "t": "metric_ton",
        "Nm": "N*m",
        "%": "percent",
        "lx": "lux",
        "K": "kelvin",
    }
    if unit in ("dB", "mm/h"):
        assert UNITS[unit][0] == 1
        return
    theirs = registry.Quantity(1.0, spelt.get(unit, unit)).to_base_units().magnitude
    ours = float(UNITS[unit][0])
    assert ours == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("36 km/h", "m/s", 10.0),
        ("60 km/h", "m/s", 60 / 3.6),
        ("40 %", "1", 0.4),
        ("180 deg", "rad", math.pi),
        ("0.001 1/m", "1/m", 0.001),
        ("3 min", "s", 180.0),
        ("014 m", "m", 14.0),
        ("3.10 m", "m", 3.1),
        ("1e3 m", "m", 1000.0),
        ("12:30", "s", 45000.0),
        ("50 mph", "m/s", 22.352),
        ("2 kN", "kg*m/s^2", 2000.0),
        ("-4 m", "m", -4.0),
    ],
)
def test_quantities_are_si(text: str, dimension: str, value: float) -> None:
    assert si(text, dimension) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "t_ns"),
    [("0.3 s", 300_000_000), ("2.3 ms", 2_300_000), ("0.1 s + 0.2 s", 300_000_000), ("3 * 0.1 s", 300_000_000)],
)
def test_time_is_read_from_digits_and_never_through_float(text: str, t_ns: int) -> None:
    assert duration_ns(fold(parse_expr(text), {})) == t_ns


def test_multiplication_binds_closer_than_addition_and_power_closest() -> None:
    assert si("2 + 3 * 4", "1") == 14.0
    assert si("-2^2", "1") == -4.0
    assert si("(2 + 3) * 4", "1") == 20.0
    assert si("7 - 2 - 1", "1") == 4.0
    assert si("8 / 4 / 2", "1") == 1.0


def test_and_binds_closer_than_or_and_implication_least() -> None:
    tree = parse_expr("a.stopped or b.stopped and c.stopped -> d.stopped")
    assert isinstance(tree, Binary)
    assert tree.op == "->"
    assert isinstance(tree.left, Binary)
    assert tree.left.op == "or"


def test_delays_and_durations_take_the_whole_comparison() -> None:
    held = parse_expr("ego.speed < 1 m/s for 2 s")
    assert isinstance(held, Held)
    assert isinstance(held.operand, Compare)
    after = parse_expr("10 s after cut_in.ends")
    assert isinstance(after, After)
    assert after.operand == Signal(("cut_in", "ends"), None, None, 11)


def test_comparisons_chain() -> None:
    assert fold(parse_expr("1 m < 2 m < 3 m"), {}) == Flag(True)
    assert fold(parse_expr("1 m < 5 m < 3 m"), {}) == Flag(False)


def test_temporal_windows_and_until() -> None:
    tree = parse_expr("always(dangerous -> eventually[0, 0.75 s](decel >= 4 m/s^2))")
    assert isinstance(tree, Temporal)
    inner = tree.operand
    assert isinstance(inner, Binary)
    assert isinstance(inner.right, Temporal)
    assert inner.right.window is not None
    assert isinstance(parse_expr("a.stopped until[0, 1 s] b.stopped"), Until)


def test_signals_know_their_arguments_and_axes() -> None:
    tree = parse_expr("ego.gap_to(cutter).body")
    assert isinstance(tree, Signal)
    assert (tree.path, tree.suffix) == (("ego", "gap_to"), "body")
    assert tree.args == (Signal(("cutter",), None, None, 11),)


def test_nodes_know_where_they_stand() -> None:
    tree = parse_expr("time > 2 s and ego.stopped")
    assert isinstance(tree, Binary)
    assert (tree.left.pos, tree.right.pos) == (0, 15)


def test_a_draw_keeps_weights_bounds_and_default() -> None:
    draw = parse_value("choice(1, 2, 3) m weights (1, 1, 2) within (0 m, 5 m) default 2 m")
    assert isinstance(draw, Draw)
    assert [scalar(a, "m") for a in draw.args] == [1.0, 2.0, 3.0]
    assert draw.weights is not None
    assert len(draw.weights) == 3
    assert draw.within is not None
    assert draw.default is not None
    assert scalar(draw.default, "m") == 2.0


@pytest.mark.parametrize(
    "text", ["uniform(1 m)", "choice(1, 2) weights (1)", "uniform(1 m, 2 m) km", "normal(1, 2, 3)"]
)
def test_a_draw_with_the_wrong_arguments_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_value(text)


def test_criteria_are_thresholds_flags_or_formulas() -> None:
    ttc = parse_criterion("ttc", "min >= 1.0 s")
    assert (ttc.metric, ttc.aggregate, ttc.op) == ("ttc", "min", ">=")
    assert ttc.limit == Number(1.0, "s", 1_000_000_000, 7)
    assert parse_criterion("no_collision", "true").holds is True
    assert parse_criterion("r", "always(decel < 4 m/s^2)").formula is not None
    limit = parse_criterion("gap", "min >= 2 * $least", {"least": Number(3.0, "m")}).limit
    assert limit is not None
    assert scalar(limit, "m") == 6.0


def test_parameters_are_put_in_and_words_compared() -> None:
    values: dict[str, Expr] = {"gap": Number(3.0, "m"), "side": Signal(("left",))}
    assert fold(parse_expr("$gap * 2 + 1 m"), values) == Number(7.0, "m")
    assert fold(parse_expr("$side == left"), values) == Flag(True)
    assert fold(parse_expr("$side == right"), values) == Flag(False)
    assert fold(parse_expr("ego.width / 2"), {"ego.width": Number(1.8, "m")}) == Number(0.9, "m")


def test_what_is_not_known_stays() -> None:
    tree = fold(parse_expr("ego.speed > 2 * 3 m/s"), {})
    assert isinstance(tree, Compare)
    assert scalar(tree.operands[1], "m/s") == 6.0


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("1 m + 2 s", 6),
        ("3 m / 0", 6),
        ("9^9", 2),
        ("2^0.5", 2),
        ("10^4^4^4", 5),
        ("0^-1", 0),
        ("sqrt(2 m)", 5),
        ("sin(3 m)", 4),
        ("1e15 * 10", 0),
        ("acos(2)", 0),
    ],
)
def test_impossible_constants_are_refused_where_they_stand(text: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        fold(parse_expr(text), {})
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("60 kmh", "km/h"),
        ("3 m/sec", "m/s"),
        ("9**9**9 m", "^"),
        ("1_000 m", "1000"),
        ("a = 3", "=="),
        ("${gap}", "$gap"),
        ("–4 m", "-"),
        ("x >= 3 m && y", "and"),
        ("3 ≥ 2", ">="),
    ],
)
def test_common_slips_suggest_the_cure(text: str, suggestion: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expr(text)
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize("text", ["", "  ", "3 m 4", "(1", "1 +", "ego.", "a.b.c(", "+3", "min(1, 2", "5 m^2", "25:00"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_expr(text)


@pytest.mark.parametrize("text", ["(" * 1900, "-" * 1900 + "1", "+".join("1" * 800), "not " * 400 + "true", "9" * 1999])
def test_hostile_depth_and_length_are_refused_quickly(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(ExpressionError):
        parse_expr(text)
    assert time.perf_counter() - start < 2.0


def test_no_break_spaces_are_blanks() -> None:
    assert si("60\u00a0km/h", "m/s") == si("60 km/h", "m/s")


SCOPE = Scope(actors=("ego", "cutter"), groups=("trucks",), events=("cut_in",), parameters={"gap": "m"})


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("ego.speed", "m/s"),
        ("ego.gap_to(cutter) / ego.closing_on(cutter)", "s"),
        ("ego.lane == cutter.lane", "bool"),
        ("ego.lane + 1", "lane"),
        ("any(trucks.speed > 3 m/s)", "bool"),
        ("cut_in.ends", "bool"),
        ("signal(tl_1) == red", "bool"),
        ("sqrt(2 * $gap * 4 m/s^2)", "m/s"),
        ("ego.speed > 0", "bool"),
        ("max(ego.speed, 3 m/s)", "m/s"),
        ("becomes(ego.stopped)", "bool"),
        ("2 s after ego.speed", "m/s"),
        ("atan(1 m, 2 m)", "rad"),
    ],
)
def test_dimensions_follow_the_algebra(text: str, dimension: str) -> None:
    assert dimension_of(parse_expr(text), SCOPE) == dimension


@pytest.mark.parametrize(
    "text",
    [
        "ego.speed > 3 m",
        "ego.speed > 3",
        "ego.sped",
        "trucks.speed > 3 m/s",
        "egoo.speed",
        "ego.gap_to(nobody)",
        "ego.gap_to",
        "ego.speed(cutter)",
        "$gpa",
        "gap",
        "speed",
        "ego.lane * 2",
        "ego.lane + cutter.lane",
        "not ego.speed",
        "ego.stopped + 1",
        "ego.speed and ego.stopped",
        "1 Hz + 1 rad/s",
        "cut_in.over",
        "signal(tl_1) > red",
        "ego.gap_to(cutter).sideways",
        "distance(ego, cutter)",
        "ego.stopped for 3 m",
    ],
)
def test_what_does_not_fit_its_scope_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        dimension_of(parse_expr(text), SCOPE)


DIMENSIONS = st.sampled_from(sorted({d for _, d in UNITS.values()}))


@given(DIMENSIONS, DIMENSIONS)
def test_dividing_undoes_multiplying(a: str, b: str) -> None:
    assert combine(combine(a, b, 1), b, -1) == a
    assert spell(powers(a)) == a
    assert raise_to(a, 2) == combine(a, a, 1)


TOKENS = (
    "( ) [ ] , . $ + - * / ^ ** == = != < > <= -> and or not for after until always eventually true false min "
    "uniform choice within default ego speed gap_to $x 3 4.5 1e9 m km/h s deg % # ? : & 'a' \" 12:30 1_0 0x1 é “ \t"
)
WORDS = st.sampled_from(TOKENS.split(" "))


@settings(max_examples=600, deadline=None)
@given(st.lists(WORDS, max_size=24).map(" ".join) | st.text(max_size=60))
def test_any_text_is_read_or_refused_kindly(text: str) -> None:
    for parse in (parse_expr, parse_value, lambda t: parse_criterion("c", t)):
        offset, said = 0, "fine"
        try:
            tree = parse(text)
            if isinstance(tree, Unary | Binary | Compare | Signal | Number):
                dimension_of(tree)
                fold(tree, {})
        except ExpressionError as error:
            offset, said = error.offset, str(error)
        assert 0 <= offset <= max(len(text), 1)
        assert said


@settings(max_examples=300)
@given(st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: f"{abs(x):.6f}"), st.sampled_from(sorted(UNITS)))
def test_any_listed_quantity_is_its_number_times_its_factor(digits: str, unit: str) -> None:
    value = fold(parse_expr(f"{digits} {unit}"), {})
    assert isinstance(value, Number)
    assert value.value == pytest.approx(float(digits) * float(UNITS[unit][0]), rel=1e-14, abs=1e-300)
