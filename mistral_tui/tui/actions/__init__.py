"""The registry of actions: what a person can do, and by which keys and commands."""

from mistral_tui.tui.actions.action import Action, Where
from mistral_tui.tui.actions.registry import ACTIONS, FOOTERS, action, bindings, key_label, slash_action, slash_hint

__all__ = ["ACTIONS", "FOOTERS", "Action", "Where", "action", "bindings", "key_label", "slash_action", "slash_hint"]
