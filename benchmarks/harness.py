"""Figures, the order in which they are taken, and how busy the machine was meanwhile.

Machines are noisy: subject and reference take turns, the median of several rounds counts, and every figure comes with
the share of the processors that other programs used.
"""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import psutil

Sense = Literal["<", ">"]


@dataclass(frozen=True)
class Figure:
    """One measured value and what it should be."""

    name: str
    value: float
    unit: str
    reference: float | None = None
    """The same thing done by the plainest program that can do it."""
    budget: float | None = None
    """Limit of the value, or of the ratio to the reference if `of_ratio`."""
    sense: Sense = "<"
    """Whether the value must stay below its budget or above it."""
    of_ratio: bool = False

    @property
    def ratio(self) -> float | None:
        return self.value / self.reference if self.reference else None

    @property
    def verdict(self) -> str:
        measured = self.ratio if self.of_ratio else self.value
        if self.budget is None or measured is None:
            return ""
        held = measured < self.budget if self.sense == "<" else measured >= self.budget
        return "ok" if held else "MISSED"

    def row(self) -> str:
        reference = _number(self.reference) if self.reference is not None else " " * 10
        ratio = f"{self.ratio:6.3f}" if self.ratio is not None else " " * 6
        sense = {"<": "<", ">": "≥"}[self.sense]
        what = "ratio" if self.of_ratio else self.unit
        budget = f"{sense} {self.budget:g} {what}" if self.budget is not None else ""
        return f"{self.name:<46}{_number(self.value)} {self.unit:<5}{reference} {ratio}  {budget:<14}{self.verdict}"


def _number(value: float) -> str:
    return f"{value:10.4f}" if abs(value) < 0.1 else f"{value:10.2f}"


HEADER = f"{'':<46}{'measured':>10} {'':<5}{'reference':>10} {'ratio':>6}  {'budget':<14}"


class Others:
    """Measures which share of the processors other programs used: those that are not our descendants."""

    def __enter__(self) -> "Others":
        self._started = time.monotonic()
        self._all = _busy_seconds()
        self._ours = _own_seconds()
        return self

    def __exit__(self, *_: object) -> None:
        elapsed = time.monotonic() - self._started
        busy = _busy_seconds() - self._all - (_own_seconds() - self._ours)
        self.share = max(0.0, busy / max(elapsed, 0.001) / (os.cpu_count() or 1))
        """From 0 to 1."""


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + getattr(times, "irq", 0) + getattr(times, "softirq", 0))


def _own_seconds() -> float:
    """Return the processor time of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def take_turns(measures: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Run each measure once a round, in turn, and return the median of each; one round before does not count."""
    for measure in measures.values():
        measure()
    values: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            values[name].append(measure())
    return {name: statistics.median(found) for name, found in values.items()}


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(len(ordered) * percent / 100 + 0.5) - 1))]
