"""What support reads when most sources stand badly at once: one message, and the customers' alarms wait."""

from dataclasses import dataclass
from datetime import datetime

from storage.facts.fleet import ALL, CLOCK, FleetAlarm
from storage.facts.messages import Facts, Heading, Message, Note, Paragraph, Part, Strong, When
from storage.facts.sources import Provider
from templates import times
from templates.notices.pieces import Words
from templates.text import counted
from templates.words import provider_name


@dataclass(frozen=True, slots=True)
class FleetFacts:
    """Everything that the message says."""

    alarm: FleetAlarm
    #: alarms of customers that wait now
    waiting: int
    #: as of which the age is said; None in the post that lives, which would be edited for its age alone
    now: datetime | None


def fleet_alarm(facts: FleetFacts) -> Message:
    """Return the living message for support; it names no customer."""
    alarm = facts.alarm
    title = _title(alarm)
    rows: list[tuple[str, Words]] = [("Since", (When(alarm.opened_at, facts.now),))]
    if alarm.scope != CLOCK:
        companies = counted(alarm.organizations, "company", "companies")
        many = f"{alarm.bad} of {alarm.seen} sources that were due lately, of {companies}"
        rows.append(("Late or failing", (many,)))
    if alarm.closed_at is None:
        rows.append(("Alarms that wait", (counted(facts.waiting, "alarm"),)))
        parts: tuple[Part, ...] = (
            Heading(title),
            Paragraph((Strong("Customers are not told yet. "), _why(alarm))),
            Facts(tuple(rows)),
            Paragraph((Strong("Next step: "), _step(alarm))),
            Note(
                (
                    "Their answers say that the data is late and that it is looked into. ",
                    "After 3 hours they are told in any case.",
                )
            ),
        )
        return Message(f"{title}. Customers are not told yet.", parts, subject=title, kind="fleet")
    lasted = times.span((alarm.closed_at - alarm.opened_at).total_seconds())
    rows += [("Over", (When(alarm.closed_at),)), ("Told after all", (counted(alarm.released, "alarm"),))]
    rows.append(("Not needed any more", (counted(alarm.dropped, "alarm"),)))
    over = f"Over after {lasted}: {title[:1].lower()}{title[1:]}"
    return Message(f"{over}.", (Heading(over), Facts(tuple(rows))), subject=over, kind="fleet")


def _title(alarm: FleetAlarm) -> str:
    if alarm.scope == CLOCK:
        return "Nothing ran for a while, and sources became late"
    return f"Most sources {'' if alarm.scope == ALL else f'at {_name(alarm.scope)} '}are late or failing"


def _why(alarm: FleetAlarm) -> str:
    if alarm.scope == CLOCK:
        return "The clock or the workers stood still, so the delay is ours. What was due is being caught up."
    if alarm.scope == ALL:
        return "So many at once point to us, not to them."
    return f"So many at once point to {_name(alarm.scope)} or to us, not to them."


def _step(alarm: FleetAlarm) -> str:
    if alarm.scope == CLOCK:
        return "look why the workers stood still: tidings status, and the log around that time."
    if alarm.scope == ALL:
        return "look at the workers, the network and the newest deployment: tidings status."
    return f"look at {_name(alarm.scope)}'s status page and at our app there, then at the log of its runs."


def _name(scope: str) -> str:
    return provider_name(Provider(scope))
