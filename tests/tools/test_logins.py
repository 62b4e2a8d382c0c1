"""Logins at MCP servers elsewhere, against a login server on this machine."""

import asyncio
import json
import logging
import sys
import types
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from mistral_tui.tools.mcp.vault import Login, Vault
from mistral_tui.tools.toolbox import Toolbox
from mistral_tui.types.errors import ServerFailed, ToolError
from mistral_tui.types.messages import TextPart
from mistral_tui.types.servers import McpServer, OAuthClient
from mistral_tui.types.tools import ToolOutput
from tests.tools.mcp.authority import Authority
from tests.tools.mcp.elsewhere import Misbehaving, serving
from tests.tools.test_toolbox import Open, opened, state_of

pytestmark = pytest.mark.mcp

HELLO = ToolOutput((TextPart("hello"),))
__all__ = ["opened"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where logins are kept; no keyring is there."""
    monkeypatch.setenv("MISTRAL_TUI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return tmp_path / "data" / "mcp_logins"


def a_server(url: str, oauth: OAuthClient | None = None) -> McpServer:
    return McpServer("server", "http", url=f"{url}/mcp", oauth=oauth or OAuthClient())


def modes(folder: Path) -> list[int]:
    return [path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())]


def logs_in(folder: Path) -> str:
    return "".join(path.read_text() for path in (folder / "logs").iterdir())


async def browse(address: str) -> str:
    """Do what a browser does, and return the page at the end."""
    async with httpx2.AsyncClient(follow_redirects=True) as browser:
        return (await browser.get(address)).text


async def log_in(box: Toolbox, server: McpServer) -> list[str]:
    """Log in as a person would, and return the addresses that were shown."""
    shown: list[str] = []
    visits: list[asyncio.Task[str]] = []

    def show(address: str) -> None:
        shown.append(address)
        visits.append(asyncio.create_task(browse(address)))

    try:
        await box.log_in(server, show)
    finally:
        await asyncio.gather(*visits)
    return shown


async def test_a_login_is_asked_for_by_name_made_kept_and_used(opened: Open, folder: Path, tmp_path: Path) -> None:
    authority = Authority()
    async with serving(authority.app) as url:
        server = a_server(url)
        box = await opened(server)
        assert "log in with `mistral-tui mcp login server`" in state_of(box).error
        assert authority.clients == {}, "nobody asked for a login, so nothing was registered"
        (address,) = await log_in(box, server)
        assert "code_challenge=" in address
        await box.settled()
        assert await box.call("server", "echo", {"text": "hello"}) == HELLO
        await box.close()
        assert modes(folder) == [0o700, 0o600]
        again = await opened(server)
        assert await again.call("server", "echo", {"text": "hello"}) == HELLO
        assert authority.grants == ["authorization_code"]
        await again.close()
    assert not any(secret in logs_in(tmp_path) for secret in ("access-", "renewal-", "code-"))


async def test_a_token_that_has_ended_is_renewed_without_a_word(opened: Open) -> None:
    authority = Authority()
    authority.lifetime = 10  # less than what is left for the way, so each is renewed at once
    async with serving(authority.app) as url:
        box = await opened()
        await log_in(box, a_server(url))
        authority.lifetime = 3600
        await box.use((a_server(url),))
        await box.settled()
        assert await box.call("server", "echo", {"text": "hello"}) == HELLO
        assert authority.grants == ["authorization_code", "refresh_token"]
        await box.close()


async def test_a_token_that_is_refused_before_its_end_is_renewed_too(opened: Open) -> None:
    authority = Authority()
    async with serving(authority.app) as url:
        box = await opened()
        await log_in(box, a_server(url))
        await box.use((a_server(url),))
        await box.settled()
        authority.valid = set()
        assert await box.call("server", "echo", {"text": "hello"}) == HELLO
        assert authority.grants == ["authorization_code", "refresh_token"]
        await box.close()


async def test_what_another_program_has_renewed_is_used(opened: Open) -> None:
    authority = Authority()
    async with serving(authority.app) as url:
        first, second = await opened(), await opened()
        await log_in(first, a_server(url))
        for box in (first, second):
            await box.use((a_server(url),))
            await box.settled()
        authority.valid = set()
        for box in (first, second):
            assert await box.call("server", "echo", {"text": "hello"}) == HELLO
        assert authority.grants == ["authorization_code", "refresh_token"]
        await first.close()
        await second.close()


async def test_a_login_that_cannot_be_renewed_is_asked_for_again(opened: Open) -> None:
    authority = Authority("renews nothing")
    async with serving(authority.app) as url:
        box = await opened()
        await log_in(box, a_server(url))
        authority.valid = set()
        await box.use((a_server(url),))
        await box.settled()
        assert (state_of(box).health, state_of(box).starts) == ("failed", 1)
        assert "log in with `mistral-tui mcp login server`" in state_of(box).error
        await log_in(box, a_server(url))
        await box.settled()
        assert await box.call("server", "echo", {"text": "hello"}) == HELLO
        await box.close()


async def test_a_login_that_is_denied_says_so_and_keeps_nothing(opened: Open, folder: Path) -> None:
    async with serving(Authority("denies").app) as url:
        box = await opened()
        with pytest.raises(ServerFailed, match="the login at the MCP server server was denied: not today"):
            await log_in(box, a_server(url))
        login = Vault(folder).find(f"{url}/mcp")
        assert login is None or login.tokens is None
        await box.close()


async def test_a_client_that_is_known_beforehand_is_used_with_its_secret(opened: Open) -> None:
    authority = Authority("takes no registration")
    async with serving(authority.app) as url:
        box = await opened()
        with pytest.raises(ServerFailed, match="the login at the MCP server server failed"):
            await log_in(box, a_server(url))

        class Anywhere(list[str]):
            def __contains__(self, address: object) -> bool:
                return True

        authority.clients["known"] = Anywhere()
        known = a_server(url, OAuthClient(client_id="known", client_secret="hush", scope="tides"))
        await log_in(box, known)
        assert authority.scopes == ["tides"]
        await box.use((known,))
        await box.settled()
        assert await box.call("server", "echo", {"text": "hello"}) == HELLO
        authority.valid = set()
        assert await box.call("server", "echo", {"text": "hello"}) == HELLO
        await box.close()


async def test_rights_that_were_missing_are_asked_for_by_the_next_login(opened: Open) -> None:
    authority = Authority("wants more for calls")
    async with serving(authority.app) as url:
        server = a_server(url, OAuthClient(scope="tides"))
        box = await opened()
        await log_in(box, server)
        await box.use((server,))
        await box.settled()
        with pytest.raises(ToolError, match="it wants more rights; log in again with `mistral-tui mcp login server`"):
            await box.call("server", "echo", {"text": "hello"})
        await log_in(box, server)
        assert set(authority.scopes[-1].split()) == {"tides", "moon"}
        await box.settled()
        assert await box.call("server", "echo", {"text": "hello"}) == HELLO
        await box.close()


async def test_an_answer_that_does_not_know_the_state_is_turned_away(opened: Open) -> None:
    authority = Authority()
    async with serving(authority.app) as url:
        box = await opened()
        addresses: asyncio.Queue[str] = asyncio.Queue()
        login = asyncio.create_task(box.log_in(a_server(url), addresses.put_nowait))
        address = await addresses.get()
        back = parse_qs(urlsplit(address).query)["redirect_uri"][0]
        assert back.startswith("http://127.0.0.1:")
        for forged in (f"{back}?code=forged&state=guess", f"{back}?code=forged", back, f"{back}/other"):
            assert "You can close this page" not in await browse(forged)
        assert not login.done()
        assert "You can close this page" in await browse(address)
        await login
        await box.close()


async def test_a_server_that_wants_no_login_says_so(opened: Open) -> None:
    async with serving(Misbehaving().app) as url:
        box = await opened()
        with pytest.raises(ServerFailed, match="the MCP server server wants no login"):
            await box.log_in(a_server(url), lambda address: None)
        await box.close()


async def test_a_login_can_be_given_up(opened: Open) -> None:
    async with serving(Authority().app) as url:
        box = await opened()
        shown = asyncio.Event()
        login = asyncio.create_task(box.log_in(a_server(url), lambda address: shown.set()))
        await shown.wait()
        login.cancel()
        with pytest.raises(asyncio.CancelledError):
            await login
        await box.close()


def test_a_keyring_is_used_where_there_is_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[tuple[str, str], str] = {}
    keyring = types.ModuleType("keyring")
    keyring.__dict__.update(
        get_password=lambda service, name: kept.get((service, name)),
        set_password=lambda service, name, text: kept.update({(service, name): text}),
        delete_password=lambda service, name: kept.pop((service, name)),
    )
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    vault = Vault(folder)
    vault.keep("https://tides.example/mcp", Login(tokens={"access_token": "moon"}))
    assert not folder.exists()
    assert list(kept) == [("mistral-tui", "mcp https://tides.example/mcp")]
    assert vault.find("https://tides.example/mcp") == Login(tokens={"access_token": "moon"})
    assert vault.forget("https://tides.example/mcp")
    assert kept == {}
    assert not vault.forget("https://tides.example/mcp")


def test_a_keyring_that_fails_leaves_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: str) -> None:
        raise RuntimeError("locked, and moon was inside")

    keyring = types.ModuleType("keyring")
    keyring.__dict__.update(get_password=fail, set_password=fail, delete_password=fail)
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    caplog.set_level(logging.DEBUG)
    vault = Vault(folder)
    login = Login(tokens={"access_token": "moon"})
    vault.keep("https://tides.example/mcp", login)
    assert vault.find("https://tides.example/mcp") == login
    assert "moon" not in repr(login) + caplog.text
    (path,) = folder.iterdir()
    assert json.loads(path.read_text())["tokens"] == {"access_token": "moon"}
    path.write_text("{damaged")
    assert vault.find("https://tides.example/mcp") is None
