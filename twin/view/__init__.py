"""A run in the browser: from arrays to a scene, from a scene to a page."""

from twin.view.page import assets_html, embed, page_html, replay_html, viewer_html, write_page
from twin.view.scene import Mark, Scene, encode

__all__ = [
    "Mark",
    "Scene",
    "assets_html",
    "embed",
    "encode",
    "page_html",
    "replay_html",
    "viewer_html",
    "write_page",
]
