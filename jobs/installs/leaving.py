"""When the app is removed from a workspace: tokens erased, the workspace closed, and whoever depends on it told.

Slack tells by two events in any order, again and again, and sometimes late: what it says about an installation that was
made anew since is no news.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from jobs.installs import trail
from jobs.notify.notifier import Notifier
from storage.facts.installations import Installation, InstallKey
from storage.records import asked_last, audit, installations, organizations, workspaces
from storage.sessions import Session

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Departure:
    """What Slack says: the app was removed, or its tokens were taken back."""

    team_id: str
    enterprise_id: str
    #: whether it speaks of the whole enterprise
    whole: bool
    #: bot users whose tokens were taken back; None: the app was removed
    bots: tuple[str, ...] | None
    #: when it happened, to the second
    at: datetime


class Left(StrEnum):
    """What came of it."""

    CLOSED = "closed"
    #: closed before
    ALREADY = "already"
    #: no workspace of ours
    UNKNOWN = "unknown"
    #: tokens of people, or of another bot
    OTHERS = "others"
    #: older than the installation that is there now
    LATE = "late"


def leave(session: Session, departure: Departure, now: datetime, notifier: Notifier) -> Left:
    """Close what Slack speaks of."""
    workspace = workspaces.find(session, departure.team_id) if departure.team_id else None
    found = _installation(session, departure, workspace)
    if workspace is None and found is None:
        return Left.UNKNOWN
    if departure.bots is not None and not _ours(departure.bots, found, workspace):
        return Left.OTHERS
    if found is not None and departure.at < found.installed_at.replace(microsecond=0):
        return Left.LATE
    if found is not None and (departure.whole or not found.key.whole):
        return close(session, departure.team_id, found, now, notifier)
    # One workspace of an enterprise, whose installation serves others; or one whose token was given by hand.
    return close_workspaces(session, [departure.team_id], now, notifier)


def _installation(
    session: Session, departure: Departure, workspace: workspaces.Workspace | None
) -> Installation | None:
    if workspace is not None:
        return installations.of_team(session, workspace.team_id, workspace.enterprise_id or departure.enterprise_id)
    whole = installations.find(session, InstallKey(departure.enterprise_id, "")) if departure.whole else None
    return whole if whole is not None and whole.removed_at is None else None


def close(session: Session, team_id: str, found: Installation, now: datetime, notifier: Notifier) -> Left:
    """Close the installation and every workspace that nothing else serves."""
    if not installations.removed(session, found, now):
        return Left.ALREADY
    concerned = [workspaces.find(session, team_id)]
    if found.key.whole:
        concerned = [*workspaces.of_enterprise(session, found.key.enterprise_id)]
    left = [one.team_id for one in concerned if one is not None and not _served(session, one)]
    close_workspaces(session, left, now, notifier)
    return Left.CLOSED


def _served(session: Session, workspace: workspaces.Workspace) -> bool:
    return installations.of_team(session, workspace.team_id, workspace.enterprise_id) is not None


def close_workspaces(session: Session, left: Sequence[str], now: datetime, notifier: Notifier) -> Left:
    """Close workspaces, and write down who is told."""
    outcome = Left.ALREADY
    for team_id in left:
        workspace = workspaces.find(session, team_id)
        if workspace is None:
            continue
        owner = workspace.organization_id
        if owner is not None:
            organizations.lock(session, owner)
        if not workspaces.close(session, team_id, now):
            continue
        outcome = Left.CLOSED
        asked_last.forget_workspace(session, team_id)
        log.warning("workspace_left", team=team_id, workspace=workspace.name, org=owner)
        if owner is not None:
            audit.record(session, owner, "slack", trail.REMOVED, team_id, now, {"workspace": workspace.name})
            notifier.workspace_left(session, owner, team_id, now)
    return outcome


def _ours(bots: tuple[str, ...], found: Installation | None, workspace: workspaces.Workspace | None) -> bool:
    ours = found.bot_user_id if found is not None else workspace.bot_user_id if workspace is not None else None
    return bool(bots) if ours is None else ours in bots
