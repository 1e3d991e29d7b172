"""Reading on past what is wrong: a tree of authored pieces is mended until its model takes it; every problem is told.

Three mends are enough. A key that is nearly a known one is read as that one, any other unknown key is dropped; a
missing piece is stood in for; a piece of the wrong kind is replaced by a stand-in of the right kind. A mended tree may
show what the wrong one hid, so this goes in rounds. What is found wrong at a stand-in is an echo and is not told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scenarios.fields import NOWHERE, Listed, Mapped, Model, keys_of, node_of, stand_in
from twin.authored import MAX_PROBLEMS, Node, Problem
from twin.errors import nearest

MAX_ROUNDS: Final = 40

NOT_YET: Final = {
    "use": "fragments",
    "fragment": "fragments",
    "correlation": "correlated draws",
    "hitch": "trailers",
    "unhitch": "trailers",
    "tows": "trailers",
    "animate": "animations",
    "plugin": "plug-in actions",
    "lights": "vehicle lights",
    "visible_to": "visibility",
    "override": "overriding controls",
    "keep_side_gap": "keeping a side gap",
    "clothoids": "clothoid paths",
    "spline": "spline paths",
    "model": "models by name; write vehicle, pedestrian or object",
}

_TRUTHS: Final = {"true": "on", "True": "on", "false": "off", "False": "off"}
_NAMING: Final = ("name", "sequence", "phase")

M = TypeVar("M", bound=Model)
Location = tuple[int | str, ...]


@dataclass(slots=True)
class Mending:
    """What was told so far, and the names that went with dropped pieces: to miss them later is an echo."""

    problems: list[Problem] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)

    def read(self, model: type[M], data: Mapped) -> M | None:
        """Return what a tree says, mended where it is wrong; None when it is beyond mending."""
        self._untrue(data)
        for _ in range(MAX_ROUNDS):
            notes: list[Problem] = []
            try:
                made = model.model_validate(data, context=notes)
            except ValidationError as error:
                if not self._mend(data, error.errors(include_url=False)) or len(self.problems) >= MAX_PROBLEMS:
                    break
            else:
                self._tell(*notes)
                return made
        self._tell(*notes)
        return None

    def forget(self, piece: Any, section: bool) -> None:
        """Note the names that a dropped piece gave: to parts of the story, and a section's to its entries."""
        if section and isinstance(piece, Mapped):
            self.lost |= piece.keys()
        todo = [piece]
        while todo:
            here = todo.pop()
            if isinstance(here, Mapped):
                self.lost |= {v.text for k in _NAMING if isinstance(v := here.get(k), Node)}
                todo.extend(here.values())
            elif isinstance(here, Listed):
                self.lost |= {v.text for v in here if section and isinstance(v, Node)}
                todo.extend(here)

    def _tell(self, *problems: Problem) -> None:
        self.problems += [p for p in problems if p.line != NOWHERE]

    def _untrue(self, data: Mapped) -> None:
        """Undo what tools do to `on` and `off`."""
        todo: list[Any] = [data]
        while todo:
            here = todo.pop()
            if isinstance(here, Mapped):
                for key in [k for k in here if k in _TRUTHS]:
                    node, word = here.node.key(key), _TRUTHS[key]
                    if node is not None and not node.quoted:
                        told = f"'{key}' is no key: another tool rewrote '{word}'"
                        self._tell(node.problem(told, f"{word}: ...", word))
                        _rename(here, key, word)
                todo.extend(here.values())
            elif isinstance(here, Listed):
                todo.extend(here)

    def _mend(self, data: Mapped, errors: list[ErrorDetails]) -> bool:
        """Tell and mend one round of errors, unknown keys first; return whether anything changed."""
        due = [e for e in errors if e["type"] == "extra_forbidden"] or [e for e in errors if not _thinned(e, data)]
        changed = False
        for error in due[:MAX_PROBLEMS]:
            self._tell(_problem(error, data))
            changed |= self._mended(error, data)
        return changed and len(due) <= MAX_PROBLEMS

    def _mended(self, error: ErrorDetails, data: Mapped) -> bool:
        *before, last = error["loc"] or ("",)
        trail = _trail(data, tuple(before))
        holder = trail[-1]
        match error["type"], holder:
            case "extra_forbidden", Mapped() if last in holder:
                close = None if last in NOT_YET else nearest(str(last), _known(holder))
                if close is not None and close not in holder:
                    _rename(holder, str(last), close)
                else:
                    self.forget(holder.pop(str(last)), holder is data)
            case "missing", Mapped():
                holder[str(last)] = stand_in()
            case "missing", list():
                holder.append(stand_in())
            case _:
                return self._replaced(error, _steps(data, error["loc"]), data)
        return True

    def _replaced(self, error: ErrorDetails, steps: list[tuple[Any, int | str]], data: Mapped) -> bool:
        if not steps:
            return False
        holder, key = steps[-1]
        piece = holder[key]
        match error["type"]:
            case "too_long" if isinstance(piece, Listed):
                most = error["ctx"]["max_length"]
                self.forget(Listed.at(piece.node, piece[most:]), holder is data)
                del piece[most:]
            case "too_short" if isinstance(piece, Listed):
                piece.append(stand_in())
            case "list_type" | "tuple_type":
                self.forget(piece, holder is data)
                holder[key] = stand_in("list")
                holder[key].append(stand_in())
            case "authored" | "dict_type" if not (isinstance(piece, Mapped) and piece.node.line == NOWHERE):
                self.forget(piece, holder is data)
                holder[key] = stand_in("map")
            case _:
                return False
        return True


