"""How a chat is answered: what a person sets for it, from its next turn on."""

from typing import get_args

import msgspec

from mistral_tui.chat.live import LiveChat
from mistral_tui.types.choices import ContextPolicy


def next_thinking(chat: LiveChat) -> bool | None:
    """Let the model think, not think, or do as it likes (`None`), and return which."""
    following = {None: True, True: False, False: None}
    chosen = following[chat.request.enable_thinking]
    chat.request = msgspec.structs.replace(chat.request, enable_thinking=chosen)
    return chosen


def next_context_policy(chat: LiveChat) -> ContextPolicy:
    """Choose the next of the policies for a full context, and return it."""
    policies = get_args(ContextPolicy)
    chosen: ContextPolicy = policies[(policies.index(chat.request.context_policy) + 1) % len(policies)]
    chat.request = msgspec.structs.replace(chat.request, context_policy=chosen)
    return chosen
