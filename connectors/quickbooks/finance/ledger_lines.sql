-- QuickBooks' amounts grow with the account's own side: those of liabilities, equity and income are turned around.
SELECT
    l._source AS source,
    l.ledger_line_id AS line_id,
    l.transaction_id,
    l.transaction_type,
    l.transaction_number,
    l.posting_date,
    l.account_id,
    l.account_name,
    l.entity_name AS name,
    l.memo,
    l.currency,
    l.amount * CASE
        WHEN a.classification IN ('Asset', 'Expense') THEN 1
        WHEN a.classification IN ('Liability', 'Equity', 'Revenue') THEN -1
    END AS amount,
    l.amount AS amount_as_given
FROM ready_quickbooks_ledger_lines l
LEFT JOIN ready_quickbooks_accounts a ON a._source = l._source AND a.account_id = l.account_id
