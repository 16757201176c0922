-- One row per trial and day on which it was running as far as was known then; the sole input of scores.
-- A row holds only what was known strictly before snapshot_at, the end of its day (UTC); the row of the day of @as_of
-- is cut at @as_of. A finished day is therefore the same in every later build. Late events count from the day they
-- arrived, extensions from the day billing reported them, and seats as the product described them then.
with

trials as (
    select * from core.fct_trial
),

ends as (
    select * from core.int_trial_end
),

usage as (
    select
        usage.*,
        -- What was known before the trial started belongs to its first day.
        greatest(usage.known_date, date(trials.trial_start_at)) as counted_date,
        usage.event_class not in ('page_view', 'pricing_view', 'marketing_touch', 'other') as is_presence
    from core.int_trial_usage as usage
    inner join trials
        on usage.trial_key = trials.trial_key
),

milestones as (
    select * from core.fct_milestone
),

-- A version without an end gets a far one: an outer join must compare, not choose.
product_versions as (
    select
        snap_product__account.*,
        coalesce(valid_to_at, timestamp '9999-12-31 00:00:00+00') as valid_until_at
    from staging.snap_product__account as snap_product__account
),

tickets as (
    select * from staging.stg_support__ticket
),

event_map as (
    select * from reference.ref_event_map
),

segments as (
    select * from reference.ref_segment
    where segment_type_code = 'employee_band'
),

thresholds as (
    select
        cast(max(if(threshold_code = 'active_user_days', threshold_value, null)) as int64) as active_user_days,
        cast(max(if(threshold_code = 'pricing_hours', threshold_value, null)) as int64) as pricing_hours
    from reference.ref_threshold
    where valid_from_at <= @as_of and (valid_to_at is null or valid_to_at > @as_of)
),

-- Where the product records no users, how many are active is unknown, not zero.
tracked as (
    select coalesce(logical_or(user_key != '-'), false) as has_users
    from usage
),

available_features as (
    select count(distinct feature_code) as feature_count
    from event_map
    where is_core_feature
),

days as (
    select
        trials.trial_key,
        trials.account_key,
        trials.product_account_id,
        trials.subscription_id,
        trials.trial_start_at,
        trials.converted_at,
        trials.ended_at,
        trials.billed_seat_count,
        trials.trial_type_code,
        trials.trial_length_days,
        snapshot_date,
        least(timestamp(date_add(snapshot_date, interval 1 day)), @as_of) as snapshot_at
    from trials
    cross join unnest(generate_date_array(
        date(trials.trial_start_at),
        date(least(
            @as_of,
            coalesce(trials.converted_at, @as_of),
            greatest(trials.last_stated_end_at, trials.trial_end_at)
        ))
    )) as snapshot_date
),

-- Sums by the day on which something became known.
counts as (
    select
        trial_key,
        counted_date,
        max(if(is_presence, last_event_at, null)) as last_login_at,
        min(if(is_presence, first_event_at, null)) as first_login_at,
        max(if(event_class = 'pricing_view', last_event_at, null)) as last_pricing_at,
        sum(if(event_class = 'login', event_count, 0)) as login_count,
        sum(if(event_class = 'login', early_event_count, 0)) as login_48h_count,
        sum(if(event_class = 'invite_sent', event_count, 0)) as invite_sent_count,
        sum(if(event_class = 'invite_accepted', event_count, 0)) as invite_accepted_count,
        sum(if(event_class = 'integration_connected', event_count, 0)) as integration_count,
        sum(if(event_class = 'pricing_view', event_count, 0)) as pricing_view_count,
        sum(if(event_class = 'paywall_hit', event_count, 0)) as paywall_hit_count,
        sum(if(event_class = 'limit_hit', event_count, 0)) as limit_hit_count,
        sum(if(event_class = 'advanced_feature', event_count, 0)) as advanced_attempt_count,
        sum(if(event_class = 'error', event_count, error_count)) as friction_event_count,
        sum(if(event_class = 'feedback', event_count, 0)) as feedback_count,
        sum(if(event_class = 'marketing_touch', event_count, 0)) as marketing_touch_count
    from usage
    group by trial_key, counted_date
),

used_days as (
    select
        trial_key,
        event_date,
        min(counted_date) as counted_date
    from usage
    where is_presence
    group by trial_key, event_date
),

new_days as (
    select
        trial_key,
        counted_date,
        count(*) as active_days
    from used_days
    group by trial_key, counted_date
),

used_features as (
    select
        trial_key,
        feature_code,
        min(counted_date) as counted_date
    from usage
    where is_core_feature
    group by trial_key, feature_code
),

