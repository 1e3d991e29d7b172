"""Rates, probabilities and their exact intervals; tests between two builds. No rate without exposure and interval.

Rates count Poisson events k over an exposure T in any unit (1000 km here and there); probabilities count k of n runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from scipy import stats

from twin.errors import InputError


class Estimate(NamedTuple):
    """A value with its two-sided interval."""

    value: float
    low: float
    high: float


def garwood(events: int, exposure: float, level: float = 0.95) -> Estimate:
    """Return the rate k / T with Garwood's exact interval (Biometrika 28, 1936). Raises InputError without exposure."""
    _require(events, exposure)
    tail = (1.0 - level) / 2.0
    low = 0.0 if events == 0 else float(stats.chi2.ppf(tail, 2 * events)) / 2.0
    high = float(stats.chi2.ppf(1.0 - tail, 2 * events + 2)) / 2.0
    return Estimate(events / exposure, low / exposure, high / exposure)


def poisson_upper(events: int, exposure: float, level: float = 0.95) -> float:
    """Return the one-sided exact upper limit of a rate; with no event it is the rule of three, 2.9957 / T."""
    _require(events, exposure)
    return float(stats.chi2.ppf(level, 2 * events + 2)) / 2.0 / exposure


def exposure_to_show(rate: float, events: int = 0, level: float = 0.95) -> float:
    """Return the exposure at which `events` events still show a rate of at most `rate`, one-sided."""
    if not rate > 0.0:
        raise InputError(f"a rate to show must be above 0, got {rate}")
    return poisson_upper(events, 1.0, level) / rate


def clopper_pearson(successes: int, trials: int, level: float = 0.95) -> Estimate:
    """Return the share k / n with the exact interval of Clopper and Pearson (Biometrika 26, 1934)."""
    _require_of(successes, trials)
    tail = (1.0 - level) / 2.0
    low = 0.0 if successes == 0 else float(stats.beta.ppf(tail, successes, trials - successes + 1))
    high = 1.0 if successes == trials else float(stats.beta.ppf(1.0 - tail, successes + 1, trials - successes))
    return Estimate(successes / trials, low, high)


def wilson(successes: int, trials: int, level: float = 0.95) -> Estimate:
    """Return the share k / n with Wilson's score interval (JASA 22, 1927): narrower than exact, right on average."""
    _require_of(successes, trials)
    z = float(stats.norm.ppf(0.5 + level / 2.0))
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2)) / (1 + z * z / trials)
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return Estimate(share, low, high)


def runs_to_hit(probability: float, level: float = 0.95) -> int:
    """Return how many independent runs meet an event of this probability at least once."""
    if not 0.0 < probability < 1.0:
        raise InputError(f"a probability must lie between 0 and 1, got {probability}")
    return math.ceil(math.log1p(-level) / math.log1p(-probability))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two builds: p-values of equal rates. `conditional` is exact and decides; the E-test has more power."""

    conditional: float
    e_test: float
    ratio: Estimate  # of the first build's rate to the second's


def compare(events_1: int, exposure_1: float, events_2: int, exposure_2: float, level: float = 0.95) -> Comparison:
    """Compare two Poisson rates, two-sided: conditional binomial test, and the E-test of Krishnamoorthy and Thomson
    (JSPI 119, 2004); the ratio's interval by Clopper and Pearson on the conditional share.
    """
    _require(events_1, exposure_1)
    _require(events_2, exposure_2)
    total = events_1 + events_2
    if total == 0:
        return Comparison(1.0, 1.0, Estimate(math.nan, 0.0, math.inf))
    conditional = float(stats.binomtest(events_1, total, exposure_1 / (exposure_1 + exposure_2)).pvalue)
    e_test = float(stats.poisson_means_test(events_1, exposure_1, events_2, exposure_2).pvalue)
    share = clopper_pearson(events_1, total, level)

    def ratio(p: float) -> float:
        return p / (1.0 - p) * exposure_2 / exposure_1 if p < 1.0 else math.inf

    return Comparison(conditional, e_test, Estimate(ratio(share.value), ratio(share.low), ratio(share.high)))


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value for paired runs from the discordant pairs (McNemar 1947)."""
    if only_first < 0 or only_second < 0:
        raise InputError("numbers of discordant pairs cannot be negative")
    total = only_first + only_second
    return min(1.0, 2.0 * float(stats.binom.cdf(min(only_first, only_second), total, 0.5)))


