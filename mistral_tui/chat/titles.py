"""Titles that a model makes, for a person who asks for one."""

import contextlib
import re
from typing import Final

from mistral_tui.chat.conversation import Conversation
from mistral_tui.engines.engine import Engine
from mistral_tui.types.errors import EngineError, InvalidRequest
from mistral_tui.types.events import Finished, TextDelta
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.requests import GenerateRequest, SamplingParams
from mistral_tui.types.sessions import title_from

_EXCERPT: Final = 2_000
"""Characters of a message that the model is shown."""
_LONGEST: Final = 32
"""Tokens."""
_PROMPT: Final = "Give this conversation a title of two to six words. Answer with the title and nothing else.\n\n"


async def suggest_title(engine: Engine, conversation: Conversation) -> str:
    """Return a title that the model makes from the first exchange of the active branch.

    The chat itself is not touched, and neither is its part of the KV cache.

    Raises:
        InvalidRequest: Nothing was said yet.
        EngineError: The model failed, or said nothing that could be a title.
    """
    said = [message for message in conversation.path() if message.text.strip()][:2]
    if not said:
        raise InvalidRequest("nothing was said in this chat yet; type a prompt first")
    exchange = "\n\n".join(f"{message.role}: {message.text.strip()[:_EXCERPT]}" for message in said)
    request = GenerateRequest(
        (Message("user", (TextPart(_PROMPT + exchange),)),),
        SamplingParams(temperature=0.0, max_tokens=_LONGEST),
        enable_thinking=False,
        keep_on_disk=False,
    )
    text = ""
    async with contextlib.aclosing(engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                text += event.text
            elif isinstance(event, Finished) and event.reason == "failed":
                raise EngineError(f"no title could be made: {event.error}")
    title = title_from(re.sub(r"^\s*(?:\**title\**\s*:)?[\s\"'“”*#]+|[\s\"'“”*.]+$", "", text, flags=re.IGNORECASE))
    if not title:
        raise EngineError("the model said nothing that could be a title; /rename gives the chat one")
    return title
