"""What is asked of an endpoint besides replies: vectors, ranks, tokens."""

from typing import Any

import pytest

from mistral_tui.engines import queries
from mistral_tui.types.errors import EndpointError, InvalidRequest
from tests.engines.remote.lab import lab, prompt
from tests.stubs.openai_server import Script

pytestmark = pytest.mark.core


async def test_vectors_come_in_order_and_of_length_one() -> None:
    data = [{"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [3, 4]}]
    async with lab(Script.says(200, {"data": data, "usage": {"total_tokens": 5}})) as one:
        found = await queries.embed(one.engine, ["a", "b"])
        assert found.vectors == ((0.6, 0.8), (0.0, 1.0))
        assert found.tokens == 5


async def test_scores_come_in_the_order_of_the_documents() -> None:
    results = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]
    async with lab(Script.says(404, {}), Script.says(200, {"results": results})) as one:
        assert (await queries.rerank(one.engine, "q", ["a", "b"])).scores == (0.1, 0.9)
        assert [asked.path for asked in one.server.asked[1:]] == ["/v1/rerank", "/rerank"]


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ({"tokens": [{"id": 1, "piece": "a"}, {"id": 2, "piece": [255]}]}, ("a", "\ufffd")),
        ({"tokens": [1, 2], "token_strs": ["a", "b"]}, ("a", "b")),
        ({"tokens": [1, 2]}, ("", "")),
    ],
    ids=["llama-server", "vLLM", "llama-cpp-python"],
)
async def test_tokens_are_told_by_servers_that_can(answer: dict[str, Any], names: tuple[str, ...]) -> None:
    async with lab(Script.says(200, answer)) as one:
        found = await queries.tokenize(one.engine, "ab")
        assert (found.tokens, found.names) == ((1, 2), names)


async def test_what_is_not_sent_yet_is_not_sent_to_be_counted() -> None:
    async with lab() as one:
        with pytest.raises(InvalidRequest, match="is not asked to count prompts"):
            await queries.count_tokens(one.engine, prompt("Hi"))
        assert len(one.server.asked) == 1


async def test_what_an_endpoint_cannot_answer_is_refused() -> None:
    async with lab(Script.says(404, {"detail": "Not Found"})) as one:
        with pytest.raises(InvalidRequest, match="cannot tokenize"):
            await queries.tokenize(one.engine, "ab")
        with pytest.raises(InvalidRequest, match="cannot make vectors"):
            await queries.embed(one.engine, ["ab"])
    async with lab(Script.says(200, {"data": []})) as one:
        with pytest.raises(EndpointError, match="without the vectors"):
            await queries.embed(one.engine, ["ab"])
