"""The whole way: a source turns late, Slack says so within seconds, and a good refresh ends it below the same post."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from storage.facts.sources import Provider
from storage.sessions import Database
from tests.jobs.briefly import briefly
from tests.jobs.stage import staged
from tests.waiting import eventually


async def test_a_late_source_is_posted_edited_and_ended_in_its_thread(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:

        def posts(words: str) -> list[Any]:
            found = stage.slack.messages("C0FINANCE", viewer="U0MAYA")
            return [post for post in found if words in post.everything]

        first = await stage.request(Provider.SHOPIFY)
        await stage.finished(first.refresh_id)
        stage.clock.advance(timedelta(minutes=65, seconds=30))
        turned = stage.clock.now()
        (late,) = await eventually(lambda: posts("is late"))
        # The sweep comes each second, and the post at once; the rest is what a slow machine may take.
        assert stage.clock.now() - turned < timedelta(seconds=60)
        assert "Promised" in late.everything
        again = await stage.request(Provider.SHOPIFY)
        await stage.finished(again.refresh_id)
        (over,) = await eventually(lambda: posts("is fresh again"))
        assert over.ts == late.ts
        assert not posts("is late")
        recovered = await eventually(lambda: posts("Recovered: "))
        assert {post.thread_ts for post in recovered} == {late.ts}
        assert len(recovered) == 1
