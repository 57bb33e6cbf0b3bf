"""How a Web API call is refused."""

from typing import Any

#: One JSON object as it goes over the wire.
Json = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - a refusal is an answer that Slack gives, not a failure of the stand-in
    """Slack's `{"ok": false, "error": …}`, with the messages and the headers that belong to it."""

    def __init__(self, error: str, *messages: str, status: int = 200, headers: dict[str, str] | None = None,
                 **extra: object) -> None:  # fmt: skip
        super().__init__(error, *messages)
        self.error = error
        self.messages = messages
        self.status = status
        self.headers = headers or {}
        self.extra = extra

    def body(self) -> Json:
        """Return the JSON of the answer."""
        answer: Json = {"ok": False, "error": self.error, **self.extra}
        if self.messages:
            answer["errors"] = list(self.messages)
            answer["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return answer
