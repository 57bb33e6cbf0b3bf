-- One row per line of a deposit: a payment or receipt that was deposited (linked), or money booked straight to an account.
SELECT
    d.id AS deposit_id,
    l.position + 1 AS line_position,
    l.line_id,
    d.txn_date AS deposit_date,
    d.deposit_to_account_id,
    d.deposit_to_account_name,
    l.linked_txn_type,
    l.linked_txn_id,
    l.account_id,
    l.account_name,
    l.entity_type,
    l.entity_id,
    l.entity_name,
    l.class_id,
    l.class_name,
    l.payment_method_name AS payment_method,
    l.check_number,
    l.description,
    l.amount,
    d.currency,
    TRY(CAST(l.amount * COALESCE(d.exchange_rate, 1) AS DECIMAL(18, 2))) AS home_amount
FROM raw_quickbooks_deposits d
JOIN raw_quickbooks_deposit_lines l ON l.parent_id = d.id
