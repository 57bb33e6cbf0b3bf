"""Disconnecting, as far as Slack goes: the card that says what it affects, the form that confirms it, the answer."""

from bot import names, values
from bot.case import Case
from bot.reply import Reply
from jobs.connecting.disconnect import Confirmation
from jobs.connecting.views import Parted
from jobs.errors import NotFoundError, TooLateError, WrongNameError
from storage.facts.messages import Message
from storage.facts.sources import Source
from templates import forms, notices


async def disconnect(case: Case) -> Reply:
    """Show what disconnecting the named source affects; ask which one where that is not clear."""
    known = await case.services.status.connections(case.actor)
    if case.about and not names.is_everything(case.about):
        found = names.find(case.about, known)
        if not found.sources:
            labels = [source.label for source in known]
            return case.say(notices.unknown_source(case.about, labels, found.guess))
        known = list(found.sources)
    if len(known) == 1:
        return await _card(case, known[0])
    who = await case.names()
    return case.say(notices.choose_disconnect(who.organization, known))


async def asked(case: Case) -> Reply:
    """Show what disconnecting the source of the button affects."""
    known = {source.id: source for source in await case.services.status.connections(case.actor)}
    if case.request.value not in known:
        raise NotFoundError
    return await _card(case, known[case.request.value])


async def form(case: Case) -> Reply:
    """Open the form that confirms it; it remembers which state of the source was shown."""
    parting = await case.services.disconnect.preview(case.actor, case.request.value)
    source = parting.status.source
    private = values.pack_parting(source.id, parting.mark, only_data=parting.only_data)
    return Reply(
        form=forms.disconnect_form(source, parting.names, private=private, only_data=parting.only_data), zone=case.zone
    )


async def confirmed(case: Case) -> Reply:
    """Disconnect what the form names, if it is still as it was shown and its name was typed."""
    wanted = values.unpack_parting(case.request.value)
    data = forms.ERASE if wanted.only_data else case.request.fields.get(forms.DATA, "")
    if data not in {forms.KEEP, forms.ERASE}:
        raise TooLateError("that choice was not among those that were offered; open the question again")
    confirmation = Confirmation(
        wanted.source_id, case.request.fields.get(forms.NAME, ""), erase=data == forms.ERASE, seen=wanted.mark
    )
    try:
        parted = await case.services.disconnect.disconnect(case.actor, confirmation, case.trigger)
    except WrongNameError as error:
        wrong = notices.wrong_name(error.names)
        return Reply(wrong, errors={forms.NAME: wrong.summary}, zone=case.zone)
    return case.say(_answer(parted))


def _answer(parted: Parted) -> Message:
    return notices.disconnected_now(
        parted.source, erase=parted.erase, frozen_at=parted.frozen_at, dependents=parted.dependents
    )


async def _card(case: Case, source: Source) -> Reply:
    parting = await case.services.disconnect.preview(case.actor, source.id)
    who = await case.names()
    return case.say(
        notices.disconnect_card(
            who.organization,
            parting.status,
            case.now,
            waiting=parting.waiting,
            only_data=parting.only_data,
            dependents=parting.dependents,
        )
    )
