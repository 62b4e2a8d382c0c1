"""Text to tokens and back."""

import ctypes
from typing import Any, Final

from mistral_tui.engines.gguf.library import llama

_CONTROL: Final = 1 << 3
"""`LLAMA_TOKEN_ATTR_CONTROL`"""
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
        count = ctypes.c_int32()
        suppressed = llama.llama_vocab_get_suppress_tokens(handle, ctypes.byref(count))
        self.suppressed: tuple[int, ...] = tuple(suppressed[: count.value]) if suppressed else ()
        """Tokens that the model's file bans from replies."""
        self.bos_text = self.name(bos)
        self.eos_text = self.name(eos)

    def tokenize(self, text: str, beginning: bool, special: bool = True) -> list[int]:
        """Return the tokens of `text`.

        Args:
            text: What a chat template wrote, or the rest of it from the end of a token on.
            beginning: Whether the text begins a prompt, so that it gets the token for the beginning if the model
                wants one and the template did not write it.
            special: Whether the names of control tokens stand for these; otherwise they are text like any other.
        """
        first = [self._bos] if beginning and self._adds_bos and not self._begins_with_bos(text) else []
        return first + self._tokenize(text, whole=False, special=special)

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
