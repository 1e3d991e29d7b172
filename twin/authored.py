"""Authored files: YAML 1.2 as text with places, and problems that show them.

The file is read as a stream of events, never as objects: no plain scalar gets a type, so that `on`, `12:30`, `014` and
`1e3` stay what was written until a schema asks. Tags, anchors, aliases, merge keys and several documents are refused;
bytes, line length, depth and nodes are bounded before anything is built.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from twin.errors import InputError
from twin.traps import cut_by_comment, explain, split_by_comma

MAX_BYTES: Final = 1 << 20
MAX_LINE: Final = 4000
MAX_DEPTH: Final = 40
MAX_NODES: Final = 50_000
MAX_PROBLEMS: Final = 100

Kind = Literal["text", "list", "map"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a place of an authored file; line and columns count from 1, `end_col` is exclusive."""

    path: str
    line: int
    col: int
    end_col: int
    message: str
    expected: str = ""
    suggestion: str = ""
    excerpt: str = ""

    def __str__(self) -> str:
        head = f"{self.path}:{self.line}:{self.col}: {self.message}"
        if not self.line:
            head = f"{self.path}: {self.message}"
        lines = [head]
        if self.excerpt:
            shown, start, end = _window(self.excerpt, self.col - 1, self.end_col - 1)
            lines += [f"    {shown}", "    " + " " * start + "^" * max(1, end - start)]
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.suggestion:
            lines.append(f"  did you mean '{self.suggestion}'?")
        return "\n".join(lines)


class AuthoredError(InputError):
    """Every problem of one or more authored files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(render(self.problems))


def render(problems: Iterable[Problem]) -> str:
    """Return all problems as a person reads them, in the order of the files."""
    return "\n".join(str(p) for p in problems)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A file's name and its lines."""

    path: str
    lines: tuple[str, ...] = field(repr=False)

    def line(self, number: int) -> str:
        """Return line `number`, counted from 1, or an empty string past the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def problem(
        self, line: int, col: int, end_col: int, message: str, expected: str = "", suggestion: str = ""
    ) -> Problem:
        """Return a problem with the line it stands in."""
        return Problem(self.path, line, col, end_col, message, expected, suggestion, self.line(line))


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One piece of an authored file: text, a list or a map, and where it stands. Lines and columns count from 1."""

    kind: Kind
    source: Source = field(repr=False)
    line: int
    col: int
    end_line: int
    end_col: int
    text: str = ""
    quoted: bool = False
    items: tuple[Node, ...] = ()
    entries: Mapping[str, tuple[Node, Node]] = field(default_factory=dict)

    def get(self, key: str) -> Node | None:
        """Return the value under `key` of a map, or None."""
        pair = self.entries.get(key)
        return pair[1] if pair else None

    def key(self, key: str) -> Node | None:
        """Return the node of the key itself, to point at it."""
        pair = self.entries.get(key)
        return pair[0] if pair else None

    def plain(self) -> Any:
        """Return dicts, lists and strings, without places."""
        if self.kind == "text":
            return self.text
        if self.kind == "list":
            return [n.plain() for n in self.items]
        return {k: v.plain() for k, (_, v) in self.entries.items()}

    def problem(self, message: str, expected: str = "", suggestion: str = "", offset: int | None = None) -> Problem:
        """Return a problem at this node, or at a character of its text."""
        line, col, end = self._place(offset)
        return self.source.problem(line, col, end, message, expected, suggestion)

    def _place(self, offset: int | None) -> tuple[int, int, int]:
        if offset is None or self.kind != "text":
            if self.end_line == self.line:
                return self.line, self.col, max(self.end_col, self.col + 1)
            return self.line, self.col, len(self.source.line(self.line).rstrip()) + 1
        line, col = self._char(offset)
        rest = self.text[offset:]
        width = 0
        while width < len(rest) and (rest[width].isalnum() or rest[width] in "_.$"):
            width += 1
        return line, col, col + max(width, 1)

    def _char(self, offset: int) -> tuple[int, int]:
        if self.line == self.end_line:
            return self.line, self.col + int(self.quoted) + offset
        wanted = sum(not c.isspace() for c in self.text[:offset])
        for number in range(self.line, self.end_line + 1):
            text = self.source.line(number)
            start = self.col - 1 if number == self.line else 0
            if number == self.line and text[start : start + 1] in (">", "|"):
                continue
            if number == self.line and self.quoted:
                start += 1
            for i in range(start, len(text)):
                if not text[i].isspace():
                    if wanted == 0:
                        return number, i + 1
                    wanted -= 1
        return self.line, self.col


@dataclass(frozen=True, slots=True)
class Document:
    """A file as one node, with the problems that did not stop the reading and the pieces that were dropped for them."""

    root: Node
    problems: tuple[Problem, ...]
    dropped: tuple[Node, ...] = ()


