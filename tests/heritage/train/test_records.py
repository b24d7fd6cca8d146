import builtins
import json

import numpy as np
import pytest
from PIL import Image

from heritage.train.records import Records, flat, last_validation, truncate, write_json


@pytest.fixture
def record(tmp_path):
    path = tmp_path / "metrics.jsonl"
    entries = [
        {"step": 5, "loss": 1.0},
        {"step": 10, "loss": 0.5},
        {"step": 10, "validation": {"thick": {"psnr": 20.0}}},
        {"step": 15, "loss": 0.4},
    ]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries) + '{"step": 20, "lo')
    return path


def test_what_came_after_the_checkpoint_is_removed_and_its_validation_kept(record):
    truncate(record, 10)
    entries = [json.loads(line) for line in record.read_text().splitlines()]
    assert [entry["step"] for entry in entries] == [5, 10, 10]
    assert last_validation(record) == 10
    assert list(record.parent.iterdir()) == [record]


def test_half_a_line_is_removed_even_where_every_step_is_kept(record):
    truncate(record, 100)
    assert [json.loads(line)["step"] for line in record.read_text().splitlines()] == [5, 10, 10, 15]


def test_a_record_in_order_is_not_written_again(record):
    truncate(record, 15)
    before = record.stat().st_ino
    truncate(record, 15)
    assert record.stat().st_ino == before


def test_without_a_record_there_is_nothing_to_shorten(tmp_path):
    truncate(tmp_path / "metrics.jsonl", 3)
    assert last_validation(tmp_path / "metrics.jsonl") is None
    assert list(tmp_path.iterdir()) == []


def test_numbers_of_nested_tables_are_named_by_their_place():
    entry = {"step": 3, "validation": {"thick": {"psnr": 20.5}}, "alarm": "words"}
    assert list(flat(entry)) == [("step", 3.0), ("validation/thick/psnr", 20.5)]


def test_the_same_numbers_go_to_tensorboard(tmp_path):
    pytest.importorskip("tensorboardX")
    said = []
    records = Records(tmp_path, 0, said.append)
    records.write({"step": 7, "health": {"raw_l1": 0.25}})
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(tmp_path / "sheet.png")
    records.show(tmp_path / "sheet.png", 7)
    records.close()
    (events,) = (tmp_path / "tensorboard").glob("events.*")
    content = events.read_bytes()
    assert b"health/raw_l1" in content
    assert b"sheet" in content
    assert said == []


def test_without_tensorboard_the_plain_record_remains_and_it_is_said_once(tmp_path, monkeypatch):
    real = builtins.__import__

    def refuse(name, *arguments, **named):
        if name == "tensorboardX":
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    said = []
    records = Records(tmp_path, 0, said.append)
    records.write({"step": 1, "loss": 2.0})
    records.write({"step": 2, "loss": 1.0})
    records.close()
    assert len(said) == 1
    assert "tensorboardX" in said[0]
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2


def test_a_table_is_replaced_at_once(tmp_path):
    for number in (1, 2):
        write_json(tmp_path / "run.json", {"batch": number})
    assert json.loads((tmp_path / "run.json").read_text()) == {"batch": 2}
    assert len(list(tmp_path.iterdir())) == 1
