"""Runs this program's client against the scenarios of the MCP conformance suite, which is on npm.

    python -m tests.tools.mcp.conformance [SUITE]    needs npx, and Node 22 or newer: NODE_BIN names the folder of one

Each scenario is a server that the suite starts, and that watches the client; the suite starts this file with the
address as argument. The default suite is `core`.
"""

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import httpx2

from mistral_tui.tools.toolbox import Toolbox
from mistral_tui.types.errors import ToolError
from mistral_tui.types.questions import Accepted, Question, Reply
from mistral_tui.types.servers import McpServer, OAuthClient

PACKAGE: Final = "@modelcontextprotocol/conformance@0.1.16"
ROOT: Final = Path(__file__).resolve().parents[3]
LOGINS: Final = 3
"""How often a person would try."""


class Agreeing:
    """Agrees to whatever a server asks."""

    async def answer(self, server: str, question: Question) -> Reply:
        return Accepted()


async def browse(address: str) -> None:
    """Do what a browser does."""
    async with httpx2.AsyncClient(follow_redirects=True) as browser:
        await browser.get(address)


async def log_in(box: Toolbox, server: McpServer) -> None:
    visits: list[asyncio.Task[None]] = []
    await box.log_in(server, lambda address: visits.append(asyncio.create_task(browse(address))))
    await asyncio.gather(*visits)


async def use(box: Toolbox, server: McpServer) -> None:
    """Do what a person would: start the server, log in when it says so, call each tool."""
    await box.use((server,))
    for _ in range(LOGINS):
        await box.settled()
        problem = box.states[0].error
        try:
            if problem:
                raise ToolError(problem)
            for tool in box.tools:
                values = dict.fromkeys(tool.parameters.get("properties", {}), 5)
                await box.call("server", tool.tool, values)
            return
        except ToolError as error:
            print(error, file=sys.stderr)
            if "mcp login" not in str(error):
                raise
        await log_in(box, server)
    raise SystemExit("logging in does not help")


async def main(address: str) -> None:
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
    known = OAuthClient(context.get("client_id", ""), context.get("client_secret", ""))
    if os.environ.get("MCP_CONFORMANCE_SCENARIO") == "auth/basic-cimd":
        known = OAuthClient(client_metadata_url="https://conformance-test.local/client-metadata.json")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MISTRAL_TUI_DATA_DIR"] = folder
        os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
        box = Toolbox(Path(folder) / "logs", Path(folder) / "files")
        box.person = Agreeing()
        try:
            await use(box, McpServer("server", "http", url=address, oauth=known))
        finally:
            await box.close()


def run(suite: str) -> int:
    """Run a suite and print what became of each scenario."""
    environment = dict(os.environ)
    if folder := environment.get("NODE_BIN"):
        environment["PATH"] = f"{folder}{os.pathsep}{environment['PATH']}"
    client = shlex.join([sys.executable, str(Path(__file__).resolve())])
    environment["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        command = ["npx", "--yes", PACKAGE, "client", "--command", client, "--suite", suite, "-o", folder]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    summary = done.stdout[done.stdout.rfind("SUITE SUMMARY") :]
    print(summary or done.stdout + done.stderr)
    passed = len(re.findall(r"^\s*✓", summary, re.MULTILINE))
    print(f"{suite}: {passed} scenarios passed")
    return done.returncode


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].startswith("http"):
        asyncio.run(main(sys.argv[1]))
    else:
        sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else "core"))
