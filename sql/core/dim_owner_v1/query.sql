-- One row per owner of accounts in the CRM.
with

owners as (
    select * from staging.stg_crm__owner
),

final as (
    select
        owner_id as owner_key,
        owner_name,
        email_text,
        team_name,
        is_active
    from owners
)

select * from final
