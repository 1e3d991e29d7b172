"""Settings: composition, overrides with any text in them, and messages that list what exists."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as quietly
from hypothesis import strategies as st

from scenarios import settings
from scenarios.settings import compose
from twin.errors import InputError, UnknownName


def test_the_shipped_settings_compose_and_are_in_si() -> None:
    made = compose()
    assert made.step_ns == 50_000_000
    assert made.substeps == 10
    assert (made.driver.name, made.rig, made.map) == (None, None, None)


@pytest.mark.parametrize(
    ("group", "option"),
    [(g, o) for g in settings.GROUPS if g != "rig" for o in settings.options(g)],
)
def test_every_option_of_every_group_composes(group: str, option: str) -> None:
    assert compose([f"{group}={option}"])


def test_a_substep_that_does_not_divide_the_step_is_shortened() -> None:
    assert compose(["engine.step=50 ms", "engine.substep=4 ms"]).substeps == 16


def test_a_step_that_cannot_be_divided_is_told() -> None:
    with pytest.raises(InputError, match="multiple of the substep"):
        _ = compose(["engine.step=50000017 ns", "engine.substep=4 ms"]).substeps


@pytest.mark.parametrize(
    "text",
    [
        "my town (1).xodr",
        "it's.xodr",
        "a\\",
        "\\'",
        "${oc.env:HOME}",
        "{a}, [b]: c",
        "007",
        "1e5",
        "true",
        "über 道.xodr",
    ],
)
def test_a_value_arrives_as_it_was_typed(text: str) -> None:
    assert compose([f"map={text}"]).map == text


@quietly(deadline=None, max_examples=50)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=30))
def test_no_text_is_taken_for_grammar(text: str) -> None:
    if text != "null":
        assert compose([f"map={text}"]).map == text


def test_the_value_may_hold_an_equals_sign() -> None:
    assert compose(["map=a=b.xodr"]).map == "a=b.xodr"


def test_a_driver_is_an_option_or_any_class() -> None:
    assert compose(["driver=reference.aeb"]).driver.name == "reference.aeb"
    made = compose(["driver=my_stack:Stack", "driver.parameters.gain=2.5", "driver.step_budget=10 ms"])
    assert made.driver.name == "my_stack:Stack"
    assert made.driver.parameters == {"gain": 2.5}
    assert made.driver.step_budget == 10_000_000


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("smaples=3", "no setting is called 'smaples'; did you mean 'samples'? Known: batch, driver,"),
        ("engine=unreal", "no engine is called 'unreal'. Known: embedded, fine."),
        ("sweep=locla", "no sweep is called 'locla'; did you mean 'local'? Known: inline, lean, local."),
        ("samples=-3", "setting 'samples': expected greater than or equal to 1, got '-3'"),
        ("samples=many", "setting 'samples'"),
        ("sampler=halton", "setting 'sampler': expected 'grid', 'random', 'lhs', 'sobol' or 'nominal', got 'halton'"),
        ("workers=-1", "setting 'workers': expected auto or a number"),
        ("engine.step=5 parsecs", "setting 'engine.step': expected a duration such as 50 ms"),
        ("engine.step=0 ms", "setting 'engine.step'"),
        ("records.size=lots", "setting 'records.size': expected a size such as 200 MB"),
        ("seed=1e400", "setting 'seed'"),
        ("map=", "setting 'map'"),
        ("samples", "write key=value"),
        ("+samples=3", "no setting is called '+samples'"),
        ("hydra.run.dir=/", "no setting is called 'hydra.run.dir'"),
        ("driver.parameters.__class__.x=3", "no setting is called"),
    ],
)
def test_a_wrong_override_says_what_exists(override: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        compose([override])
    assert told in str(caught.value)


def test_a_wrong_key_in_a_file_of_conf_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("stepp: 3\n", encoding="utf-8")
    with pytest.raises(InputError, match="no setting is called 'stepp'"):
        compose([], tmp_path)


def test_a_missing_conf_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"config\.yaml"):
        compose([], tmp_path)


def test_names_of_settings_are_offered_by_nearness() -> None:
    with pytest.raises(UnknownName) as caught:
        compose(["records.cuont=3"])
    assert "records.count" in str(caught.value)
