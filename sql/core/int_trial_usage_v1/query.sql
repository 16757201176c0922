-- One row per trial, user, feature, day of use and day of arrival.
-- The only place where events meet trials, so that everything above works on days. A workspace's first trial counts
-- everything since sign-up; a later one, and usage that is recorded by subscription, what happened since its start;
-- nothing after the last stated end. Events near the outcome (checkout, upgrade clicks) are left out: they must never
-- become a feature.
with

events as (
    select * from core.fct_event
    where not is_near_outcome and usage_id is not null
),

trials as (
    select * from core.fct_trial
),

thresholds as (
    select
        cast(max(if(threshold_code = 'login_hours', threshold_value, null)) as int64) as login_hours
    from reference.ref_threshold
    where valid_from_at <= @as_of and (valid_to_at is null or valid_to_at > @as_of)
),

trial_windows as (
    select
        trials.trial_key,
        trials.product_account_id as usage_id,
        if(trials.is_first_of_workspace, timestamp '1900-01-01 00:00:00+00', trials.trial_start_at) as usage_from_at,
        greatest(trials.last_stated_end_at, trials.trial_end_at) as usage_until_at,
        timestamp_add(trials.trial_start_at, interval thresholds.login_hours hour) as early_until_at
    from trials
    cross join thresholds
    where trials.product_account_id is not null
    union all
    select
        trials.trial_key,
        trials.subscription_id as usage_id,
        trials.trial_start_at as usage_from_at,
        greatest(trials.last_stated_end_at, trials.trial_end_at) as usage_until_at,
        timestamp_add(trials.trial_start_at, interval thresholds.login_hours hour) as early_until_at
    from trials
    cross join thresholds
),

final as (
    select
        trial_windows.trial_key,
        coalesce(events.user_key, '-') as user_key,
        events.event_class,
        events.feature_code,
        events.is_core_feature,
        date(events.event_at) as event_date,
        date(events.known_at) as known_date,
        sum(events.event_count) as event_count,
        sum(if(events.event_at < trial_windows.early_until_at, events.event_count, 0)) as early_event_count,
        sum(events.error_count) as error_count,
        min(events.event_at) as first_event_at,
        max(events.event_at) as last_event_at
    from events
    inner join trial_windows
        on events.usage_id = trial_windows.usage_id
        and events.event_at >= trial_windows.usage_from_at
        and events.event_at < trial_windows.usage_until_at
    group by
        trial_windows.trial_key,
        coalesce(events.user_key, '-'),
        events.event_class,
        events.feature_code,
        events.is_core_feature,
        date(events.event_at),
        date(events.known_at)
)

select * from final
