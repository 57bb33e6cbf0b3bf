-- QuickBooks' own trial balance, this year to date: a row for each account and side; only one side of an account holds an amount.
-- Debits and credits of the rows that are no total add up to the same. Read once a day.
SELECT
    r.id AS row_id,
    r.row_number,
    r.row_kind = 'summary' AS is_total,
    r.account_id,
    r.account_name,
    r.column_key AS side,
    r.amount,
    CASE WHEN r.column_key = 'credit' THEN -r.amount ELSE r.amount END AS signed_amount,
    r.period_start,
    r.period_end AS balance_date,
    r.basis,
    r.currency
FROM raw_quickbooks_trial_balance r
WHERE r.amount IS NOT NULL
