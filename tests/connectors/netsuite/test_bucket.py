"""Buckets over the wire: signed with the grant's own key, one prefix, one version of a file; and nothing but reads."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from obstore.store import S3Store

from connectors.base import open_session
from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.netsuite.bucket import BucketStore
from connectors.netsuite.connector import NetSuiteSession
from sandbox.providers.netsuite import Bucket
from sandbox.providers.serve import serve
from tests.connectors.netsuite.place import Place, place

_ACCOUNT = {"client_email": "t@example.iam.gserviceaccount.com", "private_key": "x", "private_key_id": "1"}


@dataclass
class Cloud:
    """A bucket that is served, and a connection to it."""

    bucket: Bucket
    here: Place
    url: str

    def declare(self, **more: Any) -> None:
        """Name the bucket and its key."""
        named = {"store": "s3", "bucket": "deliveries", "endpoint": self.url, "prefix": "temerity", "key_id": self.bucket.key_id,
                 "secret": self.bucket.secret}  # fmt: skip
        self.here.declare(self.here.netsuite.feed(), **{**named, **more})

    def deliver(self, minutes: float, *, folder: str = "temerity") -> str:
        """Put the ledger's file."""
        at = self.here.at(minutes)
        key = f"{folder}/gl/gl_{at:%Y%m%dT%H%M%SZ}.csv"
        self.bucket.put(key, self.here.netsuite.csv(), at + timedelta(seconds=5))
        return key


@contextlib.asynccontextmanager
async def cloud(folder: Path) -> AsyncIterator[Cloud]:
    here = place(folder)
    bucket = Bucket(here.world.clock)
    async with serve(bucket.app) as served:
        settings = replace(here.world.access.settings, endpoints=(served.url,))
        here.world.access = replace(here.world.access, settings=settings)
        made = Cloud(bucket, here, served.url)
        made.declare()
        here.netsuite.post(12, date(2026, 11, 1))
        yield made


async def test_a_bucket_is_read_like_a_folder(tmp_path: Path) -> None:
    async with cloud(tmp_path) as made:
        made.bucket.page = 2
        for minutes in (200, 150, 120, 90):
            made.here.netsuite.mutate(changed=2, removed=0)
            made.deliver(minutes)
        done = await made.here.world.collect()
        made.here.assert_same()
        assert done.source_as_of == made.here.at(90)
        asked = len(made.bucket.asked)
        await made.here.world.collect()
        assert len(made.bucket.asked) == asked + 2  # two pages of the list, and nothing is fetched again
        assert {method for method, _, _ in made.bucket.asked} == {"GET"}
        made.bucket.open = True
        made.declare(store="gcs", service_account=json.dumps(_ACCOUNT))
        made.here.netsuite.mutate(changed=2, removed=0)
        made.deliver(30)
        await made.here.world.collect()
        made.here.assert_same()


async def test_the_environments_clouds_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's key in our environment signs nothing, and no variable sends us elsewhere."""
    for name, value in {"ACCESS_KEY_ID": "AKIAAMBIENT", "SECRET_ACCESS_KEY": "ambient", "SESSION_TOKEN": "ambient-token",
                        "ENDPOINT": "http://127.0.0.1:9", "ENDPOINT_URL": "http://127.0.0.1:9", "SKIP_SIGNATURE": "true",
                        "ENDPOINT_URL_S3": "http://127.0.0.1:9", "BUCKET": "other", "VIRTUAL_HOSTED_STYLE_REQUEST": "true"}.items():  # fmt: skip
        monkeypatch.setenv(f"AWS_{name}", value)
    async with cloud(tmp_path) as made:
        made.deliver(60)
        await made.here.world.collect()
        made.here.assert_same()
        assert {key for _, _, key in made.bucket.asked} == {made.bucket.key_id}
        for without in ({"key_id": ""}, {"secret": ""}):
            made.declare(**without)
            with pytest.raises(Broken):
                await made.here.world.collect()
        assert "AKIAAMBIENT" not in str(made.bucket.asked)
        # The twin: a bucket as one usually opens it.
        monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
        monkeypatch.delenv("AWS_SKIP_SIGNATURE")
        monkeypatch.delenv("AWS_VIRTUAL_HOSTED_STYLE_REQUEST")
        options: Any = {"allow_http": True}
        usual = S3Store("deliveries", config={"endpoint": made.url}, client_options=options)
        with pytest.raises(Reconnect):
            await BucketStore(usual, "temerity").look()
        assert "AKIAAMBIENTambient-token" in str(made.bucket.asked)


@pytest.mark.parametrize(
    "change, kind, code",
    [
        ({"secret": "another"}, Reconnect, "grant_refused"),
        ({"key_id": "AKIAOTHER"}, Reconnect, "grant_refused"),
        ({"bucket": "nobodys"}, Retry, "unavailable"),
        ({"bucket": "../x"}, Broken, "bucket_malformed"),
        ({"endpoint": "http://169.254.169.254"}, Broken, "endpoint_unknown"),
        ({"endpoint": "https://evil.example"}, Broken, "endpoint_unknown"),
        ({"region": "x/../y"}, Broken, "bucket_malformed"),
        ({"store": "gcs", "service_account": "{}"}, Broken, "bucket_malformed"),
        ({"prefix": "../harbour"}, Broken, "feeds_malformed"),
    ],
)
async def test_what_cannot_be_read_is_said(tmp_path: Path, change: dict[str, str], kind: type, code: str) -> None:
    async with cloud(tmp_path) as made:
        made.deliver(60)
        made.declare(**change)
        with pytest.raises(ConnectorError) as caught:
            await made.here.world.collect()
        assert (type(caught.value), caught.value.code) == (kind, code)
        assert made.bucket.secret not in str(caught.value)


async def test_another_organizations_prefix_is_never_read(tmp_path: Path) -> None:
    """T55: neither a longer prefix of the same beginning nor a bucket that lists strangers."""
    async with cloud(tmp_path) as made:
        made.deliver(60, folder="temerity-harbour")
        with pytest.raises(Broken) as caught:
            await made.here.world.collect()
        assert caught.value.code == "nothing_delivered"
        made.deliver(60)
        made.bucket.strays = ["harbour/gl/gl_20261122T070000Z.csv"]
        with pytest.raises(Broken) as caught:
            await made.here.world.collect()
        assert caught.value.code == "foreign_file"
        assert not [path for _, path, _ in made.bucket.asked if "harbour" in path]


async def test_a_version_that_was_replaced_is_not_read_as_the_one_listed(tmp_path: Path) -> None:
    async with cloud(tmp_path) as made:
        key = made.deliver(60)
        async with open_session(made.here.world.connector, made.here.world.access) as session:
            assert isinstance(session, NetSuiteSession)
            assert "sandbox-bucket-secret" not in repr(session) + repr(session.grant)
            (found,) = await session.store.look()
            made.bucket.put(key, made.bucket.objects[key].body + b" ", made.here.at(1))
            with pytest.raises(Retry) as caught:
                await session.store.read(found)
            assert caught.value.code == "file_changed"
            del made.bucket.objects[key]
            with pytest.raises(Retry):
                await session.store.read(found)
            made.bucket.trouble = [503] * 20
            with pytest.raises(Retry):
                await session.store.look()
