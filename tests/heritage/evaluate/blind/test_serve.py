import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from heritage.evaluate.blind import EvaluationUnreadable, serve_blind
from heritage.listening import PortTaken

PROGRAM = """
import sys
from pathlib import Path
from heritage.catalogue import Catalogue
from heritage.evaluate.blind import serve_blind
with Catalogue(sys.argv[2], "A. Registrar") as catalogue:
    say = lambda sentence: print(sentence, flush=True)
    serve_blind(Path(sys.argv[1]), catalogue, "V", 0, say=say)
print("ended")
"""


def test_it_is_served_to_this_machine_until_interrupted(folder, tmp_path):
    url = f"sqlite:///{tmp_path}/catalogue.sqlite"
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, folder, url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())[0]
        sent = httpx.get(address)
        assert 'value="V"' in sent.text
        assert "server" not in sent.headers
        process.send_signal(signal.SIGINT)
        out, fault = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (out, fault, process.returncode) == ("ended\n", "", 0)


def test_a_port_in_use_is_said_in_one_sentence(folder, catalogue):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} of this machine .* choose another"):
            serve_blind(folder, catalogue, "V", port)


def test_a_port_that_is_none_is_said_in_one_sentence(folder, catalogue):
    with pytest.raises(PortTaken, match="choose another"):
        serve_blind(folder, catalogue, "V", 70_000)


def test_a_folder_without_evaluation_is_not_served(tmp_path, catalogue):
    with pytest.raises(EvaluationUnreadable, match="holds no evaluation"):
        serve_blind(tmp_path, catalogue, "V", 0)


def test_ranking_needs_no_web_server(tmp_path):
    program = "import sys, heritage.evaluate.blind\n"
    program += "sys.exit(any(name in sys.modules for name in ('fastapi', 'uvicorn', 'jinja2')))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
