import pytest
import torch

from models.checkpoints import load_checkpoint, load_weights, save_checkpoint, save_weights, sha256


def test_weights_round_trip_in_half_precision_and_name_their_hash(tmp_path):
    state = {"a.weight": torch.randn(3, 4), "a.count": torch.tensor(7)}
    digest = save_weights(tmp_path / "w.safetensors", state)
    again = load_weights(tmp_path / "w.safetensors")
    assert digest == sha256(tmp_path / "w.safetensors")
    assert again["a.weight"].dtype == torch.float32
    assert torch.equal(again["a.weight"], state["a.weight"].half().float())
    assert int(again["a.count"]) == 7


def test_a_failed_write_leaves_the_old_file_and_no_debris(tmp_path):
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"step": 1})
    with pytest.raises(Exception, match="pickle"):
        save_checkpoint(path, {"step": lambda: None})
    assert load_checkpoint(path) == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["c.pt"]


def test_code_in_a_checkpoint_is_never_run(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (print, ("executed",))

    torch.save({"step": Hostile()}, tmp_path / "bad.pt")
    with pytest.raises(Exception, match=r"[Ww]eights"):
        load_checkpoint(tmp_path / "bad.pt")
