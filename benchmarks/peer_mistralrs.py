"""The reference of mistral.rs: one reply by its Python package, in an environment that has it.

    python peer_mistralrs.py MODEL TOKENS PROMPT

Prints one JSON object: `prefill` and `decode` in tokens a second, as mistral.rs counts them.
"""

import json
import sys
from importlib import import_module
from pathlib import Path


def main() -> None:
    path, tokens, prompt = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    mistralrs = import_module("mistralrs")
    which = mistralrs.Which.GGUF(quantized_model_id=str(path.parent), quantized_filename=path.name)
    runner = mistralrs.Runner(which=which, token_source="none", prefix_cache_n=0)

    def ask(text: str, most: int) -> object:
        request = mistralrs.ChatCompletionRequest(
            model="default",
            messages=[{"role": "user", "content": text}],
            max_tokens=most,
            temperature=0.8,
            top_k=40,
            top_p=0.95,
            min_p=0.05,
        )
        return runner.send_chat_completion_request(request).usage

    ask("Hello.", 2)  # what it does once, it does here
    usage = ask(prompt, tokens)
    # mistralrs is in an environment of its own, so its types are not known here.
    rates = {"prefill": usage.avg_prompt_tok_per_sec, "decode": usage.avg_compl_tok_per_sec}  # type: ignore[attr-defined]
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
