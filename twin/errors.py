"""What can go wrong, as a tree.

TwinError
├── InputError          what a person wrote or asked for cannot be used (exit code 2)
│   ├── AuthoredError   problems in an authored file, each with its place
│   ├── ExpressionError an expression that cannot be read or used, with the offset in its text
│   ├── MapError        a road network that cannot be read
│   └── UnknownName     a name that no catalogue holds
├── StackError          the stack under test broke its contract (a FAIL with cause SW)
│   ├── StackCrash      it raised, or its process ended
│   ├── StackTimeout    it outran its budget
│   └── StackGarbage    it answered something that is not a command
└── InfrastructureError ours or the machine's (exit code 3)
    └── RecordError     a record that cannot be written or read
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TwinError(Exception):
    """Anything this project reports to a person without a traceback."""


class InputError(TwinError):
    """Say what is wrong with what was written or asked for, and how to mend it."""


class ExpressionError(InputError):
    """Something wrong inside an expression, at `offset` of its text."""

    def __init__(self, message: str, offset: int, expected: str = "", suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.expected = expected
        self.suggestion = suggestion


class MapError(InputError):
    """A missing, malformed or unreadable road network."""


class UnknownName(InputError):
    """A name that no catalogue holds; the message lists the known ones and the nearest."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        hint = suggest(name, names) or "."
        super().__init__(f"no {what} is called '{name}'{hint} Known: {', '.join(names) or 'none'}.")
        self.name = name
        self.known = names


class StackError(TwinError):
    """The stack under test broke its contract."""


class StackCrash(StackError):
    """It raised, or its process ended."""


class StackTimeout(StackError):
    """It outran its budget."""


class StackGarbage(StackError):
    """It answered something that is not a command."""


class InfrastructureError(TwinError):
    """Our fault or the machine's: a full disk, a dead worker, a server that does not answer."""


class RecordError(InfrastructureError):
    """A record that cannot be written or read."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, or None when none is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def suggest(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the nearest known name, or an empty string."""
    close = nearest(name, known)
    return f"; did you mean '{close}'?" if close else ""
