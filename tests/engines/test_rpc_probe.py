"""Asking an address whether an RPC worker is there: whatever is there instead, the answer comes soon and says so."""

import socket
from collections.abc import Callable

import pytest

from mistral_tui.engines import rpc_probe
from mistral_tui.engines.rpc_probe import probe_workers
from mistral_tui.types.errors import EngineError
from tests.stubs.rpc import black_hole, closed_port, listening, rpc_worker, silence, speak_http, speak_old_rpc

pytestmark = pytest.mark.core


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc_probe, "PATIENCE", 0.3)


def test_a_worker_says_how_much_memory_it_has() -> None:
    with rpc_worker() as (address, _):
        (worker,) = probe_workers([address])
        assert worker.endpoint == address
        ((free, total),) = worker.memory
        assert 0 < free <= total


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (silence, "does not answer within 0.3 s: nobody is there, or it works for another program"),
        (speak_http, "is no RPC worker of llama.cpp, or one of an old version"),
        (socket.socket.close, "is no RPC worker of llama.cpp, or one of another version: it hangs up"),
        (speak_old_rpc, "speaks version 99.1.0 of llama.cpp's RPC, and this program 7.0; install the same version"),
    ],
)
def test_what_is_no_worker_is_an_error_that_says_what_it_is(
    answer: Callable[[socket.socket], None], says: str, short_patience: None
) -> None:
    with listening(answer) as address, pytest.raises(EngineError) as caught:
        probe_workers([address])
    assert address in str(caught.value)
    assert says in str(caught.value)


def test_a_closed_port_is_an_error() -> None:
    address = closed_port()
    with pytest.raises(EngineError, match=f"no RPC worker listens at {address}; start `mistral-tui rpc-worker` there"):
        probe_workers([address])


def test_an_unknown_machine_is_an_error() -> None:
    with pytest.raises(EngineError, match="no machine has this name"):
        probe_workers(["nowhere.invalid:50052"])


def test_an_address_from_which_nothing_comes_back_is_an_error(short_patience: None) -> None:
    with black_hole() as address, pytest.raises(EngineError, match=f"{address} does not answer within 0.3 s"):
        probe_workers([address])


def test_a_worker_that_works_for_another_program_says_nothing(short_patience: None) -> None:
    with rpc_worker() as (address, _):
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port))), pytest.raises(EngineError, match="it takes one at a time"):
            probe_workers([address])
        probe_workers([address])
