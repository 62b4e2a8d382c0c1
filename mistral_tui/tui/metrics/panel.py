"""The panel at the right: figures of the chat in use, read while it is shown and at no other time."""

from collections.abc import Callable

from textual.app import RenderResult
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.workspace import Workspace
from mistral_tui.tui.chat.gauge import gauge
from mistral_tui.tui.metrics.figures import REPLIES, Metrics, gather
from mistral_tui.tui.metrics.sparkline import sparkline
from mistral_tui.tui.models.loading import size_words
from mistral_tui.types.text import printable_line

INTERVAL = 1.0
"""Seconds between two looks while the panel is shown."""
_COLUMN = 30
_UNKNOWN = "\N{EN DASH}"


class MetricsPanel(Widget):
    """Shows how fast replies come and what they take."""

    def __init__(self, workspace: Workspace, chat: Callable[[], LiveChat], id: str | None = None) -> None:
        """Show the figures of a chat.

        Args:
            workspace: Whose models are shown.
            chat: Returns the chat in use.
            id: As of any widget.
        """
        super().__init__(id=id)
        self._workspace = workspace
        self._get_chat = chat
        self._metrics = Metrics()
        self._timer: Timer | None = None

    def toggle(self) -> None:
        """Show the panel, or fold it; folded it costs nothing."""
        shown = not self.has_class("-shown")
        self.set_class(shown, "-shown")
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if shown:
            self._timer = self.set_interval(INTERVAL, self._look)
            self._look()

    def render(self) -> RenderResult:
        """Draw the figures."""
        return Content("\n").join(_rows(self._metrics))

    def _look(self) -> None:
        self.run_worker(self._read(), group="metrics", exclusive=True)

    async def _read(self) -> None:
        metrics = await gather(self._workspace, self._get_chat())
        if metrics != self._metrics:
            self._metrics = metrics
            self.refresh()


def _rows(metrics: Metrics) -> list[Content]:
    last = metrics.last
    rows = [
        _heading("last reply"),
        _row("first token", _number(last.time_to_first_token, "s")),
        _row("reading", _number(last.prefill_rate, "tok/s")),
        _row("writing", _number(last.decode_rate, "tok/s")),
        Content.styled(sparkline(metrics.rates, REPLIES).rjust(_COLUMN), "$accent"),
        Content(""),
        _heading("context"),
        *_context(metrics),
        Content(""),
        _heading("memory"),
        *_memory(metrics),
        Content(""),
        _heading("models"),
    ]
    rows += [
        _row(_shortened(printable_line(each.name), _COLUMN - len(each.state) - 1), each.state)
        for each in metrics.models
    ]
    if not metrics.models:
        rows.append(Content.styled("none is loaded", "$text-disabled"))
    rows.append(_row("prompts that wait", f"{metrics.queued}"))
    return rows


def _memory(metrics: Metrics) -> list[Content]:
    """Return what is known of the memory: what an engine does not tell is left out."""
    rows = []
    model = metrics.model
    if model is not None and model.kv_token_bytes:
        rows.append(_row("KV cache, this chat", size_words(metrics.in_cache * model.kv_token_bytes)))
        rows.append(_row("KV cache, reserved", size_words(model.kv_tokens * model.kv_token_bytes)))
    if model is not None and model.device_bytes:
        rows.append(_row("VRAM", size_words(model.device_bytes)))
    rows.append(_row("this screen", _size(metrics.screen_bytes)))
    workers = sum(each.worker is not None for each in metrics.models)
    if workers:
        rows.append(_row("worker" if workers == 1 else f"{workers} workers", _size(metrics.worker_bytes)))
    return rows


def _context(metrics: Metrics) -> list[Content]:
    last = metrics.last
    if not last.context_size:
        return [Content.styled("nothing is in it yet", "$text-disabled")]
    rows = [
        gauge(last.context_tokens / last.context_size, _COLUMN),
        _row("tokens", f"{last.context_tokens:,}/{last.context_size:,}"),
        _row("prompt, cached", f"{last.cached_tokens:,}/{last.prompt_tokens:,}"),
    ]
    if last.drafted_tokens:
        rows.append(_row("guessed rightly", f"{last.accepted_tokens / last.drafted_tokens:.0%}"))
    return rows


def _size(size: int | None) -> str:
    return size_words(size) if size else _UNKNOWN


def _heading(text: str) -> Content:
    return Content.styled(text, "$text-muted")


def _row(name: str, value: str) -> Content:
    return Content(f"{name}{value:>{max(1, _COLUMN - len(name))}}")


def _shortened(name: str, cells: int) -> str:
    return Content(name).truncate(cells, ellipsis=True).plain


def _number(value: float, unit: str) -> str:
    return f"{value:,.2f} {unit}" if 0 < value < 10 else f"{value:,.0f} {unit}" if value else f"{_UNKNOWN} {unit}"
