"""How the cores of the machine are shared by the models that compute at the same time."""

from collections.abc import Sequence


def divide(cores: int, fixed: Sequence[int | None]) -> list[int]:
    """Return how many threads each of the busy models may use.

    Args:
        cores: What there is to share.
        fixed: For each model what a person chose for it, or `None`: it takes its share of the rest.

    Returns:
        At least one for each. The rest is shared evenly; what remains goes to the first.
    """
    sharing = sum(count is None for count in fixed)
    if not sharing:
        return [count or 1 for count in fixed]
    share, more = divmod(max(0, cores - sum(count or 0 for count in fixed)), sharing)
    shares = []
    for count in fixed:
        if count is None:
            count = max(1, share + (more > 0))
            more -= 1
        shares.append(count)
    return shares
