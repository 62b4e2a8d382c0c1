"""Text to tokens and back."""

import ctypes
import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final

from mistral_tui.engines.gguf.library import llama

_CONTROL: Final = 1 << 3
"""`LLAMA_TOKEN_ATTR_CONTROL`"""
_UNKNOWN: Final = 1 << 0
"""`LLAMA_TOKEN_ATTR_UNKNOWN`"""
_BREAK: Final = "\ufdd2"
"""A noncharacter, which no text is meant to contain: it breaks names of control tokens that are mere text."""
_MOST_KNOWN: Final = 10_000
_PIECE_BYTES: Final = 64


class Vocabulary:
    """The tokens of one model.

    Args:
        handle: `const llama_vocab *` of a model that outlives this object.
    """

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self.size: int = llama.llama_vocab_n_tokens(handle)
        bos, eos = llama.llama_vocab_bos(handle), llama.llama_vocab_eos(handle)
        self._adds_bos = bos >= 0 and bool(llama.llama_vocab_get_add_bos(handle))
        self._bos = bos
        self._buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        self._pieces: dict[int, bytes] = {}
        self._control: dict[int, bool] = {}
        self._ends: dict[int, bool] = {}
        self._found: dict[bytes, tuple[str, ...]] = {}
        """Names of control tokens in texts, by the texts' digests: a chat's history is asked for at every turn."""
        count = ctypes.c_int32()
        suppressed = llama.llama_vocab_get_suppress_tokens(handle, ctypes.byref(count))
        self.suppressed: tuple[int, ...] = tuple(suppressed[: count.value]) if suppressed else ()
        """Tokens that the model's file bans from replies."""
        self.bos_text = self.name(bos)
        self.eos_text = self.name(eos)

    def literal(self, text: str) -> str:
        """Return `text`, which is not the chat template's, marked so that nothing in it becomes a control token.

        The marks last until `tokenize`, also through a template; text without names of control tokens has none.
        """
        text = text.replace(_BREAK, "")
        digest = blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
        known = self._found.get(digest)
        if known is not None:
            return _broken(text, known)
        found: list[str] = []
        # Breaking one name may bring out another that overlapped with it.
        while names := [name for name in self._names_in(text) if name in text]:
            text = _broken(text, names)
            found += names
        if len(self._found) >= _MOST_KNOWN:
            self._found.clear()
        self._found[digest] = tuple(found)
        return text

    def _names_in(self, text: str) -> list[str]:
        """Return the names of the control tokens that `text` would be tokenized to, longest first."""
        found = set(self._tokenize(text, whole=False, special=True))
        special = _CONTROL | _UNKNOWN
        names = {self.name(token) for token in found if llama.llama_vocab_get_attr(self.handle, token) & special}
        return sorted((name for name in names if len(name) > 1), key=len, reverse=True)

    def tokenize(self, text: str, beginning: bool, special: bool = True) -> list[int]:
        """Return the tokens of `text`.

        Args:
            text: What a chat template wrote, or the rest of it from the end of a token on; may hold what `literal`
                returned.
            beginning: Whether the text begins a prompt, so that it gets the token for the beginning if the model
                wants one and the template did not write it.
            special: Whether the names of control tokens stand for these; otherwise they are text like any other.
        """
        first = [self._bos] if beginning and self._adds_bos and not self._begins_with_bos(text) else []
        if special and _BREAK in text:
            return first + self._tokenize_marked(text)
        return first + self._tokenize(text, whole=False, special=special)

    def _tokenize_marked(self, text: str) -> list[int]:
        """Tokenize text in which some names of control tokens are broken.

        llama.cpp takes all names in a text for control tokens or none. So the control tokens are found first, and what
        stands between two of them and has broken names in it is tokenized apart; the model knows no difference.
        """
        names = "|".join(map(re.escape, self._names_in(text)))
        tokens: list[int] = []
        unbroken = ""
        for piece in re.split(f"({names})", text) if names else [text]:
            if _BREAK not in piece:
                unbroken += piece
                continue
            tokens += self._tokenize(unbroken, whole=False, special=True) if unbroken else []
            tokens += self._tokenize(piece.replace(_BREAK, ""), whole=False, special=False)
            unbroken = ""
        return tokens + (self._tokenize(unbroken, whole=False, special=True) if unbroken else [])

    def tokenize_whole(self, text: str) -> list[int]:
        """Return the tokens of a text that stands alone, with those that the model wants before and after it."""
        return self._tokenize(text, whole=True, special=False)

    def tokenize_pair(self, one: str, other: str) -> list[int]:
        """Return the tokens of two texts, with those that the model wants before, between and after them."""
        handle = self.handle
        begin = [self._bos] if self._adds_bos else []
        separator = llama.llama_vocab_sep(handle)
        end = llama.llama_vocab_eos(handle)
        ends = [end if end >= 0 else separator] if llama.llama_vocab_get_add_eos(handle) else []
        between = [separator] if llama.llama_vocab_get_add_sep(handle) else []
        first, second = (self._tokenize(text, whole=False, special=False) for text in (one, other))
        return [*begin, *first, *ends, *between, *second, *ends]

    def _tokenize(self, text: str, *, whole: bool, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) // 2 + 16
        while True:
            tokens = (llama.llama_token * room)()
            count = llama.llama_tokenize(self.handle, data, len(data), tokens, room, whole, special)
            if count >= 0:
                return tokens[:count]
            room = -count

    def _begins_with_bos(self, text: str) -> bool:
        return bool(self.bos_text) and text.startswith(self.bos_text)

    def piece(self, token: int) -> bytes:
        """Return what `token` adds to a reply: bytes that may end within a character; nothing for control tokens."""
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._render(token, special=False)
        return piece

    def spelling(self, token: int) -> bytes:
        """Return what `token` stands for in a prompt, also for control tokens."""
        return self._render(token, special=True)

    def name(self, token: int) -> str:
        """Return the text that stands for `token` in a prompt, also for control tokens."""
        return self._render(token, special=True).decode("utf-8", "replace") if token >= 0 else ""

    def has_token(self, name: str) -> bool:
        """Return whether a token of its own stands for `name` in a prompt."""
        return any(self.name(token) == name for token in self.tokenize(name, beginning=False))

    def control(self, name: str) -> int | None:
        """Return the control token of this name, if there is one."""
        tokens = self.tokenize(name, beginning=False)
        return next((token for token in tokens if self.is_control(token) and self.name(token) == name), None)

    def is_control(self, token: int) -> bool:
        """Return whether `token` cuts the text, so that what is before and after it is tokenized apart."""
        control = self._control.get(token)
        if control is None:
            control = self._control[token] = bool(llama.llama_vocab_get_attr(self.handle, token) & _CONTROL)
        return control

    def ends_reply(self, token: int) -> bool:
        """Return whether the model is done when it chooses `token`."""
        ends = self._ends.get(token)
        if ends is None:
            ends = self._ends[token] = bool(llama.llama_vocab_is_eog(self.handle, token))
        return ends

    def _render(self, token: int, special: bool) -> bytes:
        count = llama.llama_token_to_piece(self.handle, token, self._buffer, len(self._buffer), 0, special)
        if count < 0:
            self._buffer = ctypes.create_string_buffer(-count)
            count = llama.llama_token_to_piece(self.handle, token, self._buffer, len(self._buffer), 0, special)
        return self._buffer.raw[:count]


def _broken(text: str, names: Iterable[str]) -> str:
    for name in names:
        text = text.replace(name, f"{name[:1]}{_BREAK}{name[1:]}")
    return text
