"""Sources that join a message about others: an edited post rings no bell, so a word follows, and a mail.

What joins within two minutes is named together. Whoever has not been sent anything yet needs no second message: words
are put together when they are sent, and name all that is known then.
"""

from datetime import UTC, datetime, timedelta

from jobs.notify.notifier import Notifier
from storage.facts.incidents import Incident
from storage.facts.sources import Source
from storage.records import deadlines, grouping, sources
from storage.records.deadlines import Deadline
from storage.sessions import Session

#: The deadline of that word; its subject is the incident whose message it is.
JOINED = "incident_joined"
GATHER = timedelta(minutes=2)
_WHAT = "joined-"


def joins(session: Session, lead: Incident, source: Source, now: datetime) -> None:
    """Note that a source joins the message of another one; what the message tells of already is nothing new."""
    if all(one.source_id != source.id or one.told_at == now for one in grouping.group_of(session, lead.id)):
        deadlines.begin(session, lead.organization_id, JOINED, lead.id, now + GATHER)


def tell_joined(session: Session, deadline: Deadline, now: datetime, notifier: Notifier) -> None:
    """Name what joined since the deadline was set, where it is not over by now."""
    if not deadlines.fire(session, deadline.id, now):
        return
    since = deadline.due_at - GATHER
    new = [one for one in joined_since(session, deadline.subject, since) if one.resolved_at is None]
    if new:
        named = {one.source_id: sources.source(session, one.source_id) for one in new}
        newest = max(one.told_at for one in new if one.told_at is not None)
        what = f"{_WHAT}{int(since.timestamp() * 1000)}"
        notifier.incident_joined(session, deadline.subject, what, list(named.values()), newest, now)


def joined_since(session: Session, lead_id: str, since: datetime) -> list[Incident]:
    """Return the incidents of sources that the message about another one tells of since then."""
    group = grouping.group_of(session, lead_id)
    before = {one.source_id for one in group if one.told_at is not None and one.told_at < since}
    return [
        one
        for one in group
        if one.lead_id == lead_id and one.told_at is not None and one.told_at >= since and one.source_id not in before
    ]


def since_of(what: str) -> datetime | None:
    """Return since when a word names what joined; None where it is about something else."""
    millis = what.removeprefix(_WHAT)
    return datetime.fromtimestamp(int(millis) / 1000, UTC) if what.startswith(_WHAT) and millis.isdigit() else None