def _thinned(error: ErrorDetails, data: Mapped) -> bool:
    """Tell whether a list is too short only because what stands in it could not be read."""
    return error["type"] == "too_short" and bool(_trail(data, error["loc"])[-1])


def _rename(holder: Mapped, old: str, new: str) -> None:
    """Read one key as another, in its place."""
    entries = {new if k == old else k: v for k, v in holder.node.entries.items()}
    items = [(new if k == old else k, v) for k, v in holder.items()]
    holder.clear()
    holder.update(items)
    holder.node = replace(holder.node, entries=entries)


def _steps(data: Any, location: Location) -> list[tuple[Any, int | str]]:
    """Return the containers and keys on the way that a location leads.

    Skipped is what pydantic adds to it: after an item of a story, which of its kinds the item was read as.
    """
    here, out = data, []
    for i, step in enumerate(location):
        if i > 1 and location[i - 2] == "story" and isinstance(location[i - 1], int):
            continue
        if (isinstance(here, Mapped) and step in here) or (
            isinstance(here, list) and isinstance(step, int) and step < len(here)
        ):
            out.append((here, step))
            here = here[step]  # type: ignore[index]
    return out


def _trail(data: Any, location: Location) -> list[Any]:
    """Return the pieces that a location passes, from the whole tree to the innermost."""
    return [data, *(holder[key] for holder, key in _steps(data, location))]


def _problem(error: ErrorDetails, data: Mapped) -> Problem:
    location, kind = error["loc"], error["type"]
    node = node_of(_trail(data, location)[-1])
    if kind == "authored":
        said = error["ctx"]
        return node.problem(said["message"], said["expected"])
    if kind == "missing":
        return _lacking(data, location[:-1]).problem(f"'{location[-1]}' is missing", f"{location[-1]}: ...")
    if kind == "extra_forbidden":
        return _strange_key(_trail(data, location[:-1])[-1], str(location[-1]))
    if kind in ("tuple_type", "list_type", "too_long", "too_short"):
        message = "a list is due here" if "type" in kind else error["msg"]
        return node.problem(message, "a list: [a, b] or lines that start with '- '")
    if kind == "dict_type":
        return node.problem("a map is due here", "key: value")
    return node.problem(error["msg"])


def _strange_key(holder: Mapped, key: str) -> Problem:
    node = holder.node.key(key) or holder.node
    known = _known(holder)
    shown = ", ".join(known[:24]) + (", ..." if len(known) > 24 else "")
    if key in NOT_YET:
        return node.problem(f"'{key}' is not in this version of the language ({NOT_YET[key]})", shown)
    return node.problem(f"unknown key '{key}'", "one of " + shown, nearest(key, known) or "")


def _known(holder: Mapped) -> list[str]:
    return keys_of(holder.model) if holder.model else []


def _lacking(data: Mapped, location: Location) -> Node:
    """Return the node to point at for what a map lacks: the key that leads to it, or its own first key."""
    steps = _steps(data, location)
    piece = node_of(_trail(data, location)[-1])
    if steps and isinstance(steps[-1][0], Mapped) and piece.line != NOWHERE:
        holder, key = steps[-1]
        return holder.node.key(key) or piece
    return next(_keys(piece), piece)


def _keys(node: Node) -> Iterator[Node]:
    for key, _ in node.entries.values():
        yield key
