"""The app's own client id and secret, as every OAuth method wants them."""

import secrets

from sandbox.slack.core import Core
from sandbox.slack.errors import Json, Refusal


def check_client(core: Core, args: Json) -> None:
    """Refuse a wrong client id or secret (Refusal)."""
    app = core.world.app
    if args.get("client_id") != app.client_id:
        raise Refusal("invalid_client_id")
    given = str(args.get("client_secret")).encode()
    if not secrets.compare_digest(given, app.client_secret.reveal().encode()):
        raise Refusal("bad_client_secret")
