"""Who gets in: the address with its token, from this server's own page."""

import urllib.error
import urllib.request
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.program import run
from tests.web.conftest import Serve

pytestmark = pytest.mark.web


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect to the caller."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


def get(url: str, **headers: str) -> tuple[int, HTTPResponse | urllib.error.HTTPError]:
    """Return the status and the answer; names of headers are written with underscores."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        answer = urllib.request.build_opener(NoRedirect).open(request, timeout=10)
    except urllib.error.HTTPError as error:
        return error.code, error
    return answer.status, answer


@pytest.fixture
def address(serve: Serve, tmp_path: Path) -> str:
    return serve("-m", str(tmp_path / "none.gguf"))


def test_the_token_is_exchanged_for_a_cookie_and_leaves_the_address(address: str) -> None:
    status, answer = get(address)
    assert (status, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    status, page = get(address.split("?")[0], Cookie=cookie.split(";")[0])
    assert status == 200
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/", "/ws", "/static/js/textual.js", "/page.js", "/download/x", "/?token=", "/?token=guess"]
)
def test_without_the_token_nothing_is_served(address: str, path: str) -> None:
    status, _ = get(address.split("/?")[0] + path, Cookie=f"mistral-tui-{urlsplit(address).port}=guess")
    assert status == 403


def test_another_name_of_the_server_is_refused_although_the_token_is_right(address: str) -> None:
    status, answer = get(address, Host="evil.example")
    assert status == 421
    assert b"evil" not in answer.read()


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
def test_a_page_of_another_site_cannot_connect(address: str, origin: str | None) -> None:
    cookie = get(address)[1].headers["Set-Cookie"].split(";")[0]
    headers = {"Cookie": cookie, "Connection": "Upgrade", "Upgrade": "websocket"}
    if origin is not None:
        headers["Origin"] = origin
    status, _ = get(address.split("?")[0] + "ws", **headers)
    assert status == 403


def test_it_listens_on_this_machine_only_and_says_when_the_port_is_taken(address: str) -> None:
    parts = urlsplit(address)
    assert parts.hostname == "127.0.0.1"
    result = run("--web-port", str(parts.port))
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: port {parts.port} cannot be used")
    assert "--web-port" in result.stderr


@pytest.mark.parametrize("port", ["-1", "65536", "many", "8_000"])
def test_a_wrong_port_is_a_wrong_call(port: str) -> None:
    result = run("--web-port", port)
    assert result.returncode == 2
    assert "is no port" in result.stderr
