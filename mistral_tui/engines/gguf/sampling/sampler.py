"""How the next token is chosen: llama.cpp's native chain."""

import ctypes
import math
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

from mistral_tui.engines.gguf.library import llama
from mistral_tui.engines.gguf.sampling.constraint import ConstrainedChoice
from mistral_tui.engines.gguf.text.vocabulary import Vocabulary
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.models import SamplingDefaults
from mistral_tui.types.requests import SamplingParams

_LARGEST_SEED: Final = 2**32 - 2
"""2**32 - 1 means "random" to llama.cpp."""
_GREEDY_BELOW: Final = 1e-4
"""Below this temperature the most likely token is certain, and dividing by it would overflow."""
_NEVER: Final = -100
"""A bias that bans a token, as in OpenAI's API."""
_MIROSTAT_CANDIDATES: Final = 100
"""How many of them version 1 estimates with: the paper's and llama.cpp's number."""
_HARDLY_POSSIBLE: Final = 1e-30
"""A share of the best candidate's probability that a single-precision number can still hold."""
_DRY_KEPT: Final = 4


class Sampler:
    """The chain of one reply. It remembers the tokens that it has chosen, for the penalties and DRY."""

    def __init__(self, links: Sequence[Any], seed: int) -> None:
        """Make a chain.

        Args:
            links: Native samplers; they belong to the chain from now on.
            seed: What they were made with.
        """
        self.seed = seed
        """The seed that is used, also when it was drawn at random."""
        chain_params = llama.llama_sampler_chain_default_params()
        chain_params.no_perf = True
        self._chain = llama.llama_sampler_chain_init(chain_params)
        for link in links:
            llama.llama_sampler_chain_add(self._chain, link)
        self._sample = llama.llama_sampler_sample
        self._constrained: ConstrainedChoice | None = None

    def constrain(self, choice: ConstrainedChoice | None) -> None:
        """Choose under a constraint from now on; `None`: freely again."""
        self._constrained = choice

    def sample(self, context: Any, row: int) -> int:
        """Return the next token and remember it.

        Args:
            context: `llama_context *` that has just decoded.
            row: Place in the batch of the token that was decoded with logits. They must hold no NaN.
        """
        if self._constrained is not None:
            return self._constrained.choose(self._chain, context, row)
        token: int = self._sample(self._chain, context, row)
        return token

    def close(self) -> None:
        """Free the native chain; nothing may be sampled afterwards."""
        if self._chain is not None:
            llama.llama_sampler_free(self._chain)
            self._chain = None


