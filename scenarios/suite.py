"""Suites: named scenarios with sampling, budgets and gates, in one authored file.

    suite: nightly
    about: What runs every night.
    seed: 1
    scenarios:
      - {scenario: motorway_cut_in, sampler: sobol, samples: 64}
      - {scenario: my/own.yaml, sampler: grid}
    gates: {pass_rate: 90 %, missing: 5 %}

A gate falls only when the numbers leave no doubt: the exact 95 % interval of the rate lies wholly on its wrong side.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from twin.authored import AuthoredError, Node, Problem, read
from twin.errors import UnknownName, nearest

HOME = Path(__file__).resolve().parent
LIBRARY = HOME / "library"
SUITES = HOME / "suites"

Sampler = Literal["grid", "random", "lhs", "sobol", "nominal"]


def _share(value: object) -> object:
    text = str(value).strip()
    if text.endswith("%"):
        return float(text[:-1]) / 100.0
    raise ValueError("expected a share such as 90 %")


Share = Annotated[float, BeforeValidator(_share), Field(ge=0.0, le=1.0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(_Part):
    """One scenario of a suite and how its cases are drawn; without `samples` a grid is whole."""

    scenario: str = Field(min_length=1)
    sampler: Sampler = "sobol"
    samples: int = Field(default=100, ge=1, le=100_000_000)


class Gates(_Part):
    """What a suite has to reach: share of passes among the cases that count, share of cases that do not count."""

    pass_rate: Share | None = None
    missing: Share | None = None


class Suite(_Part):
    """A suite file. `seed` is added to the seed of the settings."""

    suite: str = Field(min_length=1)
    about: str = ""
    seed: int = Field(default=0, ge=0, lt=2**62)
    scenarios: tuple[Entry, ...]
    gates: Gates = Gates()


def find(name: str) -> Path:
    """Return the file that a person means: a path, or the name of a shipped scenario or suite. Raises UnknownName."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.is_file() or len(path.parts) > 1:
        return path
    for folder in (LIBRARY, SUITES):
        shipped = folder / f"{name}.yaml"
        if shipped.is_file():
            return shipped
    raise UnknownName("scenario or suite", name, [*names(LIBRARY), *names(SUITES)])


def beside(target: Path, name: str) -> Path:
    """Return the file of a scenario that a suite names: beside the suite, or a shipped one. Raises UnknownName."""
    near = target.parent / name
    return near if near.is_file() else find(name)


def names(folder: Path) -> list[str]:
    """Return the names of what is shipped in a folder."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def is_suite(path: Path) -> bool:
    """Return whether a file is a suite. Raises AuthoredError when it cannot be read."""
    return read(path).root.get("suite") is not None


def load(path: Path) -> Suite:
    """Read a suite file. Raises AuthoredError with every problem of it."""
    document = read(path)
    problems = list(document.problems)
    made = None
    try:
        made = Suite.model_validate(document.root.plain())
    except ValidationError as error:
        problems += [_problem(document.root, one) for one in error.errors()]
    if made is not None and not made.scenarios:
        problems.append(document.root.problem("a suite without scenarios", "scenarios: [{scenario: motorway_cut_in}]"))
    if problems or made is None:
        raise AuthoredError(sorted(problems, key=lambda p: (p.line, p.col)))
    return made


def _problem(root: Node, error: Any) -> Problem:
    loc = error["loc"]
    parent, node = root, root
    for part in loc:
        below = node.items[part] if isinstance(part, int) and node.kind == "list" else node.get(str(part))
        if below is None:
            break
        parent, node = node, below
    word = str(loc[-1]) if loc else "file"
    if error["type"] == "extra_forbidden":
        known = _fields(loc)
        key = parent.key(word) or node
        return key.problem(f"unknown key '{word}'", f"one of {', '.join(known)}", nearest(word, known) or "")
    if error["type"] == "missing":
        return node.problem(f"the key '{word}' is missing")
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    return node.problem(f"'{word}': {message}")


def _fields(loc: tuple[Any, ...]) -> list[str]:
    """Return the keys known where `loc` points."""
    if len(loc) < 2:
        return list(Suite.model_fields)
    return list((Gates if loc[0] == "gates" else Entry).model_fields)
