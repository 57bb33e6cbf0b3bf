"""`/data reread`, as people type it: named, previewed, started by its card alone, once."""

from datetime import date

from jobs.refresh.rereading import Wanted
from templates import actions
from tests.bot.stage import staged
from tests.bot.test_channel_words import told


async def test_what_is_read_again_is_asked_first() -> None:
    async with staged() as stage:
        answer = await told(stage, "U0DANIEL", "reread shop orders from 2026-10-01")
        assert "Read Orders of" in answer
        assert "only what changed since Oct 1, 2026" in answer
        assert "stays readable until the new read is complete" in answer
        assert "took 13 min. This reads less." in answer
        started = stage.services.rereads.started
        assert started == []
        card = [m for m in stage.slack.messages("C0FINANCE", viewer="U0DANIEL") if actions.REREAD_START in m.actions][
            -1
        ]
        for _ in range(2):
            assert (await stage.slack.click("U0DANIEL", card, actions.REREAD_START)).ok
        await stage.slack.wait_for(lambda: started)
        source_id = started[0][0].source_id
        assert {wanted for wanted, _ in started} == {Wanted(source_id, "orders", date(2026, 10, 1))}
        assert len({trigger for _, trigger in started}) == 1
        for words, said in {
            "reread shop": "took 13 min.",
            "reread shop orders": "Read Orders of",
            "reread": "Name one source",
            "reread shop from 2026-13-01": "Name one source",
            "reread shop from 2036-10-01": "has not come yet",
            "reread zendesk orders": "Name one source",
        }.items():
            assert said in await told(stage, "U0DANIEL", words), words
        assert "manager" in await told(stage, "U0PRIYA", "reread shop")
        assert stage.slack.red == []
        assert stage.slack.refused == []
