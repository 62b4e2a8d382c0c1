"""The reference of llama-cpp-python's own loop: one streamed reply by `Llama.create_chat_completion`.

    python -m benchmarks.peer_llama_cpp_python MODEL THREADS TOKENS PROMPT

Prints the seconds from the call to the last token.
"""

import sys
import time
from importlib import import_module

CONTEXT = 4096


def main() -> None:
    path, threads, tokens, prompt = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    llama = import_module("llama_cpp.llama")
    # The reply goes on although the model would end it; a bias is applied in Python and would slow it down.
    llama.llama_cpp.llama_vocab_is_eog = lambda vocabulary, token: False
    model = llama.Llama(path, n_ctx=CONTEXT, n_threads=threads, n_threads_batch=threads, seed=1, verbose=False)
    generate = model.generate
    model.generate = lambda *given, stopping_criteria=None, **named: generate(*given, **named)
    ask = {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05, "repeat_penalty": 1.0, "stream": True}
    for _ in model.create_chat_completion([{"role": "user", "content": "Hello."}], max_tokens=2, **ask):
        pass
    started = time.perf_counter()
    for piece in model.create_chat_completion([{"role": "user", "content": prompt}], max_tokens=tokens, **ask):
        reason = piece["choices"][0]["finish_reason"]
    seconds = time.perf_counter() - started
    if reason != "length":
        sys.exit(f"the reply ended early: {reason}")
    print(seconds)


if __name__ == "__main__":
    main()