SprtAnswer = Literal["accept", "reject", "go on"]


@dataclass(frozen=True, slots=True)
class Sprt:
    """Wald's sequential test of a Poisson rate: `good` against `bad` > good, both fixed before the first run."""

    good: float
    bad: float
    alpha: float = 0.05
    beta: float = 0.05

    def __post_init__(self) -> None:
        if not 0.0 < self.good < self.bad or not 0.0 < self.alpha < 0.5 or not 0.0 < self.beta < 0.5:
            raise InputError("a sequential test needs 0 < good rate < bad rate and error rates between 0 and 1/2")

    def likelihood_ratio(self, events: int, exposure: float) -> float:
        """Return the logarithm of the likelihood ratio, bad over good."""
        return events * math.log(self.bad / self.good) - (self.bad - self.good) * exposure

    def answer(self, events: int, exposure: float) -> SprtAnswer:
        """Return whether the good rate is accepted, rejected, or more exposure is needed."""
        ratio = self.likelihood_ratio(events, exposure)
        if ratio >= math.log((1.0 - self.beta) / self.alpha):
            return "reject"
        return "accept" if ratio <= math.log(self.beta / (1.0 - self.alpha)) else "go on"

    @property
    def shortest(self) -> float:
        """Exposure without any event at which the good rate is accepted."""
        return math.log((1.0 - self.alpha) / self.beta) / (self.bad - self.good)


def miles_without_failure(rate: float, level: float = 0.95) -> float:
    """Return the failure-free distance that shows a rate, as in Kalra and Paddock, "Driving to Safety" (RAND, 2016)."""
    return -math.log(1.0 - level) / rate


def miles_for_precision(rate: float, precision: float, level: float = 0.95) -> float:
    """Return the distance after which the rate is known within +- precision, ibid."""
    z = float(stats.norm.ppf(0.5 + level / 2.0))
    return rate * (z / (precision * rate)) ** 2


def miles_to_beat(rate: float, better_by: float, level: float = 0.95, power: float = 0.8) -> float:
    """Return the distance that shows a rate lower by the share `better_by`, one-sided, ibid.; power 1/2 omits power."""
    z = float(stats.norm.ppf(level)) + float(stats.norm.ppf(power))
    return (1.0 - better_by) * rate * (z / (better_by * rate)) ** 2


@dataclass(frozen=True, slots=True)
class Stratum:
    """One kind of encounter: its weight (share, or encounters per 1000 km) and what the runs of it gave."""

    weight: float
    failures: int
    runs: int


@dataclass(frozen=True, slots=True)
class Weighted:
    """An exposure-weighted rate. `naive` pools all runs; `warnings` name the strata that say too little."""

    value: float
    deviation: float
    upper: float
    naive: float
    warnings: tuple[str, ...]


def weighted(strata: Sequence[Stratum], level: float = 0.95) -> Weighted:
    """Return sum w p, its deviation, and an upper limit that gives strata without failures their own exact limit."""
    if not strata:
        raise InputError("an exposure-weighted rate needs at least one stratum")
    for stratum in strata:
        _require_of(stratum.failures, stratum.runs)
    shares = [s.failures / s.runs for s in strata]
    value = sum(s.weight * p for s, p in zip(strata, shares))
    variance = sum(s.weight**2 * p * (1 - p) / s.runs for s, p in zip(strata, shares))
    z = float(stats.norm.ppf(0.5 + level / 2.0))
    unseen = [s for s in strata if s.failures == 0]
    rest = sum(s.weight * clopper_pearson(0, s.runs, level).high for s in unseen)
    warnings = tuple(
        f"stratum {i + 1}: no failure in {s.runs} runs; up to {clopper_pearson(0, s.runs, level).high:.3g} is possible"
        for i, s in enumerate(strata)
        if s.failures == 0
    )
    naive = sum(s.failures for s in strata) / sum(s.runs for s in strata)
    return Weighted(value, math.sqrt(variance), value + z * math.sqrt(variance) + rest, naive, warnings)


def _require(events: int, exposure: float) -> None:
    if events < 0:
        raise InputError(f"a number of events cannot be {events}")
    if not (exposure > 0.0 and math.isfinite(exposure)):
        raise InputError(f"a rate needs an exposure above 0, got {exposure}")


def _require_of(part: int, whole: int) -> None:
    if not 0 <= part <= whole or whole == 0:
        raise InputError(f"a share needs 0 <= k <= n and n > 0, got {part} of {whole}")
