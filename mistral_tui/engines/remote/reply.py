"""One reply as it streams in: the server's chunks become events, and its figures are kept."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from mistral_tui.engines.parsing.families import HERMES
from mistral_tui.engines.parsing.reasoning import reasoning_of
from mistral_tui.engines.parsing.splitter import Notation, ReplySplitter
from mistral_tui.engines.remote.calls import Calls
from mistral_tui.engines.remote.chunk_text import ChunkText
from mistral_tui.types.events import Delta, EngineEvent, ReasoningDelta, TextDelta, TokenChance, TokenScored
from mistral_tui.types.messages import FinishReason, Json, Usage
from mistral_tui.types.requests import GenerateRequest

DONE: Final = "[DONE]"
_NOTATION: Final = Notation(reasoning_of("</think>", lambda name: False), HERMES, HERMES)
"""What a server that does not read its models' replies leaves in their text."""
_REASONS: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}


class BadReply(Exception):
    """What came is no reply, or says that it failed.

    Args:
        what: What the server did, in our words.
        said: What it said, as it is.
    """

    def __init__(self, what: str, said: str = "") -> None:
        super().__init__(what)
        self.said = said


class ReplyReader:
    """Takes the chunks of one reply.

    Args:
        request: What was asked for.
        started: When, on `time.perf_counter`.
    """

    def __init__(self, request: GenerateRequest, started: float) -> None:
        self._sampling = request.sampling
        self._splitter = ReplySplitter(_NOTATION, request.tools if request.tool_choice != "none" else (), "")
        self._text = ChunkText()
        self._reasoning = ChunkText()
        self._calls = Calls()
        self._started = started
        self._first = self._last = started
        self._pieces = 0
        self._uncounted = 0
        """Pieces that have come and are part of no delta yet."""
        self._usage: Json = {}
        self._timings: Json = {}
        self.done = False
        """Whether the server said that this is all."""
        self.finish: FinishReason | None = None
        """Why the reply ended, as the server said."""
        self.chunks = 0
        """How many chunks have come."""

    @property
    def said_something(self) -> bool:
        """Whether any of the reply has come."""
        return self._pieces > 0

    def feed(self, data: str) -> list[EngineEvent]:
        """Take the data of one event.

        Raises:
            BadReply: It is no chunk, or says that the reply failed.
        """
        if data.strip() == DONE:
            self.done = True
            return []
        if not data.strip():
            return []
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            raise BadReply("sent something that is no JSON", data) from None
        return self.take(chunk)

    def take(self, chunk: Any) -> list[EngineEvent]:
        """Take one chunk, or a whole reply.

        Raises:
            BadReply: It is none, or says that the reply failed.
        """
        if not isinstance(chunk, dict):
            raise BadReply("sent something that is no chunk of a reply", repr(chunk))
        if (error := chunk.get("error")) or chunk.get("object") == "error":
            raise BadReply("failed", json.dumps({"error": error or chunk}))
        self.chunks += 1
        for name, figures in (("usage", self._usage), ("timings", self._timings)):
            if isinstance(told := chunk.get(name), dict):
                figures.update(told)
        choices = chunk.get("choices")
        choice = (
            next((each for each in choices or () if isinstance(each, dict)), {}) if isinstance(choices, list) else {}
        )
        said = choice.get("delta") or choice.get("message") or {}
        events = list(self._said(said, choice.get("logprobs"))) if isinstance(said, dict) else []
        self._note_finish(choice.get("finish_reason"))
        return events

    def end(self) -> list[EngineEvent]:
        """The stream has ended: return what was held back."""
        events = self._deltas([ReasoningDelta(text, 0)] if (text := self._reasoning.flush()) else [])
        pieces = [*self._splitter.feed(self._text.flush()), *self._splitter.flush()]
        return events + self._deltas([*self._split(pieces), *self._calls.nameless()])

    def reason(self, context_size: int) -> FinishReason:
        """Return why a reply that has come to its end did, in a context of so many tokens; 0: unknown."""
        found = self.finish or "stop"
        if found == "length" and 0 < context_size <= self.usage(context_size).context_tokens + 1:
            return "context"
        return "tool_calls" if found == "stop" and self._calls.begun else found

    def usage(self, context_size: int) -> Usage:
        """Return the figures so far; what the server has not told is counted, or 0."""
        prompt, completion = _count(self._usage, "prompt_tokens"), _count(self._usage, "completion_tokens")
        told = prompt > 0
        completion = (completion if told else 0) or self._pieces
        details = self._usage.get("prompt_tokens_details")
        cached = _count(details if isinstance(details, dict) else {}, "cached_tokens") or _count(
            self._timings, "cache_n"
        )
        cached = min(cached, prompt)
        first = self._first - self._started if self._pieces else 0.0
        lasted = self._last - self._first
        measured = (completion - 1) / lasted if lasted > 0 and completion > 1 else 0.0
        return Usage(
            prompt_tokens=prompt,
            cached_tokens=cached,
            completion_tokens=completion,
            time_to_first_token=first,
            prefill_rate=_rate(self._timings, "prompt_per_second") or ((prompt - cached) / first if first else 0.0),
            decode_rate=_rate(self._timings, "predicted_per_second") or measured,
            context_tokens=prompt + completion if told else 0,
            context_size=context_size,
            seed=self._sampling.seed,
            estimated=not told,
        )

    def _said(self, said: Json, logprobs: Any) -> Iterator[EngineEvent]:
        scored = _scored(logprobs)
        content = said.get("content")
        texts: list[tuple[bool, str]] = [(True, _text(said.get("reasoning_content")) or _text(said.get("reasoning")))]
        if isinstance(content, list):  # Mistral's own servers
            texts += [_part(part) for part in content if isinstance(part, dict)]
        else:
            texts.append((False, _text(content) or _text(said.get("refusal"))))
        calls = said.get("tool_calls")
        self._note_piece(any(text for _, text in texts) or bool(calls), len(scored))
        if self._sampling.logprobs:
            yield from scored
        for thought, text in texts:
            if text and thought:
                whole = self._reasoning.feed(text)
                yield from self._deltas([ReasoningDelta(whole, 0)] if whole else [])
            elif text:
                yield from self._deltas(self._split(self._splitter.feed(self._text.feed(text))))
        if isinstance(calls, list):
            yield from self._deltas(self._calls.take(calls))

    def _split(self, pieces: Sequence[Any]) -> list[Delta]:
        return [self._calls.renumbered(piece.delta) for piece in pieces if piece.delta is not None]

    def _deltas(self, deltas: Sequence[Delta]) -> list[EngineEvent]:
        """Let the first delta count for the pieces that have come."""
        events: list[EngineEvent] = []
        for delta in deltas:
            tokens, self._uncounted = self._uncounted, 0
            match delta:
                case TextDelta(text=text):
                    events.append(TextDelta(text, tokens))
                case ReasoningDelta(text=text):
                    events.append(ReasoningDelta(text, tokens))
                case _:
                    events.append(self._calls.counted(delta, tokens))
        return events

    def _note_piece(self, there: bool, tokens: int) -> None:
        if not there:
            return
        self._last = time.perf_counter()
        if not self._pieces:
            self._first = self._last
        self._pieces += tokens or 1
        self._uncounted += tokens or 1

    def _note_finish(self, reason: Any) -> None:
        if not isinstance(reason, str) or not reason:
            return
        if reason in ("content_filter", "error", "abort"):
            raise BadReply(f"ended the reply ({reason})")
        self.finish = _REASONS.get(reason, "stop")


