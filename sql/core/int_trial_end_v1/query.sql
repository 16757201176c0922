-- One row per trial subscription and span of time in which billing stated one end of its trial.
-- valid_from_at is empty for the end stated first and valid_to_at for the one that holds now; spans are half open.
with

subscriptions as (
    select * from staging.stg_billing__subscription
    where is_trial and trial_start_at is not null
),

changes as (
    select * from staging.stg_billing__subscription_change
),

policies as (
    select * from reference.ref_trial_policy
),

trials as (
    select
        subscriptions.subscription_id,
        coalesce(
            subscriptions.trial_end_at,
            timestamp_add(
                subscriptions.trial_start_at,
                interval coalesce(own_policy.trial_length_days, any_policy.trial_length_days) day
            )
        ) as trial_end_at,
        if(subscriptions.trial_end_at is null, 'policy', 'billing') as end_evidence_code
    from subscriptions
    left join policies as own_policy
        on subscriptions.source_name = own_policy.source_name
    left join policies as any_policy
        on any_policy.source_name = '*'
),

ordered_changes as (
    select
        trials.subscription_id,
        changes.changed_at,
        changes.previous_trial_end_at,
        -- The subscription itself is the truth about the end that holds now.
        if(
            row_number() over (partition by trials.subscription_id order by changes.changed_at desc, changes.change_id desc) = 1,
            trials.trial_end_at,
            changes.trial_end_at
        ) as trial_end_at,
        lead(changes.changed_at) over (partition by trials.subscription_id order by changes.changed_at, changes.change_id) as next_changed_at,
        row_number() over (partition by trials.subscription_id order by changes.changed_at, changes.change_id) as change_number
    from trials
    inner join changes
        on trials.subscription_id = changes.subscription_id
),

unioned as (
    select
        subscription_id,
        0 as version,
        cast(null as timestamp) as valid_from_at,
        changed_at as valid_to_at,
        previous_trial_end_at as trial_end_at,
        'billing' as end_evidence_code
    from ordered_changes
    where change_number = 1
    union all
    select
        subscription_id,
        change_number as version,
        changed_at as valid_from_at,
        next_changed_at as valid_to_at,
        trial_end_at,
        'billing' as end_evidence_code
    from ordered_changes
    where trial_end_at is not null
    union all
    select
        trials.subscription_id,
        0 as version,
        cast(null as timestamp) as valid_from_at,
        cast(null as timestamp) as valid_to_at,
        trials.trial_end_at,
        trials.end_evidence_code
    from trials
    left join ordered_changes
        on trials.subscription_id = ordered_changes.subscription_id
    where ordered_changes.subscription_id is null
),

final as (
    select
        subscription_id,
        version,
        valid_from_at,
        valid_to_at,
        trial_end_at,
        end_evidence_code
    from unioned
)

select * from final
