"""From a scenario to its cases: a design in the unit cube, marginal quantiles, constraints, seeds.

Order: u in [0, 1)^d (any design) -> marginal quantile -> constraint filter. Rejected combinations are counted at the
first constraint they violate. The same seed gives the same bytes; a longer random or Sobol plan starts with the
shorter one. Sobol points are scrambled (Owen, "Scrambling Sobol' and Niederreiter-Xing points", 1998).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
from scipy.stats import qmc

from scenarios.marginals import Marginal, Value, constant_of, joint, marginal_of
from scenarios.schema import Scenario, Together
from scenarios.values import bind, dimensions
from twin.draw import key_of, uniforms
from twin.errors import ExpressionError, InputError, UnknownName
from twin.leaf import Leaf, located
from twin.state import Floats
from twin.syntax import Expr as Expression
from twin.syntax import Flag, Parameter

Sampler = Literal["grid", "random", "lhs", "sobol", "nominal"]

MAX_CASES: Final = 1_000_000
MAX_TRIES: Final = 2_000
_BLOCK: Final = 256


@dataclass(frozen=True, slots=True)
class Chosen:
    """The values of one case in SI (or words), its seed, where it lies in the unit cube, and its log density."""

    index: int
    values: Mapping[str, Value]
    seed: int
    u: tuple[float, ...]
    log_density: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The cases of one sweep. `rejected` counts combinations by the text of the first constraint they violate."""

    scenario: str
    sampler: str
    seed: int
    cases: tuple[Chosen, ...]
    rejected: Mapping[str, int]

    @property
    def raw(self) -> int:
        """Return how many combinations were looked at."""
        return len(self.cases) + sum(self.rejected.values())


def plan(scenario: Scenario, sampler: str, samples: int, seed: int) -> Plan:
    """Choose the cases of a sweep. `samples` counts accepted cases; a grid takes every combination whatever it says.

    Raises InputError for an unknown sampler or number, and AuthoredError for draws or constraints that cannot be met.
    """
    if sampler not in get_args(Sampler):
        raise UnknownName("sampler", sampler, get_args(Sampler))
    if sampler not in ("grid", "nominal") and not 1 <= samples <= MAX_CASES:
        raise InputError(f"samples must be from 1 to {MAX_CASES}, got {samples}")
    axes = axes_of(scenario)
    judge = _Judge(scenario, axes)
    wanted = {"grid": MAX_CASES, "nominal": 1}.get(sampler, samples)
    cases: list[Chosen] = []
    for tried, point in enumerate(_points(scenario, axes, sampler, samples, seed)):
        if not judge.keeps(point.values):
            if tried >= MAX_TRIES + 100 * wanted:
                raise judge.hopeless(tried + 1, len(cases))
            continue
        index = len(cases)
        cases.append(Chosen(index, point.values, case_seed(scenario, seed, index), point.u, point.log_density))
        if len(cases) == wanted and sampler != "grid":
            break
    if not cases:
        raise judge.hopeless(sum(judge.rejected.values()), 0)
    return Plan(str(scenario.scenario), sampler, seed, tuple(cases), dict(judge.rejected))


def nominal(scenario: Scenario) -> dict[str, Value]:
    """Return the nominal value of every parameter: its default, else its median, middle step or first choice."""
    axes = axes_of(scenario)
    return {name: value for axis in axes for name, value in zip(axis.names, axis.nominal)}


def case_seed(scenario: Scenario, seed: int, index: int) -> int:
    """Return the seed of case `index` of a plan, a number of 63 bits."""
    return int(key_of(seed, str(scenario.scenario), f"case {index}")) >> 1


def axes_of(scenario: Scenario) -> tuple[Marginal, ...]:
    """Return the distribution of every parameter in the order of the file. Raises AuthoredError."""
    path = Path(scenario.node.source.path)
    folder = path.parent
    single = [marginal_of(name, leaf, folder) for name, leaf in scenario.parameters.items()]
    return (*single, *(_joint(t) for t in scenario.together))


@dataclass(frozen=True, slots=True)
class _Point:
    values: dict[str, Value]
    u: tuple[float, ...]
    log_density: float


def _joint(together: Together) -> Marginal:
    names = tuple(str(c) for c in together.columns)
    rows = []
    for row in together.rows:
        if len(row) != len(names):
            at = row[0] if row else together
            raise at.error(f"this row has {len(row)} values", f"{len(names)}: one for each column")
        rows.append(tuple(_constant(cell) for cell in row))
    return joint(names, tuple(rows))


def _constant(leaf: Leaf) -> Value:
    try:
        return constant_of(leaf.expr)[0]
    except ExpressionError as error:
        raise located(leaf.node, error) from error


