"""`mistral-tui rpc-worker`: where it listens, what it warns of, and how it ends."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.e2e.program import run
from tests.stubs.rpc import rpc_worker

pytestmark = pytest.mark.core


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_it_says_where_it_listens_and_ctrl_c_ends_it() -> None:
    with rpc_worker() as (address, process):
        host, _, port = address.partition(":")
        assert host == "127.0.0.1"
        assert int(port) > 0
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


def test_beyond_this_machine_it_warns() -> None:
    command = [sys.executable, "-m", "mistral_tui", "rpc-worker", "--host", "0.0.0.0", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("listening at 0.0.0.0:")
        process.kill()
        assert "nobody is asked who he is" in process.stderr.read()


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = run("rpc-worker", "--port", str(server.getsockname()[1]))
    assert done.returncode == 1
    assert "error: cannot listen at 127.0.0.1:" in done.stderr
    assert "choose another --port or --host" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--device", "CUDA7"], "there is no device CUDA7; there is CPU"),
        (["--host", "nowhere.invalid"], "'nowhere.invalid' is no IPv4 address"),
        (["--port", "70000"], "65535"),
    ],
)
def test_a_wrong_call_is_one_line(arguments: list[str], says: str) -> None:
    done = run("rpc-worker", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert says in done.stderr
