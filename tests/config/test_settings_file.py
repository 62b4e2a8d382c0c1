"""Settings: what counts, what is ignored and said, and that the file stays as it is."""

import codecs
from pathlib import Path

import pytest

from mistral_tui.config.settings import Settings
from mistral_tui.config.settings_file import read_settings
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.pool import PoolLimits
from mistral_tui.types.requests import SamplingParams

pytestmark = pytest.mark.core


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_without_a_file_nothing_is_set(file: Path) -> None:
    settings, notices, *_ = read_settings(file, strict=True)
    assert (settings, notices) == (Settings(), ())
    assert settings.load_options() == LoadOptions()
    assert settings.sampling() == SamplingParams()


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_what_is_set_counts_whatever_editor_wrote_it(file: Path, mark: bytes, ending: str) -> None:
    encoding = {b"": "utf-8", codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le"}.get(mark, "utf-16-be")
    lines = ('default_model = "Größe"', "n_ctx = 2048", "threads = 2", "temperature = 1", 'stop = ["x"]', "seed = 7")
    file.write_bytes(mark + ending.join(lines).encode(encoding))
    settings, notices, *_ = read_settings(file, strict=True)
    assert notices == ()
    assert settings.default_model == "Größe"
    assert settings.load_options() == LoadOptions(n_ctx=2048, threads=2)
    assert settings.sampling() == SamplingParams(temperature=1, stop=("x",), seed=7)


BROKEN = [
    ("n_ctx = 1\nn_ctx = \n", ", line 2: not valid TOML: invalid value"),
    ("n_ctx = 1\nn_ctx = 2\n", ", line 2: not valid TOML: cannot overwrite a value"),
    ('\n\ntheme = "dark', ", line 3: not valid TOML"),
    ("a = " + "[" * 50_000, "too long or nested too deeply"),
    ("a = " + "1" * 50_000, "too long or nested too deeply"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_an_error_or_a_notice_and_stays_as_it_is(file: Path, text: str, message: str) -> None:
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_settings(file, strict=True)
    assert str(caught.value).startswith(str(file))
    assert message in str(caught.value)
    settings, notices, *_ = read_settings(file)
    assert settings == Settings()
    assert len(notices) == 1
    assert notices[0].endswith("; all settings are ignored")
    assert file.read_text("utf-8") == text


def test_a_file_that_is_no_text_names_the_line(file: Path) -> None:
    file.write_bytes(b'n_ctx = 1\ntheme = "\xff\xfe"\n')
    with pytest.raises(ConfigError, match="line 2: not valid UTF-8 text; save it as UTF-8"):
        read_settings(file, strict=True)


def test_a_folder_is_no_settings_file(file: Path) -> None:
    file.mkdir()
    with pytest.raises(ConfigError, match="not a file"):
        read_settings(file, strict=True)


BAD_VALUES = [
    ("temperature = 9", "temperature is 9"),
    ("temperature = nan", "temperature is nan"),
    ('temperature = "hot"', "expected a number, got text"),
    ("n_ctx = 0", "must be from 1"),
    ("max_seqs = 1000", "must be from 1 to 256"),
    ("n_ctx = true", "expected a whole number, got true or false"),
    ('memory_budget = "much"', "write 8GB"),
    ("max_loaded = 0", "at least one model"),
    ('keep_alive = "soon"', "write 10m"),
    ("threads = 1.5", "expected a whole number, got a number"),
    ('stop = [""]', "a text of stop is empty"),
    ("[theme]\na = 1", "expected text"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_VALUES)
def test_a_bad_value_is_named_with_line_and_key_and_the_rest_counts(file: Path, line: str, reason: str) -> None:
    file.write_text(f"# mine\ntop_k = 5\n{line}\n", "utf-8")
    key = line.split()[0].strip("[]")
    with pytest.raises(ConfigError) as caught:
        read_settings(file, strict=True)
    assert f"{file}, line 3, {key}: " in str(caught.value)
    settings, notices, *_ = read_settings(file)
    assert settings == Settings(top_k=5)
    assert len(notices) == 1
    assert reason in notices[0]


def test_an_unknown_key_is_a_notice_that_guesses_what_was_meant(file: Path) -> None:
    file.write_text("[server]\nport = 1\n", "utf-8")
    assert read_settings(file, strict=True).notices == (
        f"{file}, line 1, server: there is no such setting; it is ignored",
    )
    file.write_text('\ntemprature = 1\n"\\u001b[2J" = 1\n', "utf-8")
    _, notices, *_ = read_settings(file, strict=True)
    assert notices[0].startswith(f"{file}, line 2, temprature: there is no such setting; did you mean temperature?")
    assert "\x1b" not in notices[1]


def test_limits_of_the_loaded_models_are_written_as_people_write_them(file: Path) -> None:
    file.write_text('memory_budget = "1.5GB"\nmax_loaded = 2\nkeep_alive = "1h"\n', "utf-8")
    assert read_settings(file, strict=True).settings.pool_limits() == PoolLimits(1_500_000_000, 2, 3600)
    file.write_text("memory_budget = 8\nkeep_alive = 0\n", "utf-8")
    assert read_settings(file, strict=True).settings.pool_limits() == PoolLimits(8_000_000_000, keep_alive=0)
    assert Settings().pool_limits() == PoolLimits(keep_alive=600)
