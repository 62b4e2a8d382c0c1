"""How a person names what is on the hub, and which files are meant."""

import pytest

from mistral_tui.models.hub.choosing import RemoteFile, choices, choose, preferred
from mistral_tui.models.hub.reference import HubReference, safe_path
from mistral_tui.types.errors import DownloadFailed, InvalidRequest

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("text", "repository", "file", "quantization"),
    [
        ("owner/name", "owner/name", None, None),
        ("hf:owner/name", "owner/name", None, None),
        ("owner/name:q4_k_m", "owner/name", None, "Q4_K_M"),
        ("owner/name:UD-Q2_K_XL", "owner/name", None, "UD-Q2_K_XL"),
        ("owner/name:BF16", "owner/name", None, "BF16"),
        ("owner/name/deep/file.gguf", "owner/name", "deep/file.gguf", None),
        ("https://huggingface.co/owner/name", "owner/name", None, None),
        ("https://huggingface.co/owner/name/tree/main", "owner/name", None, None),
        ("https://huggingface.co/owner/name/blob/main/f.gguf?download=true", "owner/name", "f.gguf", None),
    ],
)
def test_references(text: str, repository: str, file: str | None, quantization: str | None) -> None:
    assert HubReference.parse(text) == HubReference(repository, file, quantization)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "hf:",
        "a/b c",
        "../x",
        "a/..",
        "a/b/../c",
        "a/b:",
        "a/b:x",
        "a/b/c:Q4_0",
        "/a/b",
        "a/b/\x1b[2J",
        "a/b\n",
    ],
)
def test_what_names_nothing_is_refused(text: str) -> None:
    if text == "a/b\n":
        assert HubReference.parse(text) == HubReference("a/b")
        return
    with pytest.raises(InvalidRequest):
        HubReference.parse(text)


@pytest.mark.parametrize(
    "path", ["../x", "/x", "a/../../x", "c:x", "a\\..\\x", "a/\x00", "", "a/./b/..", "\u202ex", "CON:"]
)
def test_paths_that_lead_out_are_not_safe(path: str) -> None:
    assert not safe_path(path)


def files(*names: str) -> list[RemoteFile]:
    return [RemoteFile(name, size=100 + number) for number, name in enumerate(names)]


def chosen(reference: str, *names: str) -> list[str]:
    return [file.path for file in choose(HubReference.parse(reference), files(*names)).files]


def test_the_usual_quantization_is_chosen() -> None:
    assert chosen("o/n", "m-Q8_0.gguf", "m-Q4_K_M.gguf", "m-Q4_0.gguf") == ["m-Q4_K_M.gguf"]
    assert chosen("o/n", "m-Q8_0.gguf", "m-f16.gguf") == ["m-Q8_0.gguf"]
    assert chosen("o/n", "m-IQ2_M.gguf") == ["m-IQ2_M.gguf"]
    assert chosen("o/n", "plain.gguf", "imatrix.gguf") == ["plain.gguf"]


def test_all_parts_come_in_order_with_the_smallest_precise_projector() -> None:
    names = [
        "Q8_0/m-Q8_0-00002-of-00002.gguf",
        "Q8_0/m-Q8_0-00001-of-00002.gguf",
        "mmproj-F32.gguf",
        "mmproj-BF16.gguf",
    ]
    assert chosen("o/n:Q8_0", *names) == [names[1], names[0], "mmproj-BF16.gguf"]
    assert chosen("o/n/Q8_0/m-Q8_0-00002-of-00002.gguf", *names)[:2] == [names[1], names[0]]


@pytest.mark.parametrize(
    ("reference", "names", "message"),
    [
        ("o/n:Q2_K", ["m-Q4_0.gguf"], "o/n has nothing in Q2_K; it has m-Q4_0.gguf"),
        (
            "o/n:Q4_0",
            ["a-Q4_0.gguf", "b-Q4_0.gguf"],
            "several models in Q4_0: a-Q4_0.gguf, b-Q4_0.gguf; name one, as in o/n/",
        ),
        ("o/n", ["m-Q4_0-00001-of-00003.gguf", "m-Q4_0-00003-of-00003.gguf"], "has 2 of the 3 parts"),
        ("o/n", ["README.md"], "neither GGUF nor safetensors"),
        ("o/n:Q4_0", ["model.safetensors"], "has no GGUF files, and so no Q4_0"),
        ("o/n/x.gguf", ["model.safetensors"], "has no file x.gguf; it has no GGUF files"),
    ],
)
def test_what_is_not_there_is_said(reference: str, names: list[str], message: str) -> None:
    with pytest.raises(DownloadFailed) as caught:
        chosen(reference, *names)
    assert message in str(caught.value)


def test_of_safetensors_only_what_is_needed_is_taken() -> None:
    names = [
        "config.json",
        "model.safetensors",
        "pytorch_model.bin",
        "onnx/model.onnx",
        "onnx/config.json",
        "tokenizer.json",
    ]
    assert sorted(chosen("o/n", *names)) == ["config.json", "model.safetensors", "tokenizer.json"]
    pipeline = ["model_index.json", "unet/model.safetensors", "unet/config.json", "vae/model.bin"]
    assert sorted(chosen("o/n", *pipeline)) == ["model_index.json", "unet/config.json", "unet/model.safetensors"]


def test_all_models_of_a_repository_are_offered_the_smallest_first_and_one_that_is_named_alone() -> None:
    parts = ("m-Q8_0-00001-of-00002.gguf", "m-Q8_0-00002-of-00002.gguf")
    repository = files("m-Q4_K_M.gguf", *parts, "m-F16-00001-of-00003.gguf", "mmproj-F16.gguf", "m-Q2_K.gguf", "a.json")
    offered = choices(HubReference.parse("o/n"), repository)
    assert [(choice.name, choice.quantization) for choice in offered] == [
        ("m-Q4_K_M", "Q4_K_M"),
        ("m-Q2_K", "Q2_K"),
        ("m-Q8_0", "Q8_0"),
    ]
    assert all(choice.projector is not None for choice in offered)
    assert preferred(offered).name == "m-Q4_K_M"
    assert [choice.name for choice in choices(HubReference.parse("o/n:Q2_K"), repository)] == ["m-Q2_K"]
    with pytest.raises(DownloadFailed, match="nothing to run"):
        choices(HubReference.parse("o/n"), files("README.md"))
