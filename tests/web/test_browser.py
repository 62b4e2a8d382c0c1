"""The interface in a real browser: tabs that share one worker, and nobody else gets in."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.program import stored_messages
from tests.e2e.terminal import wait_for_ends
from tests.web.conftest import Serve, held

pytestmark = [pytest.mark.web, pytest.mark.requires_program("chromium")]

ASKED = "What is the capital of Japan?"


@pytest.fixture
def page_of(chromium: Any) -> Iterator[Any]:
    """Return a function that opens an address in a tab and waits until the interface is drawn."""
    context = chromium.new_context(viewport={"width": 1000, "height": 640})

    def open_page(address: str) -> Any:
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("body.-first-byte", timeout=30_000)
        return page

    yield open_page
    context.close()


def wait_until(met: Callable[[], object], what: str, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while not met():
        assert time.monotonic() < deadline, f"waited {patience} s in vain for {what}"
        time.sleep(0.1)


def ask(page: Any, text: str) -> None:
    page.bring_to_front()
    page.wait_for_function("document.activeElement.classList.contains('xterm-helper-textarea')")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def test_two_tabs_answer_from_one_worker_and_end_with_their_tabs(serve: Serve, page_of: Any, smollm2: Path) -> None:
    address = serve("-m", str(smollm2), "--threads", "1", "--n-ctx", "1024", "--temperature", "0")
    first, second = page_of(address), page_of(address)
    assert "token" not in first.url
    ask(first, ASKED)
    wait_until(lambda: any("Tokyo" in message.text for message in stored_messages()), "the first tab's answer")
    ask(second, "Name the days of the week.")
    wait_until(lambda: any("Monday" in message.text for message in stored_messages()), "the second tab's answer")
    (model,) = held()
    assert len(model["clients"]) == 2
    tabs = [psutil.Process(client) for client in model["clients"]]
    first.close()
    second.close()
    wait_for_ends(tabs, patience=10)


def test_another_browser_gets_in_with_the_token_also_on_a_phone_and_a_reload_leaves_no_program(
    serve: Serve, servers: list[subprocess.Popen[str]], chromium: Any, smollm2: Path
) -> None:
    address = serve("-m", str(smollm2), "--threads", "1", "--n-ctx", "1024", "--temperature", "0")
    stranger = chromium.new_context().new_page()
    for path, words in (
        ("/", "open the address that was printed"),
        ("/?token=guess", "the token is not this server's"),
    ):
        assert stranger.goto(address.split("/?")[0] + path).status == 403
        assert words in stranger.inner_text("body")
    phone = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).new_page()
    phone.goto(address)
    phone.wait_for_selector("body.-first-byte", timeout=30_000)
    drawn = phone.locator(".xterm-screen").bounding_box()
    assert 0 < drawn["width"] <= 390
    assert 700 < drawn["height"] <= 844
    ask(phone, ASKED)
    wait_until(lambda: any("Tokyo" in message.text for message in stored_messages()), "the answer")
    (server,) = servers
    programs = psutil.Process(server.pid).children()
    phone.reload()
    phone.wait_for_selector("body.-first-byte", timeout=30_000)
    wait_for_ends(programs, patience=10)
    ask(phone, "Name the days of the week.")
    wait_until(lambda: any("Monday" in message.text for message in stored_messages()), "an answer after the reload")


def test_the_page_asks_nobody_else_for_anything(serve: Serve, chromium: Any, smollm2: Path) -> None:
    address = serve("-m", str(smollm2), "--threads", "1", "--n-ctx", "1024")
    page = chromium.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(address)
    page.wait_for_selector("body.-first-byte", timeout=30_000)
    here = address.split("/?")[0]
    assert all(url.startswith((here, "data:")) for url in asked)
    assert complaints == []


def test_the_programs_of_tabs_end_with_a_server_that_is_killed(
    serve: Serve, servers: list[subprocess.Popen[str]], page_of: Any, smollm2: Path
) -> None:
    page = page_of(serve("-m", str(smollm2), "--threads", "1", "--n-ctx", "1024"))
    ask(page, ASKED)
    wait_until(stored_messages, "the prompt in the database")
    (server,) = servers
    tabs = psutil.Process(server.pid).children()
    assert tabs
    server.kill()
    wait_for_ends(tabs, patience=10)
