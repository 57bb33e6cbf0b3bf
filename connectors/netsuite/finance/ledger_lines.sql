-- A search without debit and credit columns does not say the side: its own sign depends on the kind of account.
SELECT
    l._source AS source,
    l.line_key AS line_id,
    l.transaction_id,
    l.transaction_type,
    l.document_number AS transaction_number,
    l.txn_date AS posting_date,
    NULL AS account_id,
    l.account AS account_name,
    l.entity_name AS name,
    l.memo,
    l.currency,
    CASE
        WHEN l.debit_amount IS NOT NULL OR l.credit_amount IS NOT NULL THEN l.signed_amount
        WHEN l.amount = 0 THEN 0
    END AS amount,
    COALESCE(l.amount, l.signed_amount) AS amount_as_given
FROM ready_netsuite_transaction_lines l
