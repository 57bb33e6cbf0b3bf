"""What people are told about installations: the installer what to do first, admins by mail that it was removed."""

from collections.abc import Mapping
from datetime import datetime

from jobs.deliver.posting import Words
from jobs.notify.kinds import WELCOME, WORKSPACE_LEFT
from storage.facts.deliveries import Delivery
from storage.facts.messages import Message
from storage.records import organizations, workspaces
from storage.sessions import Session
from templates.notices.install import workspace_left
from templates.notices.welcome import welcome


def install_words(public_url: str) -> Mapping[str, Words]:
    """Return the words of the kinds of delivery that are about installations."""

    def left(session: Session, delivery: Delivery, _now: datetime) -> Message:
        workspace = workspaces.find(session, delivery.subject.partition(".")[0])
        if workspace is None:
            raise KeyError(delivery.subject)
        organization = organizations.organization(session, delivery.organization_id).name
        at = workspace.closed_at or delivery.created_at
        back = workspace.closed_at is None
        return workspace_left(organization, workspace.name, at, f"{public_url}/slack/install", back=back)

    return {WORKSPACE_LEFT: left}


def welcome_words() -> Mapping[str, Words]:
    """Return the words to whoever installed it."""

    def told(session: Session, delivery: Delivery, _now: datetime) -> Message:
        return welcome(organizations.organization(session, delivery.organization_id).name)

    return {WELCOME: told}
