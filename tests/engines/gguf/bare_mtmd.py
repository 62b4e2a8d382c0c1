"""The same reply from llama.cpp's own helpers, one call after another: what the engine's must be equal to."""

import ctypes
from pathlib import Path
from typing import Any

from mistral_tui.engines.gguf.library import llama
from mistral_tui.engines.gguf.media.projector import mtmd


def bare_reply(model_file: Path, projector: Path, picture: Path, prompt: str, tokens: int) -> str:
    """Return a greedy reply to `prompt`, in which `<__media__>` stands for the picture."""
    params = llama.llama_model_default_params()
    model = llama.llama_model_load_from_file(str(model_file).encode(), params)
    context_params = llama.llama_context_default_params()
    context_params.n_ctx = 512
    context_params.n_threads = context_params.n_threads_batch = 1
    context_params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
    context_params.swa_full = True
    context = llama.llama_init_from_model(model, context_params)
    media_params = mtmd.mtmd_context_params_default()
    media_params.n_threads = 1
    media = mtmd.mtmd_init_from_file(str(projector).encode(), model, media_params)
    try:
        position = _evaluate(media, context, picture, prompt)
        return _continue(model, context, position, tokens).decode("utf-8", "replace")
    finally:
        mtmd.mtmd_free(media)
        llama.llama_free(context)
        llama.llama_model_free(model)


def _evaluate(media: Any, context: Any, picture: Path, prompt: str) -> int:
    options = mtmd.mtmd_helper_init_opt_default()
    bitmap = mtmd.mtmd_helper_bitmap_init_from_file(media, str(picture).encode(), False, options)
    chunks = mtmd.mtmd_input_chunks_init()
    text = mtmd.mtmd_input_text(prompt.encode(), len(prompt.encode()), True, True)
    assert mtmd.mtmd_tokenize(media, chunks, ctypes.byref(text), (ctypes.c_void_p * 1)(bitmap), 1) == 0
    position = llama.llama_pos(0)
    assert mtmd.mtmd_helper_eval_chunks(media, context, chunks, 0, 0, 512, True, ctypes.byref(position)) == 0
    mtmd.mtmd_input_chunks_free(chunks)
    mtmd.mtmd_bitmap_free(bitmap)
    return position.value


def _continue(model: Any, context: Any, position: int, tokens: int) -> bytes:
    vocabulary = llama.llama_model_get_vocab(model)
    sampler = llama.llama_sampler_init_greedy()
    batch = llama.llama_batch_init(1, 0, 1)
    reply = b""
    buffer = ctypes.create_string_buffer(256)
    for _ in range(tokens):
        token = llama.llama_sampler_sample(sampler, context, -1)
        if llama.llama_vocab_is_eog(vocabulary, token):
            break
        length = llama.llama_token_to_piece(vocabulary, token, buffer, len(buffer), 0, False)
        reply += buffer.raw[:length]
        batch.n_tokens = 1
        batch.token[0], batch.pos[0], batch.n_seq_id[0], batch.logits[0] = token, position, 1, 1
        batch.seq_id[0][0] = 0
        assert llama.llama_decode(context, batch) == 0
        position += 1
    llama.llama_batch_free(batch)
    llama.llama_sampler_free(sampler)
    return reply
