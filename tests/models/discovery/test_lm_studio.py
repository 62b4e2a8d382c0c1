"""LM Studio's folders."""

from pathlib import Path

import pytest

from mistral_tui.models.discovery.lm_studio import look_into_lm_studio, model_folders
from tests.models.discovery.places import model

pytestmark = pytest.mark.core


def test_models_lie_below_their_publisher(tmp_path: Path) -> None:
    model(tmp_path / "publisher" / "repo-GGUF" / "m-Q4_0.gguf")
    model(tmp_path / "publisher" / "repo-GGUF" / "mmproj-m.gguf")
    (found,) = look_into_lm_studio((tmp_path,)).found
    assert (found.name, found.origin) == ("m-Q4_0", "publisher/repo-GGUF")
    assert found.mmproj == found.path.with_name("mmproj-m.gguf")


@pytest.mark.parametrize("content", [b"\xff\xff", b"relative", b"", b"x" * 5000])
def test_a_damaged_pointer_file_does_no_harm(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".lmstudio-home-pointer").write_bytes(content)
    assert model_folders(tmp_path) == (
        tmp_path / ".lmstudio" / "models",
        tmp_path / ".cache" / "lm-studio" / "models",
    )


def test_the_pointer_file_names_another_home(tmp_path: Path) -> None:
    (tmp_path / ".lmstudio-home-pointer").write_text(f"{tmp_path / 'elsewhere'}\n")
    assert model_folders(tmp_path)[0] == tmp_path / "elsewhere" / "models"
