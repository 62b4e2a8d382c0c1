"""Splits a reply, while it is written, into text, reasoning and tool calls."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from mistral_tui.engines.parsing import bare_calls, harmony
from mistral_tui.engines.parsing.call_forms import BARE
from mistral_tui.engines.parsing.call_grammar import AT_MARK, begun_call, required_calls
from mistral_tui.engines.parsing.families import HERMES, CallFamily, call_family_of
from mistral_tui.engines.parsing.lark import Lark
from mistral_tui.engines.parsing.marks import Marks
from mistral_tui.engines.parsing.reader import Begun, Piece, Reader, Wait, reasoning_delta, text_delta
from mistral_tui.engines.parsing.reasoning import Reasoning, reasoning_of
from mistral_tui.types.requests import NamedTool, ToolChoice, ToolSpec


class Notation(NamedTuple):
    """How one model writes reasoning and tool calls."""

    reasoning: Reasoning | None
    calls: CallFamily
    as_told: CallFamily
    """How the model is told to write calls: in its own notation, or as Hermes does if its template knows no tools."""

    @classmethod
    def of(
        cls, template: str, has_token: Callable[[str], bool] = lambda name: False, takes_tools: bool = True
    ) -> "Notation":
        """Return the notation of a model.

        Args:
            template: Its chat template.
            has_token: Whether its vocabulary has a token of this name.
            takes_tools: Whether the template tells the model of tools.
        """
        family = call_family_of(template)
        told = family if takes_tools else HERMES
        return cls(reasoning_of(template, has_token), family if takes_tools else family.or_as(HERMES), told)

    @property
    def is_harmony(self) -> bool:
        """Whether also plain text stands between marks."""
        return self.calls.name == "harmony"

    def marks(self, with_calls: bool) -> tuple[str, ...]:
        """Return all marks: control tokens that are one, or part of one, must reach the splitter as text."""
        if self.is_harmony:
            return harmony.MARKS
        marks: tuple[str, ...] = ()
        if self.reasoning is not None:
            marks += (self.reasoning.opens, self.reasoning.closes, *self.reasoning.silent)
        if with_calls:
            marks += self.calls.marks
        return marks

    def grammar_of_calls(
        self, tools: Sequence[ToolSpec], choice: ToolChoice, control: Callable[[str], int | None]
    ) -> str:
        """Return a grammar, as Lark: of the whole answer if `choice` wants calls, else of a call that has begun.

        Args:
            tools: What can be called, at least one.
            choice: Anything but `none`.
            control: Returns the control token of this name; `None` if the name is no control token.
        """
        lark = Lark(control, self.marks(with_calls=True))
        if choice == "auto":
            return begun_call(lark, self.as_told.written, tools)
        called = [tool for tool in tools if not isinstance(choice, NamedTool) or tool.name == choice.name]
        reasoning = harmony.REASONING if self.is_harmony else self.reasoning and self.reasoning[:2]
        one = isinstance(choice, NamedTool)
        return required_calls(lark, self.as_told.written or BARE, called, reasoning, one)


class ReplySplitter:
    """Takes the text of one reply in pieces of any size, and says what they are.

    However the text is cut, the pieces are the same once adjacent ones of a kind are joined, and their sources joined
    are the text. What begins like a call and is none becomes text. A call that is cut off, or whose arguments are no
    JSON, keeps the arguments as they were written.

    Args:
        notation: How the model writes.
        tools: What it can call; without any, nothing is split but reasoning.
        prompt: The rendered prompt, or its end: the reply may begin within reasoning that was opened there.
        new_id: Makes ids for calls whose notation has none.
        goes_on: What the prompt ends in the middle of, if it holds the beginning of the reply.
    """

    def __init__(
        self,
        notation: Notation,
        tools: Sequence[ToolSpec],
        prompt: str,
        new_id: Callable[[], str] | None = None,
        goes_on: Literal["reasoning", "answer"] | None = None,
    ) -> None:
        self._goes_on = goes_on
        self._reader = Reader(new_id)
        self._tools = tools
        self._reasoning = notation.reasoning
        self._calls = notation.calls
        self._written = notation.as_told.written
        self._silent = (
            *(notation.reasoning.silent if notation.reasoning else ()),
            *(self._calls.silent if tools else ()),
        )
        self._in_fence = False
        opened = notation.reasoning
        self.begins_in_reasoning = opened is not None and (
            goes_on == "reasoning" or (goes_on is None and prompt.rstrip().endswith(opened.opens.rstrip()))
        )
        """Whether the prompt has opened reasoning."""
        if notation.is_harmony:
            self._parser = harmony.reply(self._reader, bool(tools))
        else:
            self._parser = self._reply()

    @property
    def called(self) -> bool:
        """Whether a call was begun."""
        return self._reader.calls > 0

    def feed(self, text: str) -> list[Piece]:
        """Take more of the reply and return what is clear now; the deltas count no tokens."""
        self._reader.feed(text)
        return self._next_pieces()

    def take_begun(self) -> Begun | None:
        """Return what has begun since the last time: a call, or the answer after reasoning that the prompt opened."""
        begun, self._reader.begun = self._reader.begun, None
        return begun

    def flush(self) -> list[Piece]:
        """The reply has ended: return what was held back."""
        self._reader.ended = True
        return self._next_pieces()

    def _next_pieces(self) -> list[Piece]:
        next(self._parser, None)
        pieces, self._reader.pieces = self._reader.pieces, []
        return pieces

    def _reply(self) -> Wait[None]:
        reader = self._reader
        marks = Marks(self._marks())
        if self._reasoning is not None and self.begins_in_reasoning:
            yield from self._reason(self._reasoning)
            self._goes_on = None
            reader.begins()
            yield from self._begin_anew()
        while mark := (yield from reader.seek(marks, text_delta)):
            kept = len(reader.pending)
            if (yield from self._read(mark)):
                yield from self._begin_anew()
            else:
                reader.take_back(kept)

    def _begin_anew(self) -> Wait[None]:
        """Leave out what is pending, the end of a part, and the white space after it."""
        yield from self._reader.skip_space()
        self._reader.drop()
        self._reader.fresh = True

    def _marks(self) -> list[str]:
        marks = [*self._silent]
        if self._reasoning is not None:
            marks.append(self._reasoning.opens)
        if self._tools:
            marks += [*self._calls.opens, bare_calls.FENCE, *bare_calls.BRACKETS]
        return marks

    def _read(self, mark: str) -> Wait[bool]:
        """Read what `mark` opens; returns `False` if it is text."""
        reader = self._reader
        if mark in self._silent:
            return True
        if self._reasoning is not None and mark == self._reasoning.opens:
            if not reader.fresh:
                return False
            yield from self._reason(self._reasoning)
            return True
        if mark in self._calls.opens:
            if self._written is not None and mark == self._written.opens:
                reader.begins(AT_MARK)
            return (yield from self._calls.opens[mark](reader, self._tools))
        if mark == bare_calls.FENCE:
            if not self._in_fence and (yield from bare_calls.fenced(reader, self._tools)):
                return True
            self._in_fence = not self._in_fence
            return False
        begins_line = reader.fresh or "\n" in reader.pending
        return begins_line and not self._in_fence and (yield from bare_calls.bare(reader, mark, self._tools))

    def _reason(self, reasoning: Reasoning) -> Wait[None]:
        reader = self._reader
        if self._goes_on != "reasoning":
            yield from reader.skip_space()
            reader.drop()
        yield from reader.seek(Marks([reasoning.closes]), reasoning_delta)
