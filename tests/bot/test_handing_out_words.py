"""`/data metric <name> post to #channel` and `… csv`: who may, which channel, and what is said."""

from datetime import time

from jobs.refresh.ask import Place
from storage.facts.metrics import PostTime
from tests.bot.stage import staged
from tests.bot.test_channel_words import told


async def test_where_a_metric_is_posted_is_said_in_words() -> None:
    async with staged() as stage:
        twin = stage.services.posting
        said = await told(stage, "U0DANIEL", "metric Net income post to <#C0FINANCE|finance>")
        assert "every Monday at 09:00 in #finance" in said
        assert "not posted any more" in await told(stage, "U0DANIEL", "metric Net income post nowhere")
        await told(stage, "U0DANIEL", "metric Net income post here")
        here = Place("T0TEMERITY", "C0FINANCE")
        assert twin.wanted == [("Net income", here), ("Net income", None), ("Net income", here)]
        assert "Which channel is #sales" in await told(stage, "U0DANIEL", "metric Net income post to #sales")
        assert "no metric called" in await told(stage, "U0DANIEL", "metric nothing post here")
        twin.refused = "not_allowed"
        assert "No admin has allowed" in await told(stage, "U0DANIEL", "metric Net income post here")
        twin.refused = "shared"
        assert "another company" in await told(stage, "U0DANIEL", "metric Net income post here")
        assert "Daniel Kim" in await told(stage, "U0PRIYA", "metric Net income post here")
        assert len(twin.wanted) == 3


async def test_when_a_channel_has_its_metrics_is_said_in_words() -> None:
    async with staged() as stage:
        twin = stage.services.posting
        said = await told(stage, "U0DANIEL", "metric Net income post to <#C0FINANCE|finance> fridays at 16:00")
        assert "every Friday at 16:00 in #finance" in said
        said = await told(stage, "U0DANIEL", "metrics post <#C0FINANCE|finance> on tuesday, 7 am")
        assert "Everything there is posted every Tuesday at 07:00" in said
        assert twin.times == [PostTime(4, time(16)), PostTime(1, time(7))]
        for wrong in ("whenever", "fridays at 25:00", "friday 13 pm", "fortnights at 9:00"):
            assert "Nothing was changed" in await told(stage, "U0DANIEL", f"metrics post here {wrong}")
        assert "Nothing was changed" in await told(stage, "U0DANIEL", "metrics post here")
        assert "Nothing was changed" in await told(stage, "U0DANIEL", "metric Net income post nowhere fridays")
        assert "Daniel Kim" in await told(stage, "U0PRIYA", "metrics post here fridays")
        assert len(twin.times) == 2


async def test_a_file_is_asked_for_by_words_or_on_the_card() -> None:
    async with staged() as stage:
        for wish in ("csv", "JSON", "download"):
            said = await told(stage, "U0MAYA", f"metric Net income {wish}")
            assert "Net income as a file" in said
        assert "no metric called" in await told(stage, "U0MAYA", "metric nothing csv")
