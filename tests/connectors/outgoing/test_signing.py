"""Signatures are what another implementation of Standard Webhooks takes, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from connectors.outgoing.signing import new_secret, signed

BODY = '{"type":"source.ready","data":{"company":"Ünlü & Söhne"}}'.encode()


def headers(body=BODY, keys=None, at=None):
    return dict(signed("msg_1", at or datetime.now(UTC), body, keys or [KEY]))


KEY, OTHER = new_secret(), new_secret()


def test_another_implementation_verifies_them():
    assert Webhook(KEY.reveal()).verify(BODY, headers())["type"] == "source.ready"


def test_while_a_secret_is_changed_both_verify():
    both = headers(keys=[OTHER, KEY])
    for key in (KEY, OTHER):
        assert Webhook(key.reveal()).verify(BODY, both)


@pytest.mark.parametrize(
    "body, sent",
    [
        (BODY + b" ", headers()),
        (BODY, headers(keys=[OTHER])),
        (BODY, {**headers(), "webhook-id": "msg_2"}),
        (BODY, headers(at=datetime.now(UTC) - timedelta(minutes=6))),
        (BODY, {**headers(), "webhook-signature": "v1,"}),
    ],
    ids=["another body", "another secret", "another id", "an old one", "no signature"],
)
def test_anything_else_is_refused(body, sent):
    with pytest.raises(WebhookVerificationError):
        Webhook(KEY.reveal()).verify(body, sent)
