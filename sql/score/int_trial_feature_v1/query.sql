-- One row per live trial and feature, as at @as_of.
-- A value is empty where it cannot be known: what has not happened counts against a trial only after the first days,
-- a kind of event that the product never sends says nothing about anybody, and neither does a trial without a workspace.
with

trial_days as (
    select
        fct_trial_day.*,
        product_account_id is not null or last_login_at is not null as is_matched
    from core.fct_trial_day as fct_trial_day
    where snapshot_date = date(@as_of) and is_at_risk_set
),

thresholds as (
    select
        cast(max(if(threshold_code = 'too_early_days', threshold_value, null)) as int64) as too_early_days
    from reference.ref_threshold
    where valid_from_at <= @as_of and (valid_to_at is null or valid_to_at > @as_of)
),

tracked as (
    select
        coalesce(logical_or(event_class = 'invite_sent'), false) as has_invites,
        coalesce(logical_or(event_class = 'integration_connected'), false) as has_integrations,
        coalesce(logical_or(event_class = 'login'), false) as has_logins,
        coalesce(logical_or(user_key != '-'), false) as has_users
    from core.int_trial_usage
),

judged as (
    select
        trial_days.*,
        trial_days.trial_day <= thresholds.too_early_days as is_too_early,
        tracked.has_invites and trial_days.is_matched as has_invites,
        tracked.has_integrations and trial_days.is_matched as has_integrations,
        tracked.has_logins and trial_days.is_matched as has_logins,
        tracked.has_users and trial_days.is_matched as has_users
    from trial_days
    cross join thresholds
    cross join tracked
),

features as (
    select
        trial_key,
        snapshot_at,
        'invite_sent_count' as feature_code,
        if(
            not has_invites or (is_too_early and invite_sent_count = 0),
            null,
            cast(invite_sent_count as float64)
        ) as feature_value
    from judged
    union all
    select
        trial_key,
        snapshot_at,
        'core_activation_share' as feature_code,
        if(
            not is_matched or (is_too_early and core_milestone_done_count < core_milestone_count),
            null,
            safe_divide(core_milestone_done_count, core_milestone_count)
        ) as feature_value
    from judged
    union all
    select
        trial_key,
        snapshot_at,
        'active_user_count' as feature_code,
        if(
            not has_users or (is_too_early and active_user_count <= 1),
            null,
            cast(active_user_count as float64)
        ) as feature_value
    from judged
    union all
    select
        trial_key,
        snapshot_at,
        'integration_count' as feature_code,
        if(
            not has_integrations or (is_too_early and integration_count = 0),
            null,
            cast(integration_count as float64)
        ) as feature_value
    from judged
    union all
    select
        trial_key,
        snapshot_at,
        'days_since_last_login' as feature_code,
        cast(days_since_last_login as float64) as feature_value
    from judged
    union all
    select
        trial_key,
        snapshot_at,
        'login_count' as feature_code,
        if(
            not has_logins
            or (is_too_early and login_count <= 1)
            or (login_count = 0 and days_since_last_login is not null),
            null,
            cast(login_count as float64)
        ) as feature_value
    from judged
    union all
    select
        trial_key,
        snapshot_at,
        'days_remaining' as feature_code,
        cast(days_remaining as float64) as feature_value
    from judged
),

final as (
    select
        trial_key,
        snapshot_at as scored_at,
        feature_code,
        feature_value
    from features
)

select * from final
