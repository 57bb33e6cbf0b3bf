"""A request for access as its messages: support's post and mail, and the word to whoever asked."""

from storage.facts.messages import Message
from storage.records import access
from storage.sessions import Session
from templates import notices


def access_message(session: Session, subject: str) -> Message:
    """Return support's post (`subject` is the request) or the word to one asker (``request.member``).

    KeyError for what is gone.
    """
    request_id, _, member_id = subject.partition(".")
    request = access.find(session, request_id)
    if request is None:
        raise KeyError(request_id)
    if not member_id:
        return notices.access_request(request)
    again = next((asker.again for asker in request.askers if asker.member_id == member_id), "")
    return notices.access_decided(request, value=again)


def is_decided(session: Session, request_id: str) -> bool:
    """Whether the post will not change any more."""
    request = access.find(session, request_id)
    return request is None or request.settled_at is not None
