"""The number of threads follows what is fastest, on a machine whose load a test decides."""

import os
from pathlib import Path

import psutil
import pytest

from mistral_tui.engines.gguf import threads
from mistral_tui.engines.gguf.threads import ThreadGovernor

pytestmark = pytest.mark.core


class Machine:
    """Some cores, a number of which are busy: a thread that has to share its core holds up all others."""

    def __init__(self, cores: int = 4) -> None:
        self.cores = cores
        self.busy = 0
        self.stall = 2.5
        self.counts: list[int] = []

    def seconds(self, count: int, replies: int = 1) -> float:
        shared = count > self.cores - self.busy and count > 1
        return 0.01 * replies / count * (self.stall * count if shared else 1)

    def decode(self, governor: ThreadGovernor, steps: int = 400, replies: int = 1) -> int:
        """Decode for a while; return the number of threads that was used most towards the end."""
        self.counts = []
        for _ in range(steps):
            self.counts.append(governor.count)
            governor.took(replies, self.seconds(governor.count, replies))
        late = self.counts[steps // 2 :]
        return max(set(late), key=late.count)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(threads, "usable_cores", lambda: 4)
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 4)
    return Machine()


def test_a_quiet_machine_is_used_whole_and_trials_are_rare(machine: Machine) -> None:
    governor = ThreadGovernor(None)
    assert machine.decode(governor, 1_000) == 4
    assert machine.counts.count(4) > 950


@pytest.mark.parametrize("busy", [1, 2, 3])
def test_busy_programs_get_their_cores_and_give_them_back(machine: Machine, busy: int) -> None:
    governor = ThreadGovernor(None)
    machine.decode(governor)
    machine.busy = busy
    assert machine.decode(governor) == 4 - busy
    machine.busy = 0
    assert machine.decode(governor, 1_500) == 4


def test_a_trial_that_stalls_ends_at_once(machine: Machine) -> None:
    governor = ThreadGovernor(None)
    machine.busy = 3
    machine.decode(governor)
    machine.stall = 40
    machine.decode(governor, 1_000)
    assert sum(count > 1 for count in machine.counts) <= 8


def test_a_decode_of_more_replies_is_no_slowdown(machine: Machine) -> None:
    governor = ThreadGovernor(None)
    for replies in (1, 4, 1, 8):
        assert machine.decode(governor, replies=replies) == 4


def test_one_thread_always_stays(machine: Machine) -> None:
    governor = ThreadGovernor(None)
    machine.busy = 4
    assert machine.decode(governor, 1_000) == 1
    assert min(machine.counts) == 1


def test_what_the_person_chose_is_kept(machine: Machine) -> None:
    governor = ThreadGovernor(3)
    machine.busy = 3
    assert set(machine.counts) | {machine.decode(governor)} == {3}


def test_a_pause_ends_a_trial(machine: Machine) -> None:
    governor = ThreadGovernor(None)
    while governor.count == 4:
        governor.took(1, machine.seconds(governor.count))
    governor.begin()
    assert governor.count == 4


def test_a_container_limits_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: "250000 100000\n")
    assert threads.usable_cores() == 3
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: "max 100000\n")
    assert threads.usable_cores() == 64
