"""The number of threads follows what is fastest, on a machine whose load a test decides."""

import os
from pathlib import Path

import psutil
import pytest

from mistral_tui.engines.cores import usable_cores
from mistral_tui.engines.gguf.scheduling import threads
from mistral_tui.engines.gguf.scheduling.threads import ThreadGovernor

pytestmark = pytest.mark.core


class Machine:
    """Four cores, of which others use some: a thread that has to share its core holds up all others."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.busy = 0.0
        self.stall = 2.5
        self.counts: list[int] = []
        self._now = self._own = self._idle = 0.0
        monkeypatch.setattr(threads, "perf_counter", lambda: self._now)
        monkeypatch.setattr(threads, "process_time", lambda: self._own)
        monkeypatch.setattr(threads, "_idle_seconds", lambda: self._idle)
        monkeypatch.setattr(threads, "usable_cores", lambda: 4)
        monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 4)

    def rest(self, seconds: float) -> None:
        """Let time pass without a computation."""
        self._now += seconds
        self._idle += (4 - self.busy) * seconds

    def decode(self, governor: ThreadGovernor, seconds: float = 4.0, replies: int = 1) -> int:
        """Decode for a while; return the number of threads that was used most towards the end."""
        self.counts = []
        until = self._now + seconds
        while self._now < until:
            governor.look()
            count = governor.count
            shared = count > 1 and count > 4 - self.busy
            step = 0.01 * replies / count * (self.stall * count if shared else 1)
            self.counts.append(count)
            self._now += step
            self._own += min(count, 4 - self.busy) * step
            self._idle += max(0.0, 4 - self.busy - count) * step
            governor.took(replies, step)
        late = self.counts[len(self.counts) // 2 :]
        return max(set(late), key=late.count)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_a_quiet_machine_is_used_whole_and_trials_are_rare(machine: Machine) -> None:
    assert machine.decode(ThreadGovernor(None), 10) == 4
    assert machine.counts.count(4) > 0.95 * len(machine.counts)


@pytest.mark.parametrize("busy", [1, 2, 3])
def test_busy_programs_get_their_cores_at_once_and_give_them_back(machine: Machine, busy: int) -> None:
    governor = ThreadGovernor(None)
    machine.decode(governor)
    machine.busy = busy
    machine.rest(5)
    assert machine.decode(governor) == 4 - busy
    assert machine.counts[0] == 4 - busy
    machine.busy = 0
    assert machine.decode(governor, 10) == 4


def test_a_program_that_begins_in_the_middle_of_a_reply_is_noticed(machine: Machine) -> None:
    governor = ThreadGovernor(None)
    machine.decode(governor)
    machine.busy = 1
    machine.decode(governor)
    assert machine.counts.count(4) * 0.025 < 0.5


def test_part_of_a_core_is_taken_or_left_by_what_is_faster(machine: Machine) -> None:
    governor = ThreadGovernor(None)
    machine.busy = 0.3
    assert machine.decode(governor, 10) == 3
    machine.stall = 0.2
    assert machine.decode(governor, 30) == 4


def test_a_trial_that_stalls_ends_at_once(machine: Machine) -> None:
    governor = ThreadGovernor(None)
    machine.busy = 0.3
    machine.decode(governor, 10)
    machine.stall = 40
    machine.decode(governor, 30)
    assert machine.counts.count(4) < 40


def test_a_decode_of_more_replies_is_no_slowdown(machine: Machine) -> None:
    governor = ThreadGovernor(None)
    for replies in (1, 4, 1, 8):
        assert machine.decode(governor, replies=replies) == 4


def test_one_thread_always_stays(machine: Machine) -> None:
    machine.busy = 4
    machine.decode(governor := ThreadGovernor(None))
    assert machine.decode(governor) == 1
    assert min(machine.counts) == 1


def test_a_share_of_the_cores_is_kept_to_until_there_is_more(machine: Machine) -> None:
    governor = ThreadGovernor(None)
    governor.limit(2)
    assert machine.decode(governor, 10) == 2
    assert max(machine.counts) == 2
    governor.limit(4)
    assert machine.decode(governor) == 4


def test_a_share_does_not_change_what_the_person_chose(machine: Machine) -> None:
    governor = ThreadGovernor(3)
    governor.limit(1)
    machine.decode(governor)
    assert set(machine.counts) == {3}


def test_what_the_person_chose_is_kept(machine: Machine) -> None:
    machine.busy = 3
    machine.decode(ThreadGovernor(3))
    assert set(machine.counts) == {3}


def test_a_container_limits_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: "250000 100000\n")
    assert usable_cores() == 3
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: "max 100000\n")
    assert usable_cores() == 64
