"""The person's own keys over those of the registry."""

import difflib
from collections.abc import Iterable

from textual.keys import KEY_ALIASES, Keys, _character_to_key, key_to_character

from mistral_tui.config.keymap import KeymapEntry
from mistral_tui.tui.actions.action import Action
from mistral_tui.tui.actions.registry import ACTIONS, binding_id, single_keys

_ALIASES = {"esc": "escape", "return": "enter", "del": "delete"}
_MODIFIERS = {"ctrl", "alt", "shift", "meta", "super", "hyper"}
_NAMES = {name for each in Keys for name in each.value.split("+") if name not in _MODIFIERS} | KEY_ALIASES.keys()


def apply_keymap(entries: Iterable[KeymapEntry]) -> tuple[str, ...]:
    """Give actions the keys that a file says; where another action has one of these, that one loses it.

    Returns:
        One line for each thing that makes no sense, or that leaves an action without a way to do it.
    """
    notices: list[str] = []
    taken: dict[Action, tuple[str, ...]] = {}
    for entry in entries:
        found = _action(entry, notices)
        if found is None:
            continue
        keys = []
        for written in entry.keys:
            key = _known(written)
            rival = next((each for each, own in taken.items() if key in own and _rivals(each, found)), None)
            if key is None:
                notices.append(f"{entry.place}: there is no key {written!r:.30}; it is ignored")
            elif rival is not None:
                notices.append(f"{entry.place}: {key} is a key of {rival.id} already; it is ignored")
            else:
                keys.append(key)
        if keys or not entry.keys:
            taken[found] = tuple(keys)
    for each, own in taken.items():
        each.keys = own
    notices += _take_from_others(taken)
    return tuple(notices)


def textual_keymap() -> dict[str, str]:
    """Return the keys of all actions whose keys are not those that ship, in Textual's form."""
    return {binding_id(each): single_keys(each) for each in ACTIONS if each.keys != each.shipped_keys}


def _take_from_others(taken: dict[Action, tuple[str, ...]]) -> list[str]:
    notices = []
    for other in ACTIONS:
        if other in taken:
            continue
        lost = {key: own for own, keys in taken.items() if _rivals(own, other) for key in keys if key in other.keys}
        other.keys = tuple(key for key in other.keys if key not in lost)
        if lost and not other.keys and not other.slash:
            key, own = next(iter(lost.items()))
            notices.append(f"keymap: {key} does {own.id} now, so that nothing does {other.id} any more; give it a key")
    return notices


def _action(entry: KeymapEntry, notices: list[str]) -> Action | None:
    found = [each for each in ACTIONS if each.id == entry.action and entry.owner in ("", each.where)]
    if len(found) == 1:
        return found[0]
    if found:
        owners = ", ".join(f"[{each.where}]" for each in found)
        notices.append(f"{entry.place}: several have such an action; put it under one of {owners}; it is ignored")
    else:
        near = difflib.get_close_matches(entry.action, [each.id for each in ACTIONS], n=1)
        guess = f"; did you mean {near[0]}?" if near else "; `mistral-tui config keys` lists them"
        notices.append(f"{entry.place}: there is no such action{guess}; it is ignored")
    return None


def _rivals(one: Action, other: Action) -> bool:
    """Whether a key can mean only one of the two."""
    if one is other:
        return False
    if one.where == other.where:
        return True
    return not (one.modal or other.modal) and (one.everywhere or other.everywhere)


def _known(keys: str) -> str | None:
    """Return a key, or a chord of keys with spaces between, by the names that Textual gives them; `None`: unknown."""
    known = [_known_key(key) for key in keys.split()]
    return " ".join(key for key in known if key) if known and all(known) else None


def _known_key(key: str) -> str | None:
    *modifiers, last = [each.lower() if len(each) > 1 else each for each in key.split("+")] if len(key) > 1 else [key]
    if not set(modifiers) <= _MODIFIERS:
        return None
    if len(last) == 1:
        last = _character_to_key(last)
    else:
        last = _ALIASES.get(last, last)
        if last not in _NAMES and len(key_to_character(last) or "") != 1:
            return None
    return "+".join([*modifiers, last])
