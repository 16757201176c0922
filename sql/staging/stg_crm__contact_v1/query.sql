-- One row per CRM contact, as last read.
with

contacts as (
    select * from raw_hubspot.contacts
),

newest as (
    select contacts.*
    from contacts
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
        id as contact_id,
        company_id as crm_account_id,
        lower(trim(email)) as email_text,
        split(lower(trim(email)), '@')[safe_offset(1)] as domain_name,
        first_name,
        last_name,
        title as title_text,
        owner_id,
        lifecycle_stage,
        created_at,
        updated_at,
        coalesce(is_archived, false) as is_deleted,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from newest
)

select * from final
