-- One row per trial and milestone of the version that held when the trial started, done or not.
-- done_at is when the last needed event happened; known_at when the last needed event had arrived.
with

events as (
    select * from core.fct_event
    where not is_near_outcome and usage_id is not null
),

trials as (
    select * from core.fct_trial
),

milestones as (
    select * from reference.ref_milestone
),

trial_milestones as (
    select
        trials.trial_key,
        trials.account_key,
        trials.product_account_id,
        trials.subscription_id,
        trials.trial_start_at,
        if(trials.is_first_of_workspace, timestamp '1900-01-01 00:00:00+00', trials.trial_start_at) as usage_from_at,
        greatest(trials.last_stated_end_at, trials.trial_end_at) as usage_until_at,
        milestones.milestone_code,
        milestones.version,
        milestones.milestone_name,
        milestones.milestone_class,
        milestones.order_step,
        milestones.event_class,
        milestones.feature_code,
        milestones.min_count,
        milestones.within_days,
        milestones.is_core,
        milestones.blocker_code,
        milestones.blocker_text
    from trials
    inner join milestones
        on trials.trial_start_at >= milestones.valid_from_at
        and (milestones.valid_to_at is null or trials.trial_start_at < milestones.valid_to_at)
),

-- Only the kinds of event that some milestone counts, before they meet the trials.
milestone_events as (
    select
        events.event_id,
        events.event_at,
        events.known_at,
        events.usage_id,
        events.subscription_id,
        events.event_count,
        milestones.milestone_code,
        milestones.version
    from events
    inner join milestones
        on events.event_class = milestones.event_class
        and (milestones.feature_code is null or events.feature_code = milestones.feature_code)
),

matched as (
    select
        trial_milestones.trial_key,
        trial_milestones.milestone_code,
        trial_milestones.min_count,
        milestone_events.event_id,
        milestone_events.event_at,
        milestone_events.known_at,
        milestone_events.event_count
    from milestone_events
    inner join trial_milestones
        on milestone_events.usage_id = trial_milestones.product_account_id
        and milestone_events.milestone_code = trial_milestones.milestone_code
        and milestone_events.version = trial_milestones.version
        and milestone_events.event_at >= trial_milestones.usage_from_at
        and milestone_events.event_at < trial_milestones.usage_until_at
        and (
            trial_milestones.within_days is null
            or milestone_events.event_at < timestamp_add(
                trial_milestones.trial_start_at,
                interval trial_milestones.within_days day
            )
        )
    union all
    select
        trial_milestones.trial_key,
        trial_milestones.milestone_code,
        trial_milestones.min_count,
        milestone_events.event_id,
        milestone_events.event_at,
        milestone_events.known_at,
        milestone_events.event_count
    from milestone_events
    inner join trial_milestones
        on milestone_events.subscription_id = trial_milestones.subscription_id
        and milestone_events.milestone_code = trial_milestones.milestone_code
        and milestone_events.version = trial_milestones.version
        and milestone_events.event_at >= trial_milestones.trial_start_at
        and milestone_events.event_at < trial_milestones.usage_until_at
        and (
            trial_milestones.within_days is null
            or milestone_events.event_at < timestamp_add(
                trial_milestones.trial_start_at,
                interval trial_milestones.within_days day
            )
        )
),

counted as (
    select
        trial_key,
        milestone_code,
        min_count,
        event_at,
        known_at,
        event_count,
        sum(event_count) over (
            partition by trial_key, milestone_code
            order by event_at, event_id
            rows between unbounded preceding and current row
        ) as happened_count,
        sum(event_count) over (
            partition by trial_key, milestone_code
            order by known_at, event_id
            rows between unbounded preceding and current row
        ) as arrived_count
    from matched
),

reached as (
    select
        trial_key,
        milestone_code,
        sum(event_count) as event_count,
        min(if(happened_count >= min_count, event_at, null)) as done_at,
        min(if(arrived_count >= min_count, known_at, null)) as known_at
    from counted
    group by trial_key, milestone_code
),

final as (
    select
        trial_milestones.trial_key,
        trial_milestones.milestone_code,
        trial_milestones.version,
        trial_milestones.account_key,
        trial_milestones.milestone_name,
        trial_milestones.milestone_class,
        trial_milestones.order_step,
        trial_milestones.is_core,
        reached.done_at is not null as is_done,
        reached.done_at,
        reached.known_at,
        coalesce(reached.event_count, 0) as event_count,
        trial_milestones.min_count,
        timestamp_diff(reached.done_at, trial_milestones.trial_start_at, hour) as hours_from_start_count,
        trial_milestones.blocker_code,
        trial_milestones.blocker_text
    from trial_milestones
    left join reached
        on trial_milestones.trial_key = reached.trial_key
        and trial_milestones.milestone_code = reached.milestone_code
)

select * from final
