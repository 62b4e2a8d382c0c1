"""A projector file (`mmproj`): what turns pictures and recordings into embeddings for a text model.

llama.cpp's library for it is mtmd. Its context belongs to one thread and knows nothing of the text model's context,
so media are read while replies are written.
"""

import ctypes
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mistral_tui.engines.gguf.kv.files import fingerprint
from mistral_tui.engines.gguf.library import Log, bindings, llama, log
from mistral_tui.engines.gguf.media.places import Embeddings, MediaRun, Medium, key_of, run_tokens
from mistral_tui.engines.gguf.model import Model
from mistral_tui.models.projector_file import check_projector
from mistral_tui.types.errors import BadModelFile, EngineError, InvalidRequest
from mistral_tui.types.media import Picture, inspect
from mistral_tui.types.sounds import LONGEST_SOUND, Sound

__all__ = ["Projector", "mtmd"]

if TYPE_CHECKING:
    from llama_cpp import mtmd_cpp as mtmd
else:
    mtmd = bindings("llama_cpp.mtmd_cpp")

_TEXT: Final = mtmd.MTMD_INPUT_CHUNK_TYPE_TEXT
_NOWHERE: Final = b"/nonexistent"
"""Where mtmd is to look for ffmpeg: it would start it on whatever it cannot decode itself."""
_SHORTEST_SOUND: Final = 0.1
"""Seconds; mtmd ends the process over a single sample."""
_NODES_BETWEEN_LOOKS: Final = 32
"""Operations that are computed at once while a medium is encoded: then it is seen whether to stop."""


@cache
def _media_log() -> Log:
    """Return the log of mtmd in this process. Apart from llama.cpp's, which is read on another thread."""
    return Log(mtmd.mtmd_helper_log_set)


