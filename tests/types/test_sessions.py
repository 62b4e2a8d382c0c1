import pytest

from mistral_tui.types.sessions import TAG_LENGTH, tags_from, title_from

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("What makes the tides?", "What makes the tides?"),
        ("\n\n  two   words \nmore", "two words"),
        ("Hi!\n\nHow do I sort a list?", "How do I sort a list?"),
        ("hello there", "hello there"),
        ("# A plan\n- one", "A plan"),
        ("```python\nprint(1)\n```\nWhat is this?", "print(1)"),
        ("> quoted\nanswer", "quoted"),
        ("---\nSummarise", "Summarise"),
        ("\x1b[2Jred", "red"),
        ("???", "???"),
        ("", ""),
        ("word " * 40, "word word word word word word word word word word word word…"),
    ],
)
def test_a_title_is_the_first_line_that_says_something(prompt: str, title: str) -> None:
    assert title_from(prompt) == title


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("work, Moon #work", ("moon", "work")),
        ("  ", ()),
        ("\x1b[31mred", ("red",)),
        ("x" * 100, ("x" * TAG_LENGTH,)),
    ],
)
def test_tags_are_words(typed: str, tags: tuple[str, ...]) -> None:
    assert tags_from(typed) == tags
