"""The story of a refresh: ask, confirm, watch, be told in the thread and by mail, look at the history."""

from bot.cli.stories.stage import Stage
from sandbox.misbehave import Kind, Rule
from sandbox.providers import catalogue
from sandbox.slack import Message
from storage.facts.sources import Provider
from storage.facts.status import SourceStatus
from templates import actions

MAYA, FINANCE, ADDRESS = "U0MAYA", "C0FINANCE", "maya@temeritygoods.example"
_NEW, _CHANGED = 3, 2


async def story(stage: Stage) -> None:
    """Play it as Maya, in #finance."""
    await _asks(stage)
    before = await _first_reads(stage)
    await _something_happens(stage)
    card = await _refreshes(stage)
    await _confirms_address(stage)
    await _is_told(stage, card)
    await _reads_mail(stage)
    await _looks_back(stage, before)


async def _asks(stage: Stage) -> None:
    answer = await stage.act(lambda: stage.slack.command(MAYA, FINANCE, "/data", ""))
    found = await stage.see("an answer to /data", lambda: _seen(stage, "QuickBooks", "Shopify"))
    stage.told(f"/data was answered {answer.seconds * 1000:.0f} ms after it was typed: {_first_line(found)!r}")


async def _first_reads(stage: Stage) -> list[SourceStatus]:
    found = await stage.first_reads()
    rows = {one.source.provider.value: one.last_ready.rows for one in found if one.last_ready}
    stage.told(
        "first reads are ready by themselves: " + ", ".join(f"{name} {count} rows" for name, count in rows.items())
    )
    return found


async def _something_happens(stage: Stage) -> None:
    await stage.outside(lambda: stage.sandbox.business(new=_NEW, changed=_CHANGED))
    # The shop answers slowly until the mail address is confirmed, so that there is time to watch and to answer.
    slow = Rule(Kind.LATENCY, seconds=3.0, times=None, operation="query")
    await stage.outside(lambda: stage.sandbox.shopify.script.add(slow))
    stage.told(f"business goes on: {_NEW} new and {_CHANGED} changed records at each provider")


async def _refreshes(stage: Stage) -> Message:
    await stage.act(lambda: stage.slack.command(MAYA, FINANCE, "/data", "refresh all"))
    asked = await stage.see("a card that asks", lambda: _with_action(stage, actions.REFRESH_CONFIRM))
    stage.told(f"/data refresh all asks first: {_first_line(asked)!r}")
    answer = await stage.act(lambda: stage.slack.click(MAYA, asked, actions.REFRESH_CONFIRM))
    card = await stage.see("the living card in the channel", lambda: _card(stage))
    stage.told(f"confirmed in {answer.seconds * 1000:.0f} ms; the card is in #finance: {_first_line(card)!r}")
    return card


async def _confirms_address(stage: Stage) -> None:
    question = await stage.see("the question about the mail address", lambda: _with_action(stage, actions.EMAIL_YES))
    await stage.act(lambda: stage.slack.click(MAYA, question, actions.EMAIL_YES))
    await stage.see("the word that the address is confirmed", lambda: _seen(stage, ADDRESS, without="?"))
    await stage.outside(stage.sandbox.shopify.script.clear)
    stage.told(f"the address {ADDRESS} was asked about once, and confirmed")


async def _is_told(stage: Stage, card: Message) -> None:
    def told() -> Message | None:
        replies = stage.slack.replies(FINANCE, card.ts, viewer=MAYA)
        return next((one for one in replies[1:] if "ready" in one.everything), None)

    found = await stage.see("the confirmation in the thread", told)
    edits = await stage.see("the card's last edit", lambda: _finished_card(stage, card))
    stage.told(f"the thread says {_first_line(found)!r}; the card was edited {len(edits.versions)} times")


async def _reads_mail(stage: Stage) -> None:
    mail = await stage.see("the mail", lambda: next(iter(stage.sandbox.mail.to(ADDRESS)), None))
    stage.expect(mail.text and mail.html, "the mail lacks its text or its HTML")
    stage.told(f"mail for Maya: {mail.subject!r}, {mail.message_id}")


async def _looks_back(stage: Stage, before: list[SourceStatus]) -> None:
    now = {one.source.provider: one for one in await stage.statuses()}
    shop, books = now[Provider.SHOPIFY], now[Provider.QUICKBOOKS]
    earlier = next(one for one in before if one.source.provider is Provider.SHOPIFY).last_data_refresh
    as_of = shop.last_data_refresh
    stage.expect(earlier and as_of and as_of > earlier, "Shopify's last data refresh did not move")
    counts = (await stage.rows(shop))["raw_shopify_orders"]
    truth = await stage.outside(lambda: len(stage.sandbox.shopify.shops[catalogue.SHOP].truth("Order")))
    stage.expect(counts == truth, f"the warehouse holds {counts} orders, Shopify has {truth}")
    changed = shop.last_ready.changed if shop.last_ready else 0
    stage.expect(changed >= _NEW, f"the run tells {changed} changed rows, but at least {_NEW} changed")
    await stage.act(lambda: stage.slack.command(MAYA, FINANCE, "/data", "history shopify"))
    await stage.see("the history", lambda: _seen(stage, "istory"))
    stage.told(
        f"history is there; Shopify as of {earlier:%H:%M:%S} -> {as_of:%H:%M:%S} UTC, {changed} rows changed, "
        f"{counts} orders = Shopify's own; QuickBooks as of {books.last_data_refresh:%H:%M:%S} UTC (timer)"
    )


def _seen(stage: Stage, *words: str, without: str | None = None) -> Message | None:
    for message in reversed(stage.messages(FINANCE, MAYA)):
        if all(word in message.everything for word in words) and (without is None or without not in message.text):
            return message
    return None


def _with_action(stage: Stage, action: str) -> Message | None:
    return next((one for one in reversed(stage.messages(FINANCE, MAYA)) if action in one.actions), None)


def _card(stage: Stage) -> Message | None:
    posted = [one for one in stage.messages(FINANCE, MAYA) if one.metadata and not one.is_reply]
    return posted[-1] if posted else None


def _finished_card(stage: Stage, card: Message) -> Message | None:
    found = stage.slack.message(FINANCE, card.ts)
    return found if found and actions.REFRESH_CANCEL not in found.actions and found.versions else None


def _first_line(message: Message) -> str:
    return message.text.splitlines()[0][:120]
