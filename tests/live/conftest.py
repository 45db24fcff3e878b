"""A running lab for every live test. All of them share one event loop and one office; calls have ids of their own."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from saikoku.lab.obtain import AsteriskBuild, obtain
from saikoku.lab.pbx import Lab
from tests.live.ami import Ami, connected


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Async tests run in the session's loop, where the lab's processes live."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def asterisk_build() -> AsteriskBuild:
    """An Asterisk, fetched the first time; an error, not a skip, if there is none: a skipped call proves nothing."""
    return obtain()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(asterisk_build: AsteriskBuild, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """Office and carrier, for the whole session: leave phones and citizens as you found them."""
    async with Lab(tmp_path_factory.mktemp("lab"), build=asterisk_build) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def own_lab(asterisk_build: AsteriskBuild, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """A lab of the test's own, to kill, to edit, to count in; starts in half a second."""
    async with Lab(tmp_path_factory.mktemp("own"), build=asterisk_build) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def ami(lab: Lab) -> AsyncIterator[Ami]:
    """A fresh AMI connection to the shared office; in the end every call of the test is hung up."""
    async with connected(lab.ami_host, lab.ami_port, lab.ami_user, lab.ami_secret) as connection:
        yield connection
        await connection.hang_up_all()


@pytest.fixture
def call_id() -> str:
    """An attempt's id, never used before."""
    return f"call-{uuid.uuid4()}"
