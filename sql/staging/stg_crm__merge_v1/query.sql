-- One row per CRM account that was merged into another one: the loser and its direct winner.
-- An edge once seen is kept, though the CRM may forget it later: every version ever read is searched.
with

companies as (
    select * from raw_hubspot.companies
    where merged_object_ids is not null and trim(merged_object_ids) != ''
),

mentions as (
    select
        trim(loser_id) as loser_id,
        companies.id as winner_id,
        companies.updated_at
    from companies
    cross join unnest(split(companies.merged_object_ids, ';')) as loser_id
),

edges as (
    select
        loser_id,
        winner_id,
        min(updated_at) as merged_at
    from mentions
    where loser_id != '' and loser_id != winner_id
    group by loser_id, winner_id
),

-- A survivor lists what its losers had swallowed before, so a loser may name several winners: the first merge is direct.
final as (
    select
        'hubspot' as crm_system_code,
        loser_id,
        winner_id,
        'account' as object_code,
        merged_at,
        'merged_object_ids' as evidence_code
    from edges
    where true
    qualify row_number() over (partition by loser_id order by merged_at, winner_id) = 1
)

select * from final
