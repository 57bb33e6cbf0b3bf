"""`/data why`: each cause that can be brought about cheaply is, and must be the one that is named.

Played here and in the other parts: well, waits_attempt, delivery_skipped, delivery_pending, unchanged, clock_stopped,
collecting, stopping, cancelled, rate_limit, failed_known, timer_not_due, schedule_off, disconnected_lost,
disconnected_by_provider. The other leaves are tried from rows in tests/jobs/explain/test_leaves.py:
disconnected_on_purpose, no_worker, stuck, provider_prepares, waits_turn, queued, processing, held, failed_unknown,
attention, partial, never_read, delivery_failed, stretched, no_new_file, joined, older_periods, provider_lag and
unexplained.
"""

from datetime import timedelta
from functools import partial

from bot.cli.stories.connecting import DANIEL, newest
from bot.cli.stories.stage import Stage
from bot.cli.stories.trusting.people import FINANCE, MAYA, asks_for, is_ready, reply
from bot.cli.stories.trusting.quiet import idle, quiet, undisturbed
from sandbox.misbehave import Kind, Rule
from sandbox.providers import catalogue
from sandbox.slack import Message
from storage.facts.sources import ConnectionState, Provider
from storage.facts.status import SourceStatus
from templates import actions

_HELD = Rule(Kind.HOLD, times=None, operation="query")
_BUSY = Rule(Kind.RATE_LIMIT, times=None, operation="query", retry_after="300")
_LOCKED = Rule(Kind.SERVER_ERROR, times=None, operation="query", status=423)


async def why(stage: Stage, source: str, *words: str, never: str = "") -> None:
    """Ask why, as Maya, until the answer has these words; what it must never say may not stand beside them.

    What an answer is about is noted a moment after it is seen outside, on a busy machine many moments.
    """
    told = ""

    async def said() -> bool:
        nonlocal told
        told = (await _answer(stage, source)).everything
        return all(word in told for word in words)

    await stage.until(f"that {source} is as it is because of {words}", said, lambda: f"; the last answer: {told}")
    stage.expect(not never or never not in told, f"{never!r} is said beside {words}: {told}")


async def _answer(stage: Stage, source: str) -> Message:
    before = await stage.outside(lambda: {one.ts for one in _answers(stage)})
    await stage.act(lambda: stage.slack.command(MAYA, FINANCE, "/data", f"why {source}"))
    return await stage.see(
        "an answer to why", lambda: next((one for one in reversed(_answers(stage)) if one.ts not in before), None)
    )


async def named(stage: Stage) -> None:
    """Bring about one cause after the other."""
    await _is_stopped(stage)
    await _is_slowed_down(stage)
    await _is_locked(stage)
    await _waits_for_its_timer(stage)
    await _is_switched_off(stage)
    await _is_disconnected(stage)


async def _is_stopped(stage: Stage) -> None:
    await undisturbed(stage)
    await stage.outside(lambda: stage.sandbox.shopify.script.add(_HELD))
    # Its worker stops it within two seconds: whoever asks later than that has missed it, and stops another one.
    await stage.until("an answer while a refresh was being stopped", partial(_is_seen_to_stop, stage))
    await stage.outside(stage.sandbox.shopify.script.clear)
    await quiet(stage)
    await why(stage, "shopify", "the last collection was cancelled", never="is being stopped")
    stage.told("why? names a collection under way, then one that is being stopped, then one that was cancelled")


async def _is_seen_to_stop(stage: Stage) -> bool:
    card = await asks_for(stage)
    await why(stage, "shopify", "new data is being collected right now")
    await _stop(stage, card)
    told = (await _answer(stage, "shopify")).everything
    while "a refresh is being stopped" not in told and await _is_active(stage):
        told = (await _answer(stage, "shopify")).everything
    await quiet(stage)
    return "a refresh is being stopped" in told


async def _is_active(stage: Stage) -> bool:
    return (await _of(stage, Provider.SHOPIFY)).active is not None


