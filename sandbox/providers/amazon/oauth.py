"""Login with Amazon: the token service with Amazon's numbers. The refresh token does not change."""

from dataclasses import dataclass
from datetime import timedelta

from sandbox.providers import tokens
from sandbox.providers.tokens import Denied, Grant, Rotation

__all__ = ["APPLICATION_ID", "CLIENT_ID", "CLIENT_SECRET", "Denied", "Grant", "Rotation", "Tokens"]

CLIENT_ID = "amzn1.application-oa2-client.sandbox"
CLIENT_SECRET = "amzn1.oa2-cs.v1.sandbox-amazon-secret"
APPLICATION_ID = "amzn1.sp.solution.sandbox"


@dataclass
class Tokens(tokens.Tokens):
    """A consent lasts 365 days, a code five minutes."""

    rotation: Rotation = Rotation.NEVER
    refresh_lifetime: timedelta = timedelta(days=365)
    hard_lifetime: timedelta = timedelta(days=365)
    code_lifetime: timedelta = timedelta(minutes=5)
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    application_id: str = APPLICATION_ID
    #: where the app signs sellers in that come from Amazon ("Manage Your Apps"); empty: the usual
    #: place below the product's address
    login_uri: str = ""
    #: roles that the app has; a withheld one refuses what needs it
    scopes: tuple[str, ...] = ("sellers", "finance")
    refresh_prefix: str = "Atzr|"
    access_prefix: str = "Atza|"
    code_prefix: str = "AN"
