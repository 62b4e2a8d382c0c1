"""`ask` over a scripted engine, what it stored, and what the settings say."""

import os
from pathlib import Path

from mistral_tui.cli.ask import answer, parse
from mistral_tui.cli.flags import ModelFlags
from mistral_tui.cli.setup import Setup
from mistral_tui.store.store import Store
from mistral_tui.types.events import TokenChance, TokenScored
from mistral_tui.types.messages import Message
from tests.stubs.engines import FakePool

SCORED = TokenScored(
    TokenChance("Hello\x1b", b"Hello\x1b", 7, -0.105), (TokenChance("Hello\x1b", b"Hello\x1b", 7, -0.105),)
)


async def ask(pool: FakePool, *arguments: str) -> int:
    return await answer(parse(arguments, ModelFlags()), Setup.read(strict=True), pool)


def write_settings(text: str) -> None:
    path = Path(os.environ["MISTRAL_TUI_CONFIG"])
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


def stored() -> list[Message]:
    store = Store(Path(os.environ["MISTRAL_TUI_DATABASE"]))
    sessions = store.sessions()
    return store.messages(sessions[0].id) if sessions else []
