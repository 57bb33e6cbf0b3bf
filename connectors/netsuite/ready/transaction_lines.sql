-- One row per line of a transaction, as the saved search gave it. `amount` has the search's own sign; `signed_amount` is debit
-- less credit where the search has those two columns, and its amount where it has not. In the currency of the search's columns.
SELECT
    l.id AS line_key,
    l.feed,
    l.period,
    l.transaction_id,
    l.line_id,
    l.txn_date,
    l.type AS transaction_type,
    l.document_number,
    l.name AS entity_name,
    l.account,
    l.memo,
    l.debit AS debit_amount,
    l.credit AS credit_amount,
    l.amount,
    CAST(
        CASE WHEN l.debit IS NULL AND l.credit IS NULL THEN l.amount ELSE COALESCE(l.debit, 0) - COALESCE(l.credit, 0) END
        AS DECIMAL(18, 2)
    ) AS signed_amount,
    l.currency,
    l.subsidiary,
    l.department,
    l.class,
    l.location,
    l.status
FROM raw_netsuite_transaction_lines l
