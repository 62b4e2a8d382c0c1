"""What `mistral-tui doctor` looks at: one function a subject, each giving findings and changing nothing."""

import asyncio
import contextlib
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

import mistral_tui
from mistral_tui.config.paths import Paths
from mistral_tui.config.settings_file import read_settings
from mistral_tui.engines.preflight import may_be_accelerated
from mistral_tui.engines.rpc_probe import probe_workers
from mistral_tui.models.gguf_header import read_header
from mistral_tui.models.inventory import Inventory
from mistral_tui.models.memory_fit import check_fit, free_memory, gigabytes
from mistral_tui.processes.exit_status import name_exit
from mistral_tui.store.migrations import MIGRATIONS, version_of
from mistral_tui.types.endpoints import Endpoint
from mistral_tui.types.errors import EngineError, MistralTuiError, NotEnoughMemory
from mistral_tui.types.models import LoadOptions

PROBE = ("-m", "mistral_tui.engines.gguf.probe")
"""What the interpreter is given to describe llama.cpp, in a process that may crash."""
_PROBE_SECONDS = 60
_REINSTALL = (
    "build it again: in a checkout `make clean-all` and then `make run-tui`; "
    "elsewhere `pip install --force-reinstall --no-cache-dir mistral-tui`"
)


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    subject: str
    state: Literal["ok", "note", "broken"]
    """`note`: it works, but the person may want to know or change something."""
    text: str
    fix: str | None = None
    """What to do about it."""


def look_at_everything(answer: dict[str, Any] | Finding) -> Iterator[Finding]:
    """Yield all findings, in the order in which one would read them.

    Args:
        answer: What `probe(PROBE)` returned.
    """
    paths = Paths.resolve()
    yield from python()
    yield from llama_cpp(answer)
    read = read_settings(paths.settings_file)
    yield from rpc_workers(read.settings.rpc or ())
    yield from endpoints(read.endpoints)
    yield from folders(paths)
    yield from settings(paths)
    yield from database(paths.database)
    yield from models(paths)
    yield from terminal()


def python() -> Iterator[Finding]:
    """The interpreter, the system and the memory."""
    yield Finding("mistral-tui", "ok", mistral_tui.__version__)
    system = f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} cores"
    version = f"{platform.python_implementation()} {platform.python_version()}"
    if sys.maxsize < 2**32:
        yield Finding("Python", "broken", f"{version} is a 32-bit build", "install a 64-bit Python")
    else:
        yield Finding("Python", "ok", f"{version} at {sys.executable}")
    yield Finding("system", "ok", system)
    yield Finding("memory", "ok", f"{gigabytes(free_memory())} free")


