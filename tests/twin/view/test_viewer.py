"""The page around scenes: self-contained, safe whatever the names say, and drawn by a real browser."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.browser import attribute, dom_after_selftest
from tests.synthetic import case_of, run_of, touched
from twin.view import assets, embed, encode, page_html, replay_html, viewer_html, write_page

HOSTILE = '</script><script>document.documentElement.dataset.pwned="1"</script><img src=x onerror=alert(1)>&amp;\u2028'


class Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []
        self.texts: list[str] = []
        self.others: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "script"
        if self._inside:
            self.scripts.append(dict(attrs))
            self.texts.append("")
        else:
            self.others.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[-1] += data


def parsed(page: str) -> Scripts:
    parser = Scripts()
    parser.feed(page)
    parser.close()
    return parser


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(JSON | st.sampled_from(["</script>", "<!--<script>", "]]>", "\u2028", HOSTILE]))
def test_embedded_json_never_leaves_its_script_and_says_the_same(value: object) -> None:
    text = embed(value)
    found = parsed(f'<script type="application/json">{text}</script><p>')
    assert found.others == ["p"]
    assert json.loads(found.texts[0]) == value


@settings(max_examples=100, deadline=None)
@given(key=st.text(min_size=1, max_size=20))
def test_a_key_stays_inside_its_attribute(key: str) -> None:
    found = parsed(replay_html({"x": 1}, key))
    assert found.others == ["figure"]
    assert len(found.scripts) == 1


def test_a_hostile_scenario_adds_no_element() -> None:
    run = run_of(case_of(("ego", HOSTILE), scenario=HOSTILE, event_names=(HOSTILE,), values={HOSTILE: HOSTILE}))
    page = page_html([encode(run)], HOSTILE)
    found = parsed(page)
    assert [s.get("type") for s in found.scripts] == [None, "application/json"]
    assert "img" not in found.others


def test_the_page_names_no_address_to_fetch_from() -> None:
    page = page_html([encode(run_of())], "x")
    assert re.findall(r"(?:https?:)?//[a-z]", page.replace("/*", "")) == []
    assert not re.search(r"\b(src|href)=", page)


def test_assets_come_once_for_many_replays() -> None:
    page = viewer_html([encode(run_of(ticks=5))] * 3)
    assert page.count(assets().script) == 1
    assert len(parsed(page).scripts) == 4


def test_a_browser_draws_every_replay_without_an_error(tmp_path: Path) -> None:
    strange = run_of(case_of(("ego", HOSTILE), scenario=HOSTILE))
    scenes = [encode(touched(run_of())), encode(strange), encode(run_of(ticks=1)), encode(run_of(ticks=0))]
    write_page(tmp_path / "view.html", scenes, "replays")
    dom = dom_after_selftest(tmp_path / "view.html", tmp_path / "profile")
    assert attribute(dom, "twin-error") == []
    assert attribute(dom, "pwned") == []
    assert len(attribute(dom, "drawn")) == 3
    assert min(int(n) for n in attribute(dom, "colours")) > 8
    assert attribute(dom, "played") == ["true"] * 3
    assert "No tick was run" in dom
    assert "ego touches cutter at 11 km/h" in dom
