"""Flows: how one member's attempt to connect or reconnect one account stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.facts.people import SlackIdentity
from storage.facts.sources import Provider


class FlowState(StrEnum):
    """Where one attempt stands."""

    #: the link was handed out
    LINKED = "linked"
    #: the browser was proven to be the member's
    PROVEN = "proven"
    #: the browser was sent to the provider
    SENT = "sent"
    #: the provider gave a grant, which waits for the person's yes
    RETURNED = "returned"
    #: the grant is a source's
    DONE = "done"
    FAILED = "failed"
    #: nobody went on in time
    EXPIRED = "expired"

    @property
    def open(self) -> bool:
        """Whether the person may still go on."""
        return self in OPEN_FLOWS


OPEN_FLOWS = (FlowState.LINKED, FlowState.PROVEN, FlowState.SENT, FlowState.RETURNED)


@dataclass(frozen=True, slots=True)
class Flow:
    """One attempt of one member to connect or reconnect one account; it holds hashes, never a secret."""

    id: str
    organization_id: str
    member_id: str
    identity: SlackIdentity
    provider: Provider
    #: the source that is reconnected; None for a new one
    source_id: str | None
    state: FlowState
    created_at: datetime
    #: when the next step is no longer waited for
    expires_at: datetime
    settled_at: datetime | None
    #: why it failed: a code of ours, and plain words for the person
    reason: str | None
    said: str | None
    link_hash: str
    browser_hash: str | None
    code_hash: str | None
    codes_sent: int
    code_tries: int
    nonce_hash: str | None
    #: None before the browser was sent, and from the moment it came back
    state_hash: str | None
    hint: str
    account: str | None
    company: str | None
    #: the source that came of it, and the run that it started
    connected_source_id: str | None
    run_id: str | None
    revoke_due_at: datetime | None
    revoke_tries: int
    #: it began at Amazon, which waits for the browser
    launched: bool = False

    @property
    def answer_lost(self) -> bool:
        """Whether the provider's answer was taken and nothing of it was written down since.

        True while it is exchanged, which takes seconds. Afterwards a process died over it, and the provider may have
        given a grant that nobody holds.
        """
        return self.state is FlowState.SENT and self.state_hash is None
