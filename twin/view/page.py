"""Scenes as HTML: assets once, then any number of replays; nothing is fetched, everything authored is escaped."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from twin.files import write_whole
from twin.view.scene import Scene


def embed(value: object) -> str:
    """Return JSON text that is safe inside a script element, whatever strings it holds."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


@dataclass(frozen=True, slots=True)
class Assets:
    """The viewer's style and script, needed once a page, and the script alone for the page's policy."""

    html: str
    script: str


@cache
def assets() -> Assets:
    """Return the viewer."""
    folder = files("twin.view")
    style = folder.joinpath("viewer.css").read_text("utf-8")
    script = folder.joinpath("viewer.js").read_text("utf-8")
    return Assets(f"<style>{style}</style>\n<script>{script}</script>", script)


def policy(*scripts: str) -> str:
    """Return a content security policy that fetches nothing and runs these inline scripts only (W3C CSP level 3)."""
    hashes = " ".join(f"'sha256-{b64encode(sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {hashes}"


def replay_html(scene: Scene, key: str) -> str:
    """Return one replay; `key` tells it from the others of the page. It is decoded when it comes into view."""
    name = f"scene-{html.escape(key, quote=True)}"
    return (
        f'<figure class="twin-replay" data-scene="{name}"></figure>\n'
        f'<script type="application/json" id="{name}">{embed(scene)}</script>'
    )


def viewer_html(scenes: Iterable[Scene]) -> str:
    """Return a fragment with the viewer and all scenes."""
    return "\n".join([assets().html, *(replay_html(scene, str(k)) for k, scene in enumerate(scenes))])


def page_html(scenes: Iterable[Scene], title: str) -> str:
    """Return a whole page that opens from disk."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(assets().script)}">\n'
        f"<title>{html.escape(title)}</title>\n"
        "<style>:root { color-scheme: light dark; } body { margin: 24px auto; padding: 0 16px; max-width: 1180px; }"
        " @media (prefers-color-scheme: dark) { body { background: #101416; } }</style>\n"
        f"</head>\n<body>\n<main>\n{viewer_html(scenes)}\n</main>\n</body>\n</html>\n"
    )


def write_page(path: Path, scenes: Iterable[Scene], title: str) -> None:
    """Write `page_html` whole or not at all. Raises RecordError."""
    write_whole(path, page_html(scenes, title).encode())
