"""The way of a comparison: whom to ask, the answers, and which of them the chat goes on with."""

from mistral_tui.chat.branching import select_branch
from mistral_tui.chat.compare import LEAST, Contestant
from mistral_tui.tui.chat.pane import ChatPane
from mistral_tui.tui.compare.candidates import candidates
from mistral_tui.tui.compare.choice import CompareChoice
from mistral_tui.tui.compare.screen import CompareScreen
from mistral_tui.tui.environment import Environment
from mistral_tui.types.errors import InvalidRequest


async def choose_and_compare(environment: Environment, pane: ChatPane, text: str) -> None:
    """Ask who is to answer a prompt, and let them.

    Args:
        environment: What the parts of the screen are given.
        pane: The chat that is answered.
        text: The prompt; empty: what is in the box, and where that is empty the last prompt anew.
    """
    asked = [message.text for message in pane.chat.conversation.path() if message.role == "user"]
    shown = text.strip() or pane.prompt.full_text.strip() or (asked[-1] if asked else "")
    if pane.chat.busy:
        pane.status.hint("a reply is being written: esc stops it")
        return
    if not shown:
        pane.status.hint("there is no prompt yet: type one, then compare")
        return
    found = await candidates(environment, pane.chat)
    if sum(each.contestant is not None for each in found) < LEAST:
        pane.status.hint("there are no two models here to compare")
        return

    def begin(chosen: tuple[Contestant, ...] | None) -> None:
        if chosen is not None:
            # A document that is too long asks what to do, which only a worker can wait for.
            pane.run_worker(_compare(environment, pane, chosen, text, shown))

    pane.app.push_screen(CompareChoice(found), begin)


async def _compare(
    environment: Environment, pane: ChatPane, contestants: tuple[Contestant, ...], text: str, shown: str
) -> None:
    chat = pane.chat
    screen = CompareScreen(chat, contestants, shown)

    async def keep(answered: bool | None) -> None:
        if screen.kept is not None:
            select_branch(chat, screen.kept)
        if answered and pane.is_attached and pane.chat is chat:
            await pane.show_chat(chat)

    if not text.strip():
        text, pane.prompt.text = pane.prompt.full_text, ""
    files = pane.box.take_files() if text.strip() else ()
    gathered = await pane.sending.gather(text, files) if text.strip() else ("", ())
    if gathered is None:
        return
    await pane.app.push_screen(screen, keep)
    try:
        screen.show_plan(await environment.workspace.compare(chat, contestants, *gathered))
    except InvalidRequest as error:
        screen.dismiss(False)
        pane.sending.refuse(text, str(error), files)
