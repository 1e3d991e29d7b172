"""The story: triggers and actions compiled once to flat tables, evaluated by one function."""

from twin.story.tables import StoryMemory, StoryTables, memory_of

__all__ = ["StoryMemory", "StoryTables", "memory_of"]
