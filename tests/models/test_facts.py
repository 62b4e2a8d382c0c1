"""What can be said of a model without loading it."""

import json
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.models.facts import read_facts
from mistral_tui.models.quantization_name import quantization_in
from mistral_tui.types.catalog import ModelFacts
from tests.stubs.gguf import STRING, U32, GgufFile

pytestmark = pytest.mark.core


def gguf(path: Path, **metadata: tuple[int, Any]) -> ModelFacts:
    file = GgufFile()
    file.metadata |= {key.replace("__", "."): value for key, value in metadata.items()}
    return read_facts(file.write(path / "m.gguf"), "gguf", 1)


def folder(path: Path, config: object, card: str = "") -> ModelFacts:
    (path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    (path / "README.md").write_text(card)
    return read_facts(path, "safetensors", 1000)


def test_a_model_that_makes_vectors_is_known_as_such(tmp_path: Path) -> None:
    assert gguf(tmp_path, llama__pooling_type=(U32, 1)).modalities == ("embedding",)
    assert gguf(tmp_path).modalities == ("text",)


def test_texts_of_a_file_are_made_fit_for_a_terminal(tmp_path: Path) -> None:
    facts = gguf(tmp_path, general__name=(STRING, "\x1b]0;t\x07a\nb" + "x" * 500), general__license=(STRING, "\x9b2Jm"))
    assert facts.title.startswith("a bxxx")
    assert len(facts.title) == 100
    assert facts.licence == "m"


def test_a_real_model(smollm2: Path) -> None:
    facts = read_facts(smollm2, "gguf", smollm2.stat().st_size)
    assert (facts.architecture, facts.quantization, facts.context_length) == ("llama", "Q4_1", 8192)
    assert (facts.parameters, facts.licence, facts.has_template) == (134_515_008, "apache-2.0", True)
    assert facts.memory_bytes > smollm2.stat().st_size


def test_a_folder_says_what_it_takes(tmp_path: Path) -> None:
    config = {
        "model_type": "gemma3",
        "vision_config": {},
        "text_config": {"max_position_embeddings": 131072, "torch_dtype": "bfloat16"},
    }
    facts = folder(tmp_path, config, "---\nlicense: gemma\n---\n")
    assert (facts.architecture, facts.modalities, facts.context_length) == ("gemma3", ("text", "sees"), 131072)
    assert (facts.quantization, facts.licence, facts.memory_bytes) == ("BF16", "gemma", 1200)


@pytest.mark.parametrize(
    "config",
    ["", "{", "[]", "7", "[" * 100_000, '{"model_type": 7, "max_position_embeddings": "many", "dtype": []}'],
)
def test_a_damaged_folder_is_a_problem_and_no_crash(tmp_path: Path, config: str) -> None:
    facts = folder(tmp_path, config)
    assert facts.problem or facts.architecture == ""


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("Qwen2.5-1.5B-Instruct-Q4_K_M", "Q4_K_M"),
        ("gemma-3-4b-it-UD-Q4_K_XL", "UD-Q4_K_XL"),
        ("model.IQ3_XXS", "IQ3_XXS"),
        ("SmolLM2-135M-Instruct.Q4_1", "Q4_1"),
        ("mmproj-model-f16", "F16"),
        ("gpt-oss-20b-mxfp4", "MXFP4"),
        ("bf16-q8_0", "Q8_0"),
        ("qwen2", ""),
        ("Q", ""),
    ],
)
def test_quantizations_in_names(name: str, quantization: str) -> None:
    assert quantization_in(name) == quantization