async def _is_slowed_down(stage: Stage) -> None:
    await undisturbed(stage)
    await stage.outside(lambda: stage.sandbox.shopify.script.add(_BUSY))
    card = await asks_for(stage)
    await why(stage, "shopify", "Shopify asked us to slow down", "no call is wanted until")
    await _stop(stage, card)
    await stage.outside(stage.sandbox.shopify.script.clear)
    await quiet(stage)
    # The account is left alone for as long as its provider wished.
    await stage.outside(lambda: stage.sandbox.pass_time(timedelta(minutes=6)))
    stage.told("why? names a provider that asked us to slow down, and until when")


async def _is_locked(stage: Stage) -> None:
    await undisturbed(stage)
    await stage.outside(lambda: stage.sandbox.shopify.script.add(_LOCKED))
    card = await asks_for(stage)
    await stage.see("the word that it failed", lambda: reply(stage, card, "locked"))
    await why(stage, "shopify", "the last collection failed", "The shop is locked at Shopify")
    await stage.outside(stage.sandbox.shopify.script.clear)
    stage.told("why? names a shop that is locked")


async def _waits_for_its_timer(stage: Stage) -> None:
    await undisturbed(stage)
    card = await asks_for(stage, "quickbooks")
    await stage.see("the answer in the thread", lambda: reply(stage, card, "QuickBooks"))
    await why(stage, "quickbooks", "QuickBooks is collected by a timer", "not by a refresh")
    stage.told("why? names the timer of QuickBooks, which no refresh hurries")


async def _is_switched_off(stage: Stage) -> None:
    await stage.act(lambda: stage.slack.command(DANIEL, FINANCE, "/data", "schedule shopify off"))
    card = await stage.see("the card", lambda: newest(stage, action=actions.SCHEDULE_SET))
    await stage.act(lambda: stage.slack.click(DANIEL, card, actions.SCHEDULE_SET))

    async def off() -> bool:
        return (await _of(stage, Provider.SHOPIFY)).source.rule is not None

    await stage.until("the schedule that is off", off)
    await is_ready(stage, await asks_for(stage))
    await quiet(stage)
    await stage.hours_pass(26)
    await why(stage, "shopify", "its schedule is off, as somebody of your organization set it")
    stage.told("a day after Daniel switched Shopify's schedule off, why? names that")


async def _is_disconnected(stage: Stage) -> None:
    await idle(stage)
    await stage.outside(lambda: stage.sandbox.quickbooks.oauth.revoke(catalogue.REALM))
    await stage.outside(lambda: stage.sandbox.shopify.oauth.revoke(catalogue.SHOP))
    await stage.outside(lambda: stage.sandbox.tell("shopify", {"topic": "app/uninstalled", "account": catalogue.SHOP}))
    await _lost(stage, Provider.SHOPIFY)
    await why(stage, "shopify", "Shopify took the access back")
    # Its timer finds out.
    await stage.hours_pass(61 / 60)
    await _lost(stage, Provider.QUICKBOOKS)
    await why(stage, "quickbooks", "QuickBooks does not accept the connection any more")
    stage.told("why? tells an app that was removed at Shopify from a grant that QuickBooks does not accept any more")


async def _stop(stage: Stage, card: Message) -> None:
    shown = await stage.see("a button that stops it", lambda: _stoppable(stage, card))
    await stage.act(lambda: stage.slack.click(MAYA, shown, actions.REFRESH_CANCEL))


def _stoppable(stage: Stage, card: Message) -> Message | None:
    found = stage.slack.message(FINANCE, card.ts)
    return found if found is not None and actions.REFRESH_CANCEL in found.actions else None


async def _lost(stage: Stage, provider: Provider) -> None:
    async def lost() -> bool:
        return (await _of(stage, provider)).source.connection is ConnectionState.DISCONNECTED

    await stage.until(f"that {provider} is disconnected", lost)


async def _of(stage: Stage, provider: Provider) -> SourceStatus:
    return next(one for one in await stage.statuses() if one.source.provider is provider)


def _answers(stage: Stage) -> list[Message]:
    return [one for one in stage.messages(FINANCE, MAYA) if "Who has to act" in one.everything]
