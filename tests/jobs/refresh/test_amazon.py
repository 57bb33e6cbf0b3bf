"""An Amazon seller's run, from the sealed grant to the warehouse."""

import asyncio
from pathlib import Path

from sandbox.providers.amazon import Amazon
from storage.credentials import Credentials, Place, seal_credentials
from storage.facts.clock import OffsetClock
from storage.facts.runs import RunState
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState, Provider
from storage.records import seeds
from storage.sessions import Database, Session
from tests.connectors.consents import served_amazon
from tests.jobs.stage import Stage, staged

SELLER = "A1TEMERITYEU01"


def connect(stage: Stage, amazon: Amazon, *, region: str) -> None:
    """Store a source and its grant, of which only the refresh token is known."""
    grant = amazon.oauth.grant(SELLER)

    def work(session: Session) -> None:
        now = stage.clock.now()
        source_id, _ = seeds.put_source(
            session, "src_amazon", stage.organization_id, now, "amazon", SELLER,
            schedule_minutes=360, label=SELLER, company="Temerity Goods Europe", mode="on_demand",
        )  # fmt: skip
        state = ConnectionState.CONNECTED
        seeds.add_connection(session, source_id, stage.organization_id, now, state=state, reason=None, region=region)
        place = Place(stage.organization_id, "amazon", SELLER, 1)
        tokens = Credentials(Secret(""), Secret(grant.refresh_token), expires_at=now)
        seeds.put_credentials(
            session, source_id, now, sealed=seal_credentials(stage.jobs.ground.seal, place, tokens), version=1,
            scopes="", access_expires_at=now, state=state, reason=None,
        )  # fmt: skip

    stage.database.in_write(work)


async def test_what_the_account_holds_in_its_region_is_ready(sqlite_database: Database, tmp_path: Path) -> None:
    amazon = Amazon(clock=OffsetClock(), generous=True)
    async with (
        served_amazon(amazon) as urls,
        staged(sqlite_database, tmp_path, more=amazon.environment(urls)) as stage,
    ):
        connect(stage, amazon, region="eu")
        refresh = await stage.finished((await stage.request(Provider.AMAZON)).refresh_id, seconds=60)
        ((source, run),) = refresh.runs
        assert (source.region, run.state) == ("eu", RunState.READY)
        held = await asyncio.to_thread(stage.jobs.ground.warehouses.of(stage.organization_id).counts, source.id)
        assert held["raw_amazon_marketplaces"] == len(amazon.sellers[SELLER].participations())
        shop = amazon.shops[SELLER]
        assert held["raw_amazon_orders"] == len(shop.trade.truth())
        assert held["raw_amazon_settlement_lines"] == len(shop.settlements.lines)
        again = await stage.finished((await stage.request(Provider.AMAZON)).refresh_id, seconds=60)
        assert (again.runs[0][1].state, again.runs[0][1].changed) == (RunState.READY, 0)
