"""The part of the App Home that admins see: members, settings, support, and QuickBooks in all its settings."""

from datetime import datetime

from storage.facts.home import Administration, Index
from storage.facts.messages import Button, Buttons, ButtonStyle, Code, Facts, Paragraph, Part, Rule, Strong
from storage.facts.metrics import Dataset
from storage.facts.people import Action, Role
from storage.facts.policies import own_steps, read_policy
from storage.facts.sources import ConnectionState, Provider
from storage.facts.status import SourceStatus
from templates import actions
from templates.notices.pieces import Words, at_work, instant, next_collection
from templates.notices.status import fresh_words, last_failure
from templates.rhythm import rhythm
from templates.text import counted, label, listed
from templates.words import CONNECTION, ROLES, STAGES

#: Companies of QuickBooks whose settings are shown; the others are in the rows above.
_MOST = 3


def administration_parts(
    found: Index, administration: Administration, may: frozenset[Action], manages: frozenset[Provider], now: datetime
) -> list[Part]:
    """Return members and roles, each setting with the way to change it, who helps, and QuickBooks."""
    parts: list[Part] = [Rule(), Paragraph((Strong("Administration"),)), Facts(_settings(found, administration))]
    parts += [Rule(), Paragraph((Strong("QuickBooks Online integration settings"),))]
    books = [one for one in found.statuses if one.source.provider is Provider.QUICKBOOKS]
    for status in books[:_MOST]:
        parts += [Facts(_books(status, now)), *_book_buttons(status, manages)]
    if len(books) > _MOST:
        left = counted(len(books) - _MOST, "more company", "more companies")
        parts.append(Paragraph((f"{left}: see the rows above.",)))
    if not books:
        parts.append(Paragraph(("No QuickBooks Online company is connected.",)))
        if Action.CONNECT in may and Provider.QUICKBOOKS in manages:
            connect = Button("Connect QuickBooks", actions.CONNECT, Provider.QUICKBOOKS.value, ButtonStyle.PRIMARY)
            parts.append(Buttons((connect,)))
    return parts


def _settings(found: Index, administration: Administration) -> tuple[tuple[str, Words], ...]:
    organization = found.organization
    promised = sum(one.source.promise is not None for one in found.statuses)
    promises = (
        f"set for {promised or 'none'} of {counted(len(found.statuses), 'source')}; the others follow their schedule  "
    )
    hooks = counted(administration.webhooks, "address", "addresses") if administration.webhooks else "none"
    rows: list[tuple[str, Words]] = [
        ("Members and roles", (_members(administration), Code("/data members"))),
        ("Schedules", ("when each source is collected  ", Code("/data schedule"))),
        ("Promises", (promises, Code("/data promise"))),
        ("Escalation", (_policy(found), Code("/data escalation"))),
        ("Webhooks", (f"{hooks}  ", Code("/data webhooks"))),
        ("Who did what", ("the newest entries of the audit  ", Code("/data audit"))),
    ]
    if organization.support_email:
        rows.append(("Support", (label(organization.support_email),)))
    if organization.account_rep:
        rows.append(("Your account representative", (label(organization.account_rep),)))
    return tuple(rows)


def _members(administration: Administration) -> str:
    total = sum(administration.members.values())
    kinds = [counted(count, ROLES[role]) for role in reversed(Role) if (count := administration.members.get(role, 0))]
    return f"{counted(total, 'member')}: {listed(kinds)}  "


def _policy(found: Index) -> str:
    stored = next((one.source.policy for one in found.statuses if one.source.policy), None)
    steps = own_steps(read_policy(stored))
    own = f", then {counted(len(steps), 'step')} of your own" if steps else ""
    return f"support is called when a refresh does not end{own}  "


def _books(status: SourceStatus, now: datetime) -> tuple[tuple[str, Words], ...]:
    source, ready = status.source, status.last_ready
    datasets = listed([one.value.replace("_", " ") for one in Dataset]) if ready else "none yet: nothing has been read"
    since: Words = (" since ", instant(source.connection_since)[0])
    changed = source.connection is not ConnectionState.CONNECTED
    synchronized = ready.clocks.ready_at if ready else None
    return (
        ("Connected company", (f"{label(source.company)}  ", Code(label(source.label)))),
        ("Status", (CONNECTION[source.connection], *(since if changed else ()))),
        ("Last synchronization", instant(synchronized, "never", now=now)),
        ("Synchronization state", _state(status, now)),
        ("Timer", (f"{rhythm(source, status.stretched_minutes)}, next: ", *next_collection(status, now)[:1])),
        ("Datasets available", (datasets,)),
    )


def _state(status: SourceStatus, now: datetime) -> Words:
    if status.active is not None:
        return at_work(status.active, now)
    if status.changes_wait:
        return ("QuickBooks tells of changes that are not collected yet",)
    if (failed := last_failure(status)) is not None:
        return (f"the last collection failed while {STAGES[failed.stage]}, and its data stays as it was",)
    if status.last_ready is None:
        return ("nothing has been read yet",)
    return (f"{fresh_words(status)}, data as of ", *instant(status.last_data_refresh, "never"))


def _book_buttons(status: SourceStatus, manages: frozenset[Provider]) -> list[Part]:
    source = status.source
    if source.provider not in manages:
        return []
    lost = source.connection is not ConnectionState.CONNECTED
    style = ButtonStyle.PRIMARY if lost else ButtonStyle.PLAIN
    connect = Button("Connect" if lost else "Reconnect", actions.RECONNECT, source.id, style)
    ending = Button("Erase its data …" if source.on_purpose else "Disconnect …", actions.DISCONNECT, source.id)
    return [Buttons((connect, ending))]
