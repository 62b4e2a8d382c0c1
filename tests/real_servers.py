"""Real MCP servers from PyPI: fetched once per machine, pinned and checked, and run by the Python of the tests."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mistral_tui.types.servers import McpServer
from tests.real_models import once


@dataclass(frozen=True)
class RealServer:
    """A server that packages bring, beside those that the tests have anyway."""

    name: str
    module: str
    requirements: tuple[str, ...]
    """With the hashes of the wheels."""
    arguments: tuple[str, ...] = ()

    def installed(self) -> McpServer:
        """Return how it is started, after it was installed into a folder of its own."""
        folder = once(f"{self.requirements[0].split(' ')[0]}-server", self._install)
        return McpServer(
            self.name,
            command=sys.executable,
            args=("-m", self.module, *self.arguments),
            env={"PYTHONPATH": str(folder)},
        )

    def _install(self, scratch: Path) -> Path:
        file = scratch / "requirements.txt"
        file.write_text("\n".join(self.requirements), encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--require-hashes", "--no-cache-dir", "-q"]
        packages = scratch / "packages"
        subprocess.run([*pip, "--target", str(packages), "-r", str(file)], check=True, stdin=subprocess.DEVNULL)
        return packages


TIME = RealServer(
    "time",
    "mcp_server_time",
    (
        "mcp-server-time==2026.10.19 --hash=sha256:5c099a001c6ca78260bda419f2e9b2aabee1adc4fe6ca56d8959871ad8da58a1",
        "tzdata==2026.6 --hash=sha256:0a10eec6e13ef16b627fabed9a5f2ba61a62b1c67f327305f4e7e412a70b4aec",
        "tzlocal==5.4.5 --hash=sha256:ecab534f6d65d9deb4c4ea52c121ab6dd5958e9b878e71dcb102578269752454",
    ),
    ("--local-timezone", "UTC"),
)
