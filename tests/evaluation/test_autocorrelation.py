"""The Gamma method on chains of known autocorrelation, and the Metropolis chain on weights of a known mean."""

import numpy as np
import pytest

from hepexp.evaluation.autocorrelation import chain_mean, effective_size, independence_chain


def autoregressive(a: float, n_chains: int, length: int, seed: int) -> np.ndarray:
    """x_t = a x_{t-1} + noise, of unit variance, with rho(t) = a^t: tau_int = (1 + a) / (1 - a) / 2."""
    rng = np.random.default_rng(seed)
    x = np.empty((n_chains, length))
    x[:, 0] = rng.normal(size=n_chains)
    noise = np.sqrt(1 - a * a) * rng.normal(size=(n_chains, length))
    for t in range(1, length):
        x[:, t] = a * x[:, t - 1] + noise[:, t]
    return x


@pytest.mark.parametrize("a", [0.0, 0.5, 0.9])
def test_the_time_and_the_error_of_an_autoregressive_process(a):
    tau = (1 + a) / (1 - a) / 2
    found = [chain_mean(autoregressive(a, 4, 5000, seed)) for seed in range(20)]
    assert np.mean([one.tau for one in found]) == pytest.approx(tau, rel=0.03)
    assert np.mean([one.error for one in found]) == pytest.approx(np.sqrt(2 * tau / 20_000), rel=0.03)
    assert np.std([one.tau for one in found]) == pytest.approx(np.mean([one.tau_error for one in found]), rel=0.6)
    pulls = np.array([one.value / one.error for one in found])
    assert 0.5 < pulls.std() < 1.6


def test_chains_that_do_not_meet_have_a_long_time():
    apart = np.random.default_rng(0).normal(size=(2, 1000)) * 0.01 + np.array([[0.0], [1.0]])
    assert chain_mean(apart).tau > 100
    assert chain_mean(apart[:1]).tau == pytest.approx(0.5, abs=0.2)


def test_what_never_changes_has_no_error():
    found = chain_mean(np.full((3, 50), 0.7))
    assert found.value == pytest.approx(0.7)
    assert (found.error, found.tau, found.tau_error) == (None, None, None)


def test_metropolis_turns_proposals_of_one_density_into_states_of_another():
    # q uniform on three values, p = (1, 2, 5) / 8
    rng = np.random.default_rng(1)
    proposals, p = rng.integers(0, 3, size=100_000), np.array([1.0, 2.0, 5.0])
    at, accepted = independence_chain(np.log(p[proposals]), rng.random(len(proposals)))
    assert np.bincount(proposals[at]) / len(at) == pytest.approx(p / 8, abs=0.01)
    # sum over pairs of p_i / 3 min(1, p_j / p_i)
    exact = sum(p[i] / 8 / 3 * min(1, p[j] / p[i]) for i in range(3) for j in range(3))
    assert accepted.mean() == pytest.approx(exact, abs=0.01)
    assert effective_size(np.log(p[proposals])) == pytest.approx(8**2 / (3 * 30), abs=0.01)


def test_equal_weights_are_always_accepted():
    at, accepted = independence_chain(np.zeros(10), np.random.default_rng(0).random(10))
    assert at.tolist() == list(range(10))
    assert accepted.all()
    assert effective_size(np.zeros(10)) == 1
