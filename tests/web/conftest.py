"""The program that serves browsers, and the host that its tabs share."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.program import PATIENCE, run
from tests.e2e.terminal import wait_for_ends

Serve = Callable[..., str]


def held() -> list[dict[str, Any]]:
    """Return the models that are loaded for all programs."""
    listed: list[dict[str, Any]] = json.loads(run("models", "loaded", "--json").stdout)
    return listed


@pytest.fixture
def servers() -> list[subprocess.Popen[str]]:
    """Return the programs that were started."""
    return []


@pytest.fixture
def serve(host: None, servers: list[subprocess.Popen[str]]) -> Iterator[Serve]:
    """Return a function that starts the program and returns the address that it prints."""

    def start(*arguments: str) -> str:
        command = [sys.executable, "-m", "mistral_tui", "--web-port", "0", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        servers.append(process)
        assert process.stdout is not None
        said = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", said)
        assert address, said
        return address[0]

    yield start
    for process in servers:
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) in (0, -signal.SIGKILL)
        if process.stdout is not None:
            process.stdout.close()
        wait_for_ends([child for child in children if not _serves_all(child)], patience=10)


@pytest.fixture
def host() -> Iterator[None]:
    """End the host, which outlives the programs that started it."""
    yield
    ends = []
    # A tab that was closed soon leaves a model that is still being loaded, and has no worker yet.
    while any(model["worker"] is None for model in held()):
        time.sleep(0.1)
    for model in held():
        worker = psutil.Process(model["worker"])
        parent = worker.parent()
        assert parent is not None
        ends += [worker, parent]
        run("models", "unload", model["name"])
    wait_for_ends(ends, patience=10)


@pytest.fixture
def chromium(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return a headless browser."""
    from playwright.sync_api import sync_playwright

    path = Path("/usr/bin/chromium")
    with sync_playwright() as playwright:
        # Without the sandbox: tests may run as root, and see pages of this program only.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def _serves_all(process: psutil.Process) -> bool:
    try:
        return any("mistral_tui.engines" in word for word in process.cmdline())
    except psutil.Error:
        return False
