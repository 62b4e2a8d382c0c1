"""What ties a worker to the program that started it, and what keeps the two apart.

A worker has a session (on Windows a process group) of its own, so that ctrl+c, ctrl+z and a hang-up of the terminal
reach the program only. No worker outlives the program, however that ends.

Everywhere a worker sees the end of its input. That needs a thread of the worker to run, so the operating system is
asked as well: Linux by a signal at the parent's death, Windows by a job object (not tested yet). macOS has neither.
"""

import sys

if sys.platform == "win32":
    import ctypes
    import subprocess
    from ctypes import wintypes

    NEW_SESSION = False
    CREATION_FLAGS = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP

    _KILL_ON_JOB_CLOSE = 0x2000
    _EXTENDED_LIMIT_INFORMATION = 9
    _SET_QUOTA_AND_TERMINATE = 0x0101

    class _BasicLimits(ctypes.Structure):
        _fields_ = [
            ("PerProcessUserTimeLimit", ctypes.c_int64),
            ("PerJobUserTimeLimit", ctypes.c_int64),
            ("LimitFlags", wintypes.DWORD),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", wintypes.DWORD),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", wintypes.DWORD),
            ("SchedulingClass", wintypes.DWORD),
        ]

    class _ExtendedLimits(ctypes.Structure):
        _fields_ = [
            ("BasicLimitInformation", _BasicLimits),
            ("IoInfo", ctypes.c_uint64 * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        ]

    _job: int | None = None

    def bind_child(pid: int) -> None:
        """Let the child end with this process. Called by the parent, once per child.

        A child that cannot be bound still ends at the end of its input.
        """
        global _job
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel32.CreateJobObjectW.restype = wintypes.HANDLE
        kernel32.OpenProcess.restype = wintypes.HANDLE
        if _job is None:
            # Never closed: Windows closes it when this process ends, which ends every process in it.
            _job = kernel32.CreateJobObjectW(None, None)
            limits = _ExtendedLimits()
            limits.BasicLimitInformation.LimitFlags = _KILL_ON_JOB_CLOSE
            kernel32.SetInformationJobObject(
                wintypes.HANDLE(_job), _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
            )
        child = kernel32.OpenProcess(_SET_QUOTA_AND_TERMINATE, False, pid)
        if child:
            kernel32.AssignProcessToJobObject(wintypes.HANDLE(_job), wintypes.HANDLE(child))
            kernel32.CloseHandle(wintypes.HANDLE(child))

else:
    NEW_SESSION = True
    CREATION_FLAGS = 0

    def bind_child(pid: int) -> None:
        """Let the child end with this process: on this system the child does that itself."""


if sys.platform == "linux":
    import os
    import signal

    _PR_SET_PDEATHSIG = 1

    def end_with_parent(parent_pid: int) -> None:
        """Make the kernel kill this process when the thread that started it ends. Called by the child.

        The kernel watches the thread, not the process: a program that starts workers from a thread of its own must
        keep that thread alive.
        """
        import ctypes  # not needed by the parent

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent_pid:  # it ended before the signal was asked for
            os._exit(0)

else:

    def end_with_parent(parent_pid: int) -> None:
        """Nothing to ask of this system on the child's side."""
