"""A curve in one line of text."""

from collections.abc import Sequence

_STEPS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], cells: int) -> str:
    """Return the last `cells` values as bars between nothing and the greatest of them."""
    shown = list(values)[-cells:]
    top = max(shown, default=0)
    if top <= 0:
        return ""
    return "".join(_STEPS[min(len(_STEPS) - 1, int(max(0.0, value) / top * len(_STEPS)))] for value in shown)
