"""The fault catalogue."""

import pytest

from twin.errors import InputError, UnknownName
from twin.faults import FAULTS, SENDING, fault_kind


def test_common_faults_can_sit_on_every_device_that_sends() -> None:
    for name in ("blackout", "freeze", "bias", "delay", "drop"):
        assert FAULTS[name].applies_to >= SENDING


def test_every_row_says_where_it_comes_from_and_what_it_does() -> None:
    for name, kind in FAULTS.items():
        assert kind.name == name
        assert kind.applies_to
        assert kind.standard
        assert kind.about.endswith(".")


def test_parameters_default_to_the_anchor_of_severity_one() -> None:
    assert FAULTS["delay"].values({}) == {"by": 0.5}
    assert FAULTS["delay"].values({"by": 0.2}) == {"by": 0.2}


def test_a_written_axis_of_a_bias_leaves_the_others_at_zero() -> None:
    values = FAULTS["bias"].values({"y": 0.3})
    assert values["y"] == 0.3
    assert sum(abs(v) for v in values.values()) == 0.3
    assert FAULTS["bias"].values({})["x"] == 1.0


def test_an_unknown_parameter_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"did you mean 'rate'.*direction, rate"):
        FAULTS["spoof_drift"].values({"rat": 1.0})


def test_an_unknown_fault_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="blackout"):
        fault_kind("blakout", "gnss")


def test_a_fault_on_the_wrong_component_lists_the_possible_ones() -> None:
    with pytest.raises(InputError, match=r"cannot sit on a wheels.*stuck_zero"):
        fault_kind("spoof_jump", "wheels")
