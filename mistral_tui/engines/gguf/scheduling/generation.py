"""One request on its way from a prompt to the last word of its reply."""

import traceback
from typing import TYPE_CHECKING, NamedTuple

from mistral_tui.engines.gguf.context import Context
from mistral_tui.engines.gguf.kv.cache import Sequence
from mistral_tui.engines.gguf.media.places import MediaOfRequest
from mistral_tui.engines.gguf.sampling.guide import Guide
from mistral_tui.engines.gguf.sampling.sampler import Sampler, Samplers
from mistral_tui.engines.gguf.scheduling.accounting import Account
from mistral_tui.engines.gguf.scheduling.reply import Reply, ReplyNotation
from mistral_tui.engines.gguf.text.prompt import Prompt
from mistral_tui.engines.gguf.text.transcript import Transcript
from mistral_tui.engines.gguf.text.vocabulary import Vocabulary
from mistral_tui.engines.grammar.constraint import Constraint
from mistral_tui.engines.worker.outbox import Outbox
from mistral_tui.types.events import ContextShifted, Finished, PromptProgress
from mistral_tui.types.messages import FinishReason
from mistral_tui.types.models import Adapter
from mistral_tui.types.requests import GenerateRequest

if TYPE_CHECKING:
    from mistral_tui.engines.gguf.sampling.scores import Scorer


class Following(NamedTuple):
    """A request that computes what others begin with, too."""

    leader: "Generation"
    tokens: int
    """So many first tokens are the same."""


