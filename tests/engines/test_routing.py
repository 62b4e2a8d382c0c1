"""Each model goes to where it runs."""

import pytest

from mistral_tui.engines.routing import RoutingPool
from mistral_tui.models.remote import remote_entry
from mistral_tui.types.endpoints import Endpoint
from mistral_tui.types.errors import EngineError, ModelNotFound
from mistral_tui.types.models import LoadOptions, LoadProgress
from tests.stubs.engines import ENTRY, FakePool
from tests.stubs.openai_server import serving

pytestmark = pytest.mark.core


async def test_a_local_model_goes_to_the_local_pool() -> None:
    local = FakePool()
    pool = RoutingPool(local)
    assert await pool.acquire(ENTRY, LoadOptions()) is local.engine
    await pool.unload(ENTRY.name)
    assert local.unloaded == [ENTRY.name]
    await pool.close()
    assert local.closed


async def test_a_remote_model_has_no_worker() -> None:
    local = FakePool()
    async with serving() as server:
        pool = RoutingPool(local)
        entry = remote_entry((server.endpoint(),), "lab/m")
        assert entry is not None
        steps: list[LoadProgress] = []
        engine = await pool.acquire(entry, LoadOptions(), steps.append)
        assert await pool.acquire(entry, LoadOptions()) is engine
        assert [step.stage for step in steps] == ["starting", "ready"]
        assert local.loads == []
        with pytest.raises(ModelNotFound, match="lab/m runs at its endpoint, and nothing of it is loaded here"):
            await pool.unload("lab/m")
        await pool.close()
        with pytest.raises(EngineError, match="the program is ending"):
            await pool.acquire(entry, LoadOptions())


async def test_a_key_that_travels_unencrypted_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", "sk-very-secret")
    monkeypatch.setattr(Endpoint, "is_local", False)  # as if this machine were another one
    monkeypatch.setenv("NO_PROXY", "*")
    async with serving() as server:
        pool = RoutingPool(FakePool())
        for model in ("a", "b"):
            entry = remote_entry((server.endpoint(api_key_env="LAB_KEY"),), f"lab/{model}")
            assert entry is not None
            await pool.acquire(entry, LoadOptions())
        notices: list[str] = []
        pool.listen(notices.append)
        assert notices == ["lab: its key and all that is said travel unencrypted to 127.0.0.1; use https"]
        await pool.close()