def probe(command: tuple[str, ...]) -> dict[str, Any] | Finding:
    """Return what a short-lived process finds out about llama.cpp, or what became of that process.

    Args:
        command: What the interpreter is given.
    """
    environment = {**os.environ, "GGML_NO_BACKTRACE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, *command],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=environment,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("llama.cpp", "broken", f"the probe did not end well: {error}", _REINSTALL)
    complaints = done.stderr.decode("utf-8", "replace").strip().splitlines()
    last = complaints[-1].removeprefix("error: ") if complaints else "it said nothing"
    if done.returncode < 0 or done.returncode > 2**16:  # a signal, or Windows' code for a crash
        ended = name_exit(done.returncode)
        text = f"a process that only asked llama.cpp what it can do {ended}: this build is damaged or for another CPU"
        return Finding("llama.cpp", "broken", text, _REINSTALL)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return Finding("llama.cpp", "broken", last, _REINSTALL)
    return answer if isinstance(answer, dict) else Finding("llama.cpp", "broken", last, _REINSTALL)


def llama_cpp(answer: dict[str, Any] | Finding) -> Iterator[Finding]:
    """The build of llama.cpp, the CPU features it uses, and the devices it sees."""
    if isinstance(answer, Finding):
        yield answer
        return
    yield Finding("llama.cpp", "ok", f"llama-cpp-python {answer.get('version')}, llama.cpp {answer.get('llama_cpp')}")
    features = [name for name, on in answer.get("features", {}).items() if on]
    yield Finding("CPU code", "ok", " ".join(features) or "nothing beyond the baseline")
    takes_layers = answer.get("accelerators", [])
    for device in answer.get("devices", []):
        name, free = device["name"], device["free"]
        text = f"{name}: {device['description']}"
        if device["type"] == "cpu":  # of the CPU llama.cpp says that all memory is free
            free = free_memory()
        text += f", {gigabytes(free)} of {gigabytes(device['total'])} free"
        if name in takes_layers:
            text += f"; accelerator {takes_layers.index(name)} (-n {takes_layers.index(name)}:LAYERS)"
        yield Finding("device", "ok", text)
    if not takes_layers:
        yield Finding("accelerators", "ok", "none: models compute on the CPU")
    if answer.get("rpc"):
        yield Finding("RPC", "ok", "built in: --rpc HOST:PORT uses workers, `mistral-tui rpc-worker` is one")
    else:
        yield Finding("RPC", "note", "not built in: models cannot be spread over machines")


def rpc_workers(addresses: Sequence[str]) -> Iterator[Finding]:
    """The RPC workers that the settings name."""
    for address in addresses:
        try:
            (worker,) = probe_workers([address])
        except EngineError as error:
            yield Finding("RPC worker", "broken", str(error), "start it, or take it out of the settings (rpc)")
        else:
            memory = ", ".join(f"{gigabytes(free)} of {gigabytes(total)}" for free, total in worker.memory)
            yield Finding("RPC worker", "ok", f"{address}, {memory} free")


def endpoints(named: Sequence[Endpoint]) -> Iterator[Finding]:
    """The endpoints that the settings name: whether they are there, and what they run."""
    if not named:
        return
    from mistral_tui.engines.remote.checking import check_endpoints  # HTTP takes 70 ms to import

    for report in asyncio.run(check_endpoints(named)):
        if report.problem is not None:
            yield Finding("endpoint", "note", report.problem, "start it, or take it out of the settings (endpoints)")
        else:
            known = ", ".join(model.name for model in report.models[:3]) or "it lists no models"
            more = f" and {len(report.models) - 3} more" if len(report.models) > 3 else ""
            where = f"{report.endpoint.name} at {report.endpoint.base}"
            yield Finding("endpoint", "ok", f"{where}, {report.seconds * 1000:.0f} ms: {known}{more}")


def folders(paths: Paths) -> Iterator[Finding]:
    """Whether the folders can be used, and who else may look into them."""
    private = {"settings": paths.settings_file.parent, "data": paths.database.parent, "state": paths.state}
    for name, folder in {**private, "cache": paths.cache, "models": paths.models}.items():
        existing = folder
        while not existing.exists() and existing != existing.parent:
            existing = existing.parent
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            text, fix = f"{folder} cannot be written", f"change the permissions of {existing}"
            yield Finding(f"{name} folder", "broken", text, fix)
        elif os.name != "nt" and name == "data" and folder.exists() and folder.stat().st_mode & 0o077:
            yield Finding(f"{name} folder", "note", f"{folder} is open to other users", f"chmod 700 {folder}")
        else:
            free = gigabytes(shutil.disk_usage(existing).free)
            yield Finding(
                f"{name} folder", "ok", f"{folder}{'' if folder.exists() else ' (not made yet)'}, {free} free"
            )


def settings(paths: Paths) -> Iterator[Finding]:
    """The settings file."""
    notices = read_settings(paths.settings_file).notices
    for notice in notices:
        yield Finding("settings", "note", notice, f"edit {paths.settings_file}")
    if not notices:
        state = "" if paths.settings_file.exists() else " (none: the defaults count)"
        yield Finding("settings", "ok", f"{paths.settings_file}{state}")


def database(path: Path) -> Iterator[Finding]:
    """The stored sessions, without changing anything: a damaged file is not set aside here."""
    if not path.exists():
        yield Finding("database", "ok", f"{path} (not made yet)")
        return
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2)
        ) as open_one:
            version = version_of(open_one)
            (verdict,) = open_one.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
    except sqlite3.Error as error:
        fix = f"the next start sets it aside and begins a new one; a copy of {path} may help to rescue it"
        yield Finding("database", "broken", f"{path}: {error}", fix)
        return
    if version > len(MIGRATIONS):
        text = f"{path} was written by a newer version of this program, so chats are not saved"
        yield Finding("database", "note", text, "install the newer version, or name another file with --database")
    elif not os.access(path, os.W_OK):
        yield Finding("database", "broken", f"{path} cannot be written", "change its permissions")
    else:
        yield Finding("database", "ok", f"{path}, {path.stat().st_size / 1e6:.1f} MB")


def models(paths: Paths) -> Iterator[Finding]:
    """The inventory, and whether what is on disk is sound and fits into the memory."""
    inventory = Inventory.load(None, paths.inventory_overlay, paths.models, strict=False)
    for notice in inventory.notices:
        yield Finding("inventory", "note", notice)
    yield Finding("inventory", "ok", f"{inventory.path}, {len(inventory.entries)} models")
    accelerated = may_be_accelerated()
    ready = [entry for entry in inventory.entries if entry.downloaded and entry.format == "gguf"]
    for entry in ready:
        try:
            header = read_header(entry.path)
            check_fit(header, LoadOptions(), accelerated=accelerated)
        except NotEnoughMemory as error:
            yield Finding("model", "note", f"{entry.name}: {error}")
        except MistralTuiError as error:
            yield Finding("model", "broken", f"{entry.name}: {error}", "download it again, or delete it")
        else:
            yield Finding("model", "ok", f"{entry.name}, {header.quantization}, {gigabytes(entry.size_bytes)}")
    if not ready:
        yield Finding("model", "note", "none on this machine", "mistral-tui models pull fetches the starter")


def terminal() -> Iterator[Finding]:
    """What the terminal says of itself."""
    encoding = (sys.stdout.encoding or "unknown").lower()
    size = shutil.get_terminal_size()
    kind = os.environ.get("TERM_PROGRAM") or os.environ.get("TERM") or "unknown"
    colours = "true colour" if os.environ.get("COLORTERM") in ("truecolor", "24bit") else "256 colours or fewer"
    text = f"{kind}, {size.columns}x{size.lines}, {colours}, {encoding}"
    if not sys.stdout.isatty():
        yield Finding("terminal", "ok", "stdout is not a terminal")
    elif encoding.replace("-", "") != "utf8":
        yield Finding("terminal", "note", text, "use a UTF-8 locale (LANG=C.UTF-8), or set PYTHONUTF8=1")
    elif size.columns < 80 or size.lines < 24:
        yield Finding("terminal", "note", text, "make it 80x24 or larger")
    else:
        yield Finding("terminal", "ok", text)