class Generation:
    """The state of one request. It has a sequence while it is active, and none while it waits for one.

    What is to be computed is always the same: the tokens of the transcript that are not in the KV cache yet. That
    is the prompt at first, then one token at a time, and everything again after the sequence was taken away.
    """

    def __init__(
        self,
        request: GenerateRequest,
        outbox: Outbox,
        vocabulary: Vocabulary,
        n_ctx: int,
        samplers: Samplers,
        notation: ReplyNotation,
    ) -> None:
        self.request = request
        self.outbox = outbox
        self.account = Account()
        self.cancelled = False
        self.sequence: Sequence | None = None
        self.adapters: tuple[Adapter, ...] = ()
        """Its LoRAs, as `Adapters.ready` returned them."""
        self.following: Following | None = None
        """Set while another request computes what this one begins with, too."""
        self.transcript = Transcript()
        self.left_out = 0
        self.first_kept: str | None = None
        self.system_tokens = 0
        self.media = MediaOfRequest()
        self.finished = False
        self.wanted = notation.wanted_grammar(request)
        """What the reply, or a part of it, is to keep to."""
        self.constraint: Constraint | None = None
        """The same, compiled."""
        self._vocabulary = vocabulary
        self._n_ctx = n_ctx
        self._samplers = samplers
        self._sampler: Sampler | None = None
        self._notation = notation
        self._reply: Reply | None = None
        self._guide: Guide | None = None
        self._scorer: Scorer | None = None
        # With `shift` a context is never full.
        self._most_tokens = request.sampling.max_tokens or (n_ctx if request.context_policy != "shift" else 2**31)

    @property
    def started(self) -> bool:
        """Whether its prompt was begun; a request that lost its sequence is still started."""
        return self._sampler is not None

    def prepare(self, prompt: Prompt) -> None:
        """Take the prompt."""
        self.transcript = prompt.transcript
        self.left_out = prompt.left_out
        self.first_kept = prompt.first_kept
        self.system_tokens = prompt.system

    def start(self, shared: int) -> None:
        """Begin: `shared` tokens of the prompt are in the KV cache."""
        self._sampler = self._samplers.sampler(self.request.sampling, self.transcript.tokens)
        self._reply = self._notation.reply(self.request, self.outbox, self.transcript.text)
        if self.constraint is not None and self.wanted is not None:
            self._guide = Guide(self.constraint, self.wanted.scope, self._sampler, self._vocabulary.size)
            self._guide.start(self._reply.begins_in_reasoning)
        if self.request.sampling.logprobs:
            from mistral_tui.engines.gguf.sampling.scores import Scorer  # loads numpy

            self._scorer = Scorer(self._vocabulary, self.request.sampling.top_logprobs)
        self.account.begin(len(self.transcript.tokens), shared)
        self.outbox.put(PromptProgress(shared, len(self.transcript.tokens)))

    @property
    def tokens_left(self) -> int:
        """How many more tokens the reply may have."""
        more = self._most_tokens - self.account.completion_tokens
        return min(more, self._n_ctx - len(self.transcript.tokens))

    @property
    def missing(self) -> int:
        """How many tokens are to be computed before the next one can be chosen."""
        assert self.sequence is not None
        return len(self.transcript.tokens) - self.sequence.computed

    @property
    def sampler(self) -> Sampler:
        """What chooses the tokens of a started request."""
        assert self._sampler is not None
        return self._sampler

    def computed(self, count: int) -> None:
        """`count` more tokens of the transcript are in the KV cache."""
        assert self.sequence is not None
        self.sequence.computed += count
        prompt = self.account.prompt_tokens
        if self.account.completion_tokens == 0:
            done = min(self.sequence.computed, prompt)
            self.account.computed_tokens = max(0, done - self.account.cached_tokens)
            self.outbox.put(PromptProgress(done, prompt))

    def took_over(self, count: int) -> None:
        """`count` more tokens of the prompt are in the KV cache, because another request has computed them."""
        assert self.sequence is not None
        account = self.account
        if count and account.completion_tokens == 0:
            account.cached_tokens += count
            self.outbox.put(PromptProgress(min(self.sequence.computed, account.prompt_tokens), account.prompt_tokens))

    def score(self, context: Context, row: int, token: int) -> None:
        """Tell how likely the next token was, if the request asks for it; what ends the reply is no part of it."""
        if self._scorer is not None and not self._ends(token):
            self.outbox.put(self._scorer.score(context.logits(row), token))

    def take(self, token: int) -> None:
        """Take the next token of the reply."""
        account = self.account
        if account.completion_tokens == 0:
            account.prefilled()
        if self._ends(token):
            self.finish("stop")
            return
        account.token()
        assert self._reply is not None
        piece = self._reply.piece(token)
        self.transcript.append(token, piece)
        if self._reply.take(piece):
            self._reply.tell_tokens()
            self._end("stop", None)
            return
        if self._guide is not None:
            self._guide.follow(self._reply.take_begun())
        if self._guide is not None and self._guide.done:
            self.finish("stop")
        elif account.completion_tokens >= self._most_tokens:
            self.finish("length")
        elif self.full and self.request.context_policy != "shift":
            self.finish("context")

    @property
    def full(self) -> bool:
        """Whether the context has no place for one more token."""
        return len(self.transcript.tokens) >= self._n_ctx

    def shifted(self, tokens: int) -> None:
        """So many of its oldest tokens were given up."""
        self.outbox.put(ContextShifted(tokens))

    def _ends(self, token: int) -> bool:
        return self._vocabulary.ends_reply(token) and not self.request.sampling.ignore_eos

    def finish(self, reason: FinishReason, error: str | None = None) -> None:
        """End the reply, with what was held back of it; once."""
        if self.finished:
            return
        try:
            stopped = self._reply.end() if self._reply is not None else False
        except Exception as problem:  # of what reads calls and reasoning: this reply ends, and nothing else does
            traceback.print_exc()
            stopped = False
            if reason not in ("cancelled", "failed"):
                reason, error = "failed", f"the end of the reply cannot be read: {problem!r}; see the log"
        self._end("stop" if stopped and reason in ("length", "context") else reason, error)

    def _end(self, reason: FinishReason, error: str | None) -> None:
        self.finished = True
        if reason == "stop" and self._reply is not None and self._reply.called:
            reason = "tool_calls"
        occupied = len(self.transcript.tokens)
        if not self.account.completion_tokens:
            occupied = self.sequence.computed if self.sequence is not None else 0
        seed = self._sampler.seed if self._sampler is not None else self.request.sampling.seed
        self.account.encoded_media = self.media.encoded
        self.outbox.put(Finished(reason, self.account.usage(occupied, self._n_ctx, seed), error))
        if self._sampler is not None:
            self._sampler.close()
