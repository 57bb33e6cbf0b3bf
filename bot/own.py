"""My notifications: the form behind the button in App Home, for what can be said with `/data notify` as well."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot import home
from bot.case import Case
from bot.digest import read_rhythm
from bot.payloads import MalformedError, parse_json
from bot.reply import Reply
from jobs.errors import NotFoundError
from jobs.subscriptions.own import OwnChanges
from jobs.subscriptions.quieting import read_quiet
from storage.facts.own import Own
from storage.facts.quiet import Quiet, Rhythm
from storage.facts.subscriptions import Topic, Ways
from templates.forms import notifications as forms
from templates.notices import notify as words

_BAD_QUIET = "These are no quiet hours that I know. Say 20:00-07:30 or 20:00-07:30 weekends, 15 minutes to 16 hours."
_BAD_DIGEST = "This is no time that I know. Say 08:30 or 08:30 weekdays."
_NO_DIGEST = "Something above is told in your digest: say here when it comes, as 08:30."


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the form showed when it was filled."""

    source_id: str | None
    ways: Mapping[str, str]
    quiet: str
    digest: str
    by: str


async def opened(case: Case) -> Reply:
    """Open the form at once, and fill it behind that."""
    key = f"own:{case.request.trigger}"

    async def filled() -> Reply:
        return _form(case, await case.services.own.mine(case.actor), None, key)

    return Reply(form=forms.waiting_form(), form_key=key[:255], then=filled, zone=case.zone)


async def turned(case: Case) -> Reply:
    """Fill the form that is open with what is chosen for another source."""

    async def filled() -> Reply:
        own = await case.services.own.mine(case.actor)
        source_id = None if case.request.value == forms.EVERY else case.request.value
        if source_id is not None and source_id not in own.choices.sources:
            raise NotFoundError
        return _form(case, own, source_id, case.request.form_key)

    return Reply(then=filled, zone=case.zone)


async def saved(case: Case) -> Reply:
    """Save what was changed in the form; what is wrong in it is said beside it, and nothing is saved."""
    shown, fields = _shown(case.request.value), case.request.fields
    wanted, errors = _wanted(shown, fields)
    if errors:
        return Reply(words.notify_refused("; ".join(errors.values())), errors=errors, zone=case.zone)
    kept = await case.services.own.save(case.actor, wanted, case.trigger)

    async def again() -> Reply:
        return await home.opened(case)

    return replace(case.say(words.own_saved(kept)), then=again)


def _form(case: Case, own: Own, source_id: str | None, key: str) -> Reply:
    form = forms.notifications_form(own, source_id)
    return Reply(form=form, form_key=key[:255], fills=True, zone=case.zone)


def _shown(value: str) -> _Shown:
    try:
        kept = parse_json(value)
        ways = kept["w"]
        texts = [kept[name] for name in ("s", "q", "d", "b")]
    except (MalformedError, KeyError):
        raise NotFoundError from None
    if not isinstance(ways, dict) or not all(isinstance(one, str) for one in texts):
        raise NotFoundError
    source_id, quiet, digest, by = texts
    return _Shown(source_id or None, {str(topic): str(how) for topic, how in ways.items()}, quiet, digest, by)


def _wanted(shown: _Shown, fields: Mapping[str, str]) -> tuple[OwnChanges, dict[str, str]]:
    """Return what differs from what was shown, and what is wrong, by input."""
    changed = {topic: fields.get(forms.field_of(topic, shown.source_id), "") for topic in Topic}
    changed = {topic: how for topic, how in changed.items() if how and how != shown.ways.get(topic)}
    in_digest = frozenset(topic for topic, how in changed.items() if how == forms.DIGEST_ALONE)
    ways = {topic: forms.HOW[how] for topic, how in changed.items() if how in forms.HOW}
    errors: dict[str, str] = {}
    quiet = _quiet(shown, fields.get(forms.QUIET, ""), errors)
    digest = _digest(shown, fields, errors)
    kept = {**shown.ways, **{topic.value: how for topic, how in changed.items()}}
    if not fields.get(forms.DIGEST, "").strip() and forms.DIGEST_ALONE in kept.values():
        errors[forms.DIGEST] = _NO_DIGEST
    return OwnChanges(shown.source_id, ways, in_digest, quiet, digest), errors


def _quiet(shown: _Shown, said: str, errors: dict[str, str]) -> tuple[Quiet | None] | None:
    if said.strip() == shown.quiet:
        return None
    hours = read_quiet(said)
    if said.strip() and hours is None:
        errors[forms.QUIET] = _BAD_QUIET
    return (hours,)


def _digest(
    shown: _Shown, fields: Mapping[str, str], errors: dict[str, str]
) -> tuple[tuple[Rhythm, Ways] | None] | None:
    said, by = fields.get(forms.DIGEST, "").strip(), fields.get(forms.DIGEST_BY, shown.by)
    if not said:
        return (None,) if shown.digest else None
    if (said, by) == (shown.digest, shown.by):
        return None
    found = read_rhythm(said)
    if found is None:
        errors[forms.DIGEST] = _BAD_DIGEST
        return None
    return ((found[0], forms.HOW.get(by) or found[1]),)
