"""One SQLite file: opened when it is first needed, brought up to date, set aside when it is damaged.

Knows nothing of sessions and messages. Every failure leaves here as a `StoreError` for people.
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from mistral_tui.config.paths import make_private_folder
from mistral_tui.store.file_copies import copy_aside, put_in_place
from mistral_tui.store.migrations import APPLICATION_ID, MIGRATIONS, Migration, migrate, version_of
from mistral_tui.types.errors import StoreError

BUSY_LIMIT = 2.0
"""Seconds to wait for another program that holds the database."""

LOOK_INTERVAL = 5.0
"""Least seconds between two looks at whether something else has damaged the file."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_INDEX_DAMAGED = 267
"""SQLITE_CORRUPT_VTAB, which the sqlite3 module does not name in every version."""
_UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)


class Database:
    """A connection that several threads may use, one at a time.

    The file is looked at anew before each use: when it was deleted or replaced meanwhile, the new one is opened and
    `generation` grows, so that whoever has content in memory can write it again.
    """

    def __init__(self, path: Path, migrations: tuple[Migration, ...] = MIGRATIONS, busy_limit: float = BUSY_LIMIT):
        self.path = path
        self.read_only = False
        """Known once the database is open."""
        self.notices: tuple[str, ...] = ()
        """What the person should know of the file: that it is read-only, or was set aside."""
        self.generation = 0
        """How often the file was replaced by a fresh one since the program began."""
        self._migrations = migrations
        self._busy_limit = busy_limit
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._why_read_only = ""
        self._file_id: tuple[int, int] | None = None
        self._looked = time.monotonic()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection for queries.

        Raises:
            StoreError: The database cannot be opened or read.
        """
        with self._lock, self._errors_for_people():
            yield self._opened()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection within a transaction, which is undone when the block raises.

        Raises:
            StoreError: The database cannot be opened or written.
        """
        with self._lock, self._errors_for_people():
            if self.read_only:
                # It may have become writable meanwhile.
                self.close()
            connection = self._opened()
            if self.read_only:
                raise StoreError(self._why_read_only)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # SQLite undoes the transaction by itself after some errors, a full disk among them.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def open(self) -> None:
        """Open the database now.

        Raises:
            StoreError: It cannot be opened.
        """
        with self.reading():
            pass

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None and self._file_id == _file_id(self.path):
            if self._is_sound():
                return self._connection
            self._set_aside()
        elif self._connection is not None:
            self._leave(self._connection)
        try:
            return self._open()
        except sqlite3.DatabaseError as error:
            if _primary_code(error) not in _DAMAGED:
                raise
            self._set_aside()
            return self._open()

    def _leave(self, connection: sqlite3.Connection) -> None:
        """Close a file that was replaced by another, or deleted: then what was in it is written again."""
        kept = None
        if not self.read_only and not self.path.exists():
            with contextlib.suppress(OSError, sqlite3.Error):
                kept = copy_aside(connection, self.path)
        self.close()
        self.generation += 1
        if kept is not None and put_in_place(kept, self.path):
            self._notice(f"{self.path} was deleted while in use, and has been written again; quit before you delete it")

    def _is_sound(self) -> bool:
        """Return whether the file can still be read by somebody who does not have its pages in memory, as this does."""
        if self.read_only or time.monotonic() - self._looked < LOOK_INTERVAL:
            return True
        self._looked = time.monotonic()
        try:
            # By SQLite: to open and close the file otherwise would take away the locks of this process.
            with contextlib.closing(sqlite3.connect(self.path, timeout=0)) as fresh:
                fresh.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            return _primary_code(error) not in _DAMAGED
        return True

    def _open(self) -> sqlite3.Connection:
        try:
            make_private_folder(self.path.parent)
            if not self.path.exists():
                # SQLite would create it readable for others; its companion files take the mode of this one.
                os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            raise StoreError(f"{self.path} cannot be created: {error.strerror or error}; {_ELSEWHERE}") from error
        if self.path.is_dir():
            raise StoreError(f"{self.path} is a folder; {_ELSEWHERE}")
        if os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK):
            try:
                self._open_for_writing()
            except sqlite3.OperationalError as error:
                if _primary_code(error) not in _UNWRITABLE:
                    raise
                self._open_for_reading(self._read_only_notice)
        else:
            self._open_for_reading(self._read_only_notice)
        assert self._connection is not None
        self._file_id = _file_id(self.path)
        return self._connection

    def _open_for_writing(self) -> None:
        connection = sqlite3.connect(self.path, timeout=self._busy_limit, isolation_level=None, check_same_thread=False)
        try:
            version = self._check(connection)
            if version <= len(self._migrations):
                self._use_write_ahead_log(connection)
                # A killed program loses nothing this way, a power cut at most the last moments.
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA foreign_keys = ON")
                if version < len(self._migrations):
                    migrate(connection, self.path, self._migrations)
                with contextlib.suppress(OSError):
                    self.path.chmod(0o600)
                self._adopt(connection, read_only=False)
                return
        except BaseException:
            connection.close()
            raise
        connection.close()
        self._open_for_reading(
            f"{self.path} was written by a newer version of mistral-tui: chats are shown but not saved; "
            f"update mistral-tui, or {_ELSEWHERE}"
        )

    def _use_write_ahead_log(self, connection: sqlite3.Connection) -> None:
        # Two programs that begin a new database at once: SQLite answers this one without waiting.
        deadline = time.monotonic() + self._busy_limit
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if _primary_code(error) not in _LOCKED or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    @property
    def _read_only_notice(self) -> str:
        return f"{self.path} is read-only: chats are shown but not saved; {_ELSEWHERE}"

    def _open_for_reading(self, notice: str) -> None:
        uri = self.path.resolve().as_uri()
        try:
            connection = self._connect_read_only(f"{uri}?mode=ro")
        except sqlite3.OperationalError as error:
            if _primary_code(error) not in (sqlite3.SQLITE_CANTOPEN, *_UNWRITABLE):
                raise
            # In a folder where SQLite may not put its companion files; nobody else can write there either.
            connection = self._connect_read_only(f"{uri}?mode=ro&immutable=1")
        self._adopt(connection, read_only=True, notice=notice)

    def _connect_read_only(self, uri: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, timeout=self._busy_limit, isolation_level=None, check_same_thread=False
        )
        try:
            if self._check(connection) == 0:
                raise StoreError(f"{self.path} is empty and cannot be written; {_ELSEWHERE}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _check(self, connection: sqlite3.Connection) -> int:
        """Return the version; refuse a database that another program made."""
        version = version_of(connection)
        has_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0
        if has_tables and connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreError(f"{self.path} belongs to another program and is left alone; {_ELSEWHERE}")
        return version if has_tables else 0

    def _adopt(self, connection: sqlite3.Connection, read_only: bool, notice: str = "") -> None:
        connection.text_factory = _lenient_text
        self._connection = connection
        self.read_only = read_only
        self._why_read_only = notice
        if notice:
            self._notice(notice)

    def _notice(self, notice: str) -> None:
        if notice not in self.notices:
            self.notices = (*self.notices, notice)

    @contextlib.contextmanager
    def _errors_for_people(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if self._connection is not None and _primary_code(error) in _DAMAGED:
                raise StoreError(self._repair(self._connection, error)) from error
            raise StoreError(self._explain(error)) from error

    def _explain(self, error: sqlite3.Error) -> str:
        code = _primary_code(error)
        if code in _LOCKED:
            return f"{self.path} is locked by another program; close that one"
        if code == sqlite3.SQLITE_FULL:
            return f"the disk that holds {self.path} is full; free some space"
        if code in _UNWRITABLE:
            return f"{self.path} cannot be written: it is read-only"
        return f"{self.path} cannot be used: {error}"

    def _repair(self, connection: sqlite3.Connection, error: sqlite3.Error) -> str:
        """Deal with damage that was met in use; return what was done."""
        if error.sqlite_errorcode == _INDEX_DAMAGED and not self.read_only:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("INSERT INTO message_index (message_index) VALUES ('rebuild')")
                return f"the search index of {self.path} was damaged and has been built anew"
        return self._set_aside()

    def _set_aside(self) -> str:
        """Move a damaged file out of the way, so that a fresh one can be begun; return a notice that says so.

        Raises:
            StoreError: It cannot be moved.
        """
        damaged_id = self._file_id if self._connection is not None else _file_id(self.path)
        self.close()
        if _file_id(self.path) != damaged_id:
            return f"{self.path} was damaged, and another program has set it aside"
        aside = self.path.with_name(f"{self.path.name}.corrupt-{time.strftime('%Y%m%d-%H%M%S')}")
        try:
            for suffix in ("-wal", "-shm", ""):
                part = self.path.with_name(self.path.name + suffix)
                if part.exists():
                    part.replace(aside.with_name(aside.name + suffix))
        except OSError as error:
            raise StoreError(
                f"{self.path} is damaged and cannot be set aside: {error.strerror or error}; {_ELSEWHERE}"
            ) from error
        self.generation += 1
        notice = f"{self.path} was damaged; it is kept as {aside.name}, and a new one was begun"
        self._notice(notice)
        return notice


_ELSEWHERE = "choose another database with --database"


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's code without the extension that tells variants of one error apart."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _lenient_text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