def read(path: str | Path) -> Document:
    """Read an authored file. Raises AuthoredError when it cannot be read as one YAML document."""
    name = str(path)
    try:
        with open(path, "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except IsADirectoryError as error:
        raise _whole(name, "this is a directory", "a YAML file") from error
    except FileNotFoundError as error:
        raise _whole(name, "no such file", "a YAML file") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _whole(name, f"cannot be read: {reason}", "a readable YAML file") from error
    return parse(decode(data, name), name)


def decode(data: bytes, name: str) -> str:
    """Return the text of a file's bytes. Raises AuthoredError for what is no modest UTF-8 text."""
    if len(data) > MAX_BYTES:
        raise _whole(name, f"larger than {MAX_BYTES >> 20} MiB", "a smaller file")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _whole(name, "this is UTF-16 text", "UTF-8")
    if b"\x00" in data:
        raise _whole(name, "this is a binary file: it holds NUL bytes", "UTF-8 text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        col = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        raise AuthoredError([Problem(name, line, col, col + 1, message, "UTF-8 text")]) from error


def parse(text: str, path: str = "<text>") -> Document:
    """Read YAML text. Raises AuthoredError when it is no single YAML document within the limits."""
    source = Source(path, tuple(text.replace("\r\n", "\n").split("\n")))
    _refuse_lines(source)
    builder = _Builder(source)
    try:
        for event in YAML(typ="safe", pure=True).parse(_without_controls(text, source)):
            builder.take(event)
    except _Stop:
        raise AuthoredError(builder.problems) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, col = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        start = error.context_mark
        opened = (start.line + 1, start.column + 1) if start else (line, col)
        trap = explain(str(error.context or ""), str(error.problem or ""), source.lines, line, col, opened)
        builder.problems = [p for p in builder.problems if p.line != trap.line]
        builder.problems.append(source.problem(trap.line, trap.col, trap.col + 1, trap.message, trap.expected))
        raise AuthoredError(builder.problems) from None
    except (YAMLError, ValueError, RecursionError, AssertionError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise AuthoredError([*builder.problems, source.problem(1, 1, 2, f"this is not YAML: {first}")]) from None
    if builder.root is None:
        raise _whole(path, "nothing is written here", "a YAML map")
    return Document(builder.root, tuple(builder.problems), tuple(builder.dropped))


def _whole(name: str, message: str, expected: str) -> AuthoredError:
    return AuthoredError([Problem(name, 0, 0, 0, message, expected)])


def _refuse_lines(source: Source) -> None:
    for number, line in enumerate(source.lines, 1):
        if len(line) > MAX_LINE:
            problem = Problem(source.path, number, 1, 2, f"a line of {len(line)} characters", f"at most {MAX_LINE}")
            raise AuthoredError([problem])


def _without_controls(text: str, source: Source) -> str:
    for number, line in enumerate(source.lines, 1):
        for i, c in enumerate(line):
            if (c not in "\t\r" and unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn")) or c in "\u2028\u2029\ufeff":
                problem = source.problem(
                    number, i + 1, i + 2, f"the character U+{ord(c):04X} cannot be used", "plain text"
                )
                raise AuthoredError([problem])
    return text


class _Stop(Exception):
    """Ends the reading after a problem that makes the rest meaningless."""


class _Builder:
    """Grows nodes from events with an own stack, so that depth is bounded by a number and not by recursion."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.dropped: list[Node] = []
        self.root: Node | None = None
        self.stack: list[_Open] = []
        self.nodes = 0
        self.documents = 0

    def take(self, event: Any) -> None:
        name = type(event).__name__
        if name == "DocumentStartEvent":
            self._document(event)
        elif name == "AliasEvent":
            self._fail(event, f"'*{event.anchor}' is an alias", "a $parameter, or the value itself")
            self._add(self._node(event, "text"))
        elif name == "ScalarEvent":
            self._refuse_marks(event)
            self._scalar(event)
        elif name in ("MappingStartEvent", "SequenceStartEvent"):
            self._refuse_marks(event)
            self._open(event, "map" if name.startswith("M") else "list")
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            self._close(event)

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self._fail(event, "a second document starts here", "one document a file")
            raise _Stop
        if event.version or event.tags:
            self._fail(event, "a YAML directive", "no line that starts with %")

    def _refuse_marks(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._fail(event, f"more than {MAX_NODES} entries", "a smaller file")
            raise _Stop
        tag = getattr(event, "tag", None)
        if event.anchor is not None:
            self._fail(event, f"'&{event.anchor}' is an anchor", "a $parameter, or the value written twice")
        if tag is not None:
            self._fail(event, f"'{tag}' is a tag", "plain text; in an expression 'not'")

    def _scalar(self, event: Any) -> None:
        node = self._node(event, "text", event.value, event.style in ("'", '"'))
        if event.style is None and event.value:
            trap = cut_by_comment(self.source.line(node.end_line), node.end_col, self._key_text())
            if trap and node.line == node.end_line:
                at = self.source.problem(node.line, trap.col, trap.col + 1, trap.message, trap.expected)
                self._report(at)
        self._add(node)

    def _key_text(self) -> str:
        top = self.stack[-1] if self.stack else None
        return top.key.text if top and top.key else ""

    def _open(self, event: Any, kind: Kind) -> None:
        if len(self.stack) >= MAX_DEPTH:
            self._fail(event, f"nested more than {MAX_DEPTH} deep", "a flatter file")
            raise _Stop
        flow = bool(event.flow_style)
        if self.stack and self.stack[-1].kind == "map" and self.stack[-1].key is None:
            self._fail(event, "a list or a map cannot be a key", "a word followed by ':'")
            raise _Stop
        self.stack.append(_Open(kind, event, flow))

    def _close(self, event: Any) -> None:
        top = self.stack.pop()
        start, end = top.event.start_mark, event.end_mark
        place = (start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        self._add(Node(top.kind, self.source, *place, items=tuple(top.items), entries=top.entries))

    def _add(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if top.kind == "list":
            self._refuse_split(top, node, None)
            top.items.append(node)
        elif top.key is None:
            top.key = node
        else:
            key, top.key = top.key, None
            self._entry(top, key, node)

    def _entry(self, top: _Open, key: Node, value: Node) -> None:
        if key.text == "<<" and not key.quoted:
            self._report(key.problem("'<<' merges maps", "the keys themselves"))
            return
        if self._refuse_split(top, value, key):
            return
        if value.kind == "text" and value.text == "" and not value.quoted:
            value = replace(value, line=key.line, col=key.col, end_line=key.end_line, end_col=key.end_col)
        if key.text == "" and not key.quoted:
            self._report(key.problem("a key is missing before ':'", "key: value"))
            return
        if key.text in top.entries:
            first = top.entries[key.text][0]
            self._report(key.problem(f"'{key.text}' is written twice, first at line {first.line}", "each key once"))
            self.dropped.append(value)
            return
        top.entries[key.text] = (key, value)

    def _refuse_split(self, top: _Open, value: Node, key: Node | None) -> bool:
        if not top.flow or (value.kind != "text" and key is None):
            return False
        trap = split_by_comma(key.text if key else None, value.text if value.kind == "text" else "x", value.quoted)
        if trap is None:
            return False
        if top.split:
            return True
        top.split = trap.once
        self._report((key if key and trap.at_key else value).problem(trap.message, trap.expected))
        return True

    def _node(self, event: Any, kind: Kind, text: str = "", quoted: bool = False) -> Node:
        start, end = event.start_mark, event.end_mark
        line, col, end_line, end_col = start.line + 1, start.column + 1, end.line + 1, end.column + 1
        if end_line > line and end_col == 1:
            end_line, end_col = end_line - 1, len(self.source.line(end_line - 1)) + 1
        return Node(kind, self.source, line, col, end_line, end_col, text, quoted)

    def _fail(self, event: Any, message: str, expected: str) -> None:
        start, end = event.start_mark, event.end_mark
        line, col = start.line + 1, start.column + 1
        end_col = end.column + 1 if end.line == start.line else col + 1
        self._report(self.source.problem(line, col, max(end_col, col + 1), message, expected))

    def _report(self, problem: Problem) -> None:
        self.problems.append(problem)
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop


class _Open:
    """A list or map that is still being read."""

    __slots__ = ("entries", "event", "flow", "items", "key", "kind", "split")

    def __init__(self, kind: Kind, event: Any, flow: bool) -> None:
        self.kind = kind
        self.event = event
        self.flow = flow
        self.items: list[Node] = []
        self.entries: dict[str, tuple[Node, Node]] = {}
        self.key: Node | None = None
        self.split = False


def _window(line: str, start: int, end: int, width: int = 116) -> tuple[str, int, int]:
    shown = "".join(c if c.isprintable() else " " for c in line).rstrip()
    left = 0 if start < width - 16 else start - width // 2
    cut = shown[left : left + width]
    head = "..." if left else ""
    tail = "..." if left + width < len(shown) else ""
    begin = start - left + len(head)
    stop = min(end - left + len(head), len(head) + len(cut))
    return head + cut + tail, begin, max(stop, begin + 1)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, in the order of the file."""
    todo = [node]
    while todo:
        top = todo.pop()
        yield top
        below = list(top.items) if top.kind == "list" else [v for _, v in top.entries.values()]
        todo.extend(reversed(below))
