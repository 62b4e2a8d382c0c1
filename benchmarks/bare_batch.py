"""The reference for several chats at once: the plainest batched loop over llama.cpp's low-level API.

    python -m benchmarks.bare_batch MODEL THREADS CHATS TOKENS

Prefills one prompt a chat, then decodes a token of each in every step, each with a sampler chain of its own, and
prints the tokens a second of all chats together.
"""

import sys
import time
from typing import Any

from benchmarks.bare_loop import CHATML, sampler_chain, tokenize
from mistral_tui.engines.gguf.library import llama, log

CONTEXT = 8192
BATCH = 512
PROMPT = "Write a very long story about a dragon and {} princesses."


def main() -> None:
    path, threads, chats, tokens = sys.argv[1], *map(int, sys.argv[2:])
    log()
    model = llama.llama_model_load_from_file(path.encode(), llama.llama_model_default_params())
    context = llama.llama_init_from_model(model, _context_params(threads, chats))
    vocabulary = llama.llama_model_get_vocab(model)
    batch = llama.llama_batch_init(BATCH, 0, 1)
    samplers = [sampler_chain() for _ in range(chats)]
    positions, sampled = [], []
    for chat in range(chats):
        ids = tokenize(vocabulary, CHATML.format(PROMPT.format(chat)))
        batch.n_tokens = 0
        for position, token in enumerate(ids):
            _add(batch, token, position, chat, position == len(ids) - 1)
        _decode(context, batch)
        positions.append(len(ids))
        sampled.append(llama.llama_sampler_sample(samplers[chat], context, -1))
    began = time.perf_counter()
    for _ in range(tokens):
        batch.n_tokens = 0
        for chat in range(chats):
            _add(batch, sampled[chat], positions[chat], chat, True)
            positions[chat] += 1
        _decode(context, batch)
        sampled = [llama.llama_sampler_sample(samplers[chat], context, chat) for chat in range(chats)]
    print(chats * tokens / (time.perf_counter() - began))


def _context_params(threads: int, chats: int) -> Any:
    params = llama.llama_context_default_params()
    params.n_ctx = CONTEXT
    params.n_batch = params.n_ubatch = BATCH
    params.n_seq_max = chats
    params.kv_unified = True
    params.n_threads = params.n_threads_batch = threads
    params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return params


def _add(batch: Any, token: int, position: int, chat: int, logits: bool) -> None:
    row = batch.n_tokens
    batch.token[row], batch.pos[row] = token, position
    batch.n_seq_id[row], batch.seq_id[row][0], batch.logits[row] = 1, chat, logits
    batch.n_tokens = row + 1


def _decode(context: Any, batch: Any) -> None:
    if llama.llama_decode(context, batch):
        sys.exit("llama_decode failed")


if __name__ == "__main__":
    main()