class Samplers:
    """Makes the samplers for the replies of one model.

    Args:
        vocabulary: The model's.
        defaults: What counts where a request leaves it open.
    """

    def __init__(self, vocabulary: Vocabulary, defaults: SamplingDefaults) -> None:
        self._vocabulary = vocabulary
        self._defaults = defaults
        # Making a DRY sampler means looking for its breakers in the whole vocabulary, 10 to 50 ms; copying it is free.
        self._dry: OrderedDict[tuple[Any, ...], Any] = OrderedDict()

    def sampler(self, params: SamplingParams, prompt: Sequence[int]) -> Sampler:
        """Return the sampler of one reply.

        The penalties and DRY look at the prompt, too, as in llama.cpp and mistral.rs, but not at its control tokens:
        a penalty on the end of a message would keep the reply from ending.

        Args:
            params: What the request asks for.
            prompt: Its tokens. Only as many of the last as the penalties and DRY look at are read.

        Raises:
            InvalidRequest: `logit_bias` names a token that the model does not have.
        """
        chosen = params.over(self._defaults)
        seed = secrets.randbelow(_LARGEST_SEED + 1) if params.seed is None else params.seed
        links = []
        if biases := self._biases(params):
            native = (llama.llama_logit_bias * len(biases))(*(llama.llama_logit_bias(*bias) for bias in biases))
            links.append(llama.llama_sampler_init_logit_bias(self._vocabulary.size, len(biases), native))
        links += self._repetition(params, chosen, prompt)
        if chosen.temperature < _GREEDY_BELOW:
            links.append(llama.llama_sampler_init_greedy())
        elif chosen.mirostat:
            links += self._mirostat(chosen, seed)
        else:
            links += _truncation(params, chosen, seed)
            links.append(
                llama.llama_sampler_init_temp_ext(chosen.temperature, params.dynatemp_range, params.dynatemp_exponent)
            )
            links.append(llama.llama_sampler_init_dist(seed))
        return Sampler(links, seed)

    def close(self) -> None:
        """Free what is kept for the next samplers."""
        for kept in self._dry.values():
            llama.llama_sampler_free(kept)
        self._dry.clear()

    def _biases(self, params: SamplingParams) -> list[tuple[int, float]]:
        """Return what is added to the logits of tokens; those that the model's file bans are among them."""
        biases = [(token, -math.inf) for token in self._vocabulary.suppressed]
        for wanted, bias in params.logit_bias.items():
            if isinstance(wanted, str):
                tokens = self._vocabulary.tokenize(wanted, beginning=False)
            elif wanted < self._vocabulary.size:
                tokens = [wanted]
            else:
                raise InvalidRequest(
                    f"logit_bias names the token {wanted}; this model has those from 0 to {self._vocabulary.size - 1}"
                )
            biases += [(token, -math.inf if bias <= _NEVER else bias) for token in tokens]
        return biases

    def _repetition(self, params: SamplingParams, chosen: SamplingDefaults, prompt: Sequence[int]) -> list[Any]:
        """Return penalties and DRY, which have seen the prompt."""
        links = []
        penalties = (chosen.repetition_penalty, params.frequency_penalty, params.presence_penalty)
        if chosen.penalty_window and penalties != (1, 0, 0):
            link = llama.llama_sampler_init_penalties(self._vocabulary.size, chosen.penalty_window, *penalties)
            self._show(link, prompt, chosen.penalty_window)
            links.append(link)
        if params.dry_multiplier and params.dry_penalty_window:
            link = self._dry_sampler(params)
            self._show(link, prompt, params.dry_penalty_window)
            links.append(link)
        return links

    def _show(self, link: Any, prompt: Sequence[int], window: int) -> None:
        """Let a native sampler see the last `window` tokens of the prompt's text."""
        for token in reversed(list(islice(self._text_tokens(reversed(prompt)), window))):
            llama.llama_sampler_accept(link, token)

    def _text_tokens(self, tokens: Iterable[int]) -> Iterable[int]:
        size, is_control = self._vocabulary.size, self._vocabulary.is_control
        return (token for token in tokens if 0 <= token < size and not is_control(token))

    def _dry_sampler(self, params: SamplingParams) -> Any:
        breakers = params.dry_sequence_breakers
        numbers = (params.dry_multiplier, params.dry_base, params.dry_allowed_length, params.dry_penalty_window)
        key = (breakers, numbers)
        kept = self._dry.get(key)
        if kept is None:
            texts = [text.encode("utf-8", "replace") for text in breakers]
            native = (ctypes.c_char_p * len(texts))(*texts)
            kept = llama.llama_sampler_init_dry(self._vocabulary.handle, *numbers, native, len(texts))
            self._dry[key] = kept
            if len(self._dry) > _DRY_KEPT:
                llama.llama_sampler_free(self._dry.popitem(last=False)[1])
        self._dry.move_to_end(key)
        return llama.llama_sampler_clone(kept)

    def _mirostat(self, chosen: SamplingDefaults, seed: int) -> list[Any]:
        temperature = llama.llama_sampler_init_temp(chosen.temperature)
        tau, eta = chosen.mirostat_tau, chosen.mirostat_eta
        if chosen.mirostat == 1:
            size = self._vocabulary.size
            return [temperature, llama.llama_sampler_init_mirostat(size, seed, tau, eta, _MIROSTAT_CANDIDATES)]
        return [temperature, llama.llama_sampler_init_mirostat_v2(seed, tau, eta)]


def _truncation(params: SamplingParams, chosen: SamplingDefaults, seed: int) -> list[Any]:
    """Return the steps that leave fewer candidates, in the order of llama.cpp's own programs."""
    links = []
    if params.top_n_sigma > 0:
        links.append(llama.llama_sampler_init_top_n_sigma(params.top_n_sigma))
    if chosen.top_k > 0:
        links.append(llama.llama_sampler_init_top_k(chosen.top_k))
    if params.typical_p < 1:
        # A candidate of probability 0 makes the entropy NaN, and what is left would have nothing to do with it.
        links.append(llama.llama_sampler_init_min_p(_HARDLY_POSSIBLE, 1))
        links.append(llama.llama_sampler_init_typical(params.typical_p, 1))
    if chosen.top_p < 1:
        links.append(llama.llama_sampler_init_top_p(chosen.top_p, 1))
    if chosen.min_p > 0:
        links.append(llama.llama_sampler_init_min_p(chosen.min_p, 1))
    if chosen.xtc_probability > 0:
        # With the seed of the choice, both would draw the same numbers.
        other = (seed + 1) % (_LARGEST_SEED + 1)
        links.append(llama.llama_sampler_init_xtc(chosen.xtc_probability, chosen.xtc_threshold, 1, other))
    return links
