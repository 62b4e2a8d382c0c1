import os
from pathlib import Path

import psutil
import pytest

from mistral_tui.engines.gguf import threads
from mistral_tui.engines.gguf.threads import ThreadGovernor

pytestmark = pytest.mark.core


class Machine:
    """Four cores, whose use a test decides."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.own = self.idle = 0.0
        monkeypatch.setattr(threads, "perf_counter", lambda: self.now)
        monkeypatch.setattr(threads, "process_time", lambda: self.own)
        monkeypatch.setattr(threads, "_idle_seconds", lambda: self.idle)
        monkeypatch.setattr(threads, "usable_cores", lambda: 4)
        monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 4)

    def run(self, governor: ThreadGovernor, others: float, seconds: float = 1.0) -> int:
        """Compute for a while beside others that use so many cores; return the threads chosen after it."""
        own = min(governor.count, 4 - others)
        self.now += seconds
        self.own += own * seconds
        self.idle += (4 - own - others) * seconds
        return governor.look()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_a_quiet_machine_is_used_whole(machine: Machine) -> None:
    governor = ThreadGovernor(None)
    assert [machine.run(governor, others) for others in (0.0, 0.1, 0.3)] == [4, 4, 4]


def test_a_busy_program_gets_its_core_and_gives_it_back(machine: Machine) -> None:
    governor = ThreadGovernor(None)
    assert [machine.run(governor, others) for others in (0.7, 1.0, 1.0, 0.0)] == [3, 3, 3, 4]


def test_between_the_limits_nothing_changes(machine: Machine) -> None:
    governor = ThreadGovernor(None)
    assert machine.run(governor, 0.35) == 4
    assert machine.run(governor, 1.0) == 3
    assert machine.run(governor, 0.35) == 3


def test_one_thread_always_stays(machine: Machine) -> None:
    assert machine.run(ThreadGovernor(None), 4.0) == 1


def test_what_the_person_chose_is_kept(machine: Machine) -> None:
    assert machine.run(ThreadGovernor(3), 4.0) == 3


def test_the_time_asleep_does_not_count(machine: Machine) -> None:
    governor = ThreadGovernor(None)
    machine.now += 100
    governor.begin()
    machine.now += 0.1
    assert governor.look() == 4


def test_a_container_limits_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: "250000 100000\n")
    assert threads.usable_cores() == 3
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: "max 100000\n")
    assert threads.usable_cores() == 64
