-- One row per CRM owner, as last read.
with

owners as (
    select * from raw_hubspot.owners
),

newest as (
    select owners.*
    from owners
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
        id as owner_id,
        coalesce(
            nullif(trim(concat(coalesce(first_name, ''), ' ', coalesce(last_name, ''))), ''),
            email
        ) as owner_name,
        lower(trim(email)) as email_text,
        team as team_name,
        not coalesce(is_archived, false) as is_active,
        created_at,
        updated_at,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from newest
)

select * from final
