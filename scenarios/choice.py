"""Which runs deserve a record: a matter of the finished table alone, never of who finished first."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from scenarios.ledger import UNFINISHED, Row

_FIRST: Final = {"FAIL": 0, "FLAKY": 1, "UNPREVENTABLE": 2, "INCONCLUSIVE": 3, "INVALID": 4}
_DISENGAGED, _UNEVENTFUL = 5, 6
_NO_RUN: Final = ""


def telling(rows: Iterable[Row]) -> Iterator[str]:
    """Yield case ids, the most telling first: failures, doubts, disengagements, then the closest calls.

    Scenarios take turns, so that one bad scenario does not hide the others. A case that has no run is left out.
    """
    queues: dict[str, list[tuple[int, float, int, str]]] = {}
    for index, row in enumerate(rows):
        if row["verdict"] not in UNFINISHED and row["hash"] != _NO_RUN:
            queues.setdefault(row["scenario"], []).append((_rank(row), _closest(row), index, row["case_id"]))
    turns = deque(deque(sorted(queue)) for queue in queues.values())
    while turns:
        queue = turns.popleft()
        yield queue.popleft()[-1]
        if queue:
            turns.append(queue)


def fitting(order: Sequence[str], sizes: Mapping[str, int], budget: int) -> list[str]:
    """Return the longest beginning of `order` whose sizes fit the budget [bytes]."""
    kept, used = [], 0
    for case in order:
        used += sizes[case]
        if used > budget:
            break
        kept.append(case)
    return kept


def _rank(row: Row) -> int:
    return _FIRST.get(row["verdict"], _DISENGAGED if _disengaged(row) else _UNEVENTFUL)


def _closest(row: Row) -> float:
    ttc = row.get("f.min_ttc_s")
    return ttc if isinstance(ttc, float) and not math.isnan(ttc) else math.inf


def _disengaged(row: Row) -> bool:
    return row.get("disengagements") not in (None, "", "[]")
