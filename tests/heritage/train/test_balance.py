import pytest
import torch

from heritage.train.balance import balance, overheard
from heritage.train.loop import Training


@pytest.fixture
def half():
    """Of a window of 8 x 8 the left half is filled: two of four patches."""
    area = torch.zeros(1, 1, 8, 8)
    area[..., :4] = 1
    return area


def patches(*values):
    return torch.tensor(values).reshape(1, 1, 2, 2)


def test_only_patches_with_filled_pixels_count_as_filled(half):
    seen = balance("hinge", patches(1.0, 1.0, 1.0, -1.0), patches(-1.0, 5.0, 1.0, 5.0), half)
    assert seen["real_right"] == 0.75
    assert seen["fake_right"] == 0.5


def test_least_squares_part_at_one_half(half):
    real, fake = patches(0.9, 0.4, 0.6, 0.6), patches(0.4, 0.0, 0.4, 0.0)
    assert balance("least-squares", real, fake, half)["real_right"] == 0.75
    assert balance("least-squares", real, fake, half)["fake_right"] == 1
    assert balance("wasserstein", real, fake, half) == {}


def test_what_is_overheard_is_what_the_loss_is_made_of(recipe, samples, tmp_path):
    training = Training(recipe, tmp_path / "run", device="cpu")
    heard = []

    def loss(*arguments):
        with overheard(training.critic) as logits:
            answer = original(*arguments)
        heard.append(logits)
        return answer

    original = training.adversarial.discriminator_loss
    training.adversarial.discriminator_loss = loss
    terms = [training.step(*each) for each in samples(recipe, 0, 3)][-1]
    (logits,) = heard
    assert len(logits) == 2  # the penalty asks the network by itself
    assert terms["real"] == pytest.approx(float(logits[0].mean()), abs=1e-6)
    assert 0 <= terms["real_right"] <= 1
    assert 0 <= terms["fake_right"] <= 1
    assert not training.critic._forward_hooks
