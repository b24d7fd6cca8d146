"""What staff ask for is done one after the other, and what fails says why."""

import threading
import time
from pathlib import Path

import pytest

from heritage.errors import HeritageError
from heritage.review.orders import Order, Orders, Stage


def order(model="art", **more):
    facts = {"sha256": "a" * 64, "master": "/m.tif", "model": model, "policy": "painting"}
    return Order(**facts, mask=None, output=Path("/out"), person="Rex", **more)


@pytest.fixture
def worked():
    """Orders whose work waits to be let go, and a list of what was done."""
    gate, done = threading.Semaphore(0), []

    def run(one):
        gate.acquire()
        done.append(one.model)
        if one.model == "bad":
            raise HeritageError("no such weights")
        if one.model == "fault":
            raise ValueError("unforeseen")

    orders = Orders(run)
    orders.start()
    yield orders, gate, done
    orders.stop()
    gate.release(100)


def wait(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_after_the_other(worked):
    orders, gate, done = worked
    for model in ("a", "bad", "c"):
        orders.place(order(model))
    wait(lambda: [one.stage for one in orders.of("a" * 64)][-1] is Stage.RUNNING)
    assert [one.stage for one in orders.of("a" * 64)][:2] == [Stage.WAITING] * 2
    gate.release(3)
    wait(lambda: len(done) == 3)
    wait(lambda: orders.of("a" * 64)[0].stage is Stage.DONE)
    assert done == ["a", "bad", "c"]
    newest_first = orders.of("a" * 64)
    assert [one.stage for one in newest_first] == [Stage.DONE, Stage.FAILED, Stage.DONE]
    assert newest_first[1].reason == "no such weights"
    assert orders.of("b" * 64) == []


def test_the_same_is_not_asked_for_twice(worked):
    orders, gate, _ = worked
    for _ in range(3):
        orders.place(order())
    assert len(orders.of("a" * 64)) == 1
    gate.release()
    wait(lambda: orders.of("a" * 64)[0].stage is Stage.DONE)
    orders.place(order())
    assert len(orders.of("a" * 64)) == 2


def test_a_fault_of_the_program_ends_one_order_and_not_the_others(worked):
    orders, gate, _ = worked
    for model in ("fault", "c"):
        orders.place(order(model))
    gate.release(2)
    wait(lambda: orders.of("a" * 64)[0].stage is Stage.DONE)
    fault = orders.of("a" * 64)[1]
    assert fault.stage is Stage.FAILED
    assert "unforeseen" in fault.reason
