"""The text of one reply: from tokens to events, with reasoning, calls and stop strings told apart."""

import msgspec

from mistral_tui.engines.gguf.sampling.guide import WantedGrammar
from mistral_tui.engines.gguf.text.detokenize import TextDecoder
from mistral_tui.engines.gguf.text.open_reply import going_on_in
from mistral_tui.engines.gguf.text.stop_strings import StopStrings
from mistral_tui.engines.gguf.text.vocabulary import Vocabulary
from mistral_tui.engines.parsing.reader import Begun
from mistral_tui.engines.parsing.splitter import Notation, ReplySplitter
from mistral_tui.engines.worker.outbox import Outbox
from mistral_tui.models.chat_template import ChatTemplate
from mistral_tui.types.events import Delta, TextDelta, ToolCallDelta
from mistral_tui.types.requests import GRAMMAR_LIMIT, GenerateRequest, Grammar, ToolSpec


class ReplyNotation:
    """How a loaded model writes reasoning and calls, and which of its control tokens are marks of that."""

    def __init__(self, template: ChatTemplate, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.notation = Notation.of(template.text, vocabulary.has_token, template.takes_tools)
        self._marks = {with_calls: self.notation.marks(with_calls) for with_calls in (False, True)}
        # Looked up here, because grammars are written on other threads.
        self._controls = {mark: vocabulary.control(mark) for mark in self._marks[True]}
        self._kept: dict[tuple[int, bool], bytes] = {}

    def wanted_grammar(self, request: GenerateRequest) -> WantedGrammar | None:
        """Return what the reply to `request` is to keep to; for any thread.

        Raises:
            InvalidRequest: One of the tools must be called, and they are too many for a grammar.
        """
        if request.grammar is not None:
            return WantedGrammar(request.grammar, "answer")
        if not (tools := _callable(request)):
            return None
        lark = self.notation.grammar_of_calls(tools, request.tool_choice, self._controls.get)
        if request.tool_choice == "auto":
            # Calls are parsed without one, too.
            return WantedGrammar(Grammar("lark", lark), "calls") if len(lark) <= GRAMMAR_LIMIT else None
        return WantedGrammar(Grammar("lark", lark), "answer")

    def reply(self, request: GenerateRequest, outbox: Outbox, prompt: str) -> "Reply":
        """Return the reply to `request`, whose rendered prompt is `prompt`."""
        tools = _callable(request)
        splits = bool(tools) or self.notation.reasoning is not None or self.notation.is_harmony
        goes_on = going_on_in(request)
        splitter = ReplySplitter(self.notation, tools, prompt, goes_on=goes_on) if splits else None
        return Reply(self, splitter, tools, request.sampling.stop, outbox)

    def piece(self, token: int, with_calls: bool) -> bytes:
        """Return what `token` adds to a reply; of the control tokens only marks add something."""
        piece = self._vocabulary.piece(token)
        if piece or not self._vocabulary.is_control(token):
            return piece
        kept = self._kept.get((token, with_calls))
        if kept is None:
            name = self._vocabulary.name(token)
            is_mark = bool(name) and any(name in mark for mark in self._marks[with_calls])
            kept = self._kept[token, with_calls] = name.encode() if is_mark else b""
        return kept


class Reply:
    """Takes the tokens of a reply and puts its events.

    Stop strings are looked for in what a reader sees as the answer, not in reasoning and not in calls.
    """

    def __init__(
        self,
        notation: ReplyNotation,
        splitter: ReplySplitter | None,
        tools: tuple[ToolSpec, ...],
        stop: tuple[str, ...],
        outbox: Outbox,
    ) -> None:
        self._notation = notation
        self._splitter = splitter
        self._with_calls = bool(tools)
        self._outbox = outbox
        self._decoder = TextDecoder()
        self._stops = StopStrings(stop)
        self._untold_tokens = 0
        self._last: Delta = TextDelta("", 0)
        self.called = False
        """Whether a call was told of."""

    def piece(self, token: int) -> bytes:
        """Return what `token` stands for in this reply."""
        return self._notation.piece(token, self._with_calls)

    @property
    def begins_in_reasoning(self) -> bool:
        """Whether the prompt has opened reasoning."""
        return self._splitter is not None and self._splitter.begins_in_reasoning

    def take_begun(self) -> Begun | None:
        """Return what has begun with the last token."""
        return None if self._splitter is None else self._splitter.take_begun()

    def take(self, piece: bytes) -> bool:
        """Take the piece of one more token; returns whether a stop string has come: then nothing more is taken."""
        self._untold_tokens += 1
        return self._split(self._decoder.feed(piece))

    def end(self) -> bool:
        """Put what was held back, and return whether a stop string was in it."""
        stopped = self._split(self._decoder.flush(), ended=True) or self._flush_text()
        self.tell_tokens()
        return stopped

    def tell_tokens(self) -> None:
        """Tell of tokens that stand for nothing, such as the mark at the end of a call."""
        if self._untold_tokens:
            last = self._last
            self._tell(
                ToolCallDelta(last.index, tokens=0) if isinstance(last, ToolCallDelta) else type(last)("", tokens=0)
            )

    def _split(self, text: str, ended: bool = False) -> bool:
        if self._splitter is None:
            return self._take_text(text)
        pieces = self._splitter.feed(text)
        if ended:
            pieces += self._splitter.flush()
        for _, delta in pieces:
            if isinstance(delta, TextDelta):
                if self._take_text(delta.text):
                    return True
            elif delta is not None:
                if self._flush_text():
                    return True
                self.called = self.called or isinstance(delta, ToolCallDelta)
                self._tell(delta)
        return False

    def _take_text(self, text: str) -> bool:
        shown, stopped = self._stops.feed(text)
        if shown:
            self._tell(TextDelta(shown, 0))
        return stopped

    def _flush_text(self) -> bool:
        """No text follows directly on what the stop strings hold back."""
        shown, stopped = self._stops.flush()
        if shown:
            self._tell(TextDelta(shown, 0))
        return stopped

    def _tell(self, delta: Delta) -> None:
        self._last = delta
        self._outbox.put(msgspec.structs.replace(delta, tokens=self._untold_tokens))
        self._untold_tokens = 0


def _callable(request: GenerateRequest) -> tuple[ToolSpec, ...]:
    """Return the tools that the reply may call; a reply of a prescribed form calls none."""
    return () if request.tool_choice == "none" or request.grammar is not None else request.tools
