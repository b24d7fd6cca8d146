import pytest

from heritage.train.reporting import Progressed, Remark, Validated, duration, plain


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"), (59.6, "1 min 0 s"), (61, "1 min 1 s"), (3600, "1 h 0 min"),
        (90061, "1 d 1 h"),
    ],
)  # fmt: skip
def test_durations_are_said_in_their_two_largest_units(seconds, said):
    assert duration(seconds) == said


def test_every_event_is_one_line():
    terms = {"l1": 0.123456, "loss": 2.0}
    line = plain(Progressed(50, 0.25, 12.34, 90.0, terms))
    assert line == "step 50, 25.0%, 12.3 windows/s, 1 min 30 s left, l1 0.1235"
    assert plain(Remark("careful")) == "careful"
    scores = {"thick": {"network_psnr_hole": 21.0}}
    line = plain(Validated(50, scores, {"raw_l1": 0.5}))
    assert line == "validation of step 50: thick network_psnr_hole 21; raw_l1 0.5"


def test_without_a_reconstruction_the_sum_is_told():
    assert plain(Progressed(1, 0.0, 1.0, 1.0, {"loss": 2.0})).endswith("loss 2")
