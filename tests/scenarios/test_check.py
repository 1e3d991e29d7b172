"""Everything wrong with a scenario at once, and nothing wrong with a good one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.check import check, examine, load
from twin.authored import AuthoredError, Problem, decode, parse

HERE = Path(__file__).resolve().parent / "language"
HEAD = "scenario: probe\nmap: motorway_3_lanes\nend: {after: 20 s}\n"
EGO = "ego: {vehicle: mid_sedan, start: {lane: 2, s: 100 m, speed: 20 m/s}}\n"
VAN = "actors: {van: {vehicle: van, start: {ahead_of: ego, gap: 30 m, speed: ego.speed}}}\n"


def told(more: str, ego: str = EGO) -> list[tuple[int, str]]:
    return [(p.line, p.message) for p in examine(parse(HEAD + ego + more, "probe.yaml"))[1]]


@pytest.mark.parametrize("name", ["swerving_lead", "alks_cut_in"])
def test_whole_scenarios_have_no_static_problem(name: str) -> None:
    assert load(HERE / f"{name}.yaml").scenario == name


@pytest.mark.parametrize(
    ("name", "strange"),
    [
        ("child_from_behind_parked_cars", {"ncap.ego", "ncap.child", "ncap.parked_small", "ncap.parked_big"}),
        ("walker_steps_out_and_waits", {"carla.volkswagen.t2", "external"}),
        ("shy_car", {"car", "human"}),
    ],
)
def test_only_names_of_other_catalogues_are_strange(name: str, strange: set[str]) -> None:
    with pytest.raises(AuthoredError) as caught:
        load(HERE / f"{name}.yaml")
    assert {p.message.split("'")[1] for p in caught.value.problems} == strange


def test_a_sound_scenario_has_no_problem() -> None:
    story = (
        "variables: {laps: 0}\ngroups: {all_of_them: [van]}\n"
        "story:\n"
        "  - name: close\n    when: any(all_of_them.gap_to(ego) < 10 m) or ego.ttc_to(van) < 2 s for 0.2 s\n"
        "    do: {van: {change_lane: {to: left}}, set: {laps: laps + 1}}\n"
        "  - {whenever: close.ends, do: {note: gone, environment: {rain: 5 mm/h}}}\n"
        "criteria: {no_collision: true, ttc: min >= 1 s}\n"
    )
    assert told(VAN + story) == []


def test_the_story_may_take_the_ego_once_the_scenario_says_so() -> None:
    seize = "story:\n  - {when: time > 3 s, do: {ego: {brake: {at: 3 m/s^2}}}}\n"
    lend = "story:\n  - {when: time > 3 s, do: {ego: {control: {speed: story}, brake: {at: 3 m/s^2}}}}\n"
    steer = "story:\n  - {when: time > 3 s, do: {ego: {control: {speed: story}, lane_offset: {to: 1 m}}}}\n"
    assert [m for _, m in told(seize)] == ["'brake' seizes the ego's speed, which its driver holds"]
    assert told(lend) == []
    assert [m for _, m in told(steer)] == ["'lane_offset' seizes the ego's steering, which its driver holds"]
    assert told(seize, EGO.replace("start:", "control: story, start:")) == []


def test_groups_stand_for_members_only_inside_any_and_all() -> None:
    group = VAN + "groups: {g: [van]}\n"
    assert told(group + "story:\n  - {when: g.speed > 3 m/s, do: {note: x}}\n") == [(8, "'g' is a group")]
    assert told(group + "story:\n  - {when: all(g.speed > 3 m/s), do: {them: {brake: {at: 2 m/s^2}}}}\n") == []


def test_choices_of_names_are_checked_one_by_one() -> None:
    parameters = "parameters:\n  car: choice(mid_sedan, spaceship)\n"
    ego = "ego: {vehicle: $car, start: {lane: 2, s: 100 m}}\n"
    assert told(parameters, ego) == [(4, "no vehicle is called 'spaceship'")]


def test_starts_may_use_the_start_speed_of_others_only() -> None:
    assert told("places: {p: {lane: 1, s: ego.width * 2}}\n") == []
    assert [line for line, _ in told("places: {p: {lane: 1, s: ego.travelled}}\n")] == [5]
    assert [line for line, _ in told(VAN.replace("ego.speed", "ego.accel * 1 s"))] == [5]


def test_nominal_values_must_meet_the_constraints() -> None:
    more = "parameters:\n  a: uniform(0 m, 10 m) default 9 m\nconstraints: [a < 5 m]\n"
    assert told(more) == [(7, "the nominal values violate this constraint")]


def test_files_are_checked_one_after_another(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("scenario: a\nmap: urban_grid\n")
    problems = check([tmp_path / "a.yaml", tmp_path / "none.yaml"])
    assert [Path(p.path).name for p in problems] == ["a.yaml", "a.yaml", "none.yaml"]


def test_problems_of_the_map_are_told_at_their_place(tmp_path: Path) -> None:
    path = tmp_path / "far.yaml"
    path.write_text(HEAD + EGO.replace("lane: 2", "lane: 9"))
    problems = check([path])
    assert [p.line for p in problems] == [4]


def test_a_car_inside_another_is_told_at_its_start(tmp_path: Path) -> None:
    path = tmp_path / "inside.yaml"
    path.write_text(HEAD + EGO + "actors: {van: {vehicle: van, start: {lane: 2, s: 101 m, speed: 20 m/s}}}\n")
    assert [p.line for p in check([path])] == [5]


def test_an_unknown_map_is_told_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "lost.yaml"
    path.write_text(HEAD.replace("motorway_3_lanes", "motorway_4_lanes") + EGO)
    assert [p.line for p in check([path])] == [2]


GOOD = (HERE / "motorway_cut_in.yaml").read_bytes()


@settings(max_examples=250, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 12), st.binary(max_size=3)), min_size=1, max_size=4)
)
def test_any_damage_to_a_good_file_is_told_and_never_a_traceback(damage: list[tuple[int, int, bytes]]) -> None:
    data = GOOD
    for at, gone, new in damage:
        data = data[:at] + new + data[at + gone :]
    try:
        _, problems = examine(parse(decode(data, "f.yaml"), "f.yaml"))
    except AuthoredError as error:
        problems = list(error.problems)
    assert all(isinstance(p, Problem) and p.message for p in problems)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_keys_taken_away_or_put_in_are_told_and_never_a_traceback(data: st.DataObject) -> None:
    lines = GOOD.decode().splitlines()
    words = ["brak", "start", "lane", "end", "actors", "do", "true", "ego", "zz"]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        key = lines[at].split(":")[0]
        word = data.draw(st.sampled_from(words))
        change = data.draw(st.sampled_from(["gone", "renamed", "added", "list"]))
        if change == "gone":
            lines[at] = ""
        elif change == "renamed":
            lines[at] = lines[at].replace(key.strip(" -"), word, 1) if key.strip(" -") else word
        elif change == "added":
            lines.insert(at, f"{word}: 3")
        else:
            lines[at] = f"{key}: [{word}]"
    try:
        problems = examine(parse("\n".join(lines), "f.yaml"))[1]
    except AuthoredError as error:
        problems = list(error.problems)
    assert all(p.line > 0 and p.message for p in problems)


def test_what_a_lost_section_named_is_not_missed() -> None:
    cars = (
        VAN.replace("actors", "cars")
        + "story:\n  - {when: van.speed > 3, do: {van: {brake: {}}, lorry: {brake: {}}}}\n"
    )
    assert told(cars) == [
        (5, "unknown key 'cars'"),
        (7, "a number without a unit"),
        (7, "no actor is called 'lorry'"),
    ]


def test_comparisons_inside_comparisons_take_no_longer_than_their_length() -> None:
    nested = "a == (" * 50 + "b" + ")" * 50
    assert told(f"constraints:\n  - {nested}\n")


def test_a_phase_is_mended_at_every_depth() -> None:
    deep = "story:\n  - phase: outer\n    stry:\n      - phase: inner\n        stry:\n          - {whn: time > 3}\n"
    assert [message for _, message in told(deep)] == [
        "unknown key 'stry'",
        "unknown key 'stry'",
        "unknown key 'whn'",
        "'do' is missing",
        "a number without a unit",
    ]
