-- One row per CRM account, deleted and merged ones included, as last read.
with

companies as (
    select * from raw_hubspot.companies
),

newest as (
    select companies.*
    from companies
    where true
    qualify row_number() over (
        partition by id
        order by
            updated_at desc,
            _ripen_loaded_at desc,
            _ripen_load_id desc,
            coalesce(is_archived, false) desc,
            payload desc
    ) = 1
),

final as (
    select
        id as crm_account_id,
        name as account_name,
        nullif(
            regexp_replace(
                regexp_replace(lower(trim(domain)), r'^(https?://)?(www\.)?', ''),
                r'[/:?#].*$',
                ''
            ),
            ''
        ) as domain_name,
        owner_id,
        employee_count,
        industry as industry_name,
        annual_revenue as annual_revenue_amount,
        country as country_code,
        parent_id,
        nullif(trim(product_account_id), '') as external_product_id,
        merged_object_ids as merged_ids_text,
        created_at,
        updated_at,
        last_contacted_at as last_activity_at,
        lifecycle_stage,
        notes as notes_text,
        coalesce(is_archived, false) as is_deleted,
        archived_at as deleted_at,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from newest
)

select * from final
