"""Which model of an endpoint is meant, and an endpoint that is not there."""

import pytest

from mistral_tui.engines.remote.pool import RemoteEngines
from mistral_tui.types.endpoints import RemoteModel
from mistral_tui.types.errors import EndpointError, InvalidRequest
from mistral_tui.types.models import Adapter, LoadOptions
from tests.engines.remote.lab import lab, text_of
from tests.stubs.openai_server import Script, reply, serving

pytestmark = pytest.mark.core


async def test_the_only_model_need_not_be_named() -> None:
    async with lab(model="") as one:
        assert one.engine.model.name == "lab/m/m"
        await one.write()
        assert one.server.chats[0].body["model"] == "m"


async def test_several_models_want_a_name() -> None:
    async with serving() as server:
        server.models = Script.says(200, {"data": [{"id": "a"}, {"id": "b"}, {"id": 5}, None]})
        engines = RemoteEngines(lambda notice: None)
        with pytest.raises(EndpointError, match="has several models; name one as in lab/NAME: a, b"):
            await engines.acquire("lab", RemoteModel(server.endpoint()), LoadOptions())
        server.models = Script.says(200, {"data": [{"id": "a", "max_model_len": 4096}]})
        engine = await engines.acquire("lab/a", RemoteModel(server.endpoint(), "a"), LoadOptions())
        assert engine.model.n_ctx == 4096
        server.models = Script.says(404, {})
        with pytest.raises(EndpointError, match="lists no models; name one: -m lab/MODEL"):
            await engines.acquire("lab", RemoteModel(server.endpoint()), LoadOptions())
        await engines.acquire("lab/x", RemoteModel(server.endpoint(), "x"), LoadOptions())
        await engines.close()


async def test_a_server_that_still_loads_is_waited_for_with_the_prompt() -> None:
    loading = Script.says(503, {"error": "loading model"})
    async with lab(loading, reply("Hello"), models=loading) as one:
        assert one.engine.model.name == "lab/m"
        assert text_of(await one.write()) == "Hello"
    with pytest.raises(EndpointError, match="503 Service Unavailable: loading model"):
        async with lab(models=loading, model=""):
            pass


async def test_nobody_there_is_an_error_in_one_line() -> None:
    async with serving() as server:
        endpoint = server.endpoint()
    engines = RemoteEngines(lambda notice: None)
    with pytest.raises(EndpointError, match="cannot be reached: connection refused; start it"):
        await engines.acquire("lab", RemoteModel(endpoint), LoadOptions())
    await engines.close()


async def test_loras_are_the_servers_business() -> None:
    async with serving() as server:
        engines = RemoteEngines(lambda notice: None)
        with pytest.raises(InvalidRequest, match="leave --lora out"):
            await engines.acquire("lab", RemoteModel(server.endpoint()), LoadOptions(adapters=(Adapter("/a.gguf"),)))
        await engines.close()
