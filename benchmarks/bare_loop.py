"""The reference for everything that runs a model: the plainest loop over llama.cpp's low-level API.

    python -m benchmarks.bare_loop MODEL THREADS TOKENS PROMPT [--repetition]

Loads, prefills and generates with the sampler chain that a chat has by default, and prints one JSON object: `ttft`
(seconds from the call to the first token) and `decode` (tokens a second, the first one left out). With TOKENS 1 the
text of the first token is printed instead, as soon as it is there. With --repetition the chain begins with penalties
and DRY.
"""

import ctypes
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from mistral_tui.engines.gguf.library import llama, log

CHATML = (
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)
"""What the chat template of the benchmarks' model makes of a first prompt."""
SEED = 1
PENALTY_WINDOW = 64
PENALTIES = (1.1, 0.1, 0.1)
"""Repetition, frequency, presence."""
DRY = (0.8, 1.75, 2, 1024)
"""Multiplier, base, allowed length, window."""
CONTEXT = 8192
"""What a chat gets by default of a model that was trained for as much or more."""


def main() -> None:
    path, threads, tokens, prompt, *repetition = sys.argv[1:]
    log()
    model = llama.llama_model_load_from_file(path.encode(), _model_params())
    context = llama.llama_init_from_model(model, _context_params(int(threads)))
    vocabulary = llama.llama_model_get_vocab(model)
    ids = tokenize(vocabulary, CHATML.format(prompt))
    sampler = sampler_chain(repetition_links(vocabulary) if repetition else [])
    for each in ids if repetition else []:
        llama.llama_sampler_accept(sampler, each)
    started = time.perf_counter()
    batch = llama.llama_batch_get_one(ids, len(ids))
    token = (llama.llama_token * 1)()
    piece = ctypes.create_string_buffer(64)
    first = last = 0.0
    for index in range(int(tokens)):
        if llama.llama_decode(context, batch):
            sys.exit("llama_decode failed")
        token[0] = llama.llama_sampler_sample(sampler, context, -1)
        last = time.perf_counter()
        first = first or last
        length = llama.llama_token_to_piece(vocabulary, token[0], piece, 64, 0, False)
        if index == 0:
            batch = llama.llama_batch_get_one(token, 1)
            if int(tokens) == 1:
                print(piece.raw[:length].decode("utf-8", "replace"), flush=True)
                return
    print(json.dumps({"ttft": first - started, "decode": (int(tokens) - 1) / (last - first)}))


def _model_params() -> Any:
    return llama.llama_model_default_params()


def _context_params(threads: int) -> Any:
    params = llama.llama_context_default_params()
    params.n_ctx = CONTEXT
    params.n_threads = params.n_threads_batch = threads
    params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return params


def sampler_chain(first: Sequence[Any] = ()) -> Any:
    chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
    for link in (
        *first,
        llama.llama_sampler_init_top_k(40),
        llama.llama_sampler_init_top_p(0.95, 1),
        llama.llama_sampler_init_min_p(0.05, 1),
        llama.llama_sampler_init_temp(0.8),
        llama.llama_sampler_init_dist(SEED),
    ):
        llama.llama_sampler_chain_add(chain, link)
    return chain


def repetition_links(vocabulary: Any) -> list[Any]:
    breakers = [b"\n", b":", b'"', b"*"]
    texts = (ctypes.c_char_p * len(breakers))(*breakers)
    return [
        llama.llama_sampler_init_penalties(llama.llama_vocab_n_tokens(vocabulary), PENALTY_WINDOW, *PENALTIES),
        llama.llama_sampler_init_dry(vocabulary, *DRY, texts, len(breakers)),
    ]


def tokenize(vocabulary: Any, text: str) -> Any:
    raw = text.encode()
    ids = (llama.llama_token * (len(raw) + 8))()
    count = llama.llama_tokenize(vocabulary, raw, len(raw), ids, len(ids), True, True)
    return (llama.llama_token * count)(*ids[:count])


if __name__ == "__main__":
    main()
