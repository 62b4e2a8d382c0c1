"""The registry of actions: what a person can do, and by which keys and commands."""

from mistral_tui.tui.actions.action import Action, Argument, Where
from mistral_tui.tui.actions.registry import (
    ACTIONS,
    FOOTERS,
    action,
    bindings,
    key_label,
    key_labels,
    key_named,
    slash_action,
    slash_hint,
    wrong_argument,
)

__all__ = [
    "ACTIONS",
    "FOOTERS",
    "Action",
    "Argument",
    "Where",
    "action",
    "bindings",
    "key_label",
    "key_labels",
    "key_named",
    "slash_action",
    "slash_hint",
    "wrong_argument",
]
