"""What the audit says of a flow, step by step; support's ticket is filled from it."""

from datetime import datetime

from storage.facts.flows import Flow
from storage.records import audit
from storage.sessions import Session

LINKED = "connect_link"
CODE_SENT = "connect_code_sent"
WRONG_CODE = "connect_wrong_code"
PROVEN = "connect_proven"
OTHER_PERSON = "connect_other_person"
SENT = "connect_sent"
RETURNED = "connect_returned"
FAILED = "connect_failed"
GRANT_GIVEN_UP = "grant_given_up"
#: by no person
SYSTEM = "system"


def note(session: Session, flow: Flow, action: str, now: datetime, *, by: str | None = None, **detail: object) -> None:
    """Append an entry about a flow; `detail` never holds a secret."""
    about: dict[str, object] = {"provider": flow.provider, "source": flow.source_id, **detail}
    audit.record(session, flow.organization_id, by or flow.member_id, action, flow.id, now, about)
