"""The report page: it says what the rows say, escapes what people wrote, fetches nothing, and works in a browser."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.page import Meta, render, write_report
from tests.browser import attribute, dom_after_selftest
from tests.synthetic import case_of, run_of, touched
from twin.errors import RecordError
from twin.view import Scene, encode

HOSTILE = '</script><script>document.documentElement.dataset.pwned="1"</script><img src=x onerror=alert(1)>{{ 7 * 7 }}'


def rows(cases: int = 40, name: str = "cut_in") -> pd.DataFrame:
    """Return results as a sweep leaves them; every fourth case fails, every tenth is invalid."""
    out: list[dict[str, Any]] = []
    for k in range(cases):
        verdict = "INVALID" if k % 10 == 9 else "FAIL" if k % 4 == 0 else "PASS"
        found = {"criterion": name, "text": name, "verdict": verdict, "value": 0.1 * k, "unit": "s"}
        gone = {"t_s": 4.0, "who": "stack", "cause": "perception", "odd": "IN", "lead_s": 2.5, "speed_mps": 20.0}
        out.append(
            {
                "case_id": f"c{k:03d}",
                "scenario": f"{name} {k % 2}",
                "seed": k,
                "verdict": verdict,
                "cause": "SW" if verdict == "FAIL" else "",
                "why": name if verdict == "FAIL" else "",
                "distance_km": 0.5,
                "duration_s": 20.0,
                "stopped": "end",
                "requirements": json.dumps([name]),
                "p.gap": float((7 * k) % 13),
                "p.lateral": 0.5 + k % 3 / 2,
                "p.paint": name,
                "f.min_ttc_s": None if k % 7 == 3 else 0.1 * k,
                "f.collisions": float(verdict == "FAIL"),
                "findings": json.dumps([found | {"robustness": 0.1 * k - 1.0, "t_s": 3.0, "why": name}]),
                "disengagements": json.dumps([gone] if k == 4 else []),
                "odd": json.dumps({"rainfall": {"none": 12.0, "light": 0.0, "heavy": 0.0}, name: {name: 3.0}}),
                "extrapolated": "[]",
            }
        )
    return pd.DataFrame(out)


def scenes(name: str = "cutter") -> dict[str, Scene]:
    return {
        "c004": encode(
            touched(run_of(case_of(("ego", name), scenario=name, event_names=(name,), values={name: name})))
        ),
        "c001": encode(run_of(ticks=50)),
    }


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if "id" in given:
            self.ids.append(str(given["id"]))


def table(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="case-data">(.*?)</script>', page, re.S)
    assert found is not None
    return dict(json.loads(found[1]))


def test_the_headline_gives_the_rate_its_interval_and_what_is_missing() -> None:
    page = render(rows(), {}, Meta())
    # of 40 cases 4 are INVALID; of the 36 judged 10 fail: 26 / 36, Clopper and Pearson [54.8 %, 85.8 %]
    assert "10 of 36 judged cases failed. 72.2 % passed, 95 % interval 54.8 % to 85.8 %." in page
    assert "4 cases are missing from this rate: 4 INVALID." in page


def test_when_nothing_could_be_judged_no_rate_is_given() -> None:
    page = render(rows(2).assign(verdict="ERROR"), {}, Meta())
    assert "None of 2 cases could be judged, so there is no rate to give." in page


def test_an_empty_sweep_is_a_page_that_says_so() -> None:
    assert "Nothing was run." in render(rows(1).iloc[:0], {}, Meta())


def test_every_case_is_in_the_table_with_its_figures_and_parameters() -> None:
    data = table(render(rows(), {}, Meta()))
    keys = [c["key"] for c in data["columns"]]
    assert len(data["rows"]) == 40
    third = dict(zip(keys, data["rows"][3], strict=True))
    assert (third["case_id"], third["verdict"], third["f.min_ttc_s"], third["distance_km"]) == (
        "c003",
        "PASS",
        None,
        0.5,
    )
    assert third["parameters"] == "gap 8, lateral 0.5, paint cut_in"


def test_replays_come_worst_first_and_are_linked_from_their_case() -> None:
    page = render(rows(), scenes(), Meta())
    assert page.index('id="replay-c004"') < page.index('id="replay-c001"')
    assert table(page)["replays"] == ["c001", "c004"]
    assert "2 runs of 40 with a record" in page


def test_the_worst_moment_links_to_its_replay() -> None:
    worst = rows()
    worst.loc[worst["case_id"] != "c004", "findings"] = "[]"
    assert '<a href="#replay-c004">c004</a>' in render(worst, scenes(), Meta())


def test_odd_cells_without_a_run_are_shown_as_never_met() -> None:
    page = render(rows(), {}, Meta(odds={"cut_in 0": "motorway", "cut_in 1": "motorway"}))
    assert "<h3>motorway</h3>" in page
    assert "<dt>cells met</dt><dd>2 of 4</dd>" in page
    assert "<dt>pairs of cells met</dt><dd>0 of 3</dd>" in page
    assert "1 / 3" in page
    assert page.count("never</span>") == 2


def test_every_odd_has_its_own_coverage_and_says_whose_it_is() -> None:
    page = render(rows(), {}, Meta(odds={"cut_in 0": "motorway", "cut_in 1": "urban"}))
    assert page.index("<h3>motorway</h3>") < page.index("<h3>urban</h3>")
    assert page.count("<dt>runs</dt><dd>20</dd>") == 2
    assert '<p class="small dim">cut_in 1</p>' in page


def test_what_holds_or_not_is_said_in_words_and_a_count_without_a_unit() -> None:
    held = {"criterion": "on_road", "text": "true", "verdict": "FAIL", "value": 0.0, "unit": "bool", "t_s": 5.5}
    counted = {
        "criterion": "red_light",
        "text": "count <= 0",
        "verdict": "PASS",
        "value": 2.0,
        "unit": "1",
        "t_s": None,
    }
    page = render(rows(1).assign(findings=json.dumps([held, counted])), {}, Meta())
    assert '<td class="n">no</td><td class="n">5.50&nbsp;s</td>' in page
    assert '<td class="n">2</td><td class="n">–</td>' in page


def test_a_name_breaks_only_after_its_joints() -> None:
    assert "<b>cut_<wbr>in 0</b>" in render(rows(), {}, Meta())


def test_a_disengagement_is_typed_and_leads_to_its_case() -> None:
    page = render(rows(), scenes(), Meta())
    row = (
        '<td><a href="#replay-c004">c004</a></td><td class="n">4.00&nbsp;s</td><td>stack</td><td>perception</td>'
        '<td>IN</td><td class="n">2.50&nbsp;s</td><td class="n">72.0&nbsp;km/h</td>'
    )
    assert row in page
    assert "<td>1 stack</td><td>1 IN</td>" in page


def test_the_command_that_runs_a_case_again_is_with_its_replay_and_in_the_table() -> None:
    page = render(rows(), scenes(), Meta(again={"c004": "twin run x.yaml --seed 4"}))
    assert "<code>twin run x.yaml --seed 4</code>" in page
    assert table(page)["again"] == {"c004": "twin run x.yaml --seed 4"}


def test_a_seed_keeps_all_its_digits() -> None:
    data = table(render(rows(1).assign(seed=2**62 + 1), {}, Meta()))
    assert data["rows"][0][[c["key"] for c in data["columns"]].index("seed")] == "4611686018427387905"


def test_without_an_odd_there_is_no_denominator() -> None:
    assert "No case was judged against an ODD" in render(rows().assign(odd="{}"), {}, Meta())


def test_no_text_of_people_becomes_an_element() -> None:
    page = render(
        rows(name=HOSTILE),
        scenes(HOSTILE),
        Meta(HOSTILE, HOSTILE, HOSTILE, {f"{HOSTILE} 0": HOSTILE}, {"c004": HOSTILE}, {HOSTILE: HOSTILE}),
    )
    plain = render(rows(), scenes(), Meta("a", "b", "c", {"cut_in 0": "d"}, {"c004": "e"}, {"z": "z"}))
    count = {tag: sum(t == tag for t, _ in Elements(page).tags) for tag in ("script", "img", "style")}
    assert count == {tag: sum(t == tag for t, _ in Elements(plain).tags) for tag in ("script", "img", "style")}
    assert count["img"] == 0
    assert "{{ 7 * 7 }}" in page


@settings(max_examples=10, deadline=None)
@given(st.text(min_size=1, max_size=40) | st.sampled_from(["<!--", "]]>", "\x00", "\u2028", "&lt;"]))
def test_any_name_gives_a_page_with_the_same_scripts(name: str) -> None:
    page = render(rows(6, name), {}, Meta(title=name))
    scripts = [a.get("type") for t, a in Elements(page).tags if t == "script"]
    assert scripts == ["application/json", None, None]
    page.encode()


def test_the_page_fetches_nothing_and_runs_only_its_own_scripts() -> None:
    page = render(rows(), scenes(), Meta())
    policy = next(a["content"] for t, a in Elements(page).tags if t == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert policy.count("'sha256-") == 2
    loads = [(t, a) for t, a in Elements(page).tags if {"src", "srcset", "data"} & a.keys() or t == "link"]
    assert loads == []
    links = [str(a["href"]) for t, a in Elements(page).tags if t == "a"]
    assert all(link.startswith("#") for link in links)


def test_every_link_of_the_page_leads_somewhere() -> None:
    found = Elements(render(rows(), scenes(), Meta()))
    targets = {str(a["href"])[1:] for t, a in found.tags if t == "a"}
    assert targets <= set(found.ids)


def test_ids_of_the_page_are_unique() -> None:
    ids = Elements(render(rows(), scenes(), Meta())).ids
    assert len(ids) == len(set(ids))


def test_the_same_rows_give_the_same_bytes() -> None:
    assert render(rows(), scenes(), Meta()) == render(rows(), scenes(), Meta())


def test_rows_read_back_from_parquet_give_the_same_page(tmp_path: Path) -> None:
    rows().to_parquet(tmp_path / "r.parquet")
    assert render(pd.read_parquet(tmp_path / "r.parquet"), {}, Meta()) == render(rows(), {}, Meta())


def test_thousands_of_cases_make_a_page_of_a_few_megabytes(tmp_path: Path) -> None:
    many = pd.concat([rows(500)] * 10, ignore_index=True)
    many["case_id"] = [f"c{k:05d}" for k in range(len(many))]
    path = write_report(tmp_path, many, {}, Meta())
    assert path.stat().st_size < 4_000_000


def test_columns_without_a_number_are_not_drawn_as_zero() -> None:
    nothing = rows(8).assign(**{"f.min_ttc_s": None, "f.collisions": np.nan})
    keys = [c["key"] for c in table(render(nothing, {}, Meta()))["columns"]]
    assert not [k for k in keys if k.startswith("f.")]


def test_the_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    assert write_report(tmp_path, rows(4), {}) == tmp_path / "report.html"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(RecordError, match="cannot be written"):
        write_report(tmp_path / "report.html", rows(4), {})


def test_infinite_figures_do_not_break_the_page() -> None:
    endless = rows(6).assign(**{"f.min_ttc_s": [math.inf, 1.0, 2.0, 3.0, -math.inf, math.nan]})
    assert len(table(render(endless, {}, Meta()))["rows"]) == 6


def test_a_browser_sorts_fills_and_draws_without_an_error(tmp_path: Path) -> None:
    path = write_report(tmp_path, rows(130, HOSTILE), scenes(HOSTILE), Meta(title=HOSTILE, again={"c004": HOSTILE}))
    dom = dom_after_selftest(path, tmp_path / "profile")
    assert attribute(dom, "twin-error") == []
    assert attribute(dom, "pwned") == []
    assert attribute(dom, "cases") == ["100"]
    assert len(attribute(dom, "colours")) == 2
    assert min(int(n) for n in attribute(dom, "colours")) > 8
    assert "130 of 130 cases" in dom
