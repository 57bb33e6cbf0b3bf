"""NetSuite's ready tables: what each SQL file reads."""

from connectors.ready import sql
from storage.facts.ready import ReadyTable

_PACKAGE = "connectors.netsuite"

READY = (
    ReadyTable(
        "netsuite_transaction_lines",
        sql(_PACKAGE, "transaction_lines"),
        parent="raw_netsuite_transaction_lines",
        key="line_key",
    ),
    ReadyTable("netsuite_rows", sql(_PACKAGE, "rows"), parent="raw_netsuite_rows", key="row_key"),
    ReadyTable("netsuite_files", sql(_PACKAGE, "files"), parent="raw_netsuite_files", key="file_key"),
)
