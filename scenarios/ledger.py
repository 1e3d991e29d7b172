"""The folder of a sweep: what it runs, what has finished, and the merged result.

| file              | holds                                                                                  |
|-------------------|----------------------------------------------------------------------------------------|
| `sweep.json`      | name and settings of the sweep, for people and for `twin report`                       |
| `parts/*.parquet` | finished cases, one file per batch, whole or absent                                    |
| `results.parquet` | one row per case of the plan that has finished, in the plan's order                    |
| `records/*.mcap`  | records of the interesting runs, named by case                                         |

A Parquet file cannot be appended to, so batches are written beside each other and merged at the end and on resume.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from twin.errors import InputError, RecordError
from twin.files import replacing, write_whole

Row = Mapping[str, Any]

UNFINISHED = frozenset({"ERROR", "TIMEOUT"})  # the machine's doing: a resumed sweep tries these again


class Ledger:
    """Owns the folder while it is open; a second sweep into the same folder is refused."""

    def __init__(self, folder: Path, about: Mapping[str, Any]) -> None:
        self.folder = folder
        self.parts = folder / "parts"
        self.records = folder / "records"
        self._lock = _locked(folder)
        try:
            _same_sweep(folder, about)
            write_whole(folder / "sweep.json", (json.dumps(about, indent=2, sort_keys=True) + "\n").encode())
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        self._lock.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def record(self, case: str) -> Path:
        """Return where the record of a case lies, or would."""
        return self.records / f"{case}.mcap"

    def finished(self) -> dict[str, Row]:
        """Return the row of every case that has an outcome, by case id. A damaged part counts as not run."""
        rows: dict[str, Row] = {}
        for path in sorted(self.parts.glob("*.parquet")):
            for row in _read(path):
                if row["verdict"] not in UNFINISHED or row["case_id"] not in rows:
                    rows[row["case_id"]] = row
        return rows

    def append(self, rows: Sequence[Row]) -> None:
        """Keep the rows of one batch. Raises RecordError when the disk refuses; nothing half-written stays."""
        if rows:
            name = hashlib.blake2b(
                json.dumps([dict(r) for r in rows], default=str).encode(), digest_size=12
            ).hexdigest()
            _write(self.parts / f"{name}.parquet", rows)

    def merge(self, order: Iterable[str]) -> list[Row]:
        """Write `results.parquet`, rows in `order` (case ids of the plan), and return the rows."""
        done = self.finished()
        rows = [done[case] for case in order if case in done]
        _write(self.folder / "results.parquet", rows)
        return rows


def _locked(folder: Path) -> IO[bytes]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("wb")
    except OSError as error:
        raise RecordError(
            f"'{folder}' cannot be written: {error.strerror or error}; name another folder with --out"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise InputError(f"another sweep is writing to '{folder}'; wait for it or name another folder") from error
    return lock


def _same_sweep(folder: Path, about: Mapping[str, Any]) -> None:
    try:
        there = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
        name = there["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if name != about["name"]:
        raise InputError(
            f"'{folder}' holds the sweep '{name}', not '{about['name']}'; name another folder with --out, or remove it"
        )


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        rows = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException):
        return []
    return [row for row in rows if "case_id" in row and "verdict" in row]


def _write(path: Path, rows: Sequence[Row]) -> None:
    with replacing(path) as file:
        pq.write_table(_table(rows), file, compression="zstd")


def _table(rows: Sequence[Row]) -> pa.Table:
    """Return rows as columns in order of first appearance; a column of mixed types becomes text."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: _column([row.get(name) for row in rows]) for name in names})


def _column(values: list[Any]) -> pa.Array:
    kinds = {type(v) for v in values if v is not None}
    if kinds <= {int, float} and float in kinds:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if len(kinds) > 1:
        return pa.array([None if v is None else str(v) for v in values], pa.string())
    return pa.array(values)
