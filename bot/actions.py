"""What our buttons do. Every value is looked up again within the clicker's organization, and every role read again."""

from dataclasses import replace

import structlog

from bot import values
from bot.case import Case
from bot.commands import confirm_card
from bot.interaction import to_json
from bot.reply import NOTHING, Reply
from jobs.refresh.ask import Joined, Outcome, Started, TriggerKey
from storage.facts.sources import ConnectionState
from templates import notices

log = structlog.get_logger("bot.actions")


async def ask(case: Case) -> Reply:
    """Show the card that asks."""
    return case.say(await confirm_card(case, values.unpack(case.request.value).scope))


async def start(case: Case) -> Reply:
    """Accept the click; what comes of it follows the ack. The card is the key: a second click has no second effect."""
    wanted = values.unpack(case.request.value)
    key = TriggerKey(case.request.team_id, wanted.card)
    # Another process answers without the response_url, which is as good as a token and would have to be sealed.
    kept = to_json(replace(case.request, response_url=None))
    click = await case.services.clicks.accept(case.actor, wanted.scope, key, case.place, kept)
    return Reply(then=lambda: case.plays.told(click, case.request)) if click else NOTHING


async def played(case: Case, outcome: Outcome) -> Reply:
    """Say what came of a click, in the place of its card."""
    match outcome:
        case Started():
            sources = [source.id for source in outcome.sources]
            log.info("refresh_started", org=case.member.organization_id, refresh=outcome.refresh_id, sources=sources)
            who = await case.names()
            slack_only = case.services.addresses.slack_only(case.actor)
            told = notices.queued(who.organization, outcome.sources, left_out=outcome.left_out, slack_only=slack_only)
        case Joined():
            slack_only = case.services.addresses.slack_only(case.actor)
            told = (
                notices.joined(outcome.refresh, slack_only=slack_only)
                if outcome.newly
                else notices.already_waiting(outcome.refresh)
            )
        case _:
            return await _left_out(case)
    return replace(case.say(told, replace=True), then=lambda: _ask_address(case))


async def _left_out(case: Case) -> Reply:
    """Say why nothing was started. Looked up again: a second click on the card must not call a lost source fresh."""
    wanted = values.unpack(case.request.value)
    who = await case.names()
    statuses = await case.services.refresh.ask(case.actor, wanted.scope)
    lost = [entry.source for entry in statuses if entry.source.connection is ConnectionState.DISCONNECTED]
    return case.say(notices.nothing_started(who.organization, lost, who.admins), replace=True)


async def _ask_address(case: Case) -> Reply:
    """Ask, once for each member, whether confirmations may go to the address of the Slack profile."""
    address = await case.services.addresses.question(case.actor)
    if address is None:
        return NOTHING
    return case.say(notices.ask_address(address, yes_value=address, no_value="no"))


async def held_ask(case: Case) -> Reply:
    """Show what a held read found, and ask."""
    held = await case.services.held.ask(case.actor, case.request.value)
    who = await case.names()
    value = values.pack_held(values.new_card(), held.run.id)
    return case.say(notices.confirm_held(who.organization, held.source, held.run, held.found, value=value))


async def held_load(case: Case) -> Reply:
    """Read again and let it be so few; the card is the key, as for any refresh."""
    card, run_id = values.unpack_held(case.request.value)
    outcome = await case.services.held.load(case.actor, run_id, TriggerKey(case.request.team_id, card), case.place)
    if isinstance(outcome, Joined):
        return case.say(notices.already_waiting(outcome.refresh), replace=True)
    who = await case.names()
    return case.say(notices.queued(who.organization, outcome.sources), replace=True)


async def missing_retry(case: Case) -> Reply:
    """Read alone what a run could not read; its card tells how it goes."""
    outcome = await case.services.missing.retry(case.actor, case.request.value, case.trigger, case.place)
    if isinstance(outcome, Joined):
        return case.say(notices.already_waiting(outcome.refresh))
    who = await case.names()
    return case.say(notices.queued(who.organization, outcome.sources))


async def dismiss(case: Case) -> Reply:
    """Put the card away."""
    return case.say(notices.dismissed(), replace=True)


async def cancel(case: Case) -> Reply:
    """Stop a refresh between two steps."""
    return case.say(
        notices.cancel_requested(await case.services.refresh.cancel(case.actor, case.request.value, case.trigger))
    )


async def acknowledge(case: Case) -> Reply:
    """Take an escalated refresh on; the post says so by itself."""
    await case.services.escalation.acknowledge(case.actor, case.request.value, case.trigger)
    return NOTHING


async def retry_escalated(case: Case) -> Reply:
    """Start the waiting attempts of an escalated refresh now."""
    await case.services.escalation.retry(case.actor, case.request.value, case.trigger)
    return NOTHING


async def cancel_escalated(case: Case) -> Reply:
    """Stop an escalated refresh."""
    return case.say(
        notices.cancel_requested(await case.services.escalation.cancel(case.actor, case.request.value, case.trigger))
    )


async def email_yes(case: Case) -> Reply:
    """Remember that confirmations may go to the address."""
    # The address that was shown is the one that was agreed to; the profile may have changed since.
    member = await case.services.addresses.answer(case.actor, yes=True, address=case.request.value)
    if not (member.email_confirmed and member.email):
        return case.say(notices.not_confirmed(), replace=True)
    mailed = await case.services.timelines.missed(case.actor)
    return case.say(notices.address_confirmed(member.email, mailed=mailed), replace=True)


async def email_no(case: Case) -> Reply:
    """Remember that the member wants Slack only."""
    await case.services.addresses.answer(case.actor, yes=False)
    return case.say(notices.address_declined(), replace=True)


async def link(case: Case) -> Reply:  # noqa: ARG001 - every handler is given its case
    """Do nothing: Slack tells about a pressed link button, the link opens by itself."""
    return NOTHING
