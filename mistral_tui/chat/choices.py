"""Several replies to the last prompt, written at once: branches of the conversation."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.turn import run_turn
from mistral_tui.engines.choices import merged, requests_of_choices
from mistral_tui.engines.engine import Engine
from mistral_tui.types.events import ReplyStarted, TurnEvent
from mistral_tui.types.requests import GenerateRequest


def run_choices(
    conversation: Conversation, engine: Engine, request: GenerateRequest, n: int, cancelled: asyncio.Event
) -> AsyncGenerator[tuple[int, TurnEvent], None]:
    """Answer the last user message of the active branch `n` times; see `run_turn`.

    The first reply's branch becomes the active one.

    Yields:
        Every event with the number of its reply, from 0. The last one of each is `TurnEnded`.

    Raises:
        InvalidRequest: `n` is outside its range.
    """
    prompt = conversation.leaf_id
    first: list[str] = []

    async def turn(each: GenerateRequest) -> AsyncGenerator[TurnEvent, None]:
        conversation.select(prompt)
        async with contextlib.aclosing(run_turn(conversation, engine, each, cancelled)) as events:
            async for event in events:
                if isinstance(event, ReplyStarted):
                    first.append(event.message.id)
                    conversation.select(first[0])
                yield event

    return merged([turn(each) for each in requests_of_choices(request, n)])
