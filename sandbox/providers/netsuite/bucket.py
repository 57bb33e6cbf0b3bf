"""A stand-in of a bucket: lists and gives objects as S3 does, and checks every signature. Google's look the same."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from storage.facts.clock import Clock


@dataclass(frozen=True)
class Object:
    """One version of an object."""

    body: bytes
    modified: datetime

    @property
    def etag(self) -> str:
        """Opaque to whoever reads it."""
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


@dataclass
class Bucket:
    """One bucket, one key that opens it, and what was asked of it."""

    clock: Clock
    name: str = "deliveries"
    key_id: str = "AKIASANDBOX"
    secret: str = "sandbox-bucket-secret"
    #: without signatures, as Google's stand-ins are
    open: bool = False
    page: int = 1000
    objects: dict[str, Object] = field(default_factory=dict)
    #: method, path and key id (with its session token, where there is one) of every request
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    #: statuses to answer with instead, once each
    trouble: list[int] = field(default_factory=list)
    #: names that a broken or hostile bucket lists whatever the prefix
    strays: list[str] = field(default_factory=list)

    def put(self, key: str, body: bytes, modified: datetime) -> None:
        """Put an object, as a customer's script does: whole."""
        self.objects[key] = Object(body, modified)

    @property
    def app(self) -> Starlette:
        """What is served."""
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "PUT", "DELETE", "POST", "HEAD"])])

    async def _answer(self, request: Request) -> Response:
        said = request.headers.get("authorization", "")
        key_id = said.partition("Credential=")[2].partition("/")[0]
        token = request.headers.get("x-amz-security-token", "")
        self.asked.append((request.method, request.url.path, key_id + token))
        if self.trouble:
            return Response("<Error/>", self.trouble.pop(0), media_type="application/xml")
        if not self.open and not self._signed(request, said):
            return _error(403, "SignatureDoesNotMatch")
        if request.method != "GET":
            return _error(405, "MethodNotAllowed")
        bucket, _, key = request.url.path.removeprefix("/").partition("/")
        if bucket != self.name:
            return _error(404, "NoSuchBucket")
        return self._object(request, key) if key else self._list(request)

    def _object(self, request: Request, key: str) -> Response:
        found = self.objects.get(key)
        if found is None:
            return _error(404, "NoSuchKey")
        wanted = request.headers.get("if-match")
        if wanted is not None and wanted.strip('"') != found.etag.strip('"'):
            return _error(412, "PreconditionFailed")
        headers = {"ETag": found.etag, "Last-Modified": format_datetime(found.modified, usegmt=True)}
        return Response(found.body, headers=headers, media_type="text/csv")

    def _list(self, request: Request) -> Response:
        prefix, after = request.query_params.get("prefix", ""), request.query_params.get("continuation-token", "")
        keys = [key for key in sorted(self.objects) if key.startswith(prefix) and key > after]
        shown, more = keys[: self.page], keys[self.page :]
        parts = "".join(_listed(key, self.objects[key]) for key in shown)
        parts += "".join(_listed(key, Object(b"x", self.clock.now())) for key in self.strays)
        following = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        body = (
            f"<ListBucketResult><Name>{self.name}</Name><IsTruncated>{str(bool(more)).lower()}</IsTruncated>"
            f"<KeyCount>{len(shown)}</KeyCount>{following}{parts}</ListBucketResult>"
        )
        return Response(body, media_type="application/xml")

    def _signed(self, request: Request, said: str) -> bool:
        """Whether the request carries our key's signature, version 4."""
        fields = dict(part.strip().partition("=")[::2] for part in said.removeprefix("AWS4-HMAC-SHA256").split(","))
        scope, names = fields.get("Credential", "").split("/"), fields.get("SignedHeaders", "")
        if len(scope) != 5 or scope[0] != self.key_id:
            return False
        canonical = "\n".join(
            (
                request.method,
                quote(request.url.path, safe="/-_.~"),
                _query(request.query_params),
                *(f"{name}:{request.headers.get(name, '').strip()}" for name in names.split(";")),
                "",
                names,
                request.headers.get("x-amz-content-sha256", ""),
            )
        )
        text = "\n".join(
            ("AWS4-HMAC-SHA256", request.headers.get("x-amz-date", ""), "/".join(scope[1:]), _sha(canonical))
        )
        key = f"AWS4{self.secret}".encode()
        for part in scope[1:]:
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), fields.get("Signature", ""))


def _query(params: Mapping[str, str]) -> str:
    return "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in params.items()))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _listed(key: str, found: Object) -> str:
    when = found.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return (
        f"<Contents><Key>{escape(key)}</Key><LastModified>{when}</LastModified><ETag>{escape(found.etag)}</ETag>"
        f"<Size>{len(found.body)}</Size></Contents>"
    )


def _error(status: int, code: str) -> Response:
    return Response(f"<Error><Code>{code}</Code></Error>", status, media_type="application/xml")
