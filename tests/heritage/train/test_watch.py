"""Series of numbers as trainings that go wrong, or well, would give them."""

import math

import numpy as np
import pytest

from heritage.train.watch import Limits, TrainingDiverged, Watch, alarm, boundary

LIMITS = Limits(grace=50, gradient_steps=10, saturation_steps=40, loss_steps=60)
STEPS = 1_000


def healthy(step, rng, warmup=0):
    """A loss that falls, with noise; a discriminator that is right a little more often than not."""
    falling = 0.05 + 0.3 * math.exp(-step / 200)
    terms = {
        "l1": falling * rng.lognormal(0, 0.3),
        "loss": falling + 1,
        "gradient": rng.lognormal(0, 0.5),
    }
    if step >= warmup:
        terms |= {
            "discriminator": 1.2, "critic": rng.lognormal(0, 1), "real": 0.8, "fake": -0.5,
            "real_right": 0.7, "fake_right": 0.65, "adversarial": 0.7 + step / 200,
        }  # fmt: skip
    return terms


def watched(change=lambda step, terms: terms, kind="non-saturating", warmup=0, limits=LIMITS):
    """The step at which a training is stopped, and why; None where it is not."""
    rng, watch = np.random.default_rng(4), Watch(limits, kind, warmup)
    for step in range(STEPS):
        try:
            watch.see(step, change(step, healthy(step, rng, warmup)))
        except TrainingDiverged as error:
            return step, error.reason
    return None


@pytest.mark.parametrize("kind", ["non-saturating", "hinge", "least-squares", "wasserstein"])
def test_a_training_that_learns_is_left_alone(kind):
    assert watched(kind=kind) is None
    assert watched(kind=kind, warmup=400) is None


@pytest.mark.parametrize("name", ["loss", "gradient", "critic", "discriminator"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_stops_it_at_once(name, value):
    step, reason = watched(lambda s, terms: terms | ({name: value} if s == 7 else {}))
    assert step == 7
    assert "step 7" in reason
    assert "rate" in reason


@pytest.mark.parametrize(("name", "whose"), [("gradient", "generator"), ("critic", "discrimin")])
def test_a_gradient_that_explodes_stops_it(name, whose):
    def exploding(step, terms):
        return terms | {name: terms[name] * (1e3 if step >= 500 else 1)}

    step, reason = watched(exploding)
    assert step == 509
    assert f"the gradient of the {whose}" in reason


def test_gradients_that_are_large_now_and_then_do_not():
    assert watched(lambda s, terms: terms | {"gradient": 1e3 if s % 8 == 0 else 1.0}) is None


def test_a_gradient_that_grows_slowly_is_another_training_and_no_explosion():
    assert watched(lambda s, terms: terms | {"gradient": math.exp(s / 150)}) is None


def won(gap):
    def change(step, terms):
        if step < 300:
            return terms
        return terms | {"real": gap, "fake": 0.0, "real_right": 1.0, "fake_right": 1.0}

    return change


def test_a_discriminator_that_has_won_stops_it():
    step, reason = watched(won(30.0))
    assert step == 339
    assert "never wrong" in reason
    assert "discriminator_rate" in reason
    assert watched(won(3.0)) is None  # right, but not far ahead
    assert watched(won(0.99), kind="least-squares")[0] == 339
    assert watched(won(30.0), kind="wasserstein") is None


def test_a_loss_that_turns_stops_it():
    def turning(step, terms):
        return terms | {"l1": terms["l1"] + max(0, step - 400) * 0.01}

    step, reason = watched(turning)
    assert 460 < step < 600
    assert "the loss has turned" in reason


def test_a_loss_that_recovers_does_not():
    def bump(step, terms):
        return terms | ({"l1": 3.0} if 400 <= step < 420 else {})

    slow = LIMITS.model_copy(update={"loss_steps": 150})  # the mean itself takes a while
    assert watched(bump, limits=slow) is None


def test_a_logarithmic_loss_below_zero_is_judged_too():
    def logarithm(step, terms):
        return {"psnr": math.log(terms["l1"] ** 2) + (8 if step > 500 else 0), "loss": 0.0}

    assert watched(logarithm)[1].startswith("the loss has turned")
    assert watched(lambda s, t: {"psnr": math.log(t["l1"] ** 2), "loss": 0.0}) is None


def test_the_adversarial_loss_may_rise_for_as_long_as_it_likes():
    assert watched(lambda s, terms: terms | {"adversarial": float(s), "loss": float(s)}) is None


def test_when_the_adversary_begins_it_is_given_time():
    def change(step, terms):
        return terms | ({"gradient": 100.0} if 400 <= step < 440 else {})

    assert watched(change, warmup=400) is None
    assert watched(change, warmup=0) is not None


def test_a_watch_that_was_kept_goes_on_as_if_it_had_not_been():
    def series():
        rng = np.random.default_rng(4)
        for step in range(STEPS):
            terms = healthy(step, rng)
            yield step, won(30.0)(step, terms)

    watch = Watch(LIMITS, "non-saturating", 0)
    for step, terms in series():
        if step == 339:
            break
        if step in (60, 310, 330):
            kept = watch.state()
            watch = Watch(LIMITS, "non-saturating", 0)
            watch.resume(kept)
        watch.see(step, terms)
    with pytest.raises(TrainingDiverged, match="step 339"):
        watch.see(339, terms)


def test_collapse_is_an_alarm_in_words():
    limits = Limits()
    assert alarm(limits, {"variety": 0.9, "answers": 0.3}) == ""
    assert alarm(limits, {}) == ""
    assert "the same into every hole" in alarm(limits, {"variety": 0.1})
    assert "one answer" in alarm(limits, {"variety": 0.9, "answers": 0.001})


def test_logits_part_in_the_middle_of_what_they_are_pulled_to():
    assert boundary("hinge") == boundary("non-saturating") == 0
    assert boundary("least-squares") == boundary("soft-mask") == 0.5
    assert boundary("wasserstein") is None
