"""The form of a metric: opened at once, filled behind that, drawn anew as one chooses; its last values, then saved."""

import json
from dataclasses import replace

from bot import values
from bot.case import Case
from bot.payloads import MalformedError, parse_json
from bot.reply import Reply
from jobs.errors import NotFoundError, TooLateError
from jobs.metrics.checking import MetricRefusedError
from jobs.metrics.service import NotConnectedError
from jobs.refresh.ask import TriggerKey
from storage.facts.messages import Form, Message
from storage.facts.metric_drafts import Draft, Filling
from storage.facts.people import Action
from storage.records.metric_forms import definition_json, definition_of
from templates import actions, notices
from templates.forms import metrics as forms
from templates.notices import metric_changing, metrics

_KEY = 255


async def opened(case: Case) -> Reply:
    """Open the form of a new metric."""
    return open_form(case)


async def changing(case: Case) -> Reply:
    """Open the form of a metric that is there."""
    return open_form(case, case.request.value or "-")


def open_form(case: Case, wanted: str = "", *, by_name: bool = False) -> Reply:
    """Return the form as it opens; it is filled behind that. `wanted` is the id of a metric, or its name."""
    key = f"metric:{case.request.trigger}"[:_KEY]

    async def filled() -> Reply:
        try:
            found = await case.services.making.begin(case.actor, values.new_card(), wanted, by_name=by_name)
        except NotConnectedError:
            noun = await case.services.making.noun(case.actor)
            return _said(case, metric_changing.metric_needs_quickbooks(noun, connects=case.may(Action.CONNECT)), key)
        except NotFoundError:
            noun = await case.services.making.noun(case.actor)
            return _said(case, metrics.metric_missing(wanted, noun) if by_name else notices.not_found(), key)
        except TooLateError as error:
            return _said(case, notices.too_late(str(error)), key)
        return _filled(case, found, key)

    return Reply(form=forms.waiting("Tidings"), form_key=key, then=filled, zone=case.zone)


async def turned(case: Case) -> Reply:
    """Draw the form anew: something was chosen on which other fields depend, or all settings are asked for."""
    request = case.request
    draft, more = _unpacked(request.private)
    more = more or request.name.partition(":")[0] == actions.METRIC_MORE

    async def filled() -> Reply:
        fields = {forms.field_of(name): said for name, said in request.fields.items()}
        if request.name.startswith(f"{actions.METRIC_TURN}:"):
            fields[forms.field_of(request.name)] = request.value
        found = await case.services.making.filled(case.actor, draft, _plain(fields), more=more)
        return _filled(case, found, request.form_key)

    return Reply(then=filled, zone=case.zone)


async def sought(case: Case) -> Reply:
    """Offer what fits what is typed."""
    draft, _ = _unpacked(case.request.value)
    field = forms.field_of(case.request.name)
    found = await case.services.making.search(case.actor, draft, field, case.request.words)
    return Reply(options=forms.options_of(found), zone=case.zone)


async def looked(case: Case) -> Reply:
    """Say what is wrong beside it; else lay the last values over the form, looked up behind Slack's ack."""
    draft, more = _unpacked(case.request.value)
    fields = {forms.field_of(name): said for name, said in case.request.fields.items()}
    found = await case.services.making.filled(case.actor, draft, _plain(fields), more=more)
    if found.wrong:
        shown = forms.metric_form(found, "")
        asked = list(case.request.fields)
        errors = {_asked(asked, name, shown): said for name, said in found.wrong.items()}
        return Reply(notices.too_late("; ".join(found.wrong.values())), errors=errors, zone=case.zone)
    # Slack may still hold the key of a view that was closed.
    key = f"look:{values.new_card()}"
    done = found.draft

    async def previewed() -> Reply:
        try:
            shown = await case.services.making.preview(case.actor, done)
        except (MetricRefusedError, TooLateError) as error:
            form = forms.refused_form(str(error).rstrip("."), found.desk.noun)
        else:
            form = forms.preview_form(shown, done, _packed(done, more=more), case.now)
        return Reply(form=form, form_key=key, fills=True, over=True, zone=case.zone)

    waits = forms.waiting(found.desk.noun, actions.METRIC_SAVE)
    return Reply(form=waits, form_key=key, over=True, then=previewed, zone=case.zone)


async def saved(case: Case) -> Reply:
    """Save what the last values were shown of; the form is the key, so that sending it twice makes one."""
    draft, _ = _unpacked(case.request.value)
    key = TriggerKey(case.request.team_id, f"metric:{draft.card}")
    try:
        done = await case.services.making.save(case.actor, draft, key)
    except MetricRefusedError as error:
        return case.say(metric_changing.metric_not_saved(str(error)))
    return replace(case.say(metric_changing.metric_saved(done.name, changed=done.changed)), last=True)


async def deleted(case: Case) -> Reply:
    """Delete the metric of the card, after the confirm of the button."""
    card, metric_id = values.unpack_held(case.request.value)
    done = await case.services.making.delete(case.actor, metric_id, TriggerKey(case.request.team_id, card))
    return case.say(metric_changing.metric_deleted(done.name), replace=True)


def _filled(case: Case, found: Filling, key: str) -> Reply:
    form = forms.metric_form(found, _packed(found.draft, more=found.more))
    return Reply(form=form, form_key=key, fills=True, zone=case.zone)


def _said(case: Case, message: Message, key: str) -> Reply:
    form = Form("answer", "Tidings", "", message.parts, close="Close")
    return Reply(form=form, form_key=key, fills=True, zone=case.zone)


def _plain(fields: dict[str, str]) -> dict[str, str]:
    """Return the fields without what their names carry to make Slack forget what stood there; items keep it."""
    return {name if "item." in name else name.partition(".")[0]: said for name, said in fields.items()}


def _asked(asked: list[str], field: str, form: Form) -> str:
    """Return the input beside which something is said: of the form as it was sent, for Slack knows no other."""
    bare = field.partition(".")[0]
    fits = [name for name in asked if forms.field_of(name).partition(".")[0] == bare]
    return fits[0] if fits else next(iter(asked), forms.block_of(form, field))


def _packed(draft: Draft, *, more: bool) -> str:
    """Return a draft as the form carries it: ids and what was chosen, looked at again when it comes back."""
    kept = {
        "c": draft.card, "s": draft.source_id, "n": draft.name, "i": draft.metric_id, "v": draft.version,
        "o": draft.owner_id, "p": draft.post_to, "w": draft.post_time, "m": int(more),
        "d": definition_json(draft.definition),
    }  # fmt: skip
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


def _unpacked(value: str) -> tuple[Draft, bool]:
    """Return what the form carries (NotFoundError for what is not of our making)."""
    try:
        kept = parse_json(value)
        texts = [kept[name] for name in ("c", "s", "n", "i", "o", "p")] + [kept.get("w", "")]
        definition = definition_of(kept["d"])
    except (MalformedError, KeyError, TypeError, ValueError, ArithmeticError):
        raise NotFoundError from None
    version = kept.get("v")
    if not all(isinstance(one, str) for one in texts) or type(version) is not int:
        raise NotFoundError
    card, source_id, name, metric_id, owner_id, post_to, post_time = texts
    draft = Draft(card, source_id, definition, name, metric_id, version, owner_id, post_to, post_time)
    return draft, bool(kept.get("m"))
