-- The general ledger of this year and the last, as QuickBooks itself posts it on the accrual basis: a row for each line of a
-- transaction in each account. Amounts are in the company's currency and grow with the account's own side: in assets and expenses a
-- debit is positive, in liabilities, equity and income a credit is. Read once a day. Class, department (QuickBooks' location) and
-- customer are those that QuickBooks prints beside the line: of what a customer owes, and of the bank's side, there is no class. Where
-- `class_known` is not true, QuickBooks did not say which class, and an empty `class_id` does not mean that there is none; so the others.
SELECT
    r.id AS ledger_line_id,
    r.account_id,
    r.account_name,
    r.path AS account_path,
    r.txn_date AS posting_date,
    r.txn_type AS transaction_type,
    r.txn_id AS transaction_id,
    r.doc_number AS transaction_number,
    r.entity_id,
    r.entity_name,
    r.memo,
    r.split_account_id,
    r.split_account_name,
    r.amount,
    r.balance AS account_balance,
    r.basis,
    r.currency,
    r.class_id,
    r.class_name,
    r.class_known,
    r.department_id,
    r.department_name,
    r.department_known,
    r.customer_id,
    r.customer_name,
    r.customer_known
FROM raw_quickbooks_general_ledger r
WHERE r.row_kind = 'data'
