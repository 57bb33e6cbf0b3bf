"""What counts as the shop's word on a connection, and what does not."""

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from connectors.base import Connector
from connectors.errors import Reconnect, Retry
from jobs.notify.notifier import Notifier
from jobs.webhooks.standing import LOOKS, LookAgainError, settle_standing
from storage.facts.sources import ConnectionState, Provider
from storage.sessions import Database
from tests.jobs.stage import staged


class Meets:
    """A connector that meets something when it asks whose the account is."""

    def __init__(self, connector: Connector, error: Exception) -> None:
        self._connector, self._error = connector, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    async def probe(self, _session: object) -> object:
        raise self._error


@pytest.mark.parametrize(
    "error, state",
    [
        (Retry(1, "a sibling", code="token_race"), ConnectionState.CONNECTED),
        (Retry(1, "down"), ConnectionState.DISCONNECTED),
        (Reconnect("no"), ConnectionState.DISCONNECTED),
    ],
)
async def test_a_sibling_that_renews_the_access_is_no_silence_of_the_shop(
    sqlite_database: Database, tmp_path: Path, error: Exception, state: ConnectionState
) -> None:
    """At the last look: the shop's silence is believed then, ours never."""
    async with staged(sqlite_database, tmp_path) as stage:
        ground = stage.jobs.ground
        meets = replace(
            ground, connector_for=lambda provider: cast("Any", Meets(ground.connector_for(provider), error))
        )
        notifier = Notifier(stage.jobs.engine.enqueue, support_channel="", support_email="")
        believed = state is ConnectionState.DISCONNECTED
        with contextlib.nullcontext() if believed else pytest.raises(LookAgainError):
            await settle_standing(meets, notifier, stage.source(Provider.SHOPIFY), LOOKS)
        assert stage.source(Provider.SHOPIFY).connection is state
