"""What a person does to the tree of a chat that needs no model: nothing of it destroys what was said."""

from dataclasses import dataclass

import msgspec

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.token_scores import ALTERNATIVES, parts_up_to
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.events import TokenChance, TokenScored
from mistral_tui.types.messages import Message, ReasoningPart, TextPart


@dataclass(frozen=True)
class Deletion:
    """What is needed to undo a deletion."""

    hidden: tuple[str, ...]
    """Ids of the messages."""
    leaf_id: str | None
    """What the active branch ended with."""


def reword_reply(chat: LiveChat, message_id: str, text: str) -> Message:
    """Put a reply with other words beside one; nothing is asked of the model.

    Raises:
        InvalidRequest: The text is empty, it is no reply, or the chat is busy.
    """
    chat.check_idle()
    reply = chat.conversation[message_id]
    if reply.role != "assistant":
        raise InvalidRequest("only a reply can be reworded; send a prompt again instead")
    if not text.strip():
        raise InvalidRequest("the reply would be empty; type something, or delete it")
    # What was thought stays; calls would need their results.
    thoughts = tuple(part for part in reply.parts if isinstance(part, ReasoningPart))
    chat.conversation.select(chat.conversation.parent_id(message_id))
    reworded = chat.conversation.append(Message("assistant", (*thoughts, TextPart(text)), finish="stop"))
    chat.remember(reworded)
    return reworded


def select_branch(chat: LiveChat, message_id: str) -> None:
    """Make the newest branch that goes through a message the active one.

    Raises:
        InvalidRequest: The chat is busy.
    """
    chat.check_idle()
    conversation = chat.conversation
    conversation.select(conversation.latest_leaf(message_id))
    # The session is stored with any of its messages.
    chat.remember(conversation[message_id])


def delete_message(chat: LiveChat, message_id: str) -> Deletion:
    """Hide a message and all that follows it.

    Raises:
        InvalidRequest: The chat is busy.
    """
    chat.check_idle()
    leaf_id = chat.conversation.leaf_id
    hidden = chat.conversation.hide(message_id)
    chat.remember(*hidden)
    return Deletion(tuple(message.id for message in hidden), leaf_id)


def undo_deletion(chat: LiveChat, deletion: Deletion) -> None:
    """Show again what was hidden.

    Raises:
        InvalidRequest: The chat is busy.
    """
    chat.check_idle()
    shown = chat.conversation.show(deletion.hidden)
    chat.conversation.select(deletion.leaf_id)
    chat.remember(*shown)


def watch_tokens(chat: LiveChat, watched: bool) -> None:
    """Ask for the probabilities of tokens from the next turn on, or no longer."""
    sampling = msgspec.structs.replace(
        chat.request.sampling, logprobs=watched, top_logprobs=ALTERNATIVES if watched else 0
    )
    chat.settings.use_sampling(sampling)


def continue_from(chat: LiveChat, message_id: str, index: int, instead: TokenChance) -> None:
    """Let the model write a reply anew from one of its tokens on, with another one in its place.

    Raises:
        InvalidRequest: The reply has no scored tokens, no text ends there, or the chat is busy.
    """
    chat.check_idle()
    scored = chat.scores.of(message_id)
    if scored is None or not 0 <= index < len(scored.tokens):
        raise InvalidRequest("the tokens of this reply are not known; answer the prompt again while they are watched")
    parts = parts_up_to(chat.conversation[message_id], scored, index, instead)
    chat.go_on(message_id, parts)
    chat.scores.give(
        (*scored.tokens[:index], TokenScored(instead, scored.tokens[index].top)) if not scored.lead else ()
    )
