"""How likely each token was, on stderr and as JSON."""

import json
from pathlib import Path

import pytest

from tests.cli.ask.asking import SCORED, ask
from tests.stubs.engines import FakeEngine, FakePool, Reply

pytestmark = pytest.mark.core


async def test_probabilities_go_to_stderr(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = FakePool(FakeEngine([Reply(before=(SCORED,))]))
    await ask(pool, "-m", str(model), "--logprobs", "1", "Hi")
    sampling = pool.engine.requests[0].sampling
    assert (sampling.logprobs, sampling.top_logprobs) == (True, 1)
    captured = capsys.readouterr()
    assert captured.out == "Hello there.\n"
    assert '"Hello\\u001b"         90.0%   "Hello\\u001b" 90.0%\n' in captured.err


async def test_probabilities_are_part_of_the_json(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = FakePool(FakeEngine([Reply(before=(SCORED,))]))
    await ask(pool, "-m", str(model), "--logprobs", "1", "--json", "Hi")
    (token,) = json.loads(capsys.readouterr().out)["logprobs"]
    assert token.pop("top_logprobs") == [token]
    assert token == {"token": "Hello\x1b", "id": 7, "logprob": -0.105, "bytes": list(b"Hello\x1b")}
