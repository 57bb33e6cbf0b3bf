"""Buckets: Amazon S3 and what speaks its language, and Google Cloud Storage, by way of obstore.

The key is the grant's own and nothing else: whatever the process's environment says about clouds is not used, and the
place is one of the clouds' own addresses or one that the operator listed. So nobody can make us call a host of his, or
sign with somebody else's key.
"""

import asyncio
import re
from collections.abc import Iterable
from datetime import UTC, timedelta
from typing import IO, TYPE_CHECKING, Any

import msgspec

from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.files.store import LARGEST, MOST_FILES, Found, Store, changed, read_whole, too_large, too_many
from connectors.netsuite.feeds import Grant

if TYPE_CHECKING:
    from obstore.store import GCSStore, S3Store

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", re.ASCII)
_REGION = re.compile(r"[a-z0-9-]{2,32}", re.ASCII)
_KEY_ID = re.compile(r"[A-Za-z0-9_+/=.-]{3,128}", re.ASCII)
_PAGE = 1000
_CHUNK = 1 << 20


class _ServiceAccount(msgspec.Struct):
    """Of Google's key file only what says who signs: where it is sent to is ours to say."""

    client_email: str
    private_key: str
    private_key_id: str


class BucketStore:
    """A bucket behind the port; one version of a file is its key, its etag and its size."""

    def __init__(self, bucket: "S3Store | GCSStore", prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    async def look(self) -> list[Found]:
        """Page through the prefix. A key of another prefix in the answer is refused: it is somebody else's."""
        import obstore
        from obstore.exceptions import BaseError

        found: list[Found] = []
        try:
            async for page in obstore.list(self._bucket, prefix=self._prefix or None, chunk_size=_PAGE):
                for one in page:
                    if not one["path"].startswith(self._prefix):
                        raise Broken("the bucket names files outside of this source's prefix", code="foreign_file")
                    version = one["e_tag"] or one["version"] or ""
                    path = one["path"].removeprefix(self._prefix)
                    found.append(Found(path, one["size"], version, one["last_modified"].astimezone(UTC)))
                if len(found) > MOST_FILES:
                    raise too_many()
        except BaseError:
            raise await self._why() from None
        return found

    async def read(self, found: Found) -> bytes:
        """Return a small file."""
        return await read_whole(self, found)

    async def fetch(self, found: Found, into: IO[bytes]) -> None:
        """Fetch that version of a file: the bucket itself is asked to refuse any other."""
        import obstore
        from obstore.exceptions import BaseError, PermissionDeniedError, PreconditionError, UnauthenticatedError

        if found.size > LARGEST:
            raise too_large()
        came = 0
        try:
            answer = await obstore.get_async(
                self._bucket, self._prefix + found.path, options={"if_match": found.version or None}
            )
            if answer.meta["size"] != found.size:
                raise changed()
            async for part in answer.stream(min_chunk_size=_CHUNK):
                came += len(part)
                if came > found.size:
                    raise changed()
                await asyncio.to_thread(into.write, part)
        except (FileNotFoundError, PreconditionError):
            raise changed() from None
        except (PermissionDeniedError, UnauthenticatedError):
            raise _refused() from None
        except BaseError:
            raise _silent() from None
        if came != found.size:
            raise changed()

    async def _why(self) -> ConnectorError:
        """Say why a list failed. Its error does not tell; that of a file which is not there does."""
        import obstore
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        try:
            await obstore.get_async(self._bucket, f"{self._prefix}.tidings")
        except (PermissionDeniedError, UnauthenticatedError):
            return _refused()
        except (FileNotFoundError, BaseError):
            return _silent()
        return _silent()


def bucket_store(grant: Grant, endpoints: Iterable[str]) -> Store:
    """Return the bucket of a grant; Broken for one that cannot be, or that the operator did not allow."""
    if not _BUCKET.fullmatch(grant.bucket) or ".." in grant.bucket:
        raise Broken("this is no name of a bucket", code="bucket_malformed")
    if grant.endpoint and grant.endpoint not in set(endpoints):
        words = "this address is not set up here; whoever runs Tidings can add it (NETSUITE_ENDPOINTS)"
        raise Broken(words, code="endpoint_unknown")
    bucket = _s3(grant) if grant.store == "s3" else _gcs(grant)
    return BucketStore(bucket, grant.prefix)


def _client(endpoint: str) -> dict[str, Any]:
    return {
        "allow_http": endpoint.startswith("http://"),
        "allow_invalid_certificates": False,
        "connect_timeout": timedelta(seconds=10),
        "timeout": timedelta(seconds=180),
        "user_agent": "Tidings",
    }


def _retries() -> Any:
    return {"max_retries": 3, "retry_timeout": timedelta(seconds=60)}


def _s3(grant: Grant) -> "S3Store":
    from obstore.store import S3Store

    region = grant.region or "us-east-1"
    if not _REGION.fullmatch(region) or not _KEY_ID.fullmatch(grant.key_id) or not grant.secret.reveal():
        raise Broken("a bucket needs a region, a key id and a secret", code="bucket_malformed")
    endpoint = grant.endpoint or f"https://s3.{region}.amazonaws.com"
    key = {"access_key_id": grant.key_id, "secret_access_key": grant.secret.reveal(), "token": None, "expires_at": None}
    # Everything that the environment could say otherwise is said here.
    said: Any = {
        "region": region,
        "endpoint": endpoint,
        "aws_endpoint_url_s3": endpoint,
        "virtual_hosted_style_request": False,
        "skip_signature": False,
        "request_payer": False,
    }
    client: Any = _client(endpoint)
    signed: Any = key
    return S3Store(
        grant.bucket, config=said, client_options=client, retry_config=_retries(), credential_provider=lambda: signed
    )


def _gcs(grant: Grant) -> "GCSStore":
    from obstore.store import GCSStore

    key: dict[str, object]
    try:
        account = msgspec.json.decode(grant.service_account.reveal() or "{}", type=_ServiceAccount)
    except msgspec.MsgspecError:
        raise Broken("the key of the service account is not Google's JSON", code="bucket_malformed") from None
    key = {name: getattr(account, name) for name in account.__struct_fields__}
    if grant.endpoint:
        # A stand-in of the operator's: it has no Google to prove itself to.
        key |= {"gcs_base_url": grant.endpoint, "disable_oauth": True}
    said: Any = {"service_account_key": msgspec.json.encode(key).decode(), "skip_signature": False}
    client: Any = _client(grant.endpoint)
    return GCSStore(grant.bucket, config=said, client_options=client, retry_config=_retries())


def _refused() -> Reconnect:
    return Reconnect("the bucket refuses the key that it is read with", code="grant_refused")


def _silent() -> Retry:
    # The library's own text may name keys, and stays behind.
    return Retry(None, "the bucket did not answer as it should, or is not there")
