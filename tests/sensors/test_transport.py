"""Transport: latency, loss, order and clock."""

import math

import numpy as np
import pytest
from scipy import stats

from sensors.config import Clock, Link
from sensors.noise import in_burst
from sensors.transport import Parcel, Transport, lognormal
from twin.draw import key_of, uniforms
from twin.errors import InputError
from twin.kernel import kernel
from twin.samples import ImuSample

DATA = ImuSample(np.zeros(3), np.zeros(3))


def transport(link: Link, clock: Clock | None = None) -> Transport:
    return Transport(link, clock or Clock(), 7, "imu")


@pytest.mark.parametrize(("mean", "p99", "mu", "sigma"), [(0.02, 0.05, -4.006, 0.434), (0.05, 0.12, -3.081, 0.413)])
def test_a_lognormal_follows_from_mean_and_quantile(mean: float, p99: float, mu: float, sigma: float) -> None:
    found = lognormal(mean, p99)
    assert found == pytest.approx((mu, sigma), abs=5e-4)
    assert math.exp(found[0] + found[1] ** 2 / 2) == pytest.approx(mean)
    assert stats.lognorm(found[1], scale=math.exp(found[0])).ppf(0.99) == pytest.approx(p99)


def test_no_lognormal_has_a_quantile_that_far_off() -> None:
    with pytest.raises(InputError, match="no lognormal"):
        lognormal(0.01, 0.2)


def test_latency_is_the_fixed_part_plus_the_lognormal_one() -> None:
    link = transport(Link(latency=0.01, jitter=0.02, jitter_p99=0.05))
    variable = np.array([link.latency_ns(k) for k in range(5000)]) * 1e-9 - 0.01
    mu, sigma = lognormal(0.02, 0.05)
    assert stats.kstest(variable, stats.lognorm(sigma, scale=math.exp(mu)).cdf).pvalue > 0.001


@kernel
def lost_samples(u: np.ndarray, share: float, burst: float) -> np.ndarray:
    out = np.empty(u.size, dtype=np.int64)
    bad = 0
    for i in range(u.size):
        bad = in_burst(bad, share, burst, u[i])
        out[i] = bad
    return out


def test_losses_come_at_their_share_in_geometric_bursts() -> None:
    """p = 0.005, r = 0.25: 1.96 % lost, mean burst 4, over 2 million packets."""
    share = 0.005 / 0.255
    bad = lost_samples(uniforms(key_of(3, "can", "loss"), 0, 2_000_000), share, 4.0)
    assert bad.mean() == pytest.approx(share, rel=0.05)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], bad, [0]])))
    bursts = edges[1::2] - edges[::2]
    assert bursts.mean() == pytest.approx(4.0, rel=0.03)
    seen = np.array([np.count_nonzero(bursts == n) for n in range(1, 13)] + [np.count_nonzero(bursts > 12)])
    expected = np.array([0.25 * 0.75 ** (n - 1) for n in range(1, 13)] + [0.75**12]) * len(bursts)
    assert stats.chisquare(seen, expected).pvalue > 0.001


def _arrivals(order: str) -> list[tuple[int, int]]:
    link = transport(Link.model_validate({"latency": 0.001, "jitter": 0.02, "order": order}))
    for k in range(2000):
        t_ns = k * 10_000_000
        link.send(Parcel(k, t_ns + link.latency_ns(k), t_ns, t_ns, DATA, ()))
    return [(p.k, p.t_arrival_ns) for p in link.receive(10**12)]


def test_a_fifo_never_overtakes() -> None:
    got = _arrivals("fifo")
    assert [k for k, _ in got] == list(range(2000))


def test_another_link_overtakes_as_often_as_latencies_say() -> None:
    got = dict(_arrivals("any"))
    rate = np.mean([got[k] > got[k + 1] for k in range(1999)])
    mu, sigma = lognormal(0.02, 0.05)
    draws = stats.lognorm(sigma, scale=math.exp(mu)).rvs(400_000, random_state=1)
    expected = np.mean(draws[::2] > draws[1::2] + 0.01)
    assert abs(rate - expected) < 3 * math.sqrt(expected * (1 - expected) / 1000)


def test_a_bounded_queue_keeps_the_newest() -> None:
    link = transport(Link(queue=2))
    for k in range(5):
        link.send(Parcel(k, k, k, k, DATA, ()))
    assert [p.k for p in link.receive(10)] == [3, 4]


def test_nothing_arrives_before_its_time() -> None:
    link = transport(Link())
    link.send(Parcel(0, 100, 0, 0, DATA, ()))
    assert link.receive(99) == []
    assert [p.k for p in link.receive(100)] == [0]
    assert link.receive(100) == []


def test_regression_recovers_the_drift_of_a_clock() -> None:
    link = transport(Link(), Clock(offset=0.002, drift=20e-6, noise=1e-6))
    t = np.arange(0, 600_000_000_000, 100_000_000)
    stamps = np.array([link.stamp_ns(k, int(v)) for k, v in enumerate(t)])
    slope, start = np.polyfit(t * 1e-9, (stamps - t) * 1e-9, 1)
    assert slope == pytest.approx(20e-6, abs=0.1e-6)
    assert start == pytest.approx(0.002, abs=1e-6)


def test_without_transport_a_sample_keeps_its_time() -> None:
    link = transport(Link())
    assert link.latency_ns(5) == 0
    assert link.stamp_ns(5, 123) == 123
    assert not any(link.lost(k) for k in range(1000))
