"""What the prompt is made of: words, files, a system prompt, templates and their variables."""

import os
from pathlib import Path

import msgspec
import pytest

from mistral_tui.chat.documents.fitting import DocumentTooLong
from mistral_tui.cli.ask import AskFlags, parse
from mistral_tui.cli.flags import ModelFlags
from mistral_tui.cli.setup import Setup
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import FilePart
from tests.cli.ask.asking import ask, write_settings
from tests.stubs.engines import LOADED, FakeEngine, FakePool
from tests.stubs.queries import understanding

pytestmark = pytest.mark.core


def test_words_may_stand_between_flags() -> None:
    call = parse(("-m", "a", "what", "--seed", "3", "is", "--", "-1"), AskFlags())
    assert call.prompt == ["what", "is", "-1"]
    assert call.seed == 3


async def test_the_system_prompt_comes_first(model: Path) -> None:
    pool = FakePool()
    await ask(pool, "-m", str(model), "--system", "Be brief.", "Hi")
    assert [(message.role, message.text) for message in pool.engine.requests[0].messages] == [
        ("system", "Be brief."),
        ("user", "Hi"),
    ]


async def test_a_file_goes_along(model: Path, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("Buy milk.", encoding="utf-8")
    pool = FakePool()
    await ask(pool, "-m", str(model), "-f", str(tmp_path / "note.txt"), "What?")
    assert FilePart("note.txt", "Buy milk.") in pool.engine.requests[0].messages[-1].parts


async def test_a_file_that_does_not_fit_is_given_as_the_person_says(model: Path, tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("bread\n\n" * 400 + "The moon pulls the sea.\n\n" + "bread\n\n" * 400)
    small = msgspec.structs.replace(LOADED, n_ctx=200)
    pool = FakePool(FakeEngine(model=small, answers=understanding))
    with pytest.raises(DocumentTooLong, match=r"book\.txt has 805 tokens"):
        await ask(pool, "-m", str(model), "-f", str(tmp_path / "book.txt"), "What of the moon?")
    pool = FakePool(FakeEngine(model=small, answers=understanding))
    await ask(pool, "-m", str(model), "-f", str(tmp_path / "book.txt"), "--fit", "passages", "What of the moon?")
    part = pool.engine.requests[0].messages[-1].parts[0]
    assert isinstance(part, FilePart)
    assert "The moon pulls the sea." in part.text
    assert len(part.text.split()) < 150


async def test_what_goes_into_the_chat_template_reaches_the_engine(model: Path, tmp_path: Path) -> None:
    write_settings("enable_thinking = true\n")
    atlas, mine = tmp_path / "atlas.txt", tmp_path / "mine.jinja"
    atlas.write_text("Oslo is in Norway.", encoding="utf-8")
    mine.write_text("{{ mine }}", encoding="utf-8")
    arguments = ("--template-arg", "effort=low", "--template-arg", "depth=3")
    pool = FakePool()
    await ask(pool, "-m", str(model), *arguments, "--document", str(atlas), "-j", str(mine), "Hi")
    await ask(pool, "-m", str(model), "--no-thinking", "--chat-template", "chatml", "Hi")
    first, second = pool.engine.requests
    assert (first.enable_thinking, second.enable_thinking) == (True, False)
    assert first.template_arguments == {"effort": "low", "depth": 3}
    assert first.documents == ({"title": "atlas.txt", "text": "Oslo is in Norway."},)
    assert second.documents == ()


def test_a_variable_of_a_template_needs_a_name() -> None:
    for text in ("low", "=low", "a b=1"):
        with pytest.raises(InvalidRequest, match="write NAME=VALUE"):
            parse(("--template-arg", text, "Hi"), ModelFlags())


def test_an_explicit_template_goes_over_any_other(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("{{ mine }}", encoding="utf-8")
    call = parse(("--chat-template", "chatml", "--jinja-explicit", str(mine), "Hi"), ModelFlags())
    assert Setup.read(strict=True).load_options(call).chat_template == "{{ mine }}"


async def test_a_prompt_template_is_filled_with_variables(model: Path) -> None:
    folder = Path(os.environ["MISTRAL_TUI_CONFIG_DIR"]) / "prompts"
    folder.mkdir(parents=True)
    (folder / "haiku.md").write_text("Write a haiku about {{thing}}.", encoding="utf-8")
    pool = FakePool()
    await ask(pool, "-m", str(model), "--prompt-template", "haiku", "-v", "thing=the sea", "In French.")
    assert pool.engine.requests[0].messages[-1].text == "Write a haiku about the sea.\n\nIn French."


async def test_values_without_a_template_or_a_value_are_refused(model: Path) -> None:
    with pytest.raises(InvalidRequest, match="--prompt-template"):
        await ask(FakePool(), "-m", str(model), "-v", "a=b", "Hi")
    with pytest.raises(InvalidRequest, match="NAME=VALUE"):
        await ask(FakePool(), "-m", str(model), "--prompt-template", "x", "-v", "a", "Hi")
