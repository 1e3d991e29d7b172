"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

from twin.errors import RecordError


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when the block ends well, and leaves nothing behind when it does not.

    Raises RecordError when the folder or the disk refuses.
    """
    draft = path.with_name(f".{path.name[:32]}.{crc32(os.fsencode(path.name)):08x}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            yield file
        draft.replace(path)
    except OSError as error:
        raise RecordError(
            f"'{path}' cannot be written: {error.strerror or error}; free the disk or name another folder"
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink()


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` in one piece. Raises RecordError."""
    with replacing(path) as file:
        file.write(data)
