"""The operational design domain: an OpenODD file read, and evaluated against the conditions of a tick.

Format: the YAML of ASAM OpenODD 1.0 with attribute names of ISO 34503. Read: IMPORT (files beside this one), TAXONOMY
(literals of a concept, by list or by ranges), MODULES and ODD (TITLE, DESCRIPTION, ACTIVE, LABEL, INCLUDE_AND,
INCLUDE_OR, EXCLUDE_AND, EXCLUDE_OR, inside them AND, OR and nested records). Reading is lenient: other keys, and
concepts that no simulation measures, are kept by name and do not decide. Ranges include their ends, as the standard
has it; `)` leaves the end out.

Truth is three-valued (Kleene): 1 in, 0 out, 1/2 unknown. Unknown for longer than UNKNOWN_NS counts as out.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from twin import authored
from twin.authored import AuthoredError, Node, Problem
from twin.clock import NS_PER_MS, NS_PER_S
from twin.conditions import CONDITIONS, NAMES, Cell, Condition
from twin.errors import nearest
from twin.state import Floats, Ints

IN, OUT, UNKNOWN = 1.0, 0.0, 0.5
OUT_NS: Final = 500 * NS_PER_MS  # out for longer is an exit
UNKNOWN_NS: Final = 1 * NS_PER_S  # unknown for longer is an exit
BACK_NS: Final = 2 * NS_PER_S  # in for as long ends it

Conditions = Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Within:
    """A number between limits, or a word's number; an open limit is left out of the range."""

    concept: str
    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    def truth(self, given: Conditions) -> Floats:
        """Return IN, OUT or UNKNOWN per tick."""
        value = given[self.concept]
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return np.where(np.isnan(value), UNKNOWN, (above & below).astype(np.float64))


@dataclass(frozen=True, slots=True)
class Missing:
    """Holds where a condition is unknown."""

    concept: str

    def truth(self, given: Conditions) -> Floats:
        """Return IN or OUT per tick."""
        return np.isnan(given[self.concept]).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Every:
    """Holds where all parts hold."""

    parts: tuple[Rule, ...]

    def truth(self, given: Conditions) -> Floats:
        """Return the least of the parts."""
        return np.asarray(np.minimum.reduce([p.truth(given) for p in self.parts]), np.float64)


@dataclass(frozen=True, slots=True)
class Some:
    """Holds where one part holds."""

    parts: tuple[Rule, ...]

    def truth(self, given: Conditions) -> Floats:
        """Return the most of the parts."""
        return np.asarray(np.maximum.reduce([p.truth(given) for p in self.parts]), np.float64)


@dataclass(frozen=True, slots=True)
class Negated:
    """Holds where its part does not."""

    part: Rule

    def truth(self, given: Conditions) -> Floats:
        """Return 1 - part."""
        return 1.0 - self.part.truth(given)


Rule = Within | Missing | Every | Some | Negated


@dataclass(frozen=True, slots=True)
class Odd:
    """An ODD read from an OpenODD YAML file, attribute names of ISO 34503.

    `terms` all have to hold. `cells` are those classes of each attribute that lie in the domain at least in part;
    `unmeasured` names what the file asks for and nothing measures.
    """

    name: str
    digest: str
    title: str = ""
    terms: tuple[Rule, ...] = ()
    cells: Mapping[str, tuple[Cell, ...]] = field(default_factory=dict)
    unmeasured: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """IN, OUT or UNKNOWN per tick, of the whole and of each attribute alone."""

    truth: Floats  # (T,)
    attributes: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Exit:
    """The domain was left: at the first tick out (or unknown), until it was safely back, None = to the end."""

    t_ns: int
    back_ns: int | None
    attributes: tuple[str, ...]


