"""Who balances load or starts containers asks without a log-in."""

from pathlib import Path

import httpx


def test_health_needs_no_log_in(served, house):
    assert httpx.get(f"{served}/health").json()["status"] == "ok"
    assert httpx.get(f"{served}/health/live").text == "ok\n"
    assert httpx.get(f"{served}/health/ready").text == "ok\n"


def test_a_room_that_is_not_ready_says_why(served, house):
    file = house.settings.database_url.removeprefix("sqlite:///")
    Path(file).rename(file + ".gone")
    try:
        answer = httpx.get(f"{served}/health/ready")
        assert answer.status_code == 503
        assert "is not there yet" in answer.text
        assert answer.text.count("\n") == 1
        assert httpx.get(f"{served}/health/live").status_code == 200
    finally:
        Path(file + ".gone").rename(file)
