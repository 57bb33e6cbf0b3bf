"""Which browser it is: a random cookie, and the proof in our forms that they were drawn for it."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from storage.facts.secret import Secret
from storage.seal import Seal, SealError

COOKIE = "tidings_browser"
#: Over TLS. Browsers take such a name from this very host over TLS alone: whoever owns a neighbouring host, or the
#: network, cannot make somebody else's browser carry the name of their own and have its consent land with them.
HOST_COOKIE = f"__Host-{COOKIE}"
PATH = "/connect"
#: Longer than any flow lives.
_SECONDS = 3600
#: What came of something is shown again for so long, on a clean address.
KEPT_SECONDS = 600
_KEPT = "tidings_kept"
#: Browsers take 4,096 bytes with the name and the rest.
_MOST_KEPT = 3500
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class Browsers:
    """Knows browsers by their cookie. The keys are those of SECRET_KEYS: forms drawn before a rotation still count."""

    def __init__(self, keys: Sequence[Secret], *, secure: bool, path: str = PATH) -> None:
        self._keys = [hashlib.sha256(b"tidings forms\x1f" + key.reveal().encode()).digest() for key in keys]
        sealing = [hashlib.sha256(b"tidings kept\x1f" + key.reveal().encode()).digest() for key in keys]
        self._seal = Seal([Secret(base64.urlsafe_b64encode(key).decode()) for key in sealing])
        self._secure = secure
        self._path = path
        self._name = HOST_COOKIE if secure else COOKIE

    def of(self, request: Request) -> Secret | None:
        """Return the browser that asks; None for one that we have not met."""
        value = request.cookies.get(self._name, "")
        return Secret(value) if _VALUE.fullmatch(value) else None

    def new(self) -> Secret:
        """Return a name for a browser that we meet now."""
        return Secret(secrets.token_urlsafe(32))

    def remember(self, response: Response, browser: Secret) -> None:
        """Give the browser its name for another hour; scripts and other sites' forms cannot use it."""
        # A name that begins with __Host- is taken for the whole host only.
        self._set(response, self._name, browser.reveal(), _SECONDS, "/" if self._secure else self._path)

    def keep(self, response: Response, browser: Secret, text: str) -> None:
        """Let the browser hold what its next page says, sealed to it; ``{}`` where that is too much for a cookie."""
        sealed = self._closed(text, browser)
        self._set(
            response,
            _KEPT,
            sealed if len(sealed) <= _MOST_KEPT else self._closed("{}", browser),
            KEPT_SECONDS,
            self._path,
        )

    def _closed(self, text: str, browser: Secret) -> str:
        return base64.urlsafe_b64encode(self._seal.close(text, _KEPT, browser.reveal())).decode()

    def kept(self, request: Request, browser: Secret) -> str | None:
        """Return what the browser was given to hold; None where it holds nothing of ours."""
        try:
            sealed = base64.urlsafe_b64decode(request.cookies.get(_KEPT, "").encode("ascii", "replace"))
            return self._seal.open(sealed, _KEPT, browser.reveal())
        except (ValueError, SealError):
            return None

    def hold(self, browser: Secret, what: str, text: str) -> str:
        """Return a text for the browser's own form to carry, sealed to the browser and to what it is for."""
        return base64.urlsafe_b64encode(self._seal.close(text, "held", what, browser.reveal())).decode()

    def held(self, browser: Secret, what: str, sealed: str) -> str | None:
        """Return a text that a form of the browser carried; None where it is none of ours, or for something else."""
        try:
            opened = base64.urlsafe_b64decode(sealed.encode("ascii", "replace"))
            return self._seal.open(opened, "held", what, browser.reveal())
        except (ValueError, SealError):
            return None

    def _set(self, response: Response, name: str, value: str, seconds: int, path: str) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path=path,
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def mark(self, browser: Secret) -> str:
        """Return what a form carries to show that it was drawn for this browser."""
        return _mark(self._keys[0], browser)

    def drew(self, browser: Secret, mark: str) -> bool:
        """Whether a form with that mark was drawn for this browser."""
        given = mark.encode("utf-8", "replace")
        same = [hmac.compare_digest(_mark(key, browser).encode(), given) for key in self._keys]
        return any(same)


def _mark(key: bytes, browser: Secret) -> str:
    return hmac.new(key, browser.reveal().encode(), hashlib.sha256).hexdigest()
