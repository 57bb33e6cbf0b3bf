"""From a declaration to the places that it names, within what whoever runs Tidings allows to be reached."""

from pathlib import Path

from connectors.base import ProviderSettings
from connectors.errors import Broken
from connectors.pocketadvantage.declared import THIS_MACHINE, DeclarationError, Declared
from connectors.pocketadvantage.orders.places import Allowed, DatabasePlace, Engine, Tls
from connectors.pocketadvantage.transfer.opening import Operator
from connectors.pocketadvantage.transfer.places import Place, Transfer
from connectors.pocketadvantage.transfer.reaching import Reach


def reach_of(settings: ProviderSettings) -> Reach:
    """Return which servers may be reached: every public one, and those that the operator names."""
    return Reach(hosts=frozenset(one.lower() for one in settings.endpoints))


def operator_of(settings: ProviderSettings) -> Operator:
    """Return what the operator set up for files."""
    return Operator(settings.api_url, reach_of(settings))


def allowed_of(settings: ProviderSettings, organization: str) -> Allowed:
    """Return what the operator set up for databases; files of SQLite lie in the organization's own folder."""
    folder = Path(settings.api_url) / organization if settings.api_url and organization else None
    return Allowed(reach_of(settings), folder)


def transfer_place(declared: Declared, organization: str) -> Place:
    """Return where files are handed over; Broken when something in it cannot be."""
    return Place(
        declared.protocol,
        declared.cust_id,
        organization,
        declared.host,
        declared.port,
        declared.account,
        declared.password,
        declared.private_key,
        declared.passphrase,
        declared.folder,
        declared.host_key,
        declared.authority,
        declared.plain,
    )


def database_place(declared: Declared) -> DatabasePlace | None:
    """Return the database of orders; None where none are taken. Broken when something in it cannot be."""
    orders = declared.orders
    if orders is None:
        return None
    return DatabasePlace(
        engine=orders.engine,
        database=orders.database,
        cust_id=declared.cust_id,
        host=orders.host,
        port=orders.port,
        user=orders.user,
        secret=orders.password,
        view=orders.view,
        back=orders.answers,
        back_inserts=orders.answers_new,
        columns=orders.columns,
        cursor=orders.cursor,
        tls=orders.tls,
        authority=orders.authority,
    )


def fits(declared: Declared, settings: ProviderSettings) -> None:
    """Refuse what this installation is not set up for; DeclarationError."""
    orders = declared.orders
    if declared.protocol is Transfer.LOCAL and not settings.api_url:
        raise DeclarationError("Protocol: no folder of this machine is set up for it here", "protocol")
    if orders is None:
        return
    if orders.engine is Engine.SQLITE and not settings.api_url:
        raise DeclarationError("Database: files are no database of orders in this installation", "db_engine")
    if orders.tls is Tls.NONE and orders.host.lower() not in _here(settings):
        raise DeclarationError("Encryption: no database of this machine is set up for it here", "db_tls")


def allows_clear(settings: ProviderSettings) -> bool:
    """Whether a database of this machine may be asked in clear."""
    return bool(_here(settings))


def _here(settings: ProviderSettings) -> frozenset[str]:
    return THIS_MACHINE & {one.lower() for one in settings.endpoints}


def places_of(declared: Declared, settings: ProviderSettings, organization: str) -> tuple[Place, DatabasePlace | None]:
    """Return both places of a declaration that this installation is set up for; Broken."""
    fits(declared, settings)
    try:
        return transfer_place(declared, organization), database_place(declared)
    except Broken as error:
        raise DeclarationError(error.detail) from error
