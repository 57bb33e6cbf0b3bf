-- Classes, which lines and transactions carry; active or not.
SELECT
    d.id AS class_id,
    d.name AS class_name,
    d.full_name AS class_full_name,
    d.parent_id AS parent_class_id,
    d.active AS is_active,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_classes d
