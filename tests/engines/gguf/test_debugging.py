"""What `MISTRALRS_DEBUG` and `MISTRAL_TUI_DEBUG` bring to light."""

from pathlib import Path
from typing import Any

import pytest

from mistral_tui.engines.gguf.library import Log
from tests.engines.gguf.conftest import open_engine

pytestmark = pytest.mark.core


@pytest.mark.parametrize("name", ["MISTRALRS_DEBUG", "MISTRAL_TUI_DEBUG"])
def test_it_lists_the_tensors_in_the_current_folder(
    smollm2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, "1")
    client = open_engine(smollm2, n_ctx=256, max_seqs=1)
    client.close()
    assert client.loop.model.notices == (f"its 272 tensors are listed in {tmp_path / 'mistralrs_gguf_tensors.txt'}",)
    lines = (tmp_path / "mistralrs_gguf_tensors.txt").read_text("utf-8").splitlines()
    assert len(lines) == 272
    assert "name = `token_embd.weight`, shape = [49152, 576], dtype = Q8_0" in lines


class Listener:
    """A library that speaks to whoever listens."""

    callback: Any

    def listen(self, callback: Any, _: object) -> None:
        self.callback = callback


def test_it_writes_all_that_llama_cpp_says_into_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for value, words in (("0", []), ("1", ["a debug line"])):
        monkeypatch.setenv("MISTRALRS_DEBUG", value)
        listener = Listener()
        log = Log(listener.listen)
        listener.callback(1, b"a debug line\n", None)
        assert capsys.readouterr().err.splitlines() == words
        assert not log.lines
