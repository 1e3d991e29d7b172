"""The record: what a run leaves behind, as one MCAP file that can be looked at, judged and run again.

| channel         | one JSON message                                                              | when           |
|-----------------|-------------------------------------------------------------------------------|----------------|
| /state          | `hash`; `f` and `n`: row name of `twin.state` -> value of each actor          | every tick     |
| /world          | `environment` by row name; `lamps`, `severity`, `story` as lists              | every tick     |
| /command        | `accel_mps2`, `steer_rad` (null = none given), `mode`, `cause`                | every tick     |
| /estimate       | newest localisation: `x`, `y`, `yaw`, `speed_mps`, `std_xy` (null = none yet) | every tick     |
| /contacts       | a first touch of two bodies: `twin.state.Contact`                             | at the touch   |
| /sensors/<name> | a sample as the stack got it, three clocks, labels of injected faults         | at its arrival |

Log time is simulation time in nanoseconds: the same run gives the same bytes. Numbers are written so that reading gives
back the same double; nan is null and infinity 1e999. The metadata record `avtwin` holds `run` (JSON: scenario, seed,
values, actors, map and its digest, versions, how the run ended) and what the caller gave; texts (the scenario and the
files it uses) are attachments. MCAP: https://mcap.dev/spec, compression zstd.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from typing import IO, Final

import zstandard
from mcap.exceptions import McapError
from mcap.records import Attachment, Channel, Chunk, Message, Metadata
from mcap.stream_reader import CRCValidationError, StreamReader, breakup_chunk
from mcap.writer import Writer

from twin.channels import ESTIMATE, SAMPLE_SCHEMA, SCHEMAS
from twin.divergence import Divergence, first_divergence
from twin.errors import RecordError
from twin.files import replacing
from twin.kernel import KERNELS_HASH
from twin.payload import encode, numbers
from twin.recorded import SCENARIO, USED, Gatherer, Recorded
from twin.recorder import Recorder
from twin.run import MODES, Run
from twin.samples import PointCloud, Sample
from twin.state import E_NAMES, F_NAMES, N_NAMES

__all__ = ["Divergence", "Recorded", "Recorder", "first_divergence", "read", "versions", "write"]

FORMAT: Final = 1
SUFFIX: Final = ".mcap"
_MAX_FILE: Final = 1 << 30  # bytes
_MAX_RECORD: Final = 64 << 20
_MAX_TOTAL: Final = 1 << 30  # of uncompressed chunks


def write(
    path: Path,
    run: Run,
    samples: Iterable[Sample] = (),
    meta: Mapping[str, object] | None = None,
    clouds: bool = False,
) -> None:
    """Write the record of a run: the whole file or none. Point clouds go in only if `clouds`.

    Of `meta`, "text" (the scenario as written) and "files" (name -> text) become attachments; the rest has to be JSON.
    Raises RecordError.
    """
    given = dict(meta or {})
    text = str(given.pop("text", ""))
    files = given.pop("files", None) or {}
    if not isinstance(files, Mapping):
        raise RecordError("meta 'files' must map names to texts")
    try:
        given_json = json.dumps(given, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RecordError(f"the settings of the run cannot be recorded as JSON: {error}") from error
    with replacing(path) as file:
        writer = Writer(file, enable_data_crcs=True)
        writer.start(profile="", library="avtwin")
        writer.add_metadata("avtwin", {"format": str(FORMAT), "run": _describe(run), "meta": given_json})
        for name, content in [(SCENARIO, text), *((f"{USED}{k}", str(v)) for k, v in sorted(files.items()))]:
            writer.add_attachment(0, 0, name, "application/yaml", content.encode())
        _write_messages(writer, run, samples, clouds)
        writer.finish()  # type: ignore[no-untyped-call]


@cache
def versions() -> Mapping[str, str]:
    """Return what has to be the same for the same bytes: our own version, the kernels' and the libraries'."""
    found = {"kernels": KERNELS_HASH}
    for name in ("avtwin", "carla", "numba", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def _describe(run: Run) -> str:
    case = run.case
    return json.dumps(
        {
            "scenario": case.scenario,
            "seed": case.seed,
            "values": dict(case.values),
            "actors": case.actors,
            "map": {"name": case.road.name, "digest": case.road.digest},
            "step_ns": case.step_ns,
            "faults": [f"{f.component}: {f.name}" for f in case.faults],
            "driver": case.driver.name,
            "versions": dict(versions()),
            "ticks": len(run.t_ns),
            "signals": run.lamps.shape[1],
            "channels": run.severity.shape[1],
            "events": run.story.shape[1],
            "failure_kind": run.failure_kind,
            "failure": run.failure,
            "stopped": run.stopped,
        },
        sort_keys=True,
    )


def _write_messages(writer: Writer, run: Run, samples: Iterable[Sample], clouds: bool) -> None:
    ids = {topic: _register(writer, topic, schema) for topic, schema in SCHEMAS.items()}
    sequence = 0

    def add(topic: str, t_ns: int, text: str) -> None:
        nonlocal sequence
        writer.add_message(ids[topic], max(t_ns, 0), text.encode(), max(t_ns, 0), sequence)
        sequence += 1

    for k, t_ns in enumerate(run.t_ns.tolist()):
        f = dict(zip(F_NAMES, run.f[k].tolist(), strict=True))
        n = dict(zip(N_NAMES, run.n[k].tolist(), strict=True))
        add("/state", t_ns, f'{{"hash":"{int(run.hashes[k]):016x}","f":{numbers(f)},"n":{numbers(n)}}}')
        add("/world", t_ns, numbers(_world(run, k)))
        accel, steer = numbers(run.command[k].tolist())[1:-1].split(",")
        mode, cause = json.dumps(MODES[run.mode[k]]), json.dumps(run.cause[k])
        add("/command", t_ns, f'{{"accel_mps2":{accel},"steer_rad":{steer},"mode":{mode},"cause":{cause}}}')
        add("/estimate", t_ns, numbers(dict(zip(ESTIMATE, run.estimate[k].tolist(), strict=True))))
    for contact in run.contacts:
        add("/contacts", contact.t_ns, numbers(asdict(contact)))
    for sample in samples:
        if isinstance(sample.data, PointCloud) and not clouds:
            continue
        topic = f"/sensors/{sample.sensor}"
        if topic not in ids:
            ids[topic] = _register(writer, topic, SAMPLE_SCHEMA)
        add(topic, sample.t_arrival_ns, encode(sample))


def _world(run: Run, k: int) -> dict[str, object]:
    return {
        "environment": dict(zip(E_NAMES, run.environment[k].tolist(), strict=True)),
        "lamps": run.lamps[k].tolist(),
        "severity": run.severity[k].tolist(),
        "story": run.story[k].tolist(),
    }


def _register(writer: Writer, topic: str, schema: Mapping[str, object]) -> int:
    text = json.dumps({"type": "object", **schema}, sort_keys=True).encode()
    return writer.register_channel(topic, "json", writer.register_schema(f"avtwin{topic}", "jsonschema", text))


def read(path: Path) -> Recorded:
    """Read a record. Raises RecordError when it is missing, damaged, not ours, or larger than a record can be."""
    try:
        if path.stat().st_size > _MAX_FILE:
            raise RecordError(f"'{path}' is larger than {_MAX_FILE >> 20} MiB; this is not a record of one run")
        with path.open("rb") as file:
            return _gathered(file)
    except OSError as error:
        raise RecordError(f"'{path}' cannot be read: {error.strerror or error}") from error
    except RecordError as error:
        raise RecordError(f"'{path}' is not a usable record: {error}") from error
    except (McapError, CRCValidationError, zstandard.ZstdError) as error:
        what = str(error) or "it ends too early"
        raise RecordError(f"'{path}' is not a usable record: {what}; run the case again") from error
    except (ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError, ArithmeticError) as error:
        raise RecordError(f"'{path}' is not a usable record: {type(error).__name__}: {error}") from error
    except Exception as error:
        # struct.error has no public base but Exception
        if type(error).__module__ not in ("struct", "_struct"):
            raise
        raise RecordError(f"'{path}' is not a usable record: it ends too early") from error


def _gathered(file: IO[bytes]) -> Recorded:
    parts, topics = Gatherer(), dict[int, str]()
    for record in _records(file):
        if isinstance(record, Metadata) and record.name == "avtwin":
            if record.metadata.get("format") != str(FORMAT):
                raise RecordError(f"its format is {record.metadata.get('format')!r:.20}, this version reads {FORMAT}")
            parts.describe(record.metadata["run"], record.metadata["meta"])
        elif isinstance(record, Attachment):
            parts.text(record.name, record.data.decode())
        elif isinstance(record, Channel):
            topics[record.id] = record.topic
        elif isinstance(record, Message):
            parts.message(topics[record.channel_id], record.log_time, record.data)
    return parts.recorded()


def _records(file: IO[bytes]) -> Iterator[object]:
    total = 0
    reader = StreamReader(_Sparing(file), emit_chunks=True, validate_crcs=True, record_size_limit=_MAX_RECORD)
    for record in reader.records:
        if not isinstance(record, Chunk):
            yield record
            continue
        size = _honest_size(record)
        total += size
        if size > _MAX_RECORD or total > _MAX_TOTAL:
            raise RecordError("its chunks unpack to more than a record can hold")
        yield from breakup_chunk(record, validate_crc=True)


class _Sparing(BytesIO):
    """A file that refuses lengths no record can have, before memory is set aside for them."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= _MAX_RECORD:
            raise RecordError("it holds a length that no record can have")
        return self._file.read(size)


def _honest_size(chunk: Chunk) -> int:
    """Return how many bytes a chunk unpacks to, from the compressed frame itself."""
    if chunk.compression == "zstd":
        size = int(zstandard.frame_content_size(chunk.data))
        if size < 0:
            raise RecordError("a chunk does not say how much it unpacks to")
        return size
    if chunk.compression == "":
        return len(chunk.data)
    raise RecordError(f"its chunks are compressed by '{chunk.compression:.20}', a record's by zstd")
