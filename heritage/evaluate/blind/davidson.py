"""Strengths from pairwise votes with ties: Davidson's extension of the Bradley-Terry model.

With strengths θ (logarithms of Bradley and Terry's π) and a tendency to ties η, a vote between i
and j ends for i, for j or in a tie with probabilities in proportion to exp θᵢ, exp θⱼ and
exp(η + (θᵢ + θⱼ) / 2).

    R. A. Bradley, M. E. Terry, Rank analysis of incomplete block designs. Biometrika 39 (1952).
    R. R. Davidson, On extending the Bradley-Terry model to accommodate ties in paired comparison
    experiments. Journal of the American Statistical Association 65 (1970), 317-328.

In θ and η this is a multinomial logit, whose log-likelihood is concave, so that damped Newton steps
reach the maximum. It has a finite maximum only if, however one divides the models into two groups,
somebody of each has beaten somebody of the other (L. R. Ford, American Mathematical Monthly 64
(1957)). A weak normal prior, of standard deviation ``PRIOR``, keeps the rest finite and hardly
moves anything else.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PRIOR = 3.0
"""Standard deviation of the prior on strengths: being ahead by 3 means winning 95 of 100
decided votes."""

STEPS = 60
CLOSE = 1e-9

Floats = NDArray[np.float64]


def fit(pairs: NDArray[np.int64], counts: Floats, models: int) -> tuple[Floats, Floats]:
    """Estimate strengths, for many tables of votes at once.

    Args:
        pairs: (P, 2) numbers of the two models of each pair.
        counts: (R, P, 3) votes for the first, for the second, and ties, in R tables.
        models: How many there are.

    Returns:
        Strengths (R, models) that add up to zero, and the tendency to ties η (R,).
    """
    features = _features(pairs, models)
    weights = np.full(models + 1, 1 / PRIOR**2)
    beta = np.zeros((len(counts), models + 1))
    value = _penalised(beta, features, counts, weights)
    for _ in range(STEPS):
        step = _newton_step(beta, features, counts, weights)
        beta, value, moved = _damped(beta, step, value, features, counts, weights)
        if moved < CLOSE:
            break
    strengths = beta[:, :models]
    return strengths - strengths.mean(axis=1, keepdims=True), beta[:, models]


def chances(strengths: Floats, ties: Floats) -> Floats:
    """How likely each model is accepted rather than each other one; a tie counts half.

    Args:
        strengths: (R, K).
        ties: (R,) tendency to ties.

    Returns:
        (R, K, K), 0 to 1; the chance of the row's model against the column's.
    """
    first, second = strengths[:, :, None], strengths[:, None, :]
    tie = ties[:, None, None] + (first + second) / 2
    largest = np.maximum(np.maximum(first, second), tie)
    win, lose, tied = (np.exp(logit - largest) for logit in (first, second, tie))
    return np.asarray((win + tied / 2) / (win + lose + tied))


def _features(pairs: NDArray[np.int64], models: int) -> Floats:
    """(P, 3, models + 1): what each outcome of each pair adds up."""
    features = np.zeros((len(pairs), 3, models + 1))
    rows = np.arange(len(pairs))
    features[rows, 0, pairs[:, 0]] = 1
    features[rows, 1, pairs[:, 1]] = 1
    features[rows, 2, pairs[:, 0]] += 0.5
    features[rows, 2, pairs[:, 1]] += 0.5
    features[:, 2, models] = 1
    return features


def _log_chances(beta: Floats, features: Floats) -> Floats:
    logits = np.einsum("rk,pok->rpo", beta, features)
    largest = logits.max(axis=2, keepdims=True)
    return np.asarray(
        logits - largest - np.log(np.exp(logits - largest).sum(axis=2, keepdims=True))
    )


def _penalised(beta: Floats, features: Floats, counts: Floats, weights: Floats) -> Floats:
    likelihood = (counts * _log_chances(beta, features)).sum(axis=(1, 2))
    return np.asarray(likelihood - 0.5 * (weights * beta**2).sum(axis=1))


def _newton_step(beta: Floats, features: Floats, counts: Floats, weights: Floats) -> Floats:
    chance = np.exp(_log_chances(beta, features))
    votes = counts.sum(axis=2)
    expected = votes[:, :, None] * chance
    gradient = np.einsum("rpo,pok->rk", counts - expected, features) - weights * beta
    mean = np.einsum("rpo,pok->rpk", chance, features)
    outer = np.einsum("pok,pol->pokl", features, features)
    information = np.einsum("rpo,pokl->rkl", expected, outer, optimize=True)
    information -= np.einsum("rp,rpk,rpl->rkl", votes, mean, mean, optimize=True)
    information += np.diag(weights)
    return np.asarray(np.linalg.solve(information, gradient[:, :, None])[:, :, 0])


def _damped(
    beta: Floats, step: Floats, value: Floats, features: Floats, counts: Floats, weights: Floats
) -> tuple[Floats, Floats, float]:
    """Go as far along each table's step as does not lower its likelihood."""
    length = np.ones(len(beta))
    for _ in range(30):
        there = beta + length[:, None] * step
        reached = _penalised(there, features, counts, weights)
        worse = reached < value - 1e-12 * np.abs(value)
        if not worse.any():
            break
        length[worse] /= 2
    else:
        there[worse], reached[worse] = beta[worse], value[worse]
    return there, reached, float(np.abs(there - beta).max(initial=0))
