"""What a model's file recommends counts where a request leaves it open."""

from pathlib import Path
from typing import Any

import pytest

from mistral_tui.types.models import SamplingDefaults
from tests.engines.gguf.client import user
from tests.engines.gguf.conftest import open_engine
from tests.engines.gguf.tiny_mamba import write_mamba

pytestmark = pytest.mark.core


def test_a_file_without_recommendations_leaves_the_usual_values(tmp_path: Path) -> None:
    engine = open_engine(write_mamba(tmp_path / "plain.gguf"), n_ctx=64)
    assert engine.loop.model.sampling == SamplingDefaults()
    engine.close()


def test_recommendations_count_unless_the_request_says_otherwise(tmp_path: Path) -> None:
    path = write_mamba(tmp_path / "careful.gguf", temp=1.5, top_k=1, min_p=0.25, penalty_last_n=9, mirostat_tau=3.0)
    engine = open_engine(path, n_ctx=64)
    assert engine.loop.model.sampling == SamplingDefaults(
        temperature=1.5, top_k=1, min_p=0.25, penalty_window=9, mirostat_tau=3.0
    )
    greedy = engine.answer(user("hi"), max_tokens=9).text
    said = [engine.answer(user("hi"), max_tokens=9, temperature=None, seed=seed).text for seed in (1, 2)]
    assert said == [greedy, greedy]
    free: dict[str, Any] = {"temperature": 2.0, "top_k": 0, "min_p": 0.0}
    assert engine.answer(user("hi"), max_tokens=9, seed=1, **free).text != greedy
    engine.close()


def test_a_recommendation_that_makes_no_sense_is_ignored_and_told(tmp_path: Path) -> None:
    path = write_mamba(tmp_path / "odd.gguf", temp=float("nan"), top_k="many", top_p=9.0, mirostat=7, min_p=0.5)
    engine = open_engine(path, n_ctx=64)
    assert engine.loop.model.sampling == SamplingDefaults(min_p=0.5)
    told = [notice for notice in engine.loop.model.notices if "which makes no sense; it is ignored" in notice]
    assert len(told) == 4
    assert any("general.sampling.top_k = many" in notice for notice in told)
    engine.close()
