"""What an attempt to send came to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """It is there; `external_id` is Slack's ts or the Message-ID, `place` where Slack put it."""

    external_id: str
    place: str | None = None
    #: hash of what is shown there, for living cards
    shown: str | None = None
    #: what the mail server said, as it said it
    reply: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """It is certainly not there. `final` means that trying again does not help."""

    reason: str
    final: bool
    #: seconds to wait before the next attempt, where the other side said so
    after: float | None = None
    #: what the mail server said, as it said it
    reply: str | None = None
    #: nothing can be said there any more, whatever it is
    dead: bool = False
    #: somebody has to mend the set-up first, which may take long
    set_up: bool = False
    #: too many at once: nothing is wrong with this one
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Nobody can tell whether it is there: wait, look, and only then send again."""

    reason: str


Result = Accepted | Refused | Ambiguous
