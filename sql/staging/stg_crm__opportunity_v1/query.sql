-- One row per CRM deal, as last read.
with

deals as (
    select * from raw_hubspot.deals
),

newest as (
    select deals.*
    from deals
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
        id as opportunity_id,
        name as opportunity_name,
        company_id as crm_account_id,
        pipeline as pipeline_code,
        stage as opportunity_stage,
        coalesce(is_won, false) as is_won,
        coalesce(is_closed, false) as is_closed,
        amount as deal_amount,
        owner_id,
        created_at,
        if(coalesce(is_closed, false), closed_at, null) as closed_at,
        updated_at,
        coalesce(is_archived, false) as is_deleted,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from newest
)

select * from final
