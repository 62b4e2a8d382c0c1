"""What is done with sessions: found, named, tagged, put away, deleted, brought back, copied, exported, imported."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textual.message import Message
from textual.widget import Widget

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.live import LiveChat
from mistral_tui.config.paths import Paths
from mistral_tui.tui.environment import Environment
from mistral_tui.types.errors import InvalidRequest, MistralTuiError
from mistral_tui.types.sessions import Session, tags_from
from mistral_tui.types.text import printable_line

if TYPE_CHECKING:
    from mistral_tui.tui.sessions.list import SessionList

_SEARCH = "search"
_WORK = "sessions"


class SessionActions(Widget):
    """Draws nothing. It belongs to the list of chats, and does what is asked of one of them."""

    DEFAULT_CSS = "SessionActions { display: none; }"
    MOST_HITS: Final = 50

    @dataclass
    class Changed(Message):
        """The sessions are other ones now: list them again."""

        actions: "SessionActions"

        @property
        def control(self) -> "SessionActions":
            """The widget that sent this message."""
            return self.actions

    @dataclass
    class Deleted(Changed):
        """This session is to be seen nowhere any more."""

        session_id: str

    @dataclass
    class Opened(Changed):
        """The person wants to go on in this chat."""

        chat: LiveChat

    def __init__(self, environment: Environment, sessions: "SessionList") -> None:
        super().__init__()
        self._workspace = environment.workspace
        self._library = environment.workspace.library
        self._list = sessions

    # Searching

    def search(self, text: str) -> None:
        """Find messages, and show them when they are found; a search that is under way is given up."""
        # Not a coroutine: one that is given up before it begins would never be awaited.
        work: Callable[[], Awaitable[None]] = partial(self._search, text)
        self.run_worker(work, group=_SEARCH, exclusive=True)

    def stop_search(self) -> None:
        """Show no hits any more."""
        self.workers.cancel_group(self, _SEARCH)

    def action_search_order(self) -> None:
        """Show the best hits first, or the newest."""
        self._list.order = "relevance" if self._list.order == "newest" else "newest"
        if self._list.box.value.strip():
            self.search(self._list.box.value)

    async def _search(self, text: str) -> None:
        try:
            hits = await self._library.search(text, self.MOST_HITS, self._list.order)
            titled = await self._library.titled(text)
        except MistralTuiError as error:
            self._list.show_failure(str(error))
            return
        self._list.show_found(titled, hits)

    # One session

    def action_rename(self, title: str = "") -> None:
        """Give the session another title; without one, ask for it."""
        self._work(self._rename(title))

    def action_suggest_title(self) -> None:
        """Ask the model for a title."""
        self._work(self._suggest_title())

    def action_tag(self, tags: str = "") -> None:
        """Give the session these tags; without any, ask for them."""
        self._work(self._tag(tags))

    def action_pin(self) -> None:
        """Pin the session, or no longer."""
        self._work(self._pin())

    def action_archive(self) -> None:
        """Put the session into the archive, or take it out."""
        self._work(self._archive())

    def action_show_archive(self) -> None:
        """List the archive, or what is not in it."""
        self._list.archived = not self._list.archived
        self._list.box.value = ""
        self.post_message(self.Changed(self))

    def action_delete(self) -> None:
        """Delete the session; it can be brought back."""
        self._work(self._delete())

    def action_undelete(self) -> None:
        """Bring back what was deleted last."""
        self._work(self._undelete())

    def action_fork(self) -> None:
        """Go on in a copy of the session's active branch."""
        self._work(self._fork())

    def action_export(self, file: str = "") -> None:
        """Write the session to a file; without a name, ask for it."""
        self._work(self._export(file))

    def action_import(self, file: str = "") -> None:
        """Add sessions from a file; without a name, ask for it."""
        self._work(self._import(file))

    async def _rename(self, title: str) -> None:
        from mistral_tui.tui.sessions.line_dialog import LineDialog

        session = await self._target()
        if not title:
            typed = await self.app.push_screen_wait(LineDialog("rename", "What is this chat called?", session.title))
            if typed is None:
                return
            title = typed
        await self._library.rename(session.id, title)

    async def _suggest_title(self) -> None:
        from mistral_tui.chat.titles import suggest_title

        session = await self._target()
        chat = await self._workspace.open_chat(session.id)
        self.notify("asking the model for a title")
        engine = await self._workspace.preload(chat=chat)
        title = await suggest_title(engine, chat.conversation)
        await self._library.rename(session.id, title)
        self.notify(f"the chat is now called “{title}”; alt+r in the list renames it")

    async def _tag(self, tags: str) -> None:
        from mistral_tui.tui.sessions.line_dialog import LineDialog

        session = await self._target()
        if not tags:
            dialog = LineDialog("tags", f"“{session.title}”", " ".join(session.tags), "words between spaces")
            typed = await self.app.push_screen_wait(dialog)
            if typed is None:
                return
            await self._library.tag(session.id, tags_from(typed))
        else:
            await self._library.tag(session.id, tags_from(" ".join([*session.tags, tags])))

    async def _pin(self) -> None:
        session = await self._target()
        await self._library.pin(session.id, not session.pinned)

    async def _archive(self) -> None:
        session = await self._target()
        await self._library.archive(session.id, not session.archived)
        title = printable_line(session.title)
        if session.archived:
            self.notify(f"“{title}” is in the list again")
        else:
            self.notify(f"“{title}” is in the archive: alt+v in the list shows it, and search finds it")

    async def _delete(self) -> None:
        session = await self._target()
        await self._library.delete(session.id)
        self.post_message(self.Deleted(self, session.id))
        if session.private:
            self.notify("the private chat is gone")
        else:
            self.notify(f"“{session.title}” is deleted: alt+u in the list or /undelete brings it back, for a day")

    async def _undelete(self) -> None:
        deleted = await self._library.deleted()
        if not deleted:
            raise InvalidRequest("there is no deleted chat to bring back")
        await self._library.undelete(deleted[0].id)
        self.notify(f"“{deleted[0].title}” is there again")

    async def _fork(self) -> None:
        session = await self._target()
        chat = await self._workspace.open_chat(session.id)
        leaf_id = chat.conversation.leaf_id
        if leaf_id is None:
            raise InvalidRequest("nothing was said in this chat yet")
        self.post_message(self.Opened(self, self._workspace.fork(chat, leaf_id)))

    async def _export(self, file: str) -> None:
        from mistral_tui.chat.export.formats import exported, format_of, write_export
        from mistral_tui.tui.sessions.export_dialog import Export, ExportDialog

        session = await self._target()
        chat = await self._workspace.open_chat(session.id)
        if file:
            wanted: Export | None = Export(Path(file), format_of(Path(file)) or "markdown")
        else:
            wanted = await self.app.push_screen_wait(ExportDialog(session.title))
        if wanted is None:
            return
        path = wanted.path.expanduser().absolute()
        # A copy: the chat may go on while it is written.
        conversation = Conversation(chat.conversation.session, chat.conversation.messages, chat.conversation.runs)
        await asyncio.to_thread(write_export, path, exported([conversation], wanted.form))
        self.notify(f"written: {path}")

    async def _import(self, file: str) -> None:
        from mistral_tui.tui.sessions.line_dialog import LineDialog

        if not file:
            words = "Our JSON or JSONL, conversations.json of ChatGPT or Claude (or the .zip), oterm's store.db:"
            dialog = LineDialog("import", words, placeholder="path of the file", done="reads it")
            typed = await self.app.push_screen_wait(dialog)
            if not typed or not typed.strip():
                return
            file = typed
        added, present, failures = await self._add_from(Path(file.strip()))
        for failure in failures[:3]:
            self.notify(failure, severity="error")
        if added:
            self._list.box.value = ""  # they are in the list, not among what was found
        self.notify(_told_of_import(added, present, len(failures)))

    async def _add_from(self, file: Path) -> tuple[list[Session], int, list[str]]:
        from mistral_tui.chat.importing.documents import ImportFailed
        from mistral_tui.chat.importing.files import read_sessions

        added = []
        present = 0
        failures = []
        found = read_sessions(file, Paths.resolve().attachments)
        while (each := await asyncio.to_thread(next, found, None)) is not None:
            if isinstance(each, ImportFailed):
                failures.append(str(each))
            elif len(each):
                addition = await self._library.add(each.session, each.messages, each.runs)
                if addition.outcome == "present":
                    present += 1
                else:
                    added.append(each.session)
        return added, present, failures

    # Within

    def _work(self, work: Coroutine[object, object, None]) -> None:
        """Do something off the way of keys and events; what goes wrong is told."""
        self.run_worker(self._tell_failure(work), group=_WORK)

    async def _tell_failure(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except MistralTuiError as error:
            self.notify(str(error), severity="warning")
        self.post_message(self.Changed(self))
        if words := self._list.box.value.strip():
            self.search(words)  # what was found may be called otherwise now, or be gone

    async def _target(self) -> Session:
        """Return the session that is meant.

        Raises:
            InvalidRequest: Nothing was said in it yet.
            StoreError: It is not there any more.
        """
        session = await self._library.session(self._list.target)
        if not session.title and session.leaf_id is None:
            raise InvalidRequest("nothing was said in this chat yet; type a prompt first")
        return session


def _told_of_import(added: Sequence[Session], present: int, failed: int) -> str:
    """Say what became of the chats of a file."""
    words = [f"{len(added) or 'no new'} chats imported"]
    if len(added) == 1:
        words = [f"imported: “{printable_line(added[0].title) or 'untitled'}”"]
    if archived := sum(session.archived for session in added):
        words.append("it is in the archive" if len(added) == 1 else f"{archived} of them into the archive")
    if present:
        words.append(f"{present} {'was' if present == 1 else 'were'} there already")
    if failed:
        words.append(f"{failed} could not be read")
    return ", ".join(words)
