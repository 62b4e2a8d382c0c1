"""`--web` on the command line."""

import sys

import pytest

from mistral_tui.cli.web import serve, without_web
from mistral_tui.types.errors import EngineError

pytestmark = pytest.mark.core


def test_a_tab_gets_the_other_arguments() -> None:
    arguments = ["--web", "-m", "x", "--web-port", "9000", "--n-ctx", "512", "--web-port=1", "gguf", "-f", "y"]
    assert without_web(arguments) == ["-m", "x", "--n-ctx", "512", "gguf", "-f", "y"]


@pytest.mark.parametrize("missing", ["textual_serve.server", "aiohttp"])
def test_what_is_missing_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for module in ("mistral_tui.tui.web.server", "mistral_tui.tui.web.gate"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(EngineError, match=r"--web needs .*pip install 'mistral-tui\[web\]'"):
        serve([], 0)
