-- The chart of accounts, active or not.
SELECT
    a.id AS account_id,
    a.number AS account_number,
    a.name AS account_name,
    a.full_name AS account_full_name,
    a.classification,
    a.type AS account_type,
    a.subtype AS account_subtype,
    a.parent_id AS parent_account_id,
    a.sub_account AS is_sub_account,
    a.active AS is_active,
    a.currency,
    a.current_balance,
    a.current_balance_with_sub_accounts,
    a.description,
    a.created_at,
    a.updated_at
FROM raw_quickbooks_accounts a
