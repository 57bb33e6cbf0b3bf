-- Departments, which QuickBooks' pages call locations; active or not.
SELECT
    d.id AS department_id,
    d.name AS department_name,
    d.full_name AS department_full_name,
    d.parent_id AS parent_department_id,
    d.active AS is_active,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_departments d
