"""AWS's APIs for the tests of the command."""

from collections.abc import Iterator

import pytest
from tests.cli.moto_apis import Moto, moto_at_work


@pytest.fixture(name="moto", scope="module")
def a_moto_server() -> Iterator[Moto]:
    with moto_at_work() as moto:
        yield moto
