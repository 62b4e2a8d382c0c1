"""The tree of messages of one session, which of its branches is active, and the calls of tools that replies made."""

import time
import uuid
from collections.abc import Iterable

import msgspec

from mistral_tui.types.messages import Attachment, Message
from mistral_tui.types.sessions import Session, title_from
from mistral_tui.types.tools import ToolRun

_FORK = "↳"
"""Begins the title of a fork."""


class Conversation:
    """Messages that name their parents; editing, retrying and forking add branches and destroy nothing.

    Messages may come from a damaged database: a parent that is missing makes its child a root, and a circle of
    parents is cut open.
    """

    def __init__(
        self, session: Session | None = None, messages: Iterable[Message] = (), runs: Iterable[ToolRun] = ()
    ) -> None:
        self.session = session or Session()
        self._messages: dict[str, Message] = {message.id: message for message in messages}
        self._runs: dict[str, ToolRun] = {run.id: run for run in runs}
        self._parents = _sound_parents(self._messages)
        self._children: dict[str | None, list[str]] = {}
        for message_id, parent_id in self._parents.items():
            self._children.setdefault(parent_id, []).append(message_id)
        if self.session.leaf_id not in self._messages:
            self._set_session(leaf_id=next((id for id in reversed(self._messages) if self._visible(id)), None))

    def __len__(self) -> int:
        """How many messages there are, in all branches."""
        return len(self._messages)

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._messages

    def __getitem__(self, message_id: str) -> Message:
        return self._messages[message_id]

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages of all branches, oldest first."""
        return tuple(self._messages.values())

    @property
    def runs(self) -> tuple[ToolRun, ...]:
        """All calls of tools, in their order."""
        return tuple(self._runs.values())

    def runs_of(self, message_id: str) -> tuple[ToolRun, ...]:
        """Return the calls that a reply made, in their order."""
        return tuple(run for run in self._runs.values() if run.message_id == message_id)

    def run_of(self, message: Message, call_id: str) -> ToolRun | None:
        """Return a call that a message makes, or that it answers, if it was made."""
        reply_id = message.id if message.role == "assistant" else self._parents[message.id]
        return next((run for run in self._runs.values() if (run.message_id, run.call_id) == (reply_id, call_id)), None)

    def note_run(self, run: ToolRun) -> None:
        """Take in a call, or what has become of it."""
        self._runs[run.id] = run

    @property
    def leaf_id(self) -> str | None:
        """The message that the active branch ends with; `None`: the branch is empty."""
        return self.session.leaf_id

    def path(self) -> tuple[Message, ...]:
        """Return the active branch, oldest message first."""
        return () if self.leaf_id is None else self.path_to(self.leaf_id)

    def path_to(self, leaf_id: str) -> tuple[Message, ...]:
        """Return the branch that ends with `leaf_id`, oldest message first."""
        branch = []
        message_id: str | None = leaf_id
        while message_id is not None:
            branch.append(self._messages[message_id])
            message_id = self._parents[message_id]
        return tuple(reversed(branch))

    def children(self, message_id: str | None) -> tuple[Message, ...]:
        """Return the messages that follow `message_id`, oldest first; `None` gives the roots."""
        return tuple(self._messages[child] for child in self._children.get(message_id, ()) if self._visible(child))

    def parent_id(self, message_id: str) -> str | None:
        """Return the message that `message_id` follows; `None` for a root."""
        return self._parents[message_id]

    def siblings(self, message_id: str) -> tuple[Message, ...]:
        """Return the messages with the same parent as `message_id`, itself among them, oldest first."""
        return self.children(self._parents[message_id])

    def latest_leaf(self, message_id: str) -> str:
        """Return the end of the newest branch that goes through `message_id`."""
        while below := self.children(message_id):
            message_id = below[-1].id
        return message_id

    def select(self, leaf_id: str | None) -> None:
        """Make the branch that ends with `leaf_id` the active one; the next message is appended there.

        `None` selects the empty branch: the next message becomes another root.
        """
        if leaf_id is not None and leaf_id not in self._messages:
            raise KeyError(leaf_id)
        self._set_session(leaf_id=leaf_id)

    def append(self, message: Message) -> Message:
        """Add `message` at the end of the active branch and return it with its parent set."""
        if message.id in self._messages:
            raise ValueError(f"message {message.id} is already part of the conversation")
        message = msgspec.structs.replace(message, parent_id=self.leaf_id)
        self._messages[message.id] = message
        self._parents[message.id] = message.parent_id
        self._children.setdefault(message.parent_id, []).append(message.id)
        title = self.session.title
        if not title and message.role == "user":
            title = _title_of(message)
        self._set_session(leaf_id=message.id, updated_at=message.created_at, title=title)
        return message

    def replace(self, message: Message) -> None:
        """Put `message` in the place of the one with the same id; its place in the tree stays as it is."""
        self._messages[message.id] = msgspec.structs.replace(message, parent_id=self._messages[message.id].parent_id)

    def learn(self, session: Session, messages: Iterable[Message], runs: Iterable[ToolRun] = ()) -> bool:
        """Take over what another program has stored meanwhile, and return whether anything is new.

        What is known here only stays. The active branch goes on to where the other program has taken it; when both
        went on in different ways, it stays where it is, and the other way is another branch.
        """
        new = {message.id: message for message in messages if self._messages.get(message.id) != message}
        new_runs = {run.id: run for run in runs if self._runs.get(run.id) != run}
        named = msgspec.structs.replace(
            self.session,
            title=session.title,
            tags=session.tags,
            pinned=session.pinned,
            archived=session.archived,
            deleted_at=session.deleted_at,
            system_prompt=session.system_prompt,
            settings=session.settings,
        )
        if not new and not new_runs and named == self.session:
            return False
        self.session = named
        self._messages |= new
        self._runs |= new_runs
        self._parents = _sound_parents(self._messages)
        self._children = {}
        for message_id, parent_id in self._parents.items():
            self._children.setdefault(parent_id, []).append(message_id)
        leaf_id = session.leaf_id
        if leaf_id in self._messages and self._leads_to(leaf_id):
            self._set_session(leaf_id=leaf_id, updated_at=session.updated_at, model=session.model)
        return True

    def remove(self, message_id: str) -> None:
        """Take back a message that nothing follows; the active branch then ends with its parent."""
        if self._children.get(message_id):
            raise ValueError(f"message {message_id} has been answered")
        parent_id = self._parents.pop(message_id)
        removed = self._messages.pop(message_id)
        self._children[parent_id].remove(message_id)
        self._runs = {run.id: run for run in self._runs.values() if run.message_id != message_id}
        if self.leaf_id == message_id:
            self._set_session(leaf_id=parent_id)
        if not self._messages and self.session.title == _title_of(removed):
            self._set_session(title="")

    def hide(self, message_id: str) -> tuple[Message, ...]:
        """Hide a message and all that follows it; `show` brings them back.

        An active branch that went through it now ends with the newest branch beside it, or with what it followed.

        Returns:
            What was hidden.
        """
        neighbours = self.siblings(message_id)
        place = next((place for place, each in enumerate(neighbours) if each.id == message_id), 0)
        beside = neighbours[place - 1] if place else next(iter(neighbours[1:]), None)
        hidden = []
        waiting = [message_id]
        while waiting:
            current = waiting.pop()
            waiting += self._children.get(current, ())
            if self._visible(current):
                hidden.append(msgspec.structs.replace(self._messages[current], hidden=True))
        through = any(message.id == message_id for message in self.path())
        for message in hidden:
            self.replace(message)
        if through:
            self.select(self.latest_leaf(beside.id) if beside is not None else self._parents[message_id])
        return tuple(hidden)

    def show(self, message_ids: Iterable[str]) -> tuple[Message, ...]:
        """Bring back what was hidden; the active branch stays. Returns the messages as they are now."""
        shown = [msgspec.structs.replace(self._messages[each], hidden=False) for each in message_ids]
        for message in shown:
            self.replace(message)
        return tuple(shown)

    def fork(self, message_id: str) -> "Conversation":
        """Return a new conversation that has said the same up to `message_id`."""
        session = self.session
        title = title_from(f"{_FORK} {session.title.removeprefix(f'{_FORK} ')}") if session.title else ""
        forked = Conversation(
            Session(
                title=title,
                model=session.model,
                system_prompt=session.system_prompt,
                private=session.private,
                settings=session.settings,
            )
        )
        for message in self.path_to(message_id):
            stopped = message.role == "assistant" and message.finish is None
            finish = "cancelled" if stopped else message.finish
            copy = forked.append(msgspec.structs.replace(message, id=uuid.uuid4().hex, finish=finish))
            for run in self.runs_of(message.id):
                forked.note_run(msgspec.structs.replace(run, id=uuid.uuid4().hex, message_id=copy.id))
        forked._set_session(updated_at=time.time())
        return forked

    def _leads_to(self, leaf_id: str | None) -> bool:
        """Whether the active branch is the beginning of the one that ends with `leaf_id`."""
        while leaf_id is not None and leaf_id != self.leaf_id:
            leaf_id = self._parents[leaf_id]
        return leaf_id == self.leaf_id

    def _visible(self, message_id: str) -> bool:
        return not self._messages[message_id].hidden

    def _set_session(self, **changes: str | float | None) -> None:
        self.session = msgspec.structs.replace(self.session, **changes)


def _title_of(prompt: Message) -> str:
    return title_from(prompt.text or " ".join(part.name for part in prompt.parts if isinstance(part, Attachment)))


def _sound_parents(messages: dict[str, Message]) -> dict[str, str | None]:
    """Return the parent of each message, without parents that do not exist and without circles."""
    parents = {
        message.id: message.parent_id if message.parent_id in messages else None for message in messages.values()
    }
    rooted: set[str] = set()
    for start in parents:
        walk: dict[str, None] = {}
        current: str | None = start
        while current is not None and current not in rooted:
            if current in walk:
                parents[current] = None
                break
            walk[current] = None
            current = parents[current]
        rooted.update(walk)
    return parents
