-- One row per payment to a vendor, by cheque or card, with how many transactions it settles.
SELECT
    d.id AS bill_payment_id,
    d.doc_number AS bill_payment_number,
    d.txn_date AS payment_date,
    d.vendor_id,
    d.vendor_name,
    d.pay_type,
    COALESCE(d.bank_account_id, d.card_account_id) AS paid_from_account_id,
    COALESCE(d.bank_account_name, d.card_account_name) AS paid_from_account_name,
    d.currency,
    COALESCE(d.exchange_rate, 1) AS exchange_rate,
    d.total_amount,
    TRY(CAST(d.total_amount * COALESCE(d.exchange_rate, 1) AS DECIMAL(18, 2))) AS home_total_amount,
    COALESCE(l.linked, 0) AS settled_transactions,
    d.ap_account_id,
    d.ap_account_name,
    d.private_note,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_bill_payments d
LEFT JOIN (
    SELECT parent_id, COUNT(linked_txn_id) AS linked FROM raw_quickbooks_bill_payment_lines GROUP BY parent_id
) l ON l.parent_id = d.id
