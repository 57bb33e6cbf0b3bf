"""A refresh from the request to the confirmation, on both databases."""

from pathlib import Path

from jobs.refresh.ask import Started
from storage.facts.runs import RunState
from storage.facts.sources import Provider
from storage.sessions import Database
from tests.jobs.stage import SHOP, staged
from tests.waiting import eventually


async def test_shopify_is_read_loaded_made_ready_and_told(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        outcome = await stage.request(Provider.SHOPIFY)
        assert isinstance(outcome, Started)
        refresh = await stage.finished(outcome.refresh_id)

        ((_, run),) = refresh.runs
        assert run.state is RunState.READY, run.failure
        assert run.clocks.source_as_of is not None
        assert run.clocks.loaded_at is not None
        assert run.clocks.ready_at is not None
        truth = stage.shopify.shops[SHOP].truth("Order")
        assert run.counts["orders"].new == len(truth)

        posts = await eventually(lambda: stage.slack.messages("C0FINANCE", viewer="U0MAYA"))
        card = posts[0]
        thread = await eventually(lambda: stage.slack.replies("C0FINANCE", card.ts, viewer="U0MAYA"))
        print(card.everything)
        print([message.everything for message in thread])
        await eventually(lambda: stage.slack.messages("C0FINANCE", viewer="U0MAYA")[0].edited_ts)
        assert stage.slack.red == []
        assert stage.slack.refused == []
