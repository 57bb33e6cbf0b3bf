-- One row per transaction that a payment to a vendor settles, with the part of the payment that goes to it.
SELECT
    d.id AS bill_payment_id,
    l.position + 1 AS line_position,
    d.txn_date AS payment_date,
    d.vendor_id,
    d.vendor_name,
    l.linked_txn_type,
    l.linked_txn_id,
    l.amount,
    d.currency,
    TRY(CAST(l.amount * COALESCE(d.exchange_rate, 1) AS DECIMAL(18, 2))) AS home_amount
FROM raw_quickbooks_bill_payments d
JOIN raw_quickbooks_bill_payment_lines l ON l.parent_id = d.id
