"""The screen of servers: what each does, its tools with schemas and cost, and what can be done with them."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.chat.chat_tools import ChatTools
from mistral_tui.tools.servers import Servers
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.tui.tools.server_text import server_row, server_text, tool_row, tool_text
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.text import printable, printable_line
from mistral_tui.types.tools import BUILTIN, Tool

_EMPTY = (
    "no MCP server is configured\n\nPut servers into mcp.json in the folder that mistral-tui config path shows, "
    'or into .mcp.json of a project:\n\n{"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}'
)


class ServersScreen(Dialog[None], inherit_bindings=False):
    """Lists servers with their tools.

    Args:
        servers: What is configured.
        tools: Those of the chat in use: which of them are on there.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("servers")]
    AUTO_FOCUS = "Choices"

    class Changed(Message):
        """A server does something else, or has other tools."""

    def __init__(self, servers: Servers, tools: ChatTools) -> None:
        super().__init__()
        self._servers = servers
        self._tools = tools
        self._rows: list[tuple[str, Tool | None]] = []
        self._unlisten: Callable[[], None] = lambda: None

    def compose(self) -> ComposeResult:
        """Lay out the list, and what is known of what is marked."""
        with Vertical(classes="dialog", id="servers"):
            yield Static("servers of tools", classes="dialog-title", markup=False)
            with Horizontal(id="servers-columns"):
                yield Choices(id="servers-list", markup=False)
                with VerticalScroll(id="servers-text", can_focus=False):
                    yield Static(id="servers-about", markup=False)
            yield KeyHint("space on or off · r restart · enter try · l log · t trust · esc")

    def on_mount(self) -> None:
        """Show what there is, and what becomes of it."""
        self._unlisten = self._servers.listen(self._heard)
        self._servers.start()
        self._list()

    def _heard(self) -> None:
        self.post_message(self.Changed())

    def on_unmount(self) -> None:
        """Listen no more."""
        self._unlisten()

    def action_scroll(self, rows: int) -> None:
        """Scroll what is known."""
        self.query_one("#servers-text").scroll_relative(y=rows, animate=False)

    def action_switch(self) -> None:
        """Offer the marked server or tool to the model of this chat, or no longer."""
        if self._marked is not None:
            server, tool = self._marked
            key = server if tool is None else tool.key
            self._tools.switch(key, not self._tools.is_on(key))
            self._list()

    def action_restart(self) -> None:
        """Stop the marked server, if it runs, and start it."""
        if self._marked is not None:
            self._do(self._servers.restart(self._marked[0]))

    def action_trust(self) -> None:
        """Show what a server of the project would run, and ask."""
        if self._marked is not None:
            self.run_worker(self._ask_trust(self._marked[0]), exclusive=True)

    def action_inputs(self) -> None:
        """Ask for the values that the marked server waits for."""
        if self._marked is not None:
            self.run_worker(self._ask_inputs(self._marked[0]), exclusive=True)

    def action_log(self) -> None:
        """Show what the marked server has written to its standard error."""
        if self._marked is not None:
            self._do(self._show_log(self._marked[0]))

    async def _show_log(self, name: str) -> None:
        from mistral_tui.tui.tools.text_screen import TextScreen

        lines = await self._servers.read_log(name)
        text = (
            Content(printable("\n".join(lines))) if lines else Content.styled("nothing was written", "$text-disabled")
        )
        await self.app.push_screen(TextScreen(f"log of {name}", text, at_end=True))

    @on(OptionList.OptionSelected)
    async def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        from mistral_tui.tui.tools.try_tool import TryTool

        if self._marked is None:
            return
        server, tool = self._marked
        if tool is not None:
            await self.app.push_screen(TryTool(tool, self._tools.call_by_hand))
        elif not self._is_trusted(server):
            self.action_trust()

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._describe()
        self.query_one("#servers-text").scroll_home(animate=False)

    def on_servers_screen_changed(self, event: Changed) -> None:
        """Show it."""
        event.stop()
        self._list()

    async def _ask_trust(self, name: str) -> None:
        from mistral_tui.tui.tools.trust import TrustDialog

        found = next((each for each in self._servers.configured if each.server.name == name), None)
        if found is None or found.trusted:
            self.app.notify(f"{name} is trusted already", timeout=3)
            return
        now, before = await self._servers.to_agree(name)
        if await self.app.push_screen_wait(TrustDialog(name, str(found.source), now, before)):
            self._do(self._servers.agree(name))

    async def _ask_inputs(self, name: str) -> None:
        from mistral_tui.tui.tools.inputs import InputsDialog

        inputs = self._servers.inputs_of(name)
        if not inputs:
            self.app.notify(f"{name} waits for no values", timeout=3)
        elif values := await self.app.push_screen_wait(InputsDialog(name, inputs)):
            self._do(self._servers.give_inputs(values))

    def _do(self, work: Awaitable[None]) -> None:
        async def do() -> None:
            try:
                await work
            except MistralTuiError as error:
                self.app.notify(str(error), severity="error")

        self.run_worker(do())

    @property
    def _marked(self) -> tuple[str, Tool | None] | None:
        index = self.query_one(Choices).highlighted
        return None if index is None or index >= len(self._rows) else self._rows[index]

    def _waits(self, name: str) -> bool:
        known = any(each.server.name == name for each in self._servers.configured)
        return known and bool(self._servers.inputs_of(name))

    def _is_trusted(self, name: str) -> bool:
        return name == BUILTIN or any(each.server.name == name and each.trusted for each in self._servers.configured)

    def _list(self) -> None:
        """List everything; the mark stays where it was."""
        marked = self._marked
        key = None if marked is None else (marked[0], marked[1] and marked[1].tool)
        options: list[Option] = []
        self._rows = []
        named: dict[str, list[Tool]] = {}
        for tool in self._tools.all:
            named.setdefault(tool.server, []).append(tool)
        for state in self._servers.states:
            self._rows.append((state.name, None))
            options.append(Option(server_row(state, self._tools.is_on(state.name))))
            for tool in named.get(state.name, ()):
                self._rows.append((state.name, tool))
                options.append(Option(tool_row(tool, self._tools.is_on(tool.key))))
        rows = self.query_one(Choices)
        rows.clear_options()
        rows.add_options(options)
        keys = [(server, tool and tool.tool) for server, tool in self._rows]
        rows.highlighted = keys.index(key) if key in keys else 0 if keys else None
        self._describe()

    def _describe(self) -> None:
        about = self.query_one("#servers-about", Static)
        if self._marked is None:
            about.update(Content.styled(_EMPTY, "$text-muted"))
            return
        name, tool = self._marked
        if tool is not None:
            about.update(tool_text(tool, self._tools.is_on(tool.key)))
            return
        state = next(state for state in self._servers.states if state.name == name)
        source = next((str(each.source) for each in self._servers.configured if each.server.name == name), "")
        text = server_text(state, printable_line(source), self._tools.is_on(name), self._is_trusted(name))
        if state.health == "failed" and self._waits(name):
            text = Content("\n\n").join([text, Content("It waits for values of yours: i asks for them.")])
        about.update(text)
