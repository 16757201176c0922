-- One row per touch: a call, e-mail, demo or meeting by which somebody of ours reached out to a company before @as_of.
with

activities as (
    select * from staging.stg_crm__activity
),

contacts as (
    select * from staging.stg_crm__contact
),

map as (
    select * from identity.map_account_identity
    where node_class = 'crm_account'
),

trials as (
    select * from core.fct_trial
),

touches as (
    select
        activities.*,
        coalesce(company_map.account_key, contact_map.account_key) as account_key
    from activities
    left join map as company_map
        on activities.crm_account_id = company_map.raw_value_text
    left join contacts
        on activities.contact_id = contacts.contact_id
    left join map as contact_map
        on contacts.crm_account_id = contact_map.raw_value_text
    where not activities.is_deleted
        and activities.activity_code in ('call', 'email', 'demo', 'meeting', 'linkedin')
        and activities.direction_code = 'outbound'
        and activities.activity_at < @as_of
),

-- The trial that ran, or had last started, when it happened.
trial_touches as (
    select
        touches.activity_id,
        trials.trial_key
    from touches
    inner join trials
        on touches.account_key = trials.account_key
        and trials.trial_start_at <= touches.activity_at
        and touches.activity_at < trials.window_end_at
    where true
    qualify row_number() over (
        partition by touches.activity_id
        order by trials.trial_start_at desc, trials.trial_key
    ) = 1
),

final as (
    select
        touches.activity_id as outreach_id,
        touches.account_key,
        trial_touches.trial_key,
        touches.owner_id as owner_key,
        touches.contact_id,
        touches.activity_at as outreach_at,
        touches.activity_code,
        touches.direction_code,
        touches.outcome_code,
        touches.subject_text,
        touches.body_text as note_text
    from touches
    left join trial_touches
        on touches.activity_id = trial_touches.activity_id
    where touches.account_key is not null
)

select * from final
