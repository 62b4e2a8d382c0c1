"""Finding a model by what a person types, and giving each a name of its own."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from mistral_tui.types.errors import ModelNotFound
from mistral_tui.types.text import printable_line

T = TypeVar("T")
_MOST_LISTED = 12


def find_named(
    wanted: str, items: Iterable[T], names_of: Callable[[T], Sequence[str]], at_hand: Callable[[T], bool]
) -> T | None:
    """Return the item of this name: exactly, in any case, or shortened as long as only one can be meant.

    Args:
        wanted: What the person typed.
        items: What there is.
        names_of: Returns the names of an item, its shown name first; the further ones are taken only whole.
        at_hand: Whether an item is the likelier one: of several, it is meant if it alone is.

    Returns:
        The item; `None`: nothing has a name like this.

    Raises:
        ModelNotFound: Several have; the message lists them.
    """
    wanted = wanted.strip()
    if not wanted:
        return None
    named = [(item, tuple(names_of(item))) for item in items]
    folded = wanted.casefold()
    tests: tuple[Callable[[tuple[str, ...]], bool], ...] = (
        lambda names: names[0] == wanted,
        lambda names: wanted in names,
        lambda names: folded in {name.casefold() for name in names},
        lambda names: names[0].casefold().startswith(folded),
    )
    for test in tests:
        matches = [(item, names[0]) for item, names in named if test(names)]
        likelier = [match for match in matches if at_hand(match[0])]
        if len(matches) == 1 or len(likelier) == 1:
            return (likelier or matches)[0][0]
        if matches:
            candidates = listed([name for _, name in matches])
            raise ModelNotFound(f"{printable_line(wanted)!r} could be {candidates}; write more of the name")
    return None


def listed(names: Sequence[str]) -> str:
    """Return names for a message, of very many only the first ones."""
    shown = ", ".join(printable_line(name) for name in names[:_MOST_LISTED])
    return f"{shown} and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else shown


def own_name(wanted: str, path: Path, origin: str, taken: set[str]) -> str:
    """Return a name that nothing else has: the wanted one, else with where the model is from before it."""
    name = printable_line(wanted) or "model"
    for candidate in (name, *longer_names(name, path, origin)):
        if candidate.casefold() not in taken:
            return candidate
    number = 2
    while f"{name} ({number})".casefold() in taken:
        number += 1
    return f"{name} ({number})"


def longer_names(name: str, path: Path, origin: str) -> tuple[str, ...]:
    """Return the names of a model with its repository, its folder, and the folders above before it."""
    folder = path.parent
    places = [*([] if Path(origin).is_absolute() else [origin]), folder.name, "/".join(folder.parts[-2:]), str(folder)]
    return tuple(f"{printable_line(place)}/{name}" for place in dict.fromkeys(places) if place)
