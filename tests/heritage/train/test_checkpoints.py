import pytest
import torch

from heritage.train.checkpoints import Checkpoints, CheckpointsUnreadable
from models.checkpoints import load_checkpoint, save_checkpoint


@pytest.fixture
def said():
    return []


@pytest.fixture
def kept(tmp_path, said):
    return Checkpoints(tmp_path, 2, said.append)


def save(kept, *steps):
    for step in steps:
        kept.save(step, {"step": step, "weight": torch.full((2,), float(step))})


def names(kept):
    return sorted(path.name for path in kept.folder.iterdir())


def test_only_the_last_few_are_kept(kept):
    save(kept, 5, 10, 15, 20)
    assert names(kept) == ["checkpoint-0000015.pt", "checkpoint-0000020.pt"]
    assert kept.load()["step"] == 20


def test_steps_count_as_numbers_and_not_as_letters(kept):
    save(kept, 9_999_999, 10_000_000)
    assert kept.load()["step"] == 10_000_000


def test_a_run_that_was_not_begun_has_none(kept):
    assert kept.load() is None


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_an_unreadable_one_is_passed_over_with_a_line(kept, said, content):
    save(kept, 5, 10)
    newest = kept.path(10)
    newest.write_bytes(newest.read_bytes()[:-40] if content is None else content)
    assert kept.load()["step"] == 5
    assert len(said) == 1
    assert str(newest) in said[0]
    assert "\n" not in said[0]


def test_if_none_can_be_read_that_is_said_and_nothing_is_begun_anew(kept):
    save(kept, 5)
    kept.path(5).write_bytes(b"")
    with pytest.raises(CheckpointsUnreadable, match="no checkpoint of this run"):
        kept.load()


def test_the_good_one_outlives_those_that_are_dropped(kept):
    save(kept, 5)
    kept.bless(5)
    save(kept, 10, 15, 20)
    assert load_checkpoint(kept.good)["step"] == 5
    assert "checkpoint-0000005.pt" not in names(kept)


def test_the_good_one_is_not_touched_by_a_later_save_of_the_same_step(kept):
    save(kept, 5)
    kept.bless(5)
    kept.save(5, {"step": 5, "weight": torch.zeros(2)})
    assert load_checkpoint(kept.good)["weight"].tolist() == [5, 5]


def test_after_a_fault_what_came_later_is_put_aside(kept):
    save(kept, 5)
    kept.bless(5)
    save(kept, 10)
    assert kept.set_aside()["step"] == 5
    assert names(kept) == ["checkpoint-0000005.pt", "diverged-0000010.pt", "good.pt"]
    assert kept.load()["step"] == 5


def test_where_nothing_was_good_nothing_is_put_aside(kept):
    save(kept, 5)
    assert kept.set_aside() is None
    assert names(kept) == ["checkpoint-0000005.pt"]


def test_the_single_checkpoint_of_earlier_versions_is_gone_on_from(kept):
    save_checkpoint(kept.folder / "checkpoint.pt", {"step": 3})
    assert kept.load()["step"] == 3
    save(kept, 5)
    assert kept.load()["step"] == 5
