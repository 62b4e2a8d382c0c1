"""Copying, and saying truthfully what became of it."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Mapping

TIME_LIMIT = 2.0
"""Seconds that an outside program may take."""


async def copy_text(text: str, send_to_terminal: Callable[[str], None]) -> str:
    """Copy `text` and return what to tell the person.

    A program of the desktop is asked first; it knows whether it worked. Otherwise the terminal is asked by OSC 52,
    which never answers, so that nothing more can be said than that it was sent.

    Args:
        text: What to copy.
        send_to_terminal: Writes the OSC 52 sequence.
    """
    for command in clipboard_programs(os.environ, sys.platform):
        if await _succeeds(command, text):
            return f"copied {len(text):,} characters"
    send_to_terminal(text)
    return f"sent {len(text):,} characters to the terminal's clipboard (OSC 52)"


def clipboard_programs(environment: Mapping[str, str], platform: str) -> list[list[str]]:
    """Return the commands that could copy here: none over ssh, where they would reach the wrong machine."""
    if "SSH_CONNECTION" in environment:
        return []
    if platform == "darwin":
        candidates = [["pbcopy"]]
    elif platform == "win32":
        candidates = [["clip"]]
    else:
        candidates = [["wl-copy"]] if environment.get("WAYLAND_DISPLAY") else []
        if environment.get("DISPLAY"):
            candidates += [["xclip", "-selection", "clipboard"], ["xsel", "--clipboard", "--input"]]
        if "WSL_DISTRO_NAME" in environment:
            candidates.append(["clip.exe"])
    return [command for command in candidates if shutil.which(command[0])]


async def _succeeds(command: list[str], text: str) -> bool:
    encoding = "utf-16" if command[0].startswith("clip") else "utf-8"
    try:
        # xclip and wl-copy stay to serve the clipboard: their output must not be waited for.
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    try:
        await asyncio.wait_for(process.communicate(text.encode(encoding, "replace")), TIME_LIMIT)
    except (TimeoutError, OSError):
        if process.returncode is None:
            process.kill()
        return False
    return process.returncode == 0