def evaluate(odd: Odd, conditions: Conditions) -> Evaluation:
    """Evaluate a domain over T ticks of conditions."""
    truths = [(frozenset(concepts(term)), term.truth(conditions)) for term in odd.terms]
    ticks = len(next(iter(conditions.values())))
    whole = np.minimum.reduce([truth for _, truth in truths]) if truths else np.full(ticks, IN)
    each = {
        name: np.asarray(np.minimum.reduce([truth for named, truth in truths if name in named]), np.float64)
        for name in odd.cells
        if any(name in named for named, _ in truths)
    }
    return Evaluation(np.asarray(whole, np.float64), each)


def exits(evaluation: Evaluation, t_ns: Ints) -> tuple[Exit, ...]:
    """Return when the domain was left, without chatter.

    A first tick out (unknown) raises a suspicion; it is an exit when the domain is still, or again, out OUT_NS
    (unknown UNKNOWN_NS) later, before it was in for BACK_NS without a break. The exit then ends in the same way.
    """
    found: list[Exit] = []
    since: dict[float, int] = {}
    confirmed = False
    inside: int | None = None
    for k, t in enumerate(t_ns.tolist()):
        state = float(evaluation.truth[k])
        if state == IN:
            inside = t if inside is None else inside
            if t - inside >= BACK_NS:
                if confirmed:
                    last = found[-1]
                    found[-1] = Exit(last.t_ns, inside, last.attributes)
                since, confirmed = {}, False
            continue
        inside = None
        since.setdefault(state, t)
        patience = OUT_NS if state == OUT else UNKNOWN_NS
        if not confirmed and t - since[state] >= patience:
            confirmed = True
            blamed = tuple(n for n, truth in evaluation.attributes.items() if truth[k] != IN)
            found.append(Exit(min(since.values()), None, blamed))
    return tuple(found)


def concepts(rule: Rule) -> Iterator[str]:
    """Yield every attribute that a rule asks for."""
    match rule:
        case Within() | Missing():
            yield rule.concept
        case Negated():
            yield from concepts(rule.part)
        case Every() | Some():
            for part in rule.parts:
                yield from concepts(part)


# --- reading ----------------------------------------------------------------------------------------------------

_MAX_FILES: Final = 16
_RANGE: Final = re.compile(r"^([\[(])\s*(\S+?)\s*(?:\.\.|,)\s*([^\s\])]+)\s*([\])])\s*(.*)$")
_BOUND: Final = re.compile(r"^(<=|>=|<|>|==)\s*([^\s]+?)\s*([^\d\s.].*)?$")
_EQUAL: Final = re.compile(r"^([+-]?\d[\d.]*)\s*(.*)$")
_UNITS: Final[dict[str, dict[str, float]]] = {
    "mm/h": {"mm/h": 1.0, "mm/hr": 1.0, "cm/h": 10.0},
    "m": {"m": 1.0, "km": 1000.0, "cm": 0.01},
    "m/s": {"m/s": 1.0, "km/h": 1.0 / 3.6, "kph": 1.0 / 3.6, "mph": 0.44704},
    "km/h": {"km/h": 1.0, "kph": 1.0, "m/s": 3.6, "mph": 1.609344},
    "lx": {"lx": 1.0, "lux": 1.0, "klx": 1000.0},
    "okta": {"okta": 1.0, "oktas": 1.0, "%": 0.08},
    "C": {"C": 1.0, "degC": 1.0, "°C": 1.0},
    "%": {"%": 1.0, "": 100.0},
    "1": {"": 1.0, "%": 0.01},
    "count": {"": 1.0, "count": 1.0, "lanes": 1.0},
}
_UNKNOWN_WORDS: Final = frozenset({"unknown", "undefined", "none", "null", ""})
_SECTIONS: Final = ("INCLUDE_AND", "INCLUDE_OR", "EXCLUDE_AND", "EXCLUDE_OR")


def read(path: Path) -> Odd:
    """Read an OpenODD file. Raises AuthoredError with every problem of it and of what it imports."""
    reader = _Reader()
    reader.take(path, ())
    return reader.finish(path)


