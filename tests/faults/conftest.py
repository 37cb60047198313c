"""A running server with a community in it, one for each module of fault tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.support.live_people import LiveCommunity, LiveRoom, live_community
from tests.support.server import RunningServer, start_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with start_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def community(
    server: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LiveCommunity]:
    async with live_community(server, tmp_path_factory.mktemp("community")) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(community: LiveCommunity) -> LiveRoom:
    return await community.open_room(members=2)
