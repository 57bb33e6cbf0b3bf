"""A source that is disconnected: said once, with what stops and the one button that fixes it, until it is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.facts.dependents import Dependent
from storage.facts.incidents import Incident, Resolution
from storage.facts.messages import Button, Buttons, Code, Facts, Heading, Inline, Message, Note, Paragraph, Part, When
from storage.facts.sources import Source
from templates import actions, times
from templates.notices.answers import say
from templates.notices.handled import handled, handling
from templates.notices.pieces import reconnect_button, why_buttons
from templates.notices.standstill import named
from templates.text import beginning, label, listed
from templates.words import provider_name, source_name, source_title, who

#: Nobody is warned earlier.
_SOON = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """Everything that messages about one incident say."""

    organization: str
    source: Source
    incident: Incident
    last_data_refresh: datetime | None
    #: who connected it; None where nobody did by hand
    owner: str | None
    admins: tuple[str, ...]
    now: datetime
    #: what was read the last time: ``orders``, ``products``
    streams: tuple[str, ...] = ()
    #: what stands still for as long
    dependents: tuple[Dependent, ...] = ()


def incident(facts: IncidentFacts) -> Message:
    """Return the living message: disconnected and what to do, or how it ended."""
    return _over(facts) if facts.incident.resolved_at else _open(facts)


def incident_reminder(facts: IncidentFacts, number: int) -> Message:
    """Return a reminder; one that is sent after the end says that it is over."""
    if facts.incident.resolved_at:
        return say(f"{label(facts.organization)}: {source_name(facts.source)} is connected again.", kind="incident")
    since = times.span((facts.now - facts.incident.opened_at).total_seconds())
    name = source_title(facts.source)
    summary = f"{label(facts.organization)}: {name} is still disconnected, for {since} now."
    parts: tuple[Part, ...] = (
        Paragraph((summary, " ", *_ages(facts, facts.now))),
        Buttons((reconnect_button(facts.source), _help(facts.incident))),
        Note((f"Reminder {number}. Reminders come on day 1, 3 and 7, then weekly, to you and the admins only.",)),
    )
    return Message(summary, parts, kind="incident")


def expiry_warning(organization: str, source: Source, ends_at: datetime | None, now: datetime) -> Message:
    """Return the warning that a grant ends by itself; one that was renewed meanwhile says so."""
    name = source_title(source)
    if ends_at is None or ends_at - now > _SOON:
        return say(f"{label(organization)}: the access to {name} was renewed. Nothing to do.", kind="expiry")
    left = times.span((ends_at - now).total_seconds()) if ends_at > now else "no time"
    summary = f"{label(organization)}: the access to {name} ends in {left}. Reconnect it before, and nothing stops."
    why: tuple[Inline, ...] = (
        f"{provider_name(source.provider)} gives access for a limited time, and this one ends ",
        When(ends_at),
        ". Until then everything goes on as usual; afterwards no new data comes until it is reconnected.",
    )
    return Message(
        summary,
        (Heading(f"{name}: access ends soon"), Paragraph(why), Buttons((reconnect_button(source),))),
        kind="expiry",
    )


def _open(facts: IncidentFacts) -> Message:
    source = facts.source
    name = source_title(source)
    reads = source.mode.collects
    until = "Its data gets older" if reads else "No files and no orders are exchanged"
    summary = f"{label(facts.organization)}: {name} is disconnected. {until} until somebody reconnects it."
    rows: list[tuple[str, tuple[Inline, ...]]] = [
        ("Disconnected since", (When(facts.incident.opened_at),)),
        ("Noticed", (label(facts.incident.reason),)),
        ("What stops", (_stops(facts),)),
    ]
    if reads:
        refreshed = (When(facts.last_data_refresh),) if facts.last_data_refresh else ("never",)
        rows.insert(2, ("Last data refresh", refreshed))
    if facts.dependents and reads:
        rows.append(("Frozen until reconnected", (named(facts.dependents),)))
    if facts.owner:
        rows.append(("Connected by", (label(facts.owner),)))
    step: tuple[Inline, ...] = (
        f"{beginning(who(facts.admins))} can reconnect it: press Reconnect, or type ",
        Code(f"/data reconnect {label(source.label)}"),
        f". It takes about a minute, and {'history and data' if reads else 'mappings, schedules and history'} stay.",
    )
    parts: tuple[Part, ...] = (
        Heading(f"{name} is disconnected"),
        *handled(facts.incident, facts.now),
        Paragraph(_ages(facts)),
        Facts(tuple(rows)),
        Paragraph(step),
        Buttons(
            (
                reconnect_button(source),
                _help(facts.incident),
                *handling(facts.incident, facts.now),
                *(why_buttons([source]) if reads else ()),
            )
        ),
    )
    return Message(summary, parts, kind="incident")


def _stops(facts: IncidentFacts) -> str:
    if not facts.source.mode.collects:
        return f"files to {provider_name(facts.source.provider)}, and orders from it"
    read = f" ({listed(facts.streams)})" if facts.streams else ""
    return f"collections of {provider_name(facts.source.provider)}{read}, and refreshes of it"


def _ages(facts: IncidentFacts, now: datetime | None = None) -> tuple[Inline, ...]:
    """`now`: the age is said as of it; not in a post that lives, which would be edited for its age alone."""
    if not facts.source.mode.collects:
        return ("What was exchanged stays as it is, at both ends. Nothing is lost: it goes on where it stopped.",)
    if facts.last_data_refresh is None:
        return ("No data of it was ever loaded.",)
    return ("What is loaded stays importable, as of ", When(facts.last_data_refresh, now), ", and gets older.")


def _over(facts: IncidentFacts) -> Message:
    found, name = facts.incident, source_title(facts.source)
    assert found.resolved_at is not None
    lasted = times.span((found.resolved_at - found.opened_at).total_seconds())
    reads = facts.source.mode.collects
    goes_on = "Its data is being caught up now." if reads else "Files and orders go on by their schedules."
    title, rest = {
        Resolution.RECONNECTED: (f"{name} is reconnected", goes_on),
        Resolution.CLEARED: (
            f"{name} works again by itself",
            f"The provider accepts the connection again; nobody has to do anything. {goes_on}",
        ),
        Resolution.DISCONNECTED_BY_PERSON: (f"{name} was disconnected on purpose", "Nobody is reminded any more."),
        Resolution.ERASED: (
            f"The data of {name} was erased",
            "The provider asks for this some time after an account has left. Nobody is reminded any more.",
        ),
    }[found.resolution or Resolution.CLEARED]
    if found.resolution in {Resolution.RECONNECTED, Resolution.CLEARED} and facts.dependents and reads:
        rest += f" What was frozen goes on: {named(facts.dependents)}."
    summary = f"{label(facts.organization)}: {title}. It was disconnected for {lasted}."
    rows: tuple[tuple[str, tuple[Inline, ...]], ...] = (
        ("Disconnected", (When(found.opened_at),)),
        ("Over", (When(found.resolved_at),)),
    )
    return Message(summary, (Heading(title), Paragraph((rest,)), Facts(rows)), kind="incident")


def _help(incident: Incident) -> Button:
    return Button("It does not work", actions.CONNECTION_HELP, incident.source_id)
