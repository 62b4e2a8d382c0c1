"""What a model says when nothing was ever shared, reused, shifted, saved or computed together with anything else."""

from pathlib import Path

from mistral_tui.engines.gguf.context import Context, Decoded
from mistral_tui.engines.gguf.library import llama
from mistral_tui.engines.gguf.model import Model
from mistral_tui.engines.gguf.placement import Placement


class Reference:
    """A context of its own that is cleared before every use.

    Texts are not compared: where two tokens are nearly as likely, it depends on the place of a token in the KV cache
    which of them wins. What is compared is how much less likely a chosen token is than the likeliest one.
    """

    def __init__(self, model: Path, n_ctx: int = 2048) -> None:
        self._model = Model(str(model), model.stem, Placement(), False, lambda fraction: None, lambda: False)
        self._context = Context(self._model, n_ctx, 1, 1)

    def worst_choice(self, tokens: list[int], prompt: int) -> float:
        """Return by how much the logit of a token after the first `prompt` ones was below the largest, at most."""
        context = self._context
        context.clear()
        worst = 0.0
        for begin in range(0, prompt, context.batch_tokens):
            part = tokens[begin : min(begin + context.batch_tokens, prompt)]
            row = self._compute(part, begin)
        for place, token in enumerate(tokens[prompt:], start=prompt):
            logits = llama.llama_get_logits_ith(context.handle, row)[: self._model.vocabulary.size]
            worst = max(worst, max(logits) - logits[token])
            row = self._compute([token], place)
        return worst

    def close(self) -> None:
        self._context.close()
        self._model.close()

    def _compute(self, tokens: list[int], place: int) -> int:
        self._context.clear_batch()
        row = self._context.add(0, tokens, place, logits=True)
        assert self._context.decode() == Decoded.DONE
        return row
