"""How the next token is chosen: llama.cpp's native chain."""

import secrets
from typing import Any, Final

from mistral_tui.engines.gguf.library import llama
from mistral_tui.types.requests import SamplingParams

_LARGEST_SEED: Final = 2**32 - 2
"""2**32 - 1 means "random" to llama.cpp."""
_GREEDY_BELOW: Final = 1e-4
"""Below this temperature the most likely token is certain, and dividing by it would overflow."""


class Sampler:
    """The chain of one reply. It remembers the reply's tokens for the penalties; those of the prompt don't count.

    The order is llama.cpp's own: penalties, top-k, top-p, min-p, temperature, choice.
    """

    def __init__(self, params: SamplingParams, vocabulary_size: int) -> None:
        self.seed: int = secrets.randbelow(_LARGEST_SEED + 1) if params.seed is None else params.seed
        """The seed that is used, also when it was drawn at random."""
        chain_params = llama.llama_sampler_chain_default_params()
        chain_params.no_perf = True
        self._chain = llama.llama_sampler_chain_init(chain_params)
        for link in _links(params, vocabulary_size, self.seed):
            llama.llama_sampler_chain_add(self._chain, link)
        self._sample = llama.llama_sampler_sample

    def sample(self, context: Any, row: int) -> int:
        """Return the next token and remember it.

        Args:
            context: `llama_context *` that has just decoded.
            row: Place in the batch of the token that was decoded with logits. They must hold no NaN.
        """
        token: int = self._sample(self._chain, context, row)
        return token

    def close(self) -> None:
        """Free the native chain; nothing may be sampled afterwards."""
        if self._chain is not None:
            llama.llama_sampler_free(self._chain)
            self._chain = None


def _links(params: SamplingParams, vocabulary_size: int, seed: int) -> list[Any]:
    links = []
    penalties = (params.repetition_penalty, params.frequency_penalty, params.presence_penalty)
    if params.penalty_window and penalties != (1, 0, 0):
        links.append(llama.llama_sampler_init_penalties(vocabulary_size, params.penalty_window, *penalties))
    if params.temperature < _GREEDY_BELOW:
        links.append(llama.llama_sampler_init_greedy())
        return links
    if params.top_k > 0:
        links.append(llama.llama_sampler_init_top_k(params.top_k))
    if params.top_p < 1:
        links.append(llama.llama_sampler_init_top_p(params.top_p, 1))
    if params.min_p > 0:
        links.append(llama.llama_sampler_init_min_p(params.min_p, 1))
    links.append(llama.llama_sampler_init_temp(params.temperature))
    links.append(llama.llama_sampler_init_dist(seed))
    return links
