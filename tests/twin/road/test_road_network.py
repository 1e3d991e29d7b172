"""From facts to a network, on shapes that need no library: straight roads along +x."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from twin.errors import MapError
from twin.road.arrays import OTHER, Road
from twin.road.network import Sampler, compile_road
from twin.road.xml import read_facts
from twin.state import Floats

WIDTH = 3.0


def lane(number: int, before: int | None = None, after: int | None = None, extra: str = "") -> str:
    links = "".join(
        f'<{name} id="{k}"/>' for name, k in (("predecessor", before), ("successor", after)) if k is not None
    )
    return f'<lane id="{number}" type="driving"><link>{links}</link>{extra}</lane>'


def section(s: float, *lanes: str) -> str:
    left = "".join(text for text in lanes if 'id="-' not in text.split(">")[0])
    right = "".join(text for text in lanes if 'id="-' in text.split(">")[0])
    return f'<laneSection s="{s}"><left>{left}</left><right>{right}</right></laneSection>'


def road(name: str, length: float, sections: str, more: str = "", attributes: str = 'junction="-1"') -> str:
    return f"""<road id="{name}" length="{length}" {attributes}>{more}
      <planView><geometry s="0" x="0" y="0" hdg="0" length="{length}"><line/></geometry></planView>
      <lanes>{sections}</lanes></road>"""


def straight(starts: Mapping[str, float], names: list[str], width: float = WIDTH) -> Sampler:
    """Return a sampler of roads along +x that start at given x; lanes are `width` wide, headings follow s."""

    def sample(row: int, lane_id: int, s: Floats) -> Floats:
        t = math.copysign((abs(lane_id) - 0.5) * width, lane_id)
        out = np.zeros((len(s), 5))
        out[:, 0], out[:, 1], out[:, 4] = starts[names[row]] + s, t, width
        return out

    return sample


def network(text: str, **starts: float) -> Road:
    facts = read_facts(f"<OpenDRIVE>{text}</OpenDRIVE>".encode())
    names = [r.id for r in facts.roads]
    return compile_road("test", "0", facts, straight({f"{k[1:]}": v for k, v in starts.items()}, names))


def names_of(net: Road) -> dict[str, str]:
    """Return `road/section/lane -> straightest lane after it`."""
    a = net.arrays

    def name(row: int) -> str:
        return f"{net.road_names[a.road[row]]}/{a.section[row]}/{a.lane_id[row]}" if row >= 0 else "end"

    return {name(row): name(int(a.straight[row])) for row in range(len(a.kind))}


def test_left_lanes_travel_against_s_and_lht_turns_both_round() -> None:
    a = network(road("1", 50, section(0, lane(1), lane(-1))), _1=0.0).arrays
    assert a.heading[a.first[:2]] == pytest.approx([0.0, math.pi])
    b = network(road("1", 50, section(0, lane(1), lane(-1)), attributes='rule="LHT"'), _1=0.0).arrays
    assert b.heading[b.first[:2]] == pytest.approx([math.pi, 0.0])
    assert b.oncoming.tolist() == [1, 0]


def test_lanes_reach_the_very_ends_of_their_section() -> None:
    a = network(road("1", 50, section(0, lane(-1))), _1=0.0).arrays
    assert (a.x[0], a.x[-1]) == pytest.approx((0.0, 50.0), abs=1e-6)
    assert (a.road_s[0], a.road_s[-1]) == (0.0, 50.0)
    assert a.road_t == pytest.approx(np.full(51, -1.5))


def test_sections_join_by_links_and_by_equal_ids() -> None:
    linked = section(0, lane(-1, after=-2), lane(1, after=1)) + section(20, lane(-2, before=-1), lane(-1), lane(1))
    joints = names_of(network(road("1", 50, linked), _1=0.0))
    assert joints["1/1/1"] == "1/0/1"
    assert joints["1/0/1"] == "end"
    bare = section(0, lane(-1)) + section(20, lane(-1))
    assert names_of(network(road("1", 50, bare), _1=0.0))["1/0/-1"] == "1/1/-1"


def test_sections_too_short_for_a_shape_are_stepped_over() -> None:
    text = section(0, lane(-1, after=-1)) + section(20, lane(-1, -1, -1)) + section(20.001, lane(-1, before=-1))
    joints = names_of(network(road("1", 50, text), _1=0.0))
    assert joints == {"1/0/-1": "1/2/-1", "1/2/-1": "end"}


def test_a_link_on_either_side_joins_two_roads() -> None:
    one = road("1", 50, section(0, lane(-1)))
    link = '<link><predecessor elementType="road" elementId="1" contactPoint="end"/></link>'
    other = road("2", 50, section(0, lane(-1, before=-1)), link)
    assert names_of(network(one + other, _1=0.0, _2=50.0))["1/0/-1"] == "2/0/-1"


def test_joints_whose_ends_lie_apart_are_dropped() -> None:
    one = road("1", 50, section(0, lane(-1)))
    link = '<link><predecessor elementType="road" elementId="1" contactPoint="end"/></link>'
    other = road("2", 50, section(0, lane(-1, before=-1)), link)
    assert names_of(network(one + other, _1=0.0, _2=60.0))["1/0/-1"] == "end"


def test_loose_ends_that_meet_are_joined() -> None:
    two = road("1", 50, section(0, lane(-1))) + road("2", 50, section(0, lane(-1)))
    assert names_of(network(two, _1=0.0, _2=50.1))["1/0/-1"] == "2/0/-1"


CROSSROADS = (
    road(
        "1",
        50,
        section(0, lane(-1)),
        '<link><successor elementType="junction" elementId="7"/></link>'
        '<signals><signal id="a" s="45" t="-4" dynamic="yes" orientation="+"/></signals>',
    )
    + road(
        "2",
        10,
        section(0, lane(-1, before=-1, after=-1)),
        '<link><successor elementType="road" elementId="3" contactPoint="start"/></link>'
        '<signals><signal id="b" s="9" t="0" dynamic="yes" orientation="-"><validity fromLane="0" toLane="0"/></signal>'
        '<signalReference id="b" s="9" t="0" orientation="-"><validity fromLane="-1" toLane="-1"/></signalReference>'
        "</signals>",
        'junction="7"',
    )
    + road("3", 50, section(0, lane(-1)))
    + '<junction id="7"><connection incomingRoad="1" connectingRoad="2" contactPoint="start">'
    '<laneLink from="-1" to="-1"/></connection></junction>'
)


def test_junctions_join_what_their_connections_say() -> None:
    net = network(CROSSROADS, _1=0.0, _2=50.0, _3=60.0)
    assert names_of(net) == {"1/0/-1": "2/0/-1", "2/0/-1": "3/0/-1", "3/0/-1": "end"}
    assert net.arrays.junction.tolist() == [-1, 0, -1]
    assert net.arrays.thread.tolist() == [0, 0, 0]


def test_stop_lines_lie_at_the_signal_or_at_the_start_of_a_connecting_lane() -> None:
    net = network(CROSSROADS, _1=0.0, _2=50.0, _3=60.0)
    a = net.arrays
    lines = [(net.signal_names[k], int(row), float(s)) for k, row, s in zip(a.stop_signal, a.stop_lane, a.stop_s)]
    assert lines == [("a", 0, pytest.approx(45.0)), ("b", 1, 0.0)]


def test_a_signal_stops_only_those_it_faces() -> None:
    for facing, lane_id in (("+", -1), ("-", 1)):
        signal = f'<signals><signal id="a" s="40" t="0" dynamic="yes" orientation="{facing}"/></signals>'
        a = network(road("1", 50, section(0, lane(1), lane(-1)), signal), _1=0.0).arrays
        assert a.lane_id[a.stop_lane].tolist() == [lane_id]
        assert a.stop_s[0] == pytest.approx(40.0 if lane_id < 0 else 10.0)


def test_lanes_are_cut_where_the_limit_changes() -> None:
    kinds = '<type s="0"><speed max="100" unit="km/h"/></type><type s="30"><speed max="50" unit="km/h"/></type>'
    net = network(road("1", 50, section(0, lane(-1)), kinds), _1=0.0)
    assert net.arrays.speed_limit == pytest.approx([100 / 3.6, 50 / 3.6])
    assert net.arrays.length == pytest.approx([30.0, 20.0])
    assert names_of(net)["1/0/-1"] == "1/1/-1"


def test_a_lane_has_its_own_limit_before_that_of_its_road() -> None:
    kinds = '<type s="0"><speed max="100" unit="km/h"/></type>'
    own = lane(-1, extra='<speed sOffset="0" max="20" unit="m/s"/>')
    a = network(road("1", 50, section(0, own, lane(-2)), kinds), _1=0.0).arrays
    assert dict(zip(a.lane_id.tolist(), a.speed_limit.tolist())) == {-1: 20.0, -2: pytest.approx(100 / 3.6)}
    assert np.isnan(network(road("1", 50, section(0, lane(-1))), _1=0.0).arrays.speed_limit).all()


def test_objects_stand_where_road_coordinates_say() -> None:
    objects = """<objects>
      <object type="building" s="10" t="9" zOffset="1" length="4" width="2" height="3" hdg="0.5"/>
      <object type="x" s="20" t="5" hdg="0"><outline><cornerLocal u="0" v="0" height="3"/>
        <cornerLocal u="6" v="0" height="3"/><cornerLocal u="6" v="-2" height="3"/></outline></object>
      <object type="crosswalk" s="30" t="0" hdg="0"><outline><cornerRoad s="28" t="-3"/><cornerRoad s="32" t="-3"/>
        <cornerRoad s="32" t="3"/></outline></object></objects>"""
    net = network(road("1", 50, section(0, lane(-1)), objects), _1=0.0)
    assert net.arrays.boxes == pytest.approx(np.array([[10, 9, 1, 0.5, 4, 2, 3], [23, 4, 0, 0, 6, 2, 3]]), abs=1e-6)
    assert net.crossings[0] == pytest.approx(np.array([[28, -3], [32, -3], [32, 3]]), abs=1e-6)


def test_a_driving_lane_without_width_is_not_driven_on() -> None:
    facts = read_facts(f"<OpenDRIVE>{road('1', 50, section(0, lane(-1)))}</OpenDRIVE>".encode())
    net = compile_road("test", "0", facts, straight({"1": 0.0}, ["1"], 0.1))
    assert net.arrays.kind.tolist() == [OTHER]


def test_impossible_shapes_are_refused() -> None:
    facts = read_facts(f"<OpenDRIVE>{road('1', 50, section(0, lane(-1)))}</OpenDRIVE>".encode())
    with pytest.raises(MapError, match="road '1', lane -1: impossible shape"):
        compile_road("test", "0", facts, straight({"1": 0.0}, ["1"], 500.0))
