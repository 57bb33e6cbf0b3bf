"""What admins are mailed when Tidings was removed from their Slack workspace."""

from collections.abc import Mapping
from datetime import datetime

from jobs.deliver.posting import Words
from jobs.notify import WORKSPACE_LEFT
from storage.facts.deliveries import Delivery
from storage.facts.messages import Message
from storage.records import organizations, workspaces
from storage.sessions import Session
from templates.notices.install import workspace_left


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