new_features as (
    select
        trial_key,
        counted_date,
        count(*) as feature_count
    from used_features
    group by trial_key, counted_date
),

reached_milestones as (
    select
        milestones.trial_key,
        greatest(date(milestones.known_at), date(trials.trial_start_at)) as counted_date,
        countif(milestones.milestone_class = 'setup') as setup_done_count,
        countif(milestones.is_core) as core_milestone_done_count,
        countif(milestones.milestone_class = 'habit') as habit_done_count
    from milestones
    inner join trials
        on milestones.trial_key = trials.trial_key
    where milestones.known_at is not null
    group by milestones.trial_key, counted_date
),

core_totals as (
    select
        trial_key,
        countif(is_core) as core_milestone_count
    from milestones
    group by trial_key
),

-- A user is active on the day of a core event and the six days after it, but not before it was known.
user_days as (
    select
        trial_key,
        user_key,
        event_date,
        min(counted_date) as counted_date
    from usage
    where is_core_feature and user_key != '-'
    group by trial_key, user_key, event_date
),

active_users as (
    select
        user_days.trial_key,
        active_date as snapshot_date,
        count(distinct user_days.user_key) as active_user_count
    from user_days
    cross join thresholds
    cross join unnest(generate_date_array(
        greatest(user_days.event_date, user_days.counted_date),
        date_add(user_days.event_date, interval thresholds.active_user_days - 1 day)
    )) as active_date
    group by user_days.trial_key, active_date
),

accumulated as (
    select
        days.*,
        max(counts.last_login_at) over so_far as last_login_at,
        min(counts.first_login_at) over so_far as first_login_at,
        max(counts.last_pricing_at) over so_far as last_pricing_at,
        coalesce(sum(counts.login_count) over so_far, 0) as login_count,
        coalesce(sum(counts.login_48h_count) over so_far, 0) as login_48h_count,
        coalesce(sum(counts.invite_sent_count) over so_far, 0) as invite_sent_count,
        coalesce(sum(counts.invite_accepted_count) over so_far, 0) as invite_accepted_count,
        coalesce(sum(counts.integration_count) over so_far, 0) as integration_count,
        coalesce(sum(counts.pricing_view_count) over so_far, 0) as pricing_view_count,
        coalesce(sum(counts.paywall_hit_count) over so_far, 0) as paywall_hit_count,
        coalesce(sum(counts.limit_hit_count) over so_far, 0) as limit_hit_count,
        coalesce(sum(counts.advanced_attempt_count) over so_far, 0) as advanced_attempt_count,
        coalesce(sum(counts.friction_event_count) over so_far, 0) as friction_event_count,
        coalesce(sum(counts.feedback_count) over so_far, 0) as feedback_count,
        coalesce(sum(counts.marketing_touch_count) over so_far, 0) as marketing_touch_count,
        coalesce(sum(new_days.active_days) over so_far, 0) as active_days,
        coalesce(sum(new_features.feature_count) over so_far, 0) as used_feature_count,
        coalesce(sum(reached_milestones.setup_done_count) over so_far, 0) as setup_done_count,
        coalesce(sum(reached_milestones.core_milestone_done_count) over so_far, 0) as core_milestone_done_count,
        coalesce(sum(reached_milestones.habit_done_count) over so_far, 0) as habit_done_count,
        coalesce(active_users.active_user_count, 0) as active_user_count
    from days
    left join counts
        on days.trial_key = counts.trial_key
        and days.snapshot_date = counts.counted_date
    left join new_days
        on days.trial_key = new_days.trial_key
        and days.snapshot_date = new_days.counted_date
    left join new_features
        on days.trial_key = new_features.trial_key
        and days.snapshot_date = new_features.counted_date
    left join reached_milestones
        on days.trial_key = reached_milestones.trial_key
        and days.snapshot_date = reached_milestones.counted_date
    left join active_users
        on days.trial_key = active_users.trial_key
        and days.snapshot_date = active_users.snapshot_date
    window so_far as (
        partition by days.trial_key
        order by days.snapshot_date
        rows between unbounded preceding and current row
    )
),

-- The end as billing stated it before the snapshot. Days on which the trial was already over, as far as was known, go.
running as (
    select
        accumulated.*,
        ends.trial_end_at as known_trial_end_at
    from accumulated
    inner join ends
        on accumulated.subscription_id = ends.subscription_id
        and (ends.valid_from_at is null or ends.valid_from_at < accumulated.snapshot_at)
        and (ends.valid_to_at is null or ends.valid_to_at >= accumulated.snapshot_at)
    where timestamp(accumulated.snapshot_date) < ends.trial_end_at
        and (accumulated.ended_at is null or timestamp(accumulated.snapshot_date) < accumulated.ended_at)
),