def _points(scenario: Scenario, axes: tuple[Marginal, ...], sampler: str, samples: int, seed: int) -> Iterator[_Point]:
    if sampler == "nominal":
        values = {n: v for a in axes for n, v in zip(a.names, a.nominal)}
        yield _Point(values, tuple(0.5 for a in axes if not a.fixed), math.nan)
        return
    if sampler == "grid":
        yield from _grid(scenario, axes)
        return
    drawn = [a for a in axes if not a.fixed]
    fixed = {n: v for a in axes if a.fixed for n, v in zip(a.names, a.nominal)}
    order = [n for a in axes for n in a.names]
    for row in _design(str(scenario.scenario), len(drawn), sampler, samples, seed):
        values = dict(fixed)
        log_density = 0.0
        for axis, u in zip(drawn, row):
            chosen, log_p = axis.at(float(u))
            values.update(zip(axis.names, chosen))
            log_density += log_p
        yield _Point({n: values[n] for n in order}, tuple(float(u) for u in row), log_density)


def _grid(scenario: Scenario, axes: tuple[Marginal, ...]) -> Iterator[_Point]:
    for axis in axes:
        if not axis.discrete:
            leaf = scenario.parameters[axis.names[0]]
            raise leaf.error("a grid cannot list this draw", "steps(..) or choice(..), or sampler=random|lhs|sobol")
    size = math.prod(len(a.choices) for a in axes)
    if size > MAX_CASES:
        raise InputError(f"the grid of '{scenario.scenario}' has {size} combinations; at most {MAX_CASES}")
    for combination in itertools.product(*(range(len(a.choices)) for a in axes)):
        values: dict[str, Value] = {}
        log_density = 0.0
        u: list[float] = []
        for axis, i in zip(axes, combination):
            values.update(zip(axis.names, axis.choices[i]))
            p = axis.probabilities[i]
            log_density += math.log(p) if p > 0.0 else -math.inf
            if not axis.fixed:
                u.append((i + 0.5) / len(axis.choices))
        yield _Point(values, tuple(u), log_density)


def _design(name: str, width: int, sampler: str, samples: int, seed: int) -> Iterator[Floats]:
    if width == 0:
        for _ in itertools.count():
            yield np.empty(0)
    if sampler == "random":
        key = key_of(seed, name, "random plan")
        for block in itertools.count():
            yield from uniforms(key, block * _BLOCK * width, _BLOCK * width).reshape(_BLOCK, width)
    if sampler == "sobol":
        rng = np.random.default_rng(int(key_of(seed, name, "sobol plan")))
        engine = qmc.Sobol(width, scramble=True, rng=rng)
        while engine.num_generated < 1 << 30:
            yield from engine.random(_BLOCK)
    for design in itertools.count():
        rng = np.random.default_rng(int(key_of(seed, name, f"lhs plan {design}")))
        yield from qmc.LatinHypercube(width, rng=rng).random(samples)


class _Judge:
    """Keeps or rejects combinations; a verdict is remembered by the values that its constraint looks at."""

    def __init__(self, scenario: Scenario, axes: tuple[Marginal, ...]) -> None:
        self._scenario = scenario
        self._names = {n for a in axes for n in a.names}
        self._looks_at = [sorted(self._inputs(leaf.expr)) for leaf in scenario.constraints]
        self._known: list[dict[tuple[Value, ...], bool]] = [{} for _ in scenario.constraints]
        self._kinds = dimensions(scenario)
        self.rejected: dict[str, int] = {leaf.text: 0 for leaf in scenario.constraints}

    def keeps(self, values: Mapping[str, Value]) -> bool:
        for i, leaf in enumerate(self._scenario.constraints):
            key = tuple(values[n] for n in self._looks_at[i])
            if key not in self._known[i]:
                self._known[i][key] = self._holds(leaf, values)
            if not self._known[i][key]:
                self.rejected[leaf.text] += 1
                return False
        return True

    def _holds(self, leaf: Leaf, values: Mapping[str, Value]) -> bool:
        folded = leaf.fold(bind(self._scenario, values, None))
        if not isinstance(folded, Flag):
            raise leaf.error("this is not known before the run", "a comparison of parameters and constants")
        return folded.value

    def hopeless(self, tried: int, kept: int) -> InputError:
        worst = max(self._scenario.constraints, key=lambda leaf: self.rejected[leaf.text])
        return worst.error(
            f"{tried - kept} of {tried} combinations violate a constraint, this one most often",
            "ranges of the parameters that can meet every constraint",
        )

    def _inputs(self, expr: Expression) -> set[str]:
        names = _names_in(expr)
        for name in [n for n in names if n in self._scenario.derived]:
            names |= self._inputs(self._scenario.derived[name].expr)
        return names & self._names


def _names_in(expr: object) -> set[str]:
    if isinstance(expr, Parameter):
        return {expr.name}
    if isinstance(expr, tuple):
        return set().union(*(_names_in(e) for e in expr)) if expr else set()
    if isinstance(expr, str):
        return {expr}
    fields = getattr(expr, "__dataclass_fields__", {})
    return set().union(*(_names_in(getattr(expr, f)) for f in fields)) if fields else set()
