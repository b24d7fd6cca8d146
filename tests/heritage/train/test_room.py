import torch

from heritage.train import room


def test_half_of_the_free_memory_is_for_pictures():
    free = room.free_memory()
    assert free > 1 << 20
    assert 0.3 < room.room_for_pictures(torch.device("cpu")) / free < 0.7


def test_a_container_has_no_more_than_its_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_GROUP", tmp_path)
    (tmp_path / "memory.max").write_text(f"{50 << 20}\n")
    (tmp_path / "memory.current").write_text(f"{20 << 20}\n")
    assert room.free_memory() == 30 << 20
    (tmp_path / "memory.max").write_text("max\n")
    assert room.free_memory() != 30 << 20


def test_where_the_system_says_nothing_little_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_GROUP", tmp_path)
    monkeypatch.setattr(room, "_MEMINFO", tmp_path / "meminfo")
    assert room.free_memory() == 2 << 30


def test_a_network_on_the_cpu_keeps_its_cores():
    assert room.threads(torch.device("cpu")) == 1
    assert 1 <= room.threads(torch.device("cuda")) <= 16
