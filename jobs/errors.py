"""What can go wrong with a request of a person; code matches on the class, bot turns each into words."""

from storage.facts.people import Action, Role


class RequestError(Exception):
    """The request had no effect."""


class UnavailableError(RequestError):
    """The one commit missed its time: nothing was started."""


class NotAllowedError(RequestError):
    """The person may not do that. `needed` is None for somebody who is no member at all."""

    def __init__(self, action: Action, needed: Role | None, admins: tuple[str, ...] = ()) -> None:
        super().__init__(f"{action} needs {needed or 'a member'}")
        self.action = action
        self.needed = needed
        self.admins = admins


class NotFoundError(RequestError):
    """There is no such object, or it is somebody else's: both read the same."""


class TooLateError(RequestError):
    """It is over already; the text says what happened."""
