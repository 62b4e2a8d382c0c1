"""Writes a reply to stdout as it comes, and what there is to say about it to stderr."""

import json
import sys
from collections.abc import Callable
from typing import Any, TextIO

import msgspec

from mistral_tui.chat.events import ChatEvent, ChatFailed, SavingChanged
from mistral_tui.cli.failures import leave_quietly, say
from mistral_tui.cli.logprobs import as_json, table
from mistral_tui.cli.tools import call_lines, calls_of
from mistral_tui.types.errors import EngineError, MistralTuiError
from mistral_tui.types.events import (
    ContextShifted,
    ContextTrimmed,
    MessageCommitted,
    ReasoningDelta,
    TextDelta,
    TokenScored,
)
from mistral_tui.types.messages import Message, Usage
from mistral_tui.types.requests import Grammar
from mistral_tui.types.text import printable

SCHEMA_VERSION = 1


class Answer:
    """Listens to a chat and prints its reply.

    A terminal gets the text without anything that steers it; a pipe gets it as the model wrote it.

    Args:
        stop: Called when nothing can be written any more.
        streaming: Whether the text is printed as it comes; otherwise only `as_json` shows it.
        grammar: What the reply keeps to. One that is cut off is an error then; JSON is not even printed.
        show_thinking: Whether what the model thinks is written to stderr as it comes.
        out: Where the text goes.
    """

    def __init__(
        self,
        stop: Callable[[], None],
        *,
        streaming: bool = True,
        grammar: Grammar | None = None,
        show_thinking: bool = False,
        out: TextIO | None = None,
    ) -> None:
        self.reply: Message | None = None
        """The complete reply, once there is one."""
        self.error: MistralTuiError | None = None
        """Why there is no reply, or why it ended early."""
        self.unsaved: str | None = None
        """Why the chat is not stored."""
        self.broken: OSError | None = None
        """Why nothing can be written to stdout any more."""
        self._stop = stop
        self._grammar = grammar
        self._json_wanted = grammar is not None and grammar.kind == "json_schema"
        self._streaming = streaming and not self._json_wanted
        self._printing_json = streaming and self._json_wanted
        self._out = out or sys.stdout
        self.steered = self._out.isatty()
        """Whether what is written may steer a terminal; in JSON, too, the controls above U+0080 are escaped then."""
        self.shown = printable if self.steered else str
        """Makes of a text what may be written."""
        self._last = ""
        self._show_thinking = show_thinking
        self._thinking = ""
        """What was last shown of the thoughts."""
        self._scored: list[TokenScored] = []

    def listen(self, event: ChatEvent) -> None:
        """Take one event of the chat."""
        match event:
            case TextDelta(text=text) if self._streaming:
                self._end_thinking()
                self.write(self.shown(text))
            case ReasoningDelta(text=text) if self._show_thinking:
                self._thinking = text
                print(printable(text), end="", file=sys.stderr, flush=True)
            case TokenScored():
                self._scored.append(event)
            case ContextTrimmed(left_out=count):
                say("note", f"the context is full; the oldest {count} messages are left out")
            case ContextShifted(tokens=count):
                say("note", f"the context is full; the oldest {count:,} tokens are given up")
            case MessageCommitted(message=message) if message.role == "assistant":
                self.reply = message
                if self._streaming:
                    self._write_calls(message)
                if message.finish == "failed":
                    self.error = EngineError(message.error or "the reply failed for an unknown reason")
                elif self._cut_off(message):
                    self.error = MistralTuiError(
                        "the reply was cut off before it was complete; allow more with --max-tokens or --n-ctx"
                    )
                elif self._printing_json and message.finish != "cancelled":
                    self.write(self.shown(message.text))
            case ChatFailed(error=error):
                self.error = error
            case SavingChanged(unsaved=reason):
                self.unsaved = reason

    def end(self) -> None:
        """Finish the last line, and say what a reader of the text alone would not know."""
        self._end_thinking()
        if self._last and not self._last.endswith("\n"):
            self.write("\n")
        if self.reply is not None and self.reply.finish == "context":
            say("note", "the context is full; the reply is cut off")
        if self.unsaved is not None:
            say("note", f"this chat is not saved: {self.unsaved}")

    def _write_calls(self, reply: Message) -> None:
        if lines := call_lines(reply, self.steered):
            space = "\n" if self._last and not self._last.endswith("\n") else ""
            self.write(space + lines)

    def _end_thinking(self) -> None:
        if self._thinking:
            print("" if self._thinking.endswith("\n") else "\n", file=sys.stderr, flush=True)
            self._thinking = ""

    def print_json(self, session_id: str | None) -> None:
        """Print the reply and its figures as one JSON object."""
        if self.reply is not None:
            document = {"schema_version": SCHEMA_VERSION, **self.document(), "session_id": session_id}
            self.write(json.dumps(document, ensure_ascii=self.steered, indent=2) + "\n")

    def document(self) -> dict[str, Any]:
        """Return the reply, which is there, and its figures for JSON."""
        assert self.reply is not None
        document = {
            "text": self.reply.text,
            "reasoning": self.reply.reasoning or None,
            "tool_calls": calls_of(self.reply),
            "finish": self.reply.finish,
            "error": self.reply.error,
            "model": self.reply.model,
            "usage": msgspec.to_builtins(self.reply.usage),
        }
        if self._scored:
            document["logprobs"] = as_json(self._scored)
        return document

    def print_logprobs(self) -> None:
        """Print to stderr how likely each token was."""
        if self._scored:
            print(table(self._scored), file=sys.stderr, flush=True)

    def print_statistics(self) -> None:
        """Print the figures to stderr, in the words of mistral.rs."""
        usage = self.reply.usage if self.reply is not None else None
        if usage is not None:
            print(statistics(usage), file=sys.stderr, flush=True)

    def _cut_off(self, reply: Message) -> bool:
        if self._grammar is None or reply.finish == "cancelled":
            return False
        return reply.finish in ("length", "context") or (self._json_wanted and not _is_json(reply.text))

    def write(self, text: str) -> None:
        """Write to stdout at once; when that fails, `broken` says why, and nothing is written any more."""
        if self.broken is not None or not text:
            return
        try:
            self._out.write(text)
            self._out.flush()
            self._last = text
        except OSError as error:  # not raised: nobody who calls a listener could deal with it
            self.broken = error
            leave_quietly(self._out)
            self._stop()


def _is_json(text: str) -> bool:
    """Whether it is: a stop string may have cut it off."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def statistics(usage: Usage) -> str:
    """Return the figures of a reply as lines for people."""
    prompt = f"{usage.prompt_tokens} tokens ({usage.cached_tokens} cached), {usage.prefill_rate:.2f} T/s"
    about = "about " if usage.estimated else ""
    return (
        "Stats:\n"
        f"Time to first token: {usage.time_to_first_token:.2f}s\n"
        f"Prompt: {'unknown' if usage.estimated else prompt}\n"
        f"Decode: {about}{usage.completion_tokens} tokens, {about}{usage.decode_rate:.2f} T/s\n"
        f"Seed: {'unknown' if usage.seed is None else usage.seed}"
    )