class Projector:
    """A loaded projector. Belongs to one thread, but for `stop`.

    Args:
        path: The GGUF file.
        model: The text model that it must fit; stays open for at least as long.
        threads: Threads to encode with.
        most_at_once: Embeddings that the text model's context can compute at once.

    Raises:
        BadModelFile: It is no projector, damaged, or made for another model; says which.
    """

    def __init__(self, path: Path, model: Model, threads: int, most_at_once: int) -> None:
        self.path = path
        self._model = model
        self._most_at_once = most_at_once
        self._width: int = llama.llama_model_n_embd_inp(model.handle)
        self._stopped = False
        check_projector(path)
        self._callback = llama.ggml_backend_sched_eval_callback(self._go_on)
        self._nodes = 0
        params = mtmd.mtmd_context_params_default()
        params.use_gpu = model.placement.on_gpu
        params.print_timings = False
        params.n_threads = threads
        params.cb_eval = self._callback
        self.fingerprint = fingerprint(path)
        """What tells it from other projectors."""
        log().clear()
        _media_log().clear()
        # Of some damaged files this is the last that the process says.
        print(f"loading the projector {path.name}; if nothing follows, it is damaged", file=sys.stderr, flush=True)
        self.handle: Any = mtmd.mtmd_init_from_file(str(path).encode(), model.handle, params)
        if not self.handle:
            raise BadModelFile(f"{path.name}: {_reason(model)}; give the projector of {model.name} with --mmproj")
        self.sees: bool = mtmd.mtmd_support_vision(self.handle)
        self.hears: bool = mtmd.mtmd_support_audio(self.handle)
        self._in_plane: bool = mtmd.mtmd_decode_use_mrope(self.handle)

    def read(self, data: bytes, name: str, encode: bool) -> tuple[Medium, Embeddings]:
        """Decode a picture or a recording, and encode it for the model.

        Args:
            data: The whole file.
            name: What errors call it.
            encode: Whether its embeddings are wanted; without, none are returned.

        Raises:
            InvalidRequest: It cannot be decoded, or this model does not take such media.
            EngineError: It cannot be encoded.
        """
        found = inspect(data, name)
        self._check_sense(found, name)
        _media_log().clear()
        bitmap = self._decode(data, found, name)
        chunks = mtmd.mtmd_input_chunks_init()
        try:
            self._check_length(bitmap, name)
            self._cut(bitmap, chunks, name)
            return self._take(chunks, key_of(data), name, encode)
        finally:
            mtmd.mtmd_input_chunks_free(chunks)
            mtmd.mtmd_bitmap_free(bitmap)

    def stop(self) -> None:
        """Make what is being encoded fail soon. For any thread."""
        self._stopped = True

    def allow(self) -> None:
        """Take back `stop`."""
        self._stopped = False

    def close(self) -> None:
        """Free the projector; nothing may be called afterwards."""
        if self.handle:
            mtmd.mtmd_free(self.handle)
            self.handle = None

    def _go_on(self, _: Any, asks: bool, __: Any) -> bool:
        """Answer the scheduler of ggml: whether it is to stop after this operation, and then whether to go on."""
        if asks:
            self._nodes += 1
            return self._nodes % _NODES_BETWEEN_LOOKS == 0
        return not self._stopped

    def _check_sense(self, found: Picture | Sound, name: str) -> None:
        if isinstance(found, Picture) and not self.sees:
            raise InvalidRequest(f"{self._model.name} can't see: its projector is for sound; leave {name} out")
        if isinstance(found, Sound) and not self.hears:
            raise InvalidRequest(f"{self._model.name} can't hear: its projector is for pictures; leave {name} out")

    def _decode(self, data: bytes, found: Picture | Sound, name: str) -> Any:
        options = mtmd.mtmd_helper_init_opt_default()
        if found.media_type != "image/webp":
            options.video_params.ffmpeg_bin_dir = _NOWHERE
        buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        made = mtmd.mtmd_helper_bitmap_init_from_buf_wrapper(self.handle, buffer, len(data), False, options)
        if made.video_ctx:
            mtmd.mtmd_helper_video_free(made.video_ctx)
        if made.bitmap and not made.video_ctx:
            return made.bitmap
        if made.bitmap:
            mtmd.mtmd_bitmap_free(made.bitmap)
        kind = found.media_type.partition("/")[2]
        if kind == "webp":
            raise InvalidRequest(f"{name} cannot be decoded: WebP needs the program ffmpeg; give a PNG or JPEG")
        if kind == "ogg":
            raise InvalidRequest(f"{name} cannot be decoded: Ogg is not understood; give a WAV, MP3 or FLAC")
        raise InvalidRequest(f"{name} is damaged: it cannot be decoded as {kind.upper()}; give another file")

    def _check_length(self, bitmap: Any, name: str) -> None:
        if not mtmd.mtmd_bitmap_is_audio(bitmap):
            return
        seconds = mtmd.mtmd_bitmap_get_nx(bitmap) / mtmd.mtmd_get_audio_sample_rate(self.handle)
        if seconds < _SHORTEST_SOUND:
            raise InvalidRequest(f"{name} is too short: there is less than {_SHORTEST_SOUND} seconds of sound in it")
        if seconds > LONGEST_SOUND:
            raise InvalidRequest(f"{name} is longer than {LONGEST_SOUND // 60} minutes; give a part of it")

    def _cut(self, bitmap: Any, chunks: Any, name: str) -> None:
        marker = mtmd.mtmd_default_marker()
        text = mtmd.mtmd_input_text(marker, len(marker), False, True)
        bitmaps = (ctypes.c_void_p * 1)(bitmap)
        if mtmd.mtmd_tokenize(self.handle, chunks, ctypes.byref(text), bitmaps, 1) != 0:
            raise InvalidRequest(f"{name} cannot be prepared for the model: {_said() or 'no reason'}; give another")

    def _take(self, chunks: Any, key: str, name: str, encode: bool) -> tuple[Medium, Embeddings]:
        pieces: list[tuple[int, ...] | MediaRun] = []
        embeddings = []
        for index in range(mtmd.mtmd_input_chunks_size(chunks)):
            chunk = mtmd.mtmd_input_chunks_get(chunks, index)
            if mtmd.mtmd_input_chunk_get_type(chunk) == _TEXT:
                count = ctypes.c_size_t()
                tokens = mtmd.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(count))
                pieces.append(tuple(tokens[: count.value]))
                continue
            run = self._run(chunk, key, index)
            if run.whole and len(run.tokens) > self._most_at_once:
                raise InvalidRequest(
                    f"{name} takes {len(run.tokens):,} tokens that must be computed at once, and a batch holds "
                    f"{self._most_at_once:,}; load the model with --batch-size {len(run.tokens)}"
                )
            if run.tokens:
                pieces.append(run)
                if encode:
                    embeddings.append(self._encode(chunk, len(run.tokens), name))
        return Medium(key, tuple(pieces)), tuple(embeddings)

    def _run(self, chunk: Any, key: str, number: int) -> MediaRun:
        count: int = mtmd.mtmd_input_chunk_get_n_tokens(chunk)
        plane = None
        image = mtmd.mtmd_input_chunk_get_tokens_image(chunk)
        if self._in_plane and image and count:
            places = (mtmd.mtmd_decoder_pos * count)()
            mtmd.mtmd_helper_image_get_decoder_pos(image, 0, places)
            plane = tuple((place.t, place.y, place.x) for place in places)
        return MediaRun(
            run_tokens(key, number, count),
            mtmd.mtmd_input_chunk_get_n_pos(chunk),
            plane,
            mtmd.mtmd_decode_use_non_causal(self.handle, chunk),
        )

    def _encode(self, chunk: Any, count: int, name: str) -> Any:
        failed = mtmd.mtmd_encode_chunk(self.handle, chunk) != 0
        if self._stopped:
            raise EngineError(f"{name} was not encoded: it was stopped")
        if failed:
            raise EngineError(f"{name} cannot be encoded: {_said() or 'llama.cpp gives no reason'}; give another")
        embeddings = (ctypes.c_float * (count * self._width))()
        ctypes.memmove(embeddings, mtmd.mtmd_get_output_embd(self.handle), ctypes.sizeof(embeddings))
        return embeddings


def _said() -> str:
    return _media_log().reason()


def _reason(model: Model) -> str:
    said = _said() or log().reason() or "llama.cpp cannot load it and gives no reason"
    if "mismatch between text model" in said:
        return f"it is made for another model, and not as wide as {model.name}"
    return re.sub("^failed to load model '.*?': ", "", said)
