"""Copies of a whole database, and their way into its place."""

import os
import sqlite3
import tempfile
from pathlib import Path


def copy_aside(connection: sqlite3.Connection, path: Path) -> Path:
    """Copy what a connection sees, perhaps of a file that is deleted, into a file beside `path`, which is returned.

    Raises:
        OSError, sqlite3.Error: It cannot be read, or not be written there.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    copy = Path(name)
    try:
        target = sqlite3.connect(copy)
        try:
            connection.backup(target)
        finally:
            target.close()
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    return copy


def put_in_place(copy: Path, path: Path) -> bool:
    """Give a copy its name, and return whether that was free; another program may have been faster."""
    try:
        os.link(copy, path)
    except OSError:
        return False
    finally:
        copy.unlink(missing_ok=True)
    return True
