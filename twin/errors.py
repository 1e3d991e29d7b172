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

import re
from collections.abc import Iterable
from itertools import islice
from typing import Final

MOST_LETTERS: Final = 64
MOST_NAMES: Final = 400


class TwinError(Exception):
    """Anything this project reports to a person without a traceback."""


class InputError(TwinError):
    """Say what is wrong with what was written or asked for, and how to mend it."""


class ExpressionError(InputError):
    """Something wrong inside an expression, at `offset` of its text; None: with the whole of it."""

    def __init__(self, message: str, offset: int | None, expected: str = "", suggestion: str = "") -> None:
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
    """Return the known name that was probably meant, or None.

    Believed are slips of the keys, words in another order or left out, and the same beginning. One slip in up to six
    letters is believed (a letter more, less or other, or two exchanged), and one more for every three letters above.
    No more than `MOST_NAMES` are compared.
    """
    if len(name) > MOST_LETTERS:
        return None
    known = list(islice(known, MOST_NAMES))
    slips = 1 + max(0, len(name) - 4) // 3 if len(name) > 1 else 0
    for spelt in (str.lower, _in_order) if len(_words(name)) > 1 else (str.lower,):
        meant = spelt(name)
        close = [(d, other) for other in known if (d := _distance(meant, spelt(other), slips)) <= slips]
        if close:
            return min(close, key=lambda c: c[0])[1]
    words = _words(name)
    wordy = [other for other in known if words and words <= _words(other)]
    kin = [other for other in known if 4 * (n := _common(name, other)) >= 3 * min(len(name), len(other)) and n > 2]
    return next(iter(wordy or kin), None)


def _common(a: str, b: str) -> int:
    """Return how many letters two words begin with in common."""
    return next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))


def _in_order(name: str) -> str:
    """Return the words of a name in the order of the alphabet."""
    return "_".join(sorted(re.split(r"[^a-z0-9]+", name.lower())))


def _words(name: str) -> frozenset[str]:
    """Return the words of a name that are long enough to say something."""
    return frozenset(word for word in re.split(r"[^a-z0-9]+", name.lower()) if len(word) > 2)


def _distance(a: str, b: str, most: int) -> int:
    """Return the optimal string alignment distance of two words, or something above `most`."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return last[-1]


def suggest(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the nearest known name, or an empty string."""
    close = nearest(name, known)
    return f"; did you mean '{close}'?" if close else ""
