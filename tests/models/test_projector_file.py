from pathlib import Path

import pytest

from mistral_tui.models.projector_file import check_projector, find_projector
from mistral_tui.types.errors import BadModelFile
from tests.stubs.gguf import STRING
from tests.stubs.projectors import ears, eyes, gemma_eyes, qwen_eyes

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ([], None),
        (["mmproj.gguf"], "mmproj.gguf"),
        (["mmproj-Cat-7B-f16.gguf", "dog-7b.gguf"], "mmproj-Cat-7B-f16.gguf"),
        (["mmproj-cat-7b-f16.gguf", "mmproj-dog-7b-f16.gguf"], "mmproj-cat-7b-f16.gguf"),
        (["mmproj-one.gguf", "mmproj-two.gguf"], None),
        (["mmproj.txt"], None),
    ],
)
def test_the_projector_beside_a_model_is_found_if_only_one_can_be_meant(
    tmp_path: Path, files: list[str], found: str | None
) -> None:
    for name in [*files, "cat-7b-Q4_K_M.gguf"]:
        (tmp_path / name).touch()
    assert find_projector(tmp_path / "cat-7b-Q4_K_M.gguf") == (tmp_path / found if found else None)


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert find_projector(tmp_path / "missing" / "cat.gguf") is None


def test_sound_projectors_of_all_kinds_pass(tmp_path: Path) -> None:
    for projector in (eyes(64), gemma_eyes(64), qwen_eyes(64), ears(64)):
        check_projector(projector.write(tmp_path / "mmproj.gguf"))


def test_a_kind_whose_pictures_depend_on_their_place_is_refused(tmp_path: Path) -> None:
    projector = qwen_eyes(64)
    projector.metadata["clip.projector_type"] = (STRING, "hunyuanvl")
    with pytest.raises(BadModelFile, match="projectors of the kind hunyuanvl are not supported"):
        check_projector(projector.write(tmp_path / "mmproj.gguf"))
