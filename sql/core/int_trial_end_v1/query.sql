-- One row per trial subscription and span of time in which billing stated one end of its trial.
-- valid_from_at is empty for the end stated first and valid_to_at for the one that holds now; spans are half open.
-- Billing keeps its events for some weeks only, so a move may have left no event: then the invoice that opened the
-- trial tells the first end, and the move is taken to have been known as late as it can have been (evidence
-- billing_assumed_time), so that no day knows an extension too early.
with

subscriptions as (
    select * from staging.stg_billing__subscription
    where is_trial and trial_start_at is not null
),

changes as (
    select * from staging.stg_billing__subscription_change
),

invoices as (
    select * from staging.stg_billing__invoice
),

policies as (
    select * from reference.ref_trial_policy
),

default_policy as (
    select max(trial_length_days) as trial_length_days
    from policies
    where source_name = '*'
),

opening_invoices as (
    select
        subscriptions.subscription_id,
        min(invoices.service_end_at) as first_end_at
    from subscriptions
    inner join invoices
        on subscriptions.subscription_id = invoices.subscription_id
        and invoices.service_start_at = subscriptions.trial_start_at
    where invoices.billing_reason_code = 'subscription_create' and invoices.due_amount = 0
    group by subscriptions.subscription_id
),

trials as (
    select
        subscriptions.subscription_id,
        opening_invoices.first_end_at,
        coalesce(
            subscriptions.trial_end_at,
            timestamp_add(
                subscriptions.trial_start_at,
                interval coalesce(own_policy.trial_length_days, default_policy.trial_length_days) day
            )
        ) as trial_end_at,
        if(subscriptions.trial_end_at is null, 'policy', 'billing') as end_evidence_code
    from subscriptions
    left join opening_invoices
        on subscriptions.subscription_id = opening_invoices.subscription_id
    left join policies as own_policy
        on subscriptions.source_name = own_policy.source_name
    cross join default_policy
),

reported_changes as (
    select
        trials.subscription_id,
        changes.changed_at,
        changes.change_id,
        changes.previous_trial_end_at,
        -- The subscription itself is the truth about the end that holds now.
        if(
            row_number() over (
                partition by trials.subscription_id
                order by changes.changed_at desc, changes.change_id desc
            ) = 1,
            trials.trial_end_at,
            changes.trial_end_at
        ) as trial_end_at
    from trials
    inner join changes
        on trials.subscription_id = changes.subscription_id
),

first_changes as (
    select
        subscription_id,
        changed_at,
        previous_trial_end_at
    from reported_changes
    where true
    qualify row_number() over (partition by subscription_id order by changed_at, change_id) = 1
),

-- What held before the first reported change, and what was agreed at first, which may differ.
beginnings as (
    select
        trials.subscription_id,
        coalesce(trials.first_end_at, first_changes.previous_trial_end_at, trials.trial_end_at) as first_end_at,
        coalesce(first_changes.previous_trial_end_at, trials.trial_end_at) as reported_end_at,
        first_changes.changed_at,
        trials.end_evidence_code
    from trials
    left join first_changes
        on trials.subscription_id = first_changes.subscription_id
),

statements as (
    select
        subscription_id,
        cast(null as timestamp) as valid_from_at,
        '' as change_id,
        first_end_at as trial_end_at,
        end_evidence_code
    from beginnings
    union all
    select
        subscription_id,
        least(first_end_at, reported_end_at, coalesce(changed_at, first_end_at)) as valid_from_at,
        '' as change_id,
        reported_end_at as trial_end_at,
        'billing_assumed_time' as end_evidence_code
    from beginnings
    where first_end_at != reported_end_at
    union all
    select
        subscription_id,
        changed_at as valid_from_at,
        change_id,
        trial_end_at,
        'billing' as end_evidence_code
    from reported_changes
    where trial_end_at is not null
),

final as (
    select
        subscription_id,
        row_number() over (stated) - 1 as version,
        valid_from_at,
        lead(valid_from_at) over (stated) as valid_to_at,
        trial_end_at,
        end_evidence_code
    from statements
    window stated as (partition by subscription_id order by valid_from_at, change_id)
)

select * from final
