from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.engines import wire
from mistral_tui.processes.frames import MAX_FRAME, FrameDecoder, WireError, encode
from mistral_tui.types.events import (
    ContextTrimmed,
    EngineEvent,
    Finished,
    PromptProgress,
    TextDelta,
    TokenChance,
    TokenScored,
)
from mistral_tui.types.messages import FilePart, Message, TextPart, UnknownPart, Usage
from mistral_tui.types.models import LoadedModel, LoadOptions, LoadProgress
from mistral_tui.types.requests import GenerateRequest, SamplingParams

pytestmark = pytest.mark.core

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
count = st.integers(0, 2**40)
options = st.builds(LoadOptions, n_ctx=st.none() | st.integers(1, 2**31 - 1), chat_template=st.none() | text)
usage = st.builds(Usage, prompt_tokens=count, completion_tokens=count, decode_rate=st.floats(0, 1e6))
chance = st.builds(TokenChance, text, st.binary(max_size=8), count, st.floats(-100, 0))
event: st.SearchStrategy[EngineEvent] = st.one_of(
    st.builds(LoadProgress, st.just("loading"), st.floats(0, 1)),
    st.builds(ContextTrimmed, count),
    st.builds(PromptProgress, count, count),
    st.builds(TextDelta, text, count),
    st.builds(TokenScored, chance, st.lists(chance, max_size=3).map(tuple)),
    st.builds(Finished, st.sampled_from(["stop", "length", "failed"]), usage, st.none() | text),
)
part = st.one_of(
    st.builds(TextPart, text),
    st.builds(FilePart, text, text),
    st.builds(UnknownPart, st.fixed_dictionaries({"type": st.just("hologram"), "depth": count})),
)
message = st.builds(Message, st.sampled_from(["user", "assistant"]), st.lists(part, max_size=3).map(tuple))
sampling = st.builds(
    SamplingParams,
    seed=st.none() | st.just(1),
    logit_bias=st.dictionaries(st.integers(0, 99) | st.just("a"), st.floats(-9, 9)),
)
prompt = st.builds(GenerateRequest, st.lists(message, max_size=3).map(tuple), sampling, text)
to_worker: st.SearchStrategy[wire.ToWorker] = st.one_of(
    st.builds(wire.Hello, client=text),
    st.builds(wire.Load, path=text, name=text, options=options, request=text),
    st.builds(wire.Generate, prompt=prompt, client=text, request=text),
    st.builds(wire.More, request=text),
    st.builds(wire.Cancel, request=text),
    st.builds(wire.Forget, chat_id=text),
)
loaded = st.builds(LoadedModel, text, text, text, count, count, count, count, text)
from_worker: st.SearchStrategy[wire.FromWorker] = st.one_of(
    st.builds(wire.Hello, client=text),
    st.builds(wire.Loading, progress=st.builds(LoadProgress, st.just("loading"), st.floats(0, 1)), request=text),
    st.builds(wire.Loaded, model=loaded),
    st.builds(wire.LoadFailed, error=text, message=text),
    st.builds(wire.Events, events=st.lists(event, max_size=4).map(tuple), client=text, request=text),
)


def chunks(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


@given(st.lists(to_worker, max_size=5), st.lists(st.integers(0, 10_000), max_size=12))
def test_frames_to_a_worker_survive_any_chunking(frames: list[wire.ToWorker], cuts: list[int]) -> None:
    decoder = FrameDecoder[wire.ToWorker](wire.ToWorker)
    stream = b"".join(encode(frame) for frame in frames)
    assert [frame for chunk in chunks(stream, cuts) for frame in decoder.feed(chunk)] == frames


@given(st.lists(from_worker, max_size=5), st.lists(st.integers(0, 10_000), max_size=12))
def test_frames_from_a_worker_survive_any_chunking(frames: list[wire.FromWorker], cuts: list[int]) -> None:
    decoder = FrameDecoder[wire.FromWorker](wire.FromWorker)
    stream = b"".join(encode(frame) for frame in frames)
    assert [frame for chunk in chunks(stream, cuts) for frame in decoder.feed(chunk)] == frames


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_never_taken_for_a_frame(garbage: bytes) -> None:
    framed = len(garbage).to_bytes(4, "big") + garbage
    for stream in (garbage, framed):
        try:
            frames = FrameDecoder(wire.Hello).feed(stream)
        except WireError:
            continue
        assert all(isinstance(frame, wire.Hello) for frame in frames)


@pytest.mark.parametrize("length", [0, MAX_FRAME + 1, 2**32 - 1])
def test_an_absurd_length_is_refused_before_anything_is_stored(length: int) -> None:
    with pytest.raises(WireError, match=str(length)):
        FrameDecoder(wire.Hello).feed(length.to_bytes(4, "big"))


def test_a_frame_with_sampling_parameters_out_of_range_is_refused() -> None:
    body = msgspec.msgpack.encode(
        {"type": "generate", "prompt": {"messages": [], "sampling": {"temperature": 9.0}, "id": "r"}}
    )
    with pytest.raises(WireError, match="temperature"):
        FrameDecoder(wire.Generate).feed(len(body).to_bytes(4, "big") + body)


def test_a_frame_that_is_too_large_is_not_sent() -> None:
    with pytest.raises(WireError, match=r"9\.0 MB.*shorter"):
        encode(wire.Events(events=(TextDelta("x" * 9 * 2**20),)))


@pytest.mark.parametrize("chat_id", ["\ud800"])
def test_text_that_is_not_unicode_is_not_sent(chat_id: str) -> None:
    with pytest.raises(WireError, match="cannot send this forget"):
        encode(wire.Forget(chat_id=chat_id))


def test_hello_comes_first_and_in_this_version() -> None:
    assert wire.check_hello(wire.Hello(pid=1)).pid == 1
    with pytest.raises(WireError, match="cancel and not hello"):
        wire.check_hello(wire.Cancel())
    with pytest.raises(WireError, match=r"version 99 .*restart"):
        wire.check_hello(wire.Hello(version=99))
