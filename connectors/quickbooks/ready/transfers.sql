-- One row per transfer between two accounts.
SELECT
    d.id AS transfer_id,
    d.txn_date AS transfer_date,
    d.from_account_id,
    d.from_account_name,
    d.to_account_id,
    d.to_account_name,
    d.amount,
    d.currency,
    COALESCE(d.exchange_rate, 1) AS exchange_rate,
    TRY(CAST(d.amount * COALESCE(d.exchange_rate, 1) AS DECIMAL(18, 2))) AS home_amount,
    d.class_id,
    d.class_name,
    d.private_note,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_transfers d
