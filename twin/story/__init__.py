"""The story: triggers and actions compiled once to flat tables, evaluated by one function."""

from twin.story.tables import StoryTables

__all__ = ["StoryTables"]