class _Reader:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.texts: list[str] = []
        self.literals: dict[str, dict[str, Node]] = {}
        self.modules: dict[str, Node] = {}
        self.labels: dict[str, list[str]] = {}
        self.roots: list[str] = []
        self.unmeasured: dict[str, None] = {}
        self.read: dict[Path, None] = {}

    def take(self, path: Path, importers: tuple[Path, ...]) -> None:
        """Read one file and what it imports."""
        if path in self.read:
            return
        self.read[path] = None
        document = authored.read(path)
        self.problems += document.problems
        root = document.root
        self.texts.append("\n".join(root.source.lines))
        if root.kind != "map":
            self.problems.append(root.problem("this is no map", "TAXONOMY, MODULES or ODD"))
            return
        self._imports(root, path, importers)
        for key in ("TAXONOMY", "MODULES", "MODULE", "ODD"):
            section = root.get(key)
            if section is None:
                continue
            if section.kind != "map":
                self.problems.append(section.problem(f"{key} holds no map", "names with what they stand for"))
            elif key == "TAXONOMY":
                self._taxonomy(section)
            else:
                self._modules(section, key == "ODD")
        if not any(root.get(key) for key in ("TAXONOMY", "MODULES", "MODULE", "ODD", "IMPORT")):
            self.problems.append(root.problem("this is no OpenODD file", "one of TAXONOMY, MODULES, ODD, IMPORT"))

    def _imports(self, root: Node, path: Path, importers: tuple[Path, ...]) -> None:
        node = root.get("IMPORT")
        for item in (node.items if node.kind == "list" else (node,)) if node else ():
            other = (path.parent / item.text).resolve()
            if other in (*importers, path.resolve()) or len(self.read) >= _MAX_FILES:
                self.problems.append(item.problem("this import comes back to itself or is one too many"))
            elif not other.is_relative_to(path.parent.resolve()):
                self.problems.append(item.problem("only files beside this one can be imported"))
            else:
                self.take(other, (*importers, path.resolve()))

    def _taxonomy(self, section: Node) -> None:
        for name, (_, node) in section.entries.items():
            if node.kind == "list":
                self.literals[name] = {i.text: i for i in node.items if i.kind == "text"}
            elif node.kind == "map" and node.entries:
                if all(_is_range(value) for _, value in node.entries.values()):
                    self.literals[name] = {k: v for k, (_, v) in node.entries.items()}
                self._taxonomy(node)

    def _modules(self, section: Node, roots: bool) -> None:
        for name, (key, node) in section.entries.items():
            if node.kind != "map":
                self.problems.append(key.problem(f"module '{name}' holds no map", "INCLUDE_AND and its kin"))
                continue
            self.modules[name] = node
            for word in ("LABEL", "LABELS"):
                label = node.get(word)
                for item in (label.items if label.kind == "list" else (label,)) if label else ():
                    self.labels.setdefault(item.text, []).append(name)
            if roots:
                self.roots.append(name)

    def finish(self, path: Path) -> Odd:
        """Return the domain of everything read. Raises AuthoredError."""
        used = {k for node in self.modules.values() for k in _referred(node)}
        used |= {m for label in used for m in self.labels.get(label, ())}
        tops = [m for m in self.roots or self.modules if m not in used]
        terms = tuple(term for name in tops for term in _flat(self._module(name, ())))
        if self.problems:
            raise AuthoredError(self.problems)
        title = next((n.text for m in tops if (n := self.modules[m].get("TITLE"))), path.stem)
        digest = hashlib.blake2b("\x00".join(self.texts).encode(), digest_size=16).hexdigest()
        return Odd(path.stem, digest, title, terms, _cells(terms), tuple(self.unmeasured))

    def _module(self, name: str, above: tuple[str, ...]) -> Rule:
        node = self.modules[name]
        if name in above:
            self.problems.append(node.problem(f"module '{name}' refers to itself"))
            return Every(())
        active = node.get("ACTIVE")
        if active is not None and active.text == "false":
            return Every(())
        parts: list[Rule] = []
        for word in _SECTIONS:
            section = node.get(word)
            if section is not None:
                inner = self._section(section, word.endswith("_AND"), (*above, name))
                if isinstance(inner, Every | Some) and not inner.parts:
                    continue
                parts.append(Negated(inner) if word.startswith("EXCLUDE") else inner)
        return Every(tuple(parts))

    def _section(self, section: Node, every: bool, above: tuple[str, ...]) -> Rule:
        parts: list[Rule] = []
        if section.kind == "list":
            found = [self._named(i.text, i, None, above) for i in section.items]
            parts = [f for f in found if f is not None]
        for key, (key_node, node) in section.entries.items():
            if key == "METADATA":
                continue
            if key in ("AND", "OR"):
                inner: Rule | None = self._section(node, key == "AND", above)
            elif node.kind == "map":
                inner = self._section(node, True, above)
            else:
                inner = self._named(key, key_node, node, above)
            if inner is not None and not (isinstance(inner, Every | Some) and not inner.parts):
                parts.append(inner)
        return Every(tuple(parts)) if every else Some(tuple(parts))

    def _named(self, name: str, key: Node, value: Node | None, above: tuple[str, ...]) -> Rule | None:
        if name in self.modules or name in self.labels:
            rules = [self._module(m, above) for m in ([name] if name in self.modules else self.labels[name])]
            rule: Rule = rules[0] if len(rules) == 1 else Some(tuple(rules))
            return Negated(rule) if value is not None and value.text == "false" else rule
        short = name.rsplit(".", 1)[-1]
        if short not in NAMES:
            if short in self.literals and value is not None:
                return self._literal(short, value)
            self.unmeasured.setdefault(short)
            return None
        if value is None:
            self.problems.append(key.problem(f"'{name}' needs a value", "a range, a word or a list"))
            return None
        condition = CONDITIONS[NAMES[short]]
        if value.kind == "list":
            parts = [p for p in (self._value(condition, item) for item in value.items) if p is not None]
            return Some(tuple(parts))
        return self._value(condition, value)

    def _literal(self, name: str, value: Node) -> Rule | None:
        """Return the rule of a concept whose literals the taxonomy defines by ranges of measured concepts."""
        parts: list[Rule] = []
        for item in value.items if value.kind == "list" else (value,):
            node = self.literals[name].get(item.text)
            if node is None:
                close = nearest(item.text, self.literals[name]) or ""
                known = ", ".join(self.literals[name])
                self.problems.append(item.problem(f"'{name}' has no '{item.text}'", f"one of {known}", close))
            elif node.kind == "map":
                parts.append(self._section(node, True, ()))
            else:
                self.unmeasured.setdefault(name)
                return None
        return Some(tuple(parts))

    def _value(self, condition: Condition, node: Node) -> Rule | None:
        text = node.text.strip()
        named = {k: v for n in (condition.name, *condition.also) for k, v in self.literals.get(n, {}).items()}
        if text in named and not condition.words and named[text].kind == "text" and named[text].text != text:
            return self._value(condition, named[text])
        if text in condition.words:
            at = float(condition.words.index(text))
            return Within(condition.name, at, at)
        if text.lower() in _UNKNOWN_WORDS:
            return Missing(condition.name)
        cell = next((c for c in condition.cells if c.name.replace(" ", "_") == text.replace(" ", "_")), None)
        if cell is not None and not condition.words:
            return Within(condition.name, cell.low, cell.high, high_open=True)
        if condition.words:
            close = nearest(text, condition.words) or ""
            expected = f"one of {', '.join(condition.words)}"
            self.problems.append(node.problem(f"'{condition.name}' cannot be '{text}'", expected, close))
            return None
        return self._range(condition, node, text)

    def _range(self, condition: Condition, node: Node, text: str) -> Rule | None:
        name = condition.name
        if match := _RANGE.match(text):
            left, low, high, right, unit = match.groups()
            limits = self._numbers(condition, node, (low, high), unit)
            if limits is None:
                return None
            if limits[0] > limits[1]:
                self.problems.append(node.problem(f"this range is empty: {low} is above {high}"))
            return Within(name, limits[0], limits[1], left == "(", right == ")")
        bound, equal = _BOUND.match(text), _EQUAL.match(text)
        op, digits, unit = bound.groups() if bound else ("==", *equal.groups()) if equal else ("", "", "")
        if not op:
            expected = f"a range, e.g. [0 .. 10] {condition.unit} or <= 10 {condition.unit}"
            self.problems.append(node.problem(f"'{name}' cannot be '{text}'", expected))
            return None
        value = self._numbers(condition, node, (digits,), unit or "")
        if value is None:
            return None
        if op in ("<", "<="):
            return Within(name, -math.inf, value[0], False, op == "<")
        if op in (">", ">="):
            return Within(name, value[0], math.inf, op == ">", False)
        return Within(name, value[0], value[0])

    def _numbers(
        self, condition: Condition, node: Node, digits: tuple[str, ...], unit: str
    ) -> tuple[float, ...] | None:
        """Return numbers in the condition's unit, or None after saying what is wrong with them."""
        units = _UNITS[condition.unit]
        if unit.strip() not in units:
            known = ", ".join(u or "a bare number" for u in units)
            self.problems.append(node.problem(f"'{condition.name}' is not measured in '{unit}'", known))
            return None
        try:
            values = tuple(float(d) for d in digits)
        except ValueError:
            self.problems.append(node.problem(f"'{' .. '.join(digits)}' are no numbers", "digits"))
            return None
        return tuple(round(v * units[unit.strip()], 9) for v in values)


