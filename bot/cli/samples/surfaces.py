"""What is shared with a channel, and answers to shortcuts."""

from bot.cli.samples import facts as s
from storage.facts.messages import Message
from storage.facts.people import Role
from templates import notices
from templates.notices import shared, shortcuts, welcome


def surface_messages() -> dict[str, Message]:
    """Return a message of every kind."""
    both = [s.status(last_ready=s.run(counts=s.COUNTS)), s.status(s.QUICKBOOKS)]
    status = notices.status(s.ORG, both, s.NOW, zone=s.ZONE, refresh_value="all")
    return {
        "shared_status": shared.for_all(status, s.member("Maya Ortiz <b>", Role.VIEWER), s.NOW, "/data status"),
        "welcome": welcome.welcome("Harbour & Pine"),
        "share_done": shared.shared("finance"),
        "share_refused": shared.not_shared("not_allowed"),
        "why_not_ours": shortcuts.not_ours(),
        "why_about_nothing": shortcuts.about_nothing(),
    }
