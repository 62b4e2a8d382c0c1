"""Models loaded for embeddings and reranking."""

import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from mistral_tui.engines.gguf.loading import load
from mistral_tui.engines.worker.loop import EngineLoop
from mistral_tui.engines.worker.outbox import Outbox
from mistral_tui.types.errors import BadModelFile
from mistral_tui.types.events import Finished
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.queries import Answer, Embed, Embeddings, Query, Refusal, Rerank, Scores, Tokenize, Tokens
from mistral_tui.types.requests import GenerateRequest
from tests.engines.gguf.client import DEADLINE, user
from tests.engines.gguf.tiny_bert import write_bert

pytestmark = pytest.mark.core


class Asking:
    """A loop on a thread of its own."""

    def __init__(self, path: Path, n_ctx: int | None = None) -> None:
        options = LoadOptions(n_ctx=n_ctx, threads=1, embedding=True)
        self.loop: EngineLoop = load(str(path), path.stem, options, lambda progress: None, lambda: False)
        self._thread = threading.Thread(target=self.loop.run, daemon=True)
        self._thread.start()

    def ask(self, query: Query) -> Answer:
        return self.asked("request", query).get(timeout=DEADLINE)

    def asked(self, request_id: str, query: Query) -> "SimpleQueue[Answer]":
        answers: SimpleQueue[Answer] = SimpleQueue()
        self.loop.ask(request_id, query, answers.put)
        return answers

    def vectors(self, *texts: str) -> tuple[tuple[float, ...], ...]:
        answer = self.ask(Embed(texts))
        assert isinstance(answer, Embeddings), answer
        return answer.vectors

    def close(self) -> None:
        self.loop.stop()
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    asking = Asking(write_bert(tmp_path_factory.mktemp("models") / "bert.gguf"))
    yield asking
    asking.close()


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    asking = Asking(write_bert(tmp_path_factory.mktemp("models") / "reranker.gguf", ranks=True))
    yield asking
    asking.close()


def likeness(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_equal_texts_have_equal_vectors_of_length_one(bert: Asking) -> None:
    cat, again, dog = bert.vectors("the cat sat", "the cat sat", "the dog runs")
    assert len(cat) == 32
    assert likeness(cat, cat) == pytest.approx(1, abs=1e-5)
    assert likeness(cat, again) == pytest.approx(1, abs=1e-5)
    assert likeness(cat, dog) < 0.999


def test_a_vector_does_not_depend_on_the_other_texts(bert: Asking) -> None:
    texts = [f"the {word} sat on the mat" for word in ("cat", "dog", "capital", "france")] * 10
    together = bert.vectors(*texts)
    alone = [bert.vectors(text)[0] for text in texts[:4]]
    assert len(together) == 40
    assert all(likeness(one, other) == pytest.approx(1, abs=1e-4) for one, other in zip(together, alone, strict=False))


def test_a_text_that_is_too_long_is_refused_and_the_next_is_answered(bert: Asking) -> None:
    answer = bert.ask(Embed(("cat", "cat " * 100)))
    assert isinstance(answer, Refusal)
    assert answer.message == "text 2 has 102 tokens, and bert takes 64 as it is loaded; shorten it"
    assert bert.vectors("cat")


def test_more_context_than_a_model_was_trained_for_is_not_given(tmp_path: Path) -> None:
    asking = Asking(write_bert(tmp_path / "bert.gguf"), n_ctx=1000)
    assert asking.loop.model.n_ctx == 64
    asking.close()


def test_a_chat_model_gives_vectors_too(smollm2: Path) -> None:
    asking = Asking(smollm2, n_ctx=64)
    king, queen, screw = asking.vectors("The king sits on his throne", "The queen sits on her throne", "M4 screw, zinc")
    assert likeness(king, queen) > likeness(king, screw)
    assert isinstance(asking.ask(Embed(("",))), Refusal)
    asking.close()


def test_a_reranker_scores_each_document(reranker: Asking) -> None:
    answer = reranker.ask(Rerank("capital of france", ("paris is the capital", "the cat sat", "paris is the capital")))
    assert isinstance(answer, Scores)
    first, second, third = answer.scores
    assert first == pytest.approx(third, abs=1e-4)
    assert first != pytest.approx(second, abs=1e-3)


def test_a_model_says_what_it_is_not(bert: Asking, reranker: Asking) -> None:
    assert bert.ask(Rerank("cat", ("dog",))) == Refusal(
        "InvalidRequest", "bert is no reranker; choose a model made for it"
    )
    refused = reranker.ask(Embed(("cat",)))
    assert isinstance(refused, Refusal)
    assert "ask it to rerank" in refused.message


def test_a_model_for_embeddings_tokenizes_but_does_not_chat(bert: Asking) -> None:
    tokens = bert.ask(Tokenize("the cat"))
    assert isinstance(tokens, Tokens)
    assert tokens.names == (" the", " cat")
    outbox = Outbox()
    bert.loop.submit(GenerateRequest((user("Hello"),)), outbox)
    (end,) = outbox.take()
    assert isinstance(end, Finished)
    assert end.error is not None
    assert "writes no replies" in end.error


def test_a_long_computation_is_stopped(smollm2: Path) -> None:
    asking = Asking(smollm2, n_ctx=2048)
    answers = asking.asked("long", Embed(("word " * 2000,) * 50))
    asking.loop.cancel("long")
    answer = answers.get(timeout=DEADLINE)
    assert isinstance(answer, Refusal)
    assert "stopped" in answer.message
    assert asking.vectors("cat")
    asking.close()


def test_a_model_that_only_encodes_is_refused_for_chat(tmp_path: Path) -> None:
    path = write_bert(tmp_path / "bert.gguf")
    with pytest.raises(BadModelFile, match="no model that writes text"):
        load(str(path), "bert", LoadOptions(threads=1), lambda progress: None, lambda: False)