def _is_range(node: Node) -> bool:
    if node.kind == "text":
        return bool(_RANGE.match(node.text.strip()) or _BOUND.match(node.text.strip()))
    return node.kind == "map" and bool(node.entries) and all(_is_range(v) for _, v in node.entries.values())


def _referred(node: Node) -> Iterator[str]:
    """Yield every name that the sections of a module refer to."""
    for word in _SECTIONS:
        section = node.get(word)
        if section is not None:
            for inner in authored.walk(section):
                yield from inner.entries
                yield from (i.text for i in inner.items)


def _flat(rule: Rule) -> tuple[Rule, ...]:
    if isinstance(rule, Every):
        return tuple(term for part in rule.parts for term in _flat(part))
    return (rule,)


def _cells(terms: Sequence[Rule]) -> dict[str, tuple[Cell, ...]]:
    """Return the classes of every attribute that the terms on it alone leave open, at least in part."""
    named = dict.fromkeys(name for term in terms for name in concepts(term))
    out = {}
    for name in named:
        alone = [term for term in terms if set(concepts(term)) == {name}]
        out[name] = tuple(c for c in CONDITIONS[name].cells if _open(c, name, alone))
    return out


def _open(cell: Cell, name: str, terms: Sequence[Rule]) -> bool:
    low, high = max(cell.low, -1e6), min(cell.high, 1e6)
    points = np.linspace(low, high, 65)[:-1] if high > low else np.array([low])
    edges = [t.low for t in terms if isinstance(t, Within)] + [t.high for t in terms if isinstance(t, Within)]
    inside = [e for e in edges if cell.low <= e < cell.high]
    given = {name: np.concatenate((points, np.array(inside), np.array([cell.low] if math.isfinite(cell.low) else [])))}
    return bool(np.minimum.reduce([t.truth(given) for t in terms] or [np.ones(1)]).max() == IN)


__all__ = [
    "IN",
    "OUT",
    "UNKNOWN",
    "Evaluation",
    "Exit",
    "Odd",
    "evaluate",
    "exits",
    "read",
]