open_tickets as (
    select
        running.trial_key,
        running.snapshot_date,
        count(*) as open_ticket_count
    from running
    inner join tickets
        on running.product_account_id = tickets.product_account_id
        and tickets.opened_at < running.snapshot_at
        and (tickets.solved_at is null or tickets.solved_at >= running.snapshot_at)
    group by running.trial_key, running.snapshot_date
),

described as (
    select
        running.*,
        coalesce(product_versions.seat_count, running.billed_seat_count) as seat_count,
        product_versions.employee_count,
        product_versions.industry_name,
        product_versions.acquisition_channel_name,
        coalesce(core_totals.core_milestone_count, 0) as core_milestone_count,
        coalesce(open_tickets.open_ticket_count, 0) as open_ticket_count,
        timestamp_diff(running.snapshot_at, running.trial_start_at, day) + 1 as trial_day,
        timestamp_diff(running.snapshot_at, running.last_login_at, day) as days_since_last_login,
        timestamp_diff(
            running.snapshot_at,
            greatest(coalesce(running.last_login_at, running.trial_start_at), running.trial_start_at),
            day
        ) as silent_days
    from running
    left join product_versions
        on running.product_account_id = product_versions.product_account_id
        and product_versions.valid_from_at < running.snapshot_at
        and product_versions.valid_until_at >= running.snapshot_at
    left join core_totals
        on running.trial_key = core_totals.trial_key
    left join open_tickets
        on running.trial_key = open_tickets.trial_key
        and running.snapshot_date = open_tickets.snapshot_date
),

-- The band of every head count there is: an outer join needs an equality.
employee_bands as (
    select
        head_counts.employee_count,
        segments.segment_code
    from (select distinct employee_count from described) as head_counts
    inner join segments
        on cast(head_counts.employee_count as float64) >= segments.min_value
        and (segments.max_value is null or cast(head_counts.employee_count as float64) < segments.max_value)
),

final as (
    select
        described.trial_key,
        described.snapshot_date,
        described.snapshot_at,
        described.snapshot_at = timestamp(date_add(described.snapshot_date, interval 1 day)) as is_full_day,
        described.account_key,
        described.product_account_id,
        described.trial_day,
        described.known_trial_end_at,
        greatest(
            cast(ceil(timestamp_diff(described.known_trial_end_at, described.snapshot_at, second) / 86400.0) as int64),
            0
        ) as days_remaining,
        described.last_login_at,
        described.days_since_last_login,
        described.login_count,
        described.login_48h_count,
        safe_divide(described.silent_days, described.trial_length_days) as silence_share,
        if(tracked.has_users, described.active_user_count, null) as active_user_count,
        described.seat_count,
        safe_divide(
            if(tracked.has_users, described.active_user_count, null),
            described.seat_count
        ) as seat_activation_share,
        described.invite_sent_count,
        described.invite_accepted_count,
        described.integration_count,
        described.setup_done_count,
        described.core_milestone_done_count,
        described.core_milestone_count,
        described.habit_done_count,
        100.0 * least(
            safe_divide(described.used_feature_count, available_features.feature_count),
            1.0
        ) as feature_adoption_pct,
        described.active_days,
        coalesce(
            date_diff(date(described.last_login_at), date(described.first_login_at), day) + 1,
            0
        ) as active_span_days,
        described.pricing_view_count,
        described.pricing_view_count > 0 as has_viewed_pricing,
        coalesce(
            described.last_pricing_at >= timestamp_sub(
                described.known_trial_end_at,
                interval thresholds.pricing_hours hour
            ),
            false
        ) as is_pricing_72h,
        described.paywall_hit_count,
        described.limit_hit_count,
        described.advanced_attempt_count,
        described.friction_event_count,
        described.feedback_count,
        described.marketing_touch_count,
        (
            least(coalesce(safe_divide(described.used_feature_count, available_features.feature_count), 0.0), 1.0)
            + least(safe_divide(described.active_days, described.trial_day), 1.0)
        ) / 2 as engagement_score,
        described.open_ticket_count,
        employee_bands.segment_code as employee_band,
        described.industry_name,
        described.acquisition_channel_name,
        described.trial_type_code,
        described.trial_length_days,
        (described.converted_at is null or described.converted_at >= described.snapshot_at)
        and described.known_trial_end_at > described.snapshot_at
        and (described.ended_at is null or described.ended_at >= described.snapshot_at) as is_at_risk_set
    from described
    cross join thresholds
    cross join available_features
    cross join tracked
    left join employee_bands
        on described.employee_count = employee_bands.employee_count
)

select * from final
