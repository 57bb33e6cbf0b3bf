-- One row per customer payment, with how many transactions it settles.
SELECT
    p.id AS payment_id,
    p.txn_date AS payment_date,
    p.customer_id,
    p.customer_name,
    p.currency,
    COALESCE(p.exchange_rate, 1) AS exchange_rate,
    p.total_amount,
    p.unapplied_amount,
    TRY(CAST(p.total_amount - COALESCE(p.unapplied_amount, 0) AS DECIMAL(18, 2))) AS applied_amount,
    TRY(CAST(p.total_amount * COALESCE(p.exchange_rate, 1) AS DECIMAL(18, 2))) AS home_total_amount,
    p.payment_method_name AS payment_method,
    p.payment_reference,
    p.deposit_to_account_id,
    p.deposit_to_account_name,
    COALESCE(l.linked, 0) AS settled_transactions,
    p.private_note,
    p.created_at,
    p.updated_at
FROM raw_quickbooks_payments p
LEFT JOIN (
    SELECT parent_id, COUNT(linked_txn_id) AS linked FROM raw_quickbooks_payment_lines GROUP BY parent_id
) l ON l.parent_id = p.id
