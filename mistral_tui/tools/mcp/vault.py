"""Where logins at MCP servers are kept: the system's keyring, else a file that nobody else may read.

A login belongs to an address, not to the name that a configuration gives it: whoever writes a configuration cannot
have the tokens of one server sent to another.
"""

import contextlib
import hashlib
import logging
import os
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from mistral_tui.config.paths import make_private_folder
from mistral_tui.types.errors import ToolError

_SERVICE: Final = "mistral-tui"

_log = logging.getLogger(__name__)


class Login(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known after a login. The objects are those of OAuth, as its documents write them."""

    tokens: dict[str, Any] | None = None
    expires_at: float | None = None
    """When the access token ends, in seconds since the epoch."""
    client: dict[str, Any] | None = None
    """What this program is registered as."""
    port: int = 0
    """Where it listened for the person's return; it is registered with that."""
    authority: dict[str, Any] | None = None
    """The login server."""
    resource: dict[str, Any] | None = None
    """What the MCP server says of itself."""
    wanted: str = ""
    """The rights that were missing, with spaces between; the next login asks for them too."""

    def __repr__(self) -> str:
        return "Login(…)"  # what is printed may end in a log


class Vault:
    """The logins of the person.

    Args:
        folder: Where they are kept if there is no keyring.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, url: str) -> Login | None:
        """Return the login at an address. A keyring may ask the person, so this can take long."""
        text = self._from_keyring(url)
        if text is None:
            try:
                text = self._file(url).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                return None
        try:
            return msgspec.json.decode(text, type=Login)
        except msgspec.MsgspecError:
            return None  # what is damaged is asked for again

    def keep(self, url: str, login: Login) -> None:
        """Keep a login.

        Raises:
            ToolError: It cannot be written.
        """
        text = msgspec.json.encode(login).decode()
        keyring = _keyring()
        if keyring is not None:
            try:
                keyring.set_password(_SERVICE, f"mcp {url}", text)
            except Exception as error:  # what writes a keyring raises what it likes
                _log.info("the keyring takes no login: %s", type(error).__name__)
            else:
                self._file(url).unlink(missing_ok=True)
                return
        self._write(self._file(url), text)

    def forget(self, url: str) -> bool:
        """Remove the login at an address, and return whether there was one."""
        known = self.find(url) is not None
        keyring = _keyring()
        if keyring is not None:
            with contextlib.suppress(Exception):
                keyring.delete_password(_SERVICE, f"mcp {url}")
        with contextlib.suppress(OSError):
            self._file(url).unlink(missing_ok=True)
        return known

    def _from_keyring(self, url: str) -> str | None:
        keyring = _keyring()
        if keyring is None:
            return None
        try:
            text: str | None = keyring.get_password(_SERVICE, f"mcp {url}")
        except Exception as error:
            _log.info("the keyring cannot be read: %s", type(error).__name__)
            return None
        return text

    def _file(self, url: str) -> Path:
        return self._folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"

    def _write(self, path: Path, text: str) -> None:
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            make_private_folder(path.parent)
            part.touch(mode=0o600)
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise ToolError(f"{path}: the login cannot be kept: {error.strerror or error}") from None


def _keyring() -> Any:
    """Return what reads the system's keyring; `None` if it is not installed."""
    try:
        return import_module("keyring")
    except ImportError:
        return None
