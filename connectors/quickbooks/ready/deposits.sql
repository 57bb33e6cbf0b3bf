-- One row per deposit into a bank account: its lines less the cash that was kept.
SELECT
    d.id AS deposit_id,
    d.doc_number AS deposit_number,
    d.txn_date AS deposit_date,
    d.deposit_to_account_id,
    d.deposit_to_account_name,
    d.currency,
    COALESCE(d.exchange_rate, 1) AS exchange_rate,
    d.total_amount,
    TRY(CAST(COALESCE(d.home_total_amount, d.total_amount * COALESCE(d.exchange_rate, 1)) AS DECIMAL(18, 2)))
        AS home_total_amount,
    d.cash_back_account_id,
    d.cash_back_account_name,
    d.cash_back_amount,
    COALESCE(l.linked, 0) AS deposited_transactions,
    d.private_note,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_deposits d
LEFT JOIN (
    SELECT parent_id, COUNT(linked_txn_id) AS linked FROM raw_quickbooks_deposit_lines GROUP BY parent_id
) l ON l.parent_id = d.id
