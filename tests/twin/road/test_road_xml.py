"""OpenDRIVE text to facts; hostile text to clear errors."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import MapError
from twin.road.arrays import DRIVING, OTHER, SHOULDER, SIDEWALK
from twin.road.xml import read_facts

ROAD = """<OpenDRIVE><header><geoReference>+proj=utm +zone=32</geoReference><offset x="10" y="20" z="3"/></header>
<road id="main" length="100" junction="-1" rule="LHT">
 <link><successor elementType="junction" elementId="7"/></link>
 <type s="0" type="town"><speed max="30" unit="mph"/></type><type s="50" type="town"><speed max="no limit"/></type>
 <planView><geometry s="0" x="500000.25" y="5000000" hdg="0" length="100"><line/></geometry></planView>
 <lanes><laneOffset s="0" a="1" b="0" c="0" d="0"/><laneSection s="0">
  <left><lane id="1" type="driving"><width sOffset="0" a="3" b="0" c="0" d="0"/>
   <speed sOffset="10" max="36" unit="km/h"/></lane></left>
  <right><lane id="-1" type="shoulder"/><lane id="-2" type="walking"/><lane id="-3" type="tram"/></right>
 </laneSection></lanes>
 <objects>
  <object id="1" type="building" s="10" t="9" length="4" width="2" height="3" hdg="0.5"/>
  <object id="2" type="roadMark" s="10" t="9" length="4" width="2" height="3"/>
  <object id="3" type="barrier" s="0" t="5" height="1" width="0.3">
   <repeat s="20" length="40" distance="10" lengthStart="1" lengthEnd="1"/></object>
  <object id="4" type="crosswalk" s="30" t="0" length="4" width="8" hdg="0"/>
 </objects>
 <signals><signal id="a" s="90" t="1" dynamic="yes" orientation="-"><validity fromLane="1" toLane="1"/></signal>
 <signal id="b" s="90" t="1" dynamic="no" orientation="+"/></signals>
</road>
<controller id="c"><control signalId="a"/><control signalId="a"/></controller>
<junction id="7"><connection id="0" incomingRoad="main" connectingRoad="x" contactPoint="end">
 <laneLink from="1" to="-1"/></connection>
<controller id="c"/></junction></OpenDRIVE>"""


def test_a_road_is_read_with_everything_on_it() -> None:
    facts = read_facts(ROAD.encode())
    road = facts.roads[0]
    assert (road.id, road.junction, road.left_hand) == ("main", "", True)
    assert road.successor is not None
    assert (road.successor.junction, road.successor.id) == (True, "7")
    assert [lane.kind for lane in road.sections[0].lanes] == [OTHER, SIDEWALK, SHOULDER, DRIVING]
    assert road.speeds[0] == (0.0, pytest.approx(13.4112))
    assert math.isnan(road.speeds[1][1])
    assert road.sections[0].lanes[3].speeds == ((10.0, pytest.approx(10.0)),)
    assert road.signals[0].validity == ((1, 1),)
    assert [signal.dynamic for signal in road.signals] == [True, False]
    assert facts.controllers == {"c": ("a",)}
    assert facts.junction_controllers == {"7": ("c",)}
    assert facts.junctions["7"][0].links == ((1, -1),)
    assert (facts.geo_reference, facts.geo_offset) == ("+proj=utm +zone=32", (10.0, 20.0, 3.0))


def test_repeated_objects_are_spelled_out_and_flat_ones_left_out() -> None:
    objects = read_facts(ROAD.encode()).roads[0].objects
    assert [(o.s, o.length, o.crossing) for o in objects] == [
        (10.0, 4.0, False),
        *[(20.0 + 10 * k, 1.0, False) for k in range(5)],
        (30.0, 4.0, True),
    ]


def test_geometry_is_moved_near_the_origin() -> None:
    facts = read_facts(ROAD.encode())
    assert facts.origin == (500000.0, 5000000.0)
    assert 'x="0.25"' in facts.geometry
    assert "building" not in facts.geometry


def test_an_xml_namespace_changes_nothing() -> None:
    spaced = ROAD.replace(
        "<OpenDRIVE>", '<OpenDRIVE xmlns="http://code.asam.net/simulation/standard/opendrive_schema">'
    )
    assert read_facts(spaced.encode()) == read_facts(ROAD.encode())


BOMB = """<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><OpenDRIVE>&b;</OpenDRIVE>"""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (BOMB, "document type"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><OpenDRIVE/>', "document type"),
        ("", "not well-formed"),
        ("<OpenDRIVE>", "not well-formed"),
        ("<OpenSCENARIO/>", "<OpenDRIVE> was expected"),
        ("<OpenDRIVE/>", "no <road>"),
        (ROAD.replace('length="100" junction', 'length="nan" junction'), "road 'main'.*not a usable number"),
        (ROAD.replace('length="100" junction', 'length="-3" junction'), "length is -3"),
        (ROAD.replace('length="100" junction', 'length="9e9" junction'), "km long together"),
        (ROAD.replace('hdg="0" length', 'hdg="abc" length'), "not a usable number"),
        (ROAD.replace('unit="mph"', 'unit="furlong"'), "known units are"),
        (ROAD.replace('<lane id="-2"', '<lane id="1.5"'), "not a whole number"),
        (ROAD.replace("<line/>", "<worm/>"), "road 'main': a <geometry> has no shape that is known"),
        (ROAD.replace('<geometry s="0"', '<geometry s="9"'), "begins at s = 9 m"),
        (ROAD.replace('<lane id="-3"', '<lane id="3"'), "the right side of a lane section"),
        (ROAD.replace('<lane id="-3"', '<lane id="-900"'), "900 lanes on one side"),
        (ROAD.replace("laneSection", "laneSektion"), "no <laneSection>"),
        (ROAD.replace('distance="10"', 'distance="0.0001"'), "repeated 400"),
        (
            ROAD.replace("<controller id", ROAD[ROAD.index("<road") : ROAD.index("<controller")] + "<controller id", 1),
            "unique",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(text: str, complaint: str) -> None:
    with pytest.raises(MapError, match=complaint):
        read_facts(text.encode())


def test_text_in_another_encoding_is_read() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>' + ROAD.replace('"main"', '"Münchner Straße"')
    assert read_facts(text.encode("latin-1")).roads[0].id == "Münchner Straße"


@given(data=st.data())
@settings(max_examples=400, deadline=20_000)
def test_mutilated_text_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    text = bytearray(ROAD.encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text) - 1))
        span = data.draw(st.integers(0, 40))
        text[at : at + span] = data.draw(
            st.one_of(
                st.binary(max_size=8), st.sampled_from([b'"1e308"', b'"-1"', b"<", b'"', b"</road>", b"nan", b"0"])
            )
        )
    with contextlib.suppress(MapError):
        assert read_facts(bytes(text)).roads
