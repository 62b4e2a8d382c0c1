import pytest

from mistral_tui.types.errors import ModelNotFound

pytestmark = pytest.mark.core


def test_a_message_is_one_line_whatever_it_quotes() -> None:
    assert (
        str(ModelNotFound("no file a\n\x1b[31mred\x1b]0;title\x07\udcff; fetch it")) == "no file a red\ufffd; fetch it"
    )
