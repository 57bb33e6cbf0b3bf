"""“Set net income to 5”: a value that is typed in is refused in whatever words, and no other wish is taken for one."""

from collections.abc import Callable

from bot.asking.language import language
from bot.by_hand import wanted
from bot.cli.samples.numbers import NET, kept, shown
from storage.facts.metrics import MetricState
from tests.bot.stage import staged
from tests.bot.test_channel_words import told

TYPED = (
    "set net income to 5",
    "Change revenue to 100k",
    "please make gross margin 40%",
    "net income = 5",
    "enter 5 for net income",
    "can you set the revenue to $1,000?",
    "override our cash balance with 20,000.50 USD",
    "set net income for november to -5",
    "put 1.2 million in as revenue",
    "revenue should be 100,000 please",
    "<@U0TIDINGS>: set net income to 5",
    "Could you update net profit to (1,200)",
)
OTHERS = (
    "set shopify schedule to 60",
    "change the schedule of shopify to 60",
    "did you change revenue to 100k?",
    "why is revenue at 5?",
    "is invoice 1042 in quickbooks",
    "what was net income in 2025",
    "refresh shopify at 5",
    "how is revenue",
    "who changed invoice 1042 to 500",
)


def names_one(said: str, found: Callable[[str], list[str]] = wanted) -> bool:
    return any(name.casefold() in language().metrics for name in found(said))


def guessing(said: str) -> list[str]:
    """A twin to which every sentence with a number and a metric is one."""
    return [name for name in language().metrics if name in said] if any(one.isdecimal() for one in said) else []


def test_a_value_that_is_typed_in_is_told_from_all_other_wishes() -> None:
    assert [one for one in TYPED if not names_one(one)] == []
    assert [one for one in OTHERS if names_one(one)] == []
    assert [one for one in OTHERS if names_one(one, guessing)] != [], "the twin refuses questions"
    assert wanted("set " + "a " * 5000 + "to 5") == []


async def test_it_is_refused_and_nothing_else_happens() -> None:
    async with staged() as stage:
        name = "Fees of 4711"
        stage.services.metrics.known = {name: shown(name, NET, MetricState.CURRENT, kept("12.00"))}

        async def answer(words: str) -> str:
            before = len(stage.seen("U0DANIEL", "C0FINANCE"))
            await stage.slack.mention("U0DANIEL", "C0FINANCE", words)
            found = await stage.slack.wait_for(lambda: stage.seen("U0DANIEL", "C0FINANCE")[before + 1 :])
            return found[-1]

        for words in ("set net income to 5", "set Fees of 4711 to 12", "change the Fees of 4711 to 1k"):
            assert "cannot be set by hand" in await answer(words), words
        assert "cannot be set by hand" not in await answer("set shopify schedule to 60")
        assert "cannot be set by hand" in await told(stage, "U0DANIEL", "set net income to 5")
        assert (stage.services.making.saved, stage.services.schedules.saved) == ({}, [])
