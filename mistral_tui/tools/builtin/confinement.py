"""What the system gives to confine a command with: Landlock for files, seccomp for sockets and for other processes.

Both are of Linux, hold for all that the command starts, and cannot be given up again. Imported by a process that is
about to become the command, so it needs nothing but the standard library.

See landlock(7), seccomp(2) and include/uapi/linux/landlock.h of Linux.
"""

import ctypes
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

_OLDEST: Final = 3
"""Version of Landlock. The ones before let every file be emptied."""
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_EXECUTE, _WRITE, _READ, _LIST = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_DEVICES: Final = 1 << 6 | 1 << 11
_TRUNCATE, _DEVICE = 1 << 14, 1 << 15
_ALL: Final = (1 << 15) - 1
_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/nix", "/proc", "/sys/devices")
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

_DROP_CAPABILITY, _AMBIENT, _CLEAR, _CAPABILITIES = 24, 47, 4, 64
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # EPERM
_X32: Final = 0x40000000
_CALLS: Final = {
    # Its number in `seccomp_data.arch`; then socket, ptrace, the keyrings, others' memory, and io_uring, which opens
    # sockets too.
    "x86_64": (0xC000003E, (41, 101, 248, 249, 250, 310, 311, 425)),
    "aarch64": (0xC00000B7, (198, 117, 217, 218, 219, 270, 271, 425)),
}


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


class _Step(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step))]


def what_is_missing() -> str:
    """Return why commands cannot be confined here; empty: they can."""
    if sys.platform != "linux":
        return "only Linux can confine them"
    if platform.machine() not in _CALLS:
        return f"they cannot be confined on {platform.machine()}"
    if _version() < _OLDEST:
        return "that needs Linux 6.2 or newer with Landlock"
    return ""


def confine(writable: Sequence[str], readable: Iterable[str]) -> None:
    """Confine this process and all that it starts, for good.

    Args:
        writable: Folders that everything may be done in.
        readable: Folders that may be read, beside those of the system.

    Raises:
        OSError: It cannot be done.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    # With some of root's capabilities others' memory can be read in spite of Landlock. Nobody else has any to drop.
    libc.prctl(_AMBIENT, _CLEAR, 0, 0, 0)
    for capability in range(_CAPABILITIES):
        libc.prctl(_DROP_CAPABILITY, capability, 0, 0, 0)
    _done(libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    version = _version()
    files = _ALL | (_DEVICE if version >= 5 else 0)
    rules = _Ruleset(files, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _done(libc.syscall(_CREATE, ctypes.byref(rules), ctypes.c_size_t(size), 0))
    allowed = [(path, files & ~_MAKE_DEVICES) for path in writable]
    allowed += [(path, _EXECUTE | _READ | _LIST) for path in (*_SYSTEM, *readable)]
    allowed += [(path, _READ | _WRITE | _TRUNCATE) for path in _DEVICES]
    for path, access in allowed:
        try:
            folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        beneath = _Beneath(access, folder)
        _done(libc.syscall(_ADD, ruleset, 1, ctypes.byref(beneath), 0))
        os.close(folder)
    _done(libc.syscall(_RESTRICT, ruleset, 0))
    os.close(ruleset)
    steps = _steps()
    program = _Program(len(steps), (_Step * len(steps))(*steps))
    _done(libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0))


def python_folders() -> tuple[str, ...]:
    """Return where this Python is, with its packages."""
    prefixes = {sys.prefix, sys.base_prefix}
    return tuple(prefix for prefix in prefixes if not Path.home().is_relative_to(prefix))


def _version() -> int:
    try:
        return int(ctypes.CDLL(None).syscall(_CREATE, None, ctypes.c_size_t(0), 1))
    except (OSError, AttributeError):
        return -1


def _steps() -> list[_Step]:
    """Return a filter that refuses some system calls, and all that are made in another machine's way."""
    machine, refused = _CALLS[platform.machine()]
    refuse = _Step(_RETURN, 0, 0, _REFUSE)
    steps = [_Step(_LOAD, 0, 0, 4), _Step(_EQUAL, 1, 0, machine), refuse, _Step(_LOAD, 0, 0, 0)]
    steps += [_Step(_AT_LEAST, 0, 1, _X32), refuse]
    for number in refused:
        steps += [_Step(_EQUAL, 0, 1, number), refuse]
    return [*steps, _Step(_RETURN, 0, 0, _ALLOW)]


def _done(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
