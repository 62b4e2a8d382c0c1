"""`mistral-tui toml -f FILE`: a model and its draft model."""

from pathlib import Path

import pytest

from mistral_tui.cli.flags import ModelFlags
from mistral_tui.cli.toml_file import apply
from mistral_tui.types.errors import ConfigError, ModelNotFound
from tests.e2e.program import run

pytestmark = pytest.mark.core

FILE = """
[model]
quantized_model_id = "models"
quantized_filename = "large.gguf"
tok_model_id = "whatever/tokenizer"

[speculative]
gamma = 8

[speculative.draft_model]
model_id = "models/small.gguf"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    models = tmp_path / "models"
    models.mkdir()
    for name in ("large.gguf", "small.gguf"):
        (models / name).touch()
    path = tmp_path / "run.toml"
    path.write_text(FILE)
    return path


def test_paths_are_relative_to_the_file(file: Path) -> None:
    flags = ModelFlags()
    apply(file, flags)
    assert flags.model == str(file.parent / "models" / "large.gguf")
    assert flags.draft == str(file.parent / "models" / "small.gguf")
    assert flags.gamma == 8


def test_flags_win(file: Path) -> None:
    flags = ModelFlags(model="mine", draft="also-mine", gamma=3)
    apply(file, flags)
    assert (flags.model, flags.draft, flags.gamma) == ("mine", "also-mine", 3)


def test_a_name_of_the_inventory_stays_a_name(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text('[model]\nmodel_id = "SmolLM2"')
    flags = ModelFlags()
    apply(tmp_path / "run.toml", flags)
    assert (flags.model, flags.draft) == ("SmolLM2", None)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[model", "not valid TOML"),
        ("", "model"),
        ("[model]\n", "needs a model_id"),
        ("[model]\nmodel_id = 3\n", "model_id"),
        ('[model]\nmodel_id = "a"\ntopology = "t.yml"\n', "topology"),
        ('[model]\nmodel_id = "a"\n[anymoe]\n', "anymoe"),
        ('[model]\nmodel_id = "a"\n[speculative]\ngamma = 3\n', "draft_model"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=complaint):
        apply(path, ModelFlags())


def test_a_model_that_is_not_there_is_named(file: Path) -> None:
    (file.parent / "models" / "large.gguf").unlink()
    with pytest.raises(ModelNotFound, match=r"large\.gguf"):
        apply(file, ModelFlags())


def test_a_draft_model_helps_to_answer(smollm2: Path) -> None:
    ask = ("ask", "-m", str(smollm2), "--no-save", "--temperature", "0", "--max-tokens", "16", "--threads", "1")
    plain = run(*ask, "Count to ten.")
    helped = run(*ask, "--draft", str(smollm2), "--gamma", "4", "--json", "Count to ten.")
    assert helped.returncode == 0, helped.stderr
    assert '"drafted_tokens": 0,' not in helped.stdout
    assert plain.stdout.strip()[:20] in helped.stdout.replace("\\n", "\n")


def test_a_draft_model_with_another_vocabulary_is_an_error(smollm2: Path, gemma: Path) -> None:
    refused = run("ask", "-m", str(smollm2), "--no-save", "--draft", str(gemma), "Hi")
    assert refused.returncode == 2
    assert "another vocabulary" in refused.stderr
    assert refused.stderr.count("\n") == 1
