"""The estimates against closed forms, another optimiser, and votes drawn from the model."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from heritage.evaluate.blind import davidson
from heritage.evaluate.blind.davidson import chances, fit

TWO = np.array([[0, 1]])


@pytest.fixture
def no_prior(monkeypatch):
    monkeypatch.setattr(davidson, "PRIOR", 1e6)


def all_pairs(models):
    return np.array([(i, j) for i in range(models) for j in range(i + 1, models)])


def draw(strengths, ties, votes, seed=0):
    """Votes of people who are exactly as the model says."""
    generator = np.random.default_rng(seed)
    pairs = all_pairs(len(strengths))
    counts = []
    for i, j in pairs:
        weights = np.exp([strengths[i], strengths[j], ties + (strengths[i] + strengths[j]) / 2])
        counts.append(generator.multinomial(votes, weights / weights.sum()))
    return pairs, np.array(counts, float)[None]


def test_two_models_have_the_closed_form(no_prior):
    # Davidson (1970): with two treatments the model is saturated.
    strengths, ties = fit(TWO, np.array([[[30.0, 10.0, 8.0]]]), 2)
    assert strengths[0, 0] - strengths[0, 1] == pytest.approx(np.log(3), abs=1e-6)
    assert np.exp(ties[0]) == pytest.approx(8 / np.sqrt(300), abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_another_optimiser_finds_the_same(no_prior, seed):
    pairs, counts = draw([0.8, 0.1, -0.2, -0.7], -0.5, 40, seed)

    def surprise(free):
        theta, eta = np.append(0.0, free[:3]), free[3]
        first, second = theta[pairs[:, 0]], theta[pairs[:, 1]]
        logits = np.stack([first, second, eta + (first + second) / 2], axis=1)
        return -(counts[0] * (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))).sum()

    found = minimize(surprise, np.zeros(4), method="BFGS", options={"gtol": 1e-8})
    theta = np.append(0.0, found.x[:3])
    strengths, ties = fit(pairs, counts, 4)
    assert strengths[0] == pytest.approx(theta - theta.mean(), abs=1e-4)
    assert ties[0] == pytest.approx(found.x[3], abs=1e-4)


def test_without_ties_it_is_bradley_and_terry(no_prior):
    # Iteration of Hunter (Annals of Statistics 32 (2004), 384-406), which needs no derivatives.
    wins = np.array([[0, 14, 18], [6, 0, 11], [2, 9, 0]], float)
    pi = np.ones(3)
    for _ in range(2000):
        games = wins + wins.T
        pi = wins.sum(axis=1) / (games / (pi[:, None] + pi[None, :])).sum(axis=1)
        pi /= pi.sum()
    pairs = all_pairs(3)
    counts = np.array([[[wins[i, j], wins[j, i], 0.0] for i, j in pairs]])
    strengths, _ = fit(pairs, counts, 3)
    assert strengths[0] == pytest.approx(np.log(pi) - np.log(pi).mean(), abs=1e-3)


def test_many_votes_tell_the_strengths_they_were_drawn_from():
    truth = np.array([1.2, 0.3, 0.0, -0.4, -1.1])
    pairs, counts = draw(truth, -0.8, 4000)
    strengths, ties = fit(pairs, counts, 5)
    assert strengths[0] == pytest.approx(truth, abs=0.06)
    assert ties[0] == pytest.approx(-0.8, abs=0.06)


def test_the_prior_hardly_moves_what_votes_tell(monkeypatch):
    pairs, counts = draw([0.7, 0.0, -0.7], -1.0, 60)
    with_prior, _ = fit(pairs, counts, 3)
    monkeypatch.setattr(davidson, "PRIOR", 1e6)
    without, _ = fit(pairs, counts, 3)
    assert with_prior == pytest.approx(without, abs=0.01)


def test_who_always_wins_is_ahead_by_a_finite_distance():
    strengths, ties = fit(TWO, np.array([[[1000.0, 0.0, 0.0]]]), 2)
    assert 3 < strengths[0, 0] - strengths[0, 1] < 25
    assert np.isfinite(ties).all()


counts = st.lists(st.tuples(*[st.integers(0, 200)] * 3), min_size=6, max_size=6)


@settings(max_examples=80, deadline=None)
@given(counts, st.permutations(range(4)))
def test_the_maximum_is_reached_and_names_do_not_matter(table, order):
    pairs, votes = all_pairs(4), np.array([table], float)
    strengths, ties = fit(pairs, votes, 4)
    assert np.isfinite(strengths).all()
    assert strengths.sum() == pytest.approx(0, abs=1e-9)
    features = davidson._features(pairs, 4)
    beta = np.append(strengths[0], ties[0])[None]
    weights = np.full(5, 1 / davidson.PRIOR**2)
    best = davidson._penalised(beta, features, votes, weights)
    for nudge in np.concatenate([np.eye(5), -np.eye(5)]) * 0.01:
        assert davidson._penalised(beta + nudge, features, votes, weights) <= best + 1e-9
    renamed, _ = fit(np.array(order)[pairs], votes, 4)
    assert renamed[0][list(order)] == pytest.approx(strengths[0], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(counts, counts)
def test_tables_fitted_together_are_as_if_fitted_alone(one, other):
    pairs = all_pairs(4)
    both, _ = fit(pairs, np.array([one, other], float), 4)
    for row, table in enumerate((one, other)):
        alone, _ = fit(pairs, np.array([table], float), 4)
        assert both[row] == pytest.approx(alone[0], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=2, max_size=5), st.floats(-50, 50))
def test_the_chances_of_two_add_up_to_one(strengths, ties):
    found = chances(np.array([strengths]), np.array([ties]))[0]
    assert found + found.T == pytest.approx(np.ones_like(found))
    assert ((found >= 0) & (found <= 1)).all()


def test_a_chance_is_the_share_of_votes_with_ties_counted_half():
    strengths, ties = np.array([0.9, -0.3]), 0.4
    _, counts = draw(strengths, ties, 400_000)
    won, _, tied = counts[0, 0] / counts.sum()
    found = chances(strengths[None], np.array([ties]))[0]
    assert found[0, 1] == pytest.approx(won + tied / 2, abs=0.003)
    assert found[0, 0] == 0.5
