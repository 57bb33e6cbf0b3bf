"""One call of Slack's Web API, for those who connect with it: a form, and a token where there is one."""

from connectors.reads import Call
from connectors.wire import Answer, Wire
from storage.facts.secret import Secret

_FORM = "application/x-www-form-urlencoded"


async def answer_to(wire: Wire, method: str, *, body: bytes = b"", bearer: Secret | None = None) -> Answer:
    """Call a method and return what came, whatever it says."""
    call = Call("POST", f"/{method}", method, body=body, content_type=_FORM)
    headers = {"accept": "application/json"}
    if bearer is not None:
        headers["authorization"] = f"Bearer {bearer.reveal()}"
    return await wire.exchange(wire.request(call, headers))
