"""What can go wrong with a request of a person; code matches on the class, bot turns each into words."""

from jobs.refresh.ask import Scope
from storage.facts.access import AccessStanding
from storage.facts.people import Action, Role
from storage.facts.sources import Source
from storage.sessions import DatabaseBusyError, DatabaseFullError


class RequestError(Exception):
    """The request had no effect."""


class UnavailableError(RequestError):
    """The one commit missed its time: nothing was started."""


class NoRoomError(UnavailableError):
    """There is no room left to write anything down: nothing was started, and pressing again does not help."""


class NotAllowedError(RequestError):
    """The person may not do that. `needed` is None for somebody who is no member at all."""

    def __init__(self, action: Action, needed: Role | None, admins: tuple[str, ...] = ()) -> None:
        super().__init__(f"{action} needs {needed or 'a member'}")
        self.action = action
        self.needed = needed
        self.admins = admins


class NoAccessError(RequestError):
    """The organization has no access to refreshes, which the operator gives by request: offer to ask for it."""

    def __init__(self, standing: AccessStanding, scope: Scope) -> None:
        super().__init__(f"{standing.organization} has no access to refreshes; it is given by support, by request")
        self.standing = standing
        #: what was to be refreshed
        self.scope = scope


class NotFoundError(RequestError):
    """There is no such object, or it is somebody else's: both read the same."""


class TooLateError(RequestError):
    """It is over already; the text says what happened."""


class FlowGoneError(RequestError):
    """The link or what it began is unknown, used, too old, or another browser's: start again in Slack."""


class AlreadyConnectedError(RequestError):
    """The organization has a source of that provider, and there is one per organization: offer to reconnect it."""

    def __init__(self, source: Source) -> None:
        super().__init__(f"{source.label} is connected already")
        self.source = source


class WrongCodeError(RequestError):
    """The code that was typed is not the one that was sent."""

    def __init__(self, left: int) -> None:
        super().__init__("that is not the code")
        #: how often another one may be typed; 0: the flow is over
        self.left = left


class TooManyCodesError(RequestError):
    """No more codes are sent for this link: type the last one, or start again in Slack."""


class FlowRefusedError(RequestError):
    """The grant cannot be stored like that; nothing was changed."""

    def __init__(self, reason: str, said: str) -> None:
        super().__init__(said)
        #: a code of ours
        self.reason = reason
        #: plain words for the person
        self.said = said


class WrongNameError(RequestError):
    """What was typed to confirm is not the name of the source; nothing was changed."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__("that is not its name")
        #: what may be typed
        self.names = names


def unavailable(error: DatabaseBusyError) -> UnavailableError:
    """Turn the database's error into ours."""
    return NoRoomError(str(error)) if isinstance(error, DatabaseFullError) else UnavailableError(str(error))
