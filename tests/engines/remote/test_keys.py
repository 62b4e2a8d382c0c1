"""Keys and secret headers: where they come from, that they are sent, and that they are never shown."""

import logging
import sys
from types import ModuleType

import pytest

from mistral_tui.types.errors import EndpointError
from tests.engines.remote.lab import lab
from tests.stubs.openai_server import Script, serving

pytestmark = pytest.mark.core


KEY = "sk-very-secret-0123456789"


async def test_the_key_is_sent_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    said = {"error": {"message": f"Incorrect API key provided: {KEY}"}}
    async with lab(Script.says(401, said), api_key_env="LAB_KEY") as one:
        error = await one.fails()
        assert one.server.chats[0].headers["authorization"] == f"Bearer {KEY}"
        assert "Incorrect API key provided: ***; look at its key in $LAB_KEY" in error
    assert KEY not in caplog.text
    async with lab(Script.events(f'data: {{"error": "no {KEY}"}}\n\n'.encode()), api_key_env="LAB_KEY") as one:
        assert KEY not in await one.fails()


async def test_a_quotation_is_not_cut_within_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    for length in (80, 290, 300):
        garbage = f"data: {'x' * length}{KEY}\n\n".encode()
        async with lab(Script.events(garbage), api_key_env="LAB_KEY") as one:
            assert KEY[:10] not in await one.fails()


async def test_a_header_is_sent_and_never_shown() -> None:
    async with lab(Script.says(400, {"error": f"no {KEY}"}), headers={"x-token": f"Token {KEY}"}) as one:
        assert KEY not in await one.fails()
        assert one.server.chats[0].headers["x-token"] == f"Token {KEY}"


async def test_the_key_comes_from_the_keyring_where_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {("mistral-tui", "lab"): KEY}
    keyring = ModuleType("keyring")
    monkeypatch.setattr(keyring, "get_password", lambda service, name: kept.get((service, name)), raising=False)
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    async with lab(keyring=True) as one:
        await one.write()
        assert one.server.chats[0].headers["authorization"] == f"Bearer {KEY}"
    kept.clear()
    with pytest.raises(EndpointError, match=r"is not in the keyring \(keyring set mistral-tui lab\)"):
        async with lab(keyring=True):
            pass


async def test_a_key_that_is_not_there_is_an_error_that_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EndpointError, match="is not in the variable LAB_KEY; put it there"):
        async with lab(api_key_env="LAB_KEY"):
            pass
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(EndpointError, match="what reads that is not installed"):
        async with lab(keyring=True):
            pass


async def test_a_redirect_takes_the_key_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    async with serving() as other:
        elsewhere = f"Location: http://127.0.0.1:{other.port}/v1/chat/completions"
        async with lab(Script.says(307, {}, elsewhere), api_key_env="LAB_KEY") as one:
            assert "redirects are not followed" in await one.fails()
        assert other.asked == []
