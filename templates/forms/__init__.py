"""Modals: the same words as the notices, with something to choose."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.messages import Buttons, Choice, Form, Heading
from storage.facts.sources import ConnectionState, Freshness
from storage.facts.status import SourceStatus
from templates import actions
from templates.notices import confirm_refresh

#: Name and values of the choice in the confirm modal.
WHICH, EVERYTHING, STALE = "which", "everything", "stale"


def confirm_refresh_form(
    organization: str, statuses: Sequence[SourceStatus], now: datetime, *, private: str, admins: Sequence[str] = ()
) -> Form:
    """Return the confirm card as a modal: what is fresh can be left out; with nothing to refresh, only words."""
    card = confirm_refresh(organization, statuses, now, value="", admins=admins)
    parts = tuple(part for part in card.parts if not isinstance(part, Heading | Buttons))
    able = [entry for entry in statuses if entry.source.connection is not ConnectionState.DISCONNECTED]
    stale = sum(entry.freshness is not Freshness.FRESH for entry in able)
    options = ((EVERYTHING, f"Everything ({len(able)})"), (STALE, f"Only what is not fresh ({stale})"))
    choice = (Choice(WHICH, "What should be refreshed?", options, EVERYTHING),) if 0 < stale < len(able) else ()
    submit = "Confirm" if able else ""
    return Form(actions.REFRESH_CONFIRM, "Refresh", submit, parts, choice, private, "Cancel" if able else "Close")
