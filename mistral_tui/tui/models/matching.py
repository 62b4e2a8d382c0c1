"""Finding models by a few letters of what is known of them."""

import re

_WORD_START = 4
_WITHIN = 3
_SCATTERED = 1


def match(query: str, name: str, others: str) -> tuple[int, tuple[int, ...]] | None:
    """Return how well a model matches, and which characters of its name do; `None`: it does not.

    Args:
        query: Words, each of which must be found in any case.
        name: In which letters may also lie apart, in their order.
        others: What else is known of it, in which words are found as they are.
    """
    score, places = 0, set[int]()
    folded, rest = name.casefold(), others.casefold()
    if len(folded) != len(name):  # a letter that folds into two would shift the places
        folded = name.lower() if len(name.lower()) == len(name) else name
    for word in query.casefold().split():
        begin = re.search(rf"(?<![a-z0-9]){re.escape(word)}", folded)
        at = begin.start() if begin else folded.find(word)
        if at >= 0:
            score += _WORD_START if begin else _WITHIN
            places.update(range(at, at + len(word)))
        elif word in rest:
            score += _WITHIN
        elif scattered := _scattered(word, folded):
            score += _SCATTERED
            places.update(scattered)
        else:
            return None
    return score, tuple(sorted(places))


def _scattered(word: str, text: str) -> tuple[int, ...]:
    """Return where the letters of a word lie in a text in their order; nothing if they do not, or are too far apart."""
    places, at = [], -1
    for letter in word:
        at = text.find(letter, at + 1)
        if at < 0:
            return ()
        places.append(at)
    return tuple(places) if places and places[-1] - places[0] <= 4 * len(word) else ()
