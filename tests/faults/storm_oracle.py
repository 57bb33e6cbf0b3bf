"""The oracle of the storm: what the provider was asked by its own journal, against our tables and the witness.

A "victim" is a process that held a refresh token in the lease and died or stood still before it had saved another.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import select

from sandbox.journal import Entry
from sandbox.providers.edge import fingerprint
from sandbox.providers.quickbooks.app import QuickBooks
from storage.credentials import Credentials, Place, open_credentials
from storage.facts.sources import ConnectionState
from storage.seal import Seal
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, DeliveryRow, IncidentRow, SourceRow

#: how soon people must hear of a lost connection
SOON = timedelta(minutes=5)
#: the version that the seed stored, with a refresh token alone
_SEEDED = 1


@dataclass(frozen=True)
class Story:
    """Everything the oracle looks at; the storm must be over."""

    database: Database
    seal: Seal
    provider: QuickBooks
    witnessed: list[dict[str, Any]]
    #: for how long the provider takes a token that was rotated out
    grace: timedelta


@dataclass
class Verdict:
    """What is wrong, and what may be counted."""

    complaints: list[str]
    #: accounts whose grant is gone
    lost: list[str]
    #: refresh tokens that were used again after a victim, and renewed the grant
    rescued: int
    #: seconds from a victim's end to the incident, at worst
    slowest: float


@dataclass(frozen=True)
class _Account:
    """One connection as it is after the storm."""

    source_id: str
    account: str
    state: str
    version: int
    credentials: Credentials | None
    incident: datetime | None
    told: bool


@dataclass(frozen=True)
class _Victim:
    account: str
    refresh: str
    gone_at: float


def judged(story: Story) -> Verdict:
    """Return what the storm did to the connections."""
    victims = list(_victims(story.witnessed))
    verdict = Verdict([], [], 0, 0.0)
    for account in story.database.in_read(lambda session: list(_accounts(session, story.seal))):
        _judge(story, account, [one for one in victims if one.account == account.account], verdict)
    verdict.complaints += [*_used_again(story, victims, verdict), *_used_unsaved(story)]
    return verdict


def _judge(story: Story, found: _Account, victims: list[_Victim], verdict: Verdict) -> None:
    """One connection: alive and never slandered, or lost in the one allowed way and said so in time."""
    say, grant = verdict.complaints, story.provider.oauth.grants(found.account)[-1]
    stored = found.credentials
    if stored is None or not stored.refresh or (found.version > _SEEDED and not stored.access):
        say.append(f"{found.account}: nothing is stored any more")
        return
    if stored.refresh.reveal() == grant.refresh_token and not grant.revoked:
        if found.incident is not None or found.state != ConnectionState.CONNECTED:
            say.append(f"{found.account}: said to be lost, and the provider takes its grant")
        return
    verdict.lost.append(found.account)
    mark = fingerprint(stored.refresh.reveal())
    ends = [one.gone_at for one in victims if one.refresh == mark]
    if not ends:
        say.append(f"{found.account}: an older token is stored, and nobody died over it")
    elif story.grace:
        say.append(f"{found.account}: lost, although the provider took the older token for {story.grace} longer")
    elif found.incident is None or found.state != ConnectionState.DISCONNECTED or not found.told:
        say.append(f"{found.account}: lost, and nobody heard of it")
    else:
        waited = found.incident.timestamp() - min(ends)
        verdict.slowest = max(verdict.slowest, waited)
        if waited > SOON.total_seconds():
            say.append(f"{found.account}: lost, and said only after {waited:.0f} s")


def _used_again(story: Story, victims: list[_Victim], verdict: Verdict) -> Iterator[str]:
    """One refresh token is used once, and once more for each victim over it; what follows a refusal changes nothing."""
    uses: dict[str, list[Entry]] = defaultdict(list)
    for entry in story.provider.journal.select(operation="token", entity="refresh_token"):
        if not uses[entry.token] or uses[entry.token][-1].status == 200:
            uses[entry.token].append(entry)
    for mark, entries in uses.items():
        allowed = 1 + sum(one.refresh == mark for one in victims)
        if len(entries) > allowed:
            yield f"{entries[0].account}: the refresh token {mark} was used {len(entries)} times, {allowed} may be"
        verdict.rescued += sum(entry.status == 200 for entry in entries[1:])


def _used_unsaved(story: Story) -> Iterator[str]:
    """A token calls the provider only after it is in the database: its saver or a reader has seen it there."""
    known: dict[str, float] = {}
    for line in story.witnessed:
        if line["kind"] in {"saved", "read", "held"}:
            known.setdefault(line["access"], line["at"])
    for entry in story.provider.journal.select(operation="companyinfo"):
        if known.get(entry.token, float("inf")) > entry.began.timestamp() + 0.001:
            yield f"{entry.account}: a token was used before it was saved"


def _victims(witnessed: list[dict[str, Any]]) -> Iterator[_Victim]:
    holding: dict[int, dict[str, str]] = defaultdict(dict)
    for line in witnessed:
        mine = holding[line["pid"]]
        if line["kind"] == "held":
            mine[line["account"]] = line["refresh"]
        elif line["kind"] in {"saved", "looked"}:
            mine.pop(line["account"], None)
        elif line["kind"] == "gone":
            yield from (_Victim(account, refresh, line["at"]) for account, refresh in mine.items())
            mine.clear()


def _accounts(session: Session, seal: Seal) -> Iterator[_Account]:
    told = set(session.exec(select(DeliveryRow.subject)))
    incidents = {row.source_id: row for row in session.exec(select(IncidentRow)) if row.resolved_at is None}
    for source in session.exec(select(SourceRow)):
        row = session.get_one(ConnectionRow, source.id)
        place = Place(source.organization_id, source.provider, source.account, row.version)
        stored = open_credentials(seal, place, row.credentials) if row.credentials else None
        incident = incidents.get(source.id)
        yield _Account(
            source.id,
            source.account,
            row.state,
            row.version,
            stored,
            incident.opened_at if incident else None,
            incident is not None and incident.id in told,
        )
