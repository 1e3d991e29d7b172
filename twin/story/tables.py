"""The flat form of a story: one row per condition node, per event, per action."""

from __future__ import annotations

from typing import NamedTuple

from twin.state import Ints


class StoryTables(NamedTuple):
    """Compiled story of one case."""

    event_kind: Ints  # (events,)