def _part(part: Json) -> tuple[bool, str]:
    """Return whether a part of a content is thought, and its text."""
    if part.get("type") != "thinking":
        return False, _text(part.get("text"))
    thinking = part.get("thinking")
    if isinstance(thinking, list):
        return True, "".join(_text(each.get("text")) for each in thinking if isinstance(each, dict))
    return True, _text(thinking)


def _scored(logprobs: Any) -> list[TokenScored]:
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(tokens, list):
        return []
    return [
        TokenScored(_chance(each), tuple(_chance(other) for other in _dicts(each.get("top_logprobs"))))
        for each in _dicts(tokens)
    ]


def _chance(told: Json) -> TokenChance:
    text = _text(told.get("token"))
    text = ChunkText().feed(text) or text.encode("utf-8", "replace").decode()
    numbers = told.get("bytes")
    plain = isinstance(numbers, list) and all(isinstance(each, int) and 0 <= each < 256 for each in numbers)
    logprob = told.get("logprob")
    return TokenChance(
        text,
        bytes(numbers) if plain and numbers else text.encode(),
        token=-1,
        logprob=float(logprob) if isinstance(logprob, int | float) else 0.0,
    )


def _dicts(value: Any) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(figures: Json, name: str) -> int:
    value = figures.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


def _rate(figures: Json, name: str) -> float:
    value = figures.get(name)
    return float(value) if isinstance(value, int | float) and 0 < value < 1e9 else 0.0
