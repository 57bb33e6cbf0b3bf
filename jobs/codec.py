"""How the engine writes values into the database: JSON and nothing else, exceptions by name."""

import json
from collections.abc import Mapping
from typing import Any

_ERROR = "__error__"
_TEXT_LIMIT = 500
_OURS = ("jobs", "connectors", "storage", "templates")


class ReplayedError(Exception):
    """What a step raised before this process ran it; only the name and safe words are kept."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}" if text else name)
        self.name = name
        self.text = text


class JsonCodec:
    """The engine's serializer. Decimals and instants are refused: a value must come back exactly as it went in."""

    def name(self) -> str:
        """Return the mark that every row of ours carries."""
        return "tidings_json"

    def serialize(self, data: Any) -> str:
        """Turn a value, or an exception, into JSON (TypeError if it is neither)."""
        if isinstance(data, BaseException):
            data = {_ERROR: _described(data)}
        return json.dumps(plain(data), separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    def deserialize(self, serialized_data: str) -> Any:
        """Turn JSON back into the value or a ReplayedError."""
        data = json.loads(serialized_data)
        if isinstance(data, dict) and set(data) == {_ERROR}:
            return ReplayedError(data[_ERROR]["name"], data[_ERROR]["text"])
        return data


def plain(value: Any) -> Any:
    """Return the value if it is plain JSON (tuples become lists); TypeError names what is not."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"the engine keeps JSON only: key {key!r} is {type(key).__name__}, not str")
        return {key: plain(item) for key, item in value.items()}
    raise TypeError(f"the engine keeps JSON only, not {type(value).__name__}; turn it into text first")


def _described(error: BaseException) -> dict[str, str]:
    if isinstance(error, ReplayedError):
        return {"name": error.name, "text": error.text}
    # The text of a foreign exception may hold a token or a customer's data; ours is written to be shown.
    ours = type(error).__module__.partition(".")[0] in _OURS
    return {"name": type(error).__name__, "text": str(error)[:_TEXT_LIMIT] if ours else ""}
