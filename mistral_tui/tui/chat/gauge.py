"""A bar that says how much of something is there."""

from textual.content import Content


def gauge(share: float, cells: int, style: str = "$accent") -> Content:
    """Return a bar of `cells` cells, of which the first `share` (from 0 to 1) is filled."""
    filled = round(min(1.0, max(0.0, share)) * cells)
    if share > 0 and not filled:
        filled = 1
    return Content.assemble(("━" * filled, style), ("━" * (cells - filled), "$text-disabled"))
