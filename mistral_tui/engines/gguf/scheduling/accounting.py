"""What a reply cost, exactly."""

from time import perf_counter

from mistral_tui.types.messages import Usage


class Account:
    """Counts the tokens of one reply and takes the times."""

    def __init__(self) -> None:
        self.prompt_tokens = 0
        self.cached_tokens = 0
        self.computed_tokens = 0
        """Of the prompt, so far, cached ones left out."""
        self.completion_tokens = 0
        self.encoded_media = 0
        self._guessed = 0
        self._guessed_right = 0
        self._arrived = perf_counter()
        self._began: float | None = None
        self._prefilled: float | None = None
        self._last: float = 0

    def begin(self, prompt_tokens: int, cached_tokens: int) -> None:
        """Computing the prompt begins."""
        self.prompt_tokens = prompt_tokens
        self.cached_tokens = cached_tokens
        self._began = perf_counter()

    def prefilled(self) -> None:
        """The first token is about to be chosen."""
        if self._prefilled is None:
            self._prefilled = perf_counter()
            self.computed_tokens = self.prompt_tokens - self.cached_tokens

    def guessed(self, count: int, right: int) -> None:
        """So many tokens were guessed by a smaller model, and so many of them were right."""
        self._guessed += count
        self._guessed_right += right

    def token(self) -> None:
        """A token of the reply was chosen."""
        self.completion_tokens += 1
        self._last = perf_counter()

    def usage(self, context_tokens: int, context_size: int, seed: int | None) -> Usage:
        """Return the account as it stands now."""
        now = perf_counter()
        prefill = (self._prefilled or now) - self._began if self._began is not None else 0.0
        decode = self._last - self._prefilled if self._prefilled is not None else 0.0
        return Usage(
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            completion_tokens=self.completion_tokens,
            time_to_first_token=(self._prefilled - self._arrived) if self._prefilled is not None else 0.0,
            prefill_rate=self.computed_tokens / prefill if prefill > 0 else 0.0,
            decode_rate=(self.completion_tokens - 1) / decode if self.completion_tokens > 1 and decode > 0 else 0.0,
            context_tokens=context_tokens,
            context_size=context_size,
            drafted_tokens=self._guessed,
            accepted_tokens=self._guessed_right,
            seed=seed,
            encoded_media=self.encoded_media,
        )
