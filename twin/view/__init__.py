"""A run in the browser: from arrays to a scene, from a scene to a page."""

from twin.view.page import Assets, assets, embed, page_html, policy, replay_html, viewer_html, write_page
from twin.view.scene import Mark, Scene, encode

__all__ = [
    "Assets",
    "Mark",
    "Scene",
    "assets",
    "embed",
    "encode",
    "page_html",
    "policy",
    "replay_html",
    "viewer_html",
    "write_page",
]
