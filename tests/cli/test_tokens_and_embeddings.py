"""The commands that show what a text is to a model."""

import json
from pathlib import Path

import pytest

from tests.e2e.program import run
from tests.engines.gguf.tiny_bert import write_bert

pytestmark = pytest.mark.core


def test_tokens_make_the_text_again(smollm2: Path) -> None:
    shown = run("tokenize", "-m", str(smollm2), "--json", "Grüße <|im_end|>")
    assert shown.returncode == 0, shown.stderr
    tokens = json.loads(shown.stdout)["tokens"]
    again = run("detokenize", "-m", str(smollm2), stdin=" ".join(map(str, tokens)))
    assert again.stdout == "Grüße <|im_end|>\n"


def test_a_base_model_without_a_template_counts_what_is_piped_in(gemma: Path) -> None:
    counted = run("tokenize", "-m", str(gemma), "--count", stdin="one two three")
    assert counted.stdout == "3\n", counted.stderr


@pytest.mark.parametrize(
    ("token", "complaint"),
    [("x", "a token is a number"), ("-1", "error:"), ("99999999999", "number from 0"), ("65536", "there is no token")],
)
def test_what_is_no_token_is_refused(smollm2: Path, token: str, complaint: str) -> None:
    refused = run("detokenize", "-m", str(smollm2), token)
    assert refused.returncode == 2
    assert complaint in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_each_text_gets_a_vector(tmp_path: Path) -> None:
    model = write_bert(tmp_path / "bert.gguf")
    shown = run("embedding", "-m", str(model), stdin="the cat\n\nthe dog\n")
    vectors = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [len(vector) for vector in vectors] == [32, 32], shown.stderr
    document = json.loads(run("embedding", "-m", str(model), "--json", "the cat").stdout)
    assert document["data"][0]["embedding"] == pytest.approx(vectors[0], abs=1e-4)


def test_texts_come_in_the_order_of_their_scores(tmp_path: Path) -> None:
    model = write_bert(tmp_path / "reranker.gguf", ranks=True)
    shown = run("embedding", "-m", str(model), "--rerank", "capital of france", "paris", "the cat", "dog runs")
    lines = [line.split("\t") for line in shown.stdout.splitlines()]
    assert {text for _, text in lines} == {"paris", "the cat", "dog runs"}, shown.stderr
    scores = [float(score) for score, _ in lines]
    assert scores == sorted(scores, reverse=True)


def test_no_text_is_an_error() -> None:
    refused = run("embedding")
    assert refused.returncode == 2
    assert "there is no text" in refused.stderr
