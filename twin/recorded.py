"""A record read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.case import Case
from twin.channels import ESTIMATE
from twin.errors import RecordError
from twin.payload import decode, floats
from twin.run import MODES, Run
from twin.samples import Sample
from twin.state import E_NAMES, F_NAMES, N_NAMES, Contact, Floats, Ints

SCENARIO: Final = "scenario.yaml"
USED: Final = "files/"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record read back: the arrays of `twin.run.Run` without its case, and what it takes to assemble that case anew.

    `text` is the scenario as it was written, `files` what it used, by name; `meta` what the caller of `write` gave.
    """

    scenario: str
    seed: int
    values: Mapping[str, float | str]
    actors: tuple[str, ...]
    map_name: str
    map_digest: str
    step_ns: int
    versions: Mapping[str, str]
    meta: Mapping[str, Any]
    text: str
    files: Mapping[str, str]
    t_ns: Ints
    f: Floats
    n: Ints
    environment: Floats
    lamps: Ints
    severity: Floats
    story: Ints
    command: Floats
    mode: Ints
    cause: tuple[str, ...]
    estimate: Floats
    contacts: tuple[Contact, ...]
    hashes: NDArray[np.uint64]
    failure_kind: str
    failure: str
    stopped: str
    samples: tuple[Sample, ...]

    def run(self, case: Case) -> Run:
        """Return the run with its case, assembled anew. Raises RecordError when the case is another one."""
        if case.actors != self.actors or case.step_ns != self.step_ns:
            raise RecordError(
                f"the case does not fit the record: it has actors {', '.join(case.actors)} and steps of {case.step_ns} "
                f"ns, the record {', '.join(self.actors)} and {self.step_ns} ns"
            )
        names = (n for n in Run.__dataclass_fields__ if n != "case")
        return Run(case=case, **{name: getattr(self, name) for name in names})


class Gatherer:
    """Gathers columns while the parts of a record go by; `recorded` makes the whole of them.

    Whatever is wrong with a part is a RecordError, KeyError, ValueError, TypeError, IndexError or OverflowError.
    """

    def __init__(self) -> None:
        self.run: Mapping[str, Any] | None = None
        self.meta: Mapping[str, Any] = {}
        self.texts: dict[str, str] = {}
        self.ticks: list[tuple[int, int]] = []
        self.blocks: dict[str, list[NDArray[Any]]] = {name: [] for name in _COLUMNS}
        self.mode: list[int] = []
        self.cause: list[str] = []
        self.contacts: list[Contact] = []
        self.samples: list[Sample] = []

    def describe(self, run: str, meta: str) -> None:
        """Take what the record says of its run."""
        self.run, self.meta = json.loads(run), json.loads(meta)
        if not isinstance(self.run, dict) or not isinstance(self.meta, dict):
            raise RecordError("what it says of its run is not a map")

    def text(self, name: str, text: str) -> None:
        """Take an authored text."""
        self.texts[name] = text

    def message(self, topic: str, t_ns: int, text: bytes) -> None:
        """Take one message of one channel; unknown channels are passed over."""
        message = json.loads(text)
        if topic == "/state":
            self.ticks.append((t_ns, int(message["hash"], 16)))
            self.blocks["f"].append(floats([message["f"][name] for name in F_NAMES]))
            self.blocks["n"].append(np.array([message["n"][name] for name in N_NAMES], dtype=np.int64))
        elif topic == "/world":
            self.blocks["environment"].append(floats([message["environment"][name] for name in E_NAMES]))
            self.blocks["lamps"].append(np.array(message["lamps"], dtype=np.int64))
            self.blocks["severity"].append(floats(message["severity"]))
            self.blocks["story"].append(np.array(message["story"], dtype=np.int64))
        elif topic == "/command":
            self.blocks["command"].append(floats([message["accel_mps2"], message["steer_rad"]]))
            self.mode.append(MODES.index(message["mode"]))
            self.cause.append(str(message["cause"]))
        elif topic == "/estimate":
            self.blocks["estimate"].append(floats([message[name] for name in ESTIMATE]))
        elif topic == "/contacts":
            self.contacts.append(_contact(message))
        elif topic.startswith("/sensors/"):
            self.samples.append(decode(topic.removeprefix("/sensors/"), message))

    def recorded(self) -> Recorded:
        """Return the record."""
        run = self.run
        if run is None:
            raise RecordError("it is an MCAP file, but not one written by this project")
        ticks, actors = int(run["ticks"]), len(run["actors"])
        if not len(self.ticks) == len(self.mode) == ticks:
            raise RecordError(f"it says {ticks} ticks and holds {len(self.ticks)}")
        widths = {
            "f": (len(F_NAMES), actors),
            "n": (len(N_NAMES), actors),
            "environment": (len(E_NAMES),),
            "lamps": (int(run["signals"]),),
            "severity": (int(run["channels"]),),
            "story": (int(run["events"]),),
            "command": (2,),
            "estimate": (len(ESTIMATE),),
        }
        columns = {
            name: np.array(self.blocks[name], dtype=dtype).reshape(ticks, *widths[name])
            for name, dtype in _COLUMNS.items()
        }
        return Recorded(
            scenario=str(run["scenario"]),
            seed=int(run["seed"]),
            values={str(k): v if isinstance(v, str) else float(v) for k, v in run["values"].items()},
            actors=tuple(str(a) for a in run["actors"]),
            map_name=str(run["map"]["name"]),
            map_digest=str(run["map"]["digest"]),
            step_ns=int(run["step_ns"]),
            versions={str(k): str(v) for k, v in run["versions"].items()},
            meta=self.meta,
            text=self.texts.get(SCENARIO, ""),
            files={k.removeprefix(USED): v for k, v in self.texts.items() if k.startswith(USED)},
            t_ns=np.array([t for t, _ in self.ticks], dtype=np.int64),
            **columns,
            mode=np.array(self.mode, dtype=np.int64),
            cause=tuple(self.cause),
            contacts=tuple(self.contacts),
            hashes=np.array([h for _, h in self.ticks], dtype=np.uint64),
            failure_kind=str(run["failure_kind"]),
            failure=str(run["failure"]),
            stopped=str(run["stopped"]),
            samples=tuple(self.samples),
        )


def _contact(message: Mapping[str, Any]) -> Contact:
    row: dict[str, Any] = {k: int(message[k]) for k in ("t_ns", "a", "b")}
    row |= {k: float(floats(message[k])) for k in ("speed_a_mps", "speed_b_mps", "closing_mps", "x", "y")}
    return Contact(**row)


_COLUMNS: Final[Mapping[str, Any]] = {
    "f": np.float64,
    "n": np.int64,
    "environment": np.float64,
    "lamps": np.int64,
    "severity": np.float64,
    "story": np.int64,
    "command": np.float64,
    "estimate": np.float64,
}
