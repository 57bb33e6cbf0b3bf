"""`/data metric new`: the ack does not wait for the lake, and names are read as they were typed."""

from tests.bot.stage import staged
from tests.bot.test_channel_words import told


async def test_the_ack_comes_before_the_lake_was_looked_at() -> None:
    async with staged() as stage:
        twin = stage.services.metrics
        twin.let.clear()
        answer = await stage.slack.command(
            "U0DANIEL", "C0FINANCE", "/data", "metric new Fees = accounts: R&amp;D &lt;new&gt;"
        )
        assert answer.ok
        assert not stage.slack.messages("C0FINANCE", viewer="U0DANIEL")
        twin.let.set()
        said = await stage.slack.wait_for(lambda: stage.slack.messages("C0FINANCE", viewer="U0DANIEL"))
        assert "no company is connected" in said[-1].everything
        assert twin.wished == ["Fees = accounts: R&D <new>"]
        twin.demoted = True
        assert "manager" in await told(stage, "U0DANIEL", "metric new Fees = revenue")


async def test_who_may_not_make_one_is_told_who_may() -> None:
    async with staged() as stage:
        assert "Daniel Kim" in await told(stage, "U0PRIYA", "metric new Fees = revenue")
        assert stage.services.metrics.wished == []
