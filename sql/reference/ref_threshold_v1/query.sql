-- One row per version of a threshold.
with

thresholds as (
    select
        threshold.threshold_code,
        threshold.version,
        threshold.threshold_value,
        threshold.unit_code,
        threshold.seed_text,
        threshold.valid_from_at,
        threshold.valid_to_at
    from unnest(array<struct<
        threshold_code string,
        version int64,
        threshold_value float64,
        unit_code string,
        seed_text string,
        valid_from_at timestamp,
        valid_to_at timestamp
    >>[
        ('conversion_window_days', 1, 14.0, 'days', 'A trial window is the trial and 7 to 14 days after it.', timestamp '2000-01-01 00:00:00+00', null),
        ('last_hours', 1, 48.0, 'hours', 'Accounts in the last 48 hours of their trial.', timestamp '2000-01-01 00:00:00+00', null),
        ('pricing_hours', 1, 72.0, 'hours', 'A pricing page visit within 72 hours of expiry.', timestamp '2000-01-01 00:00:00+00', null),
        ('login_hours', 1, 48.0, 'hours', 'Logins in the first 48 hours of the trial.', timestamp '2000-01-01 00:00:00+00', null),
        ('silence_risk_share', 1, 0.5714, 'share', 'Silent for 8 days in a 14-day trial: high abandonment risk.', timestamp '2000-01-01 00:00:00+00', null),
        ('active_user_days', 1, 7.0, 'days', 'An active user did something of core value in the last 7 days.', timestamp '2000-01-01 00:00:00+00', null),
        ('too_early_days', 1, 3.0, 'days', 'What has not happened by day 3 counts against a trial; before, it is too early to tell.', timestamp '2000-01-01 00:00:00+00', null),
        ('contacted_days', 1, 7.0, 'days', 'Accounts they have already talked to this week.', timestamp '2000-01-01 00:00:00+00', null),
        ('attention_count', 1, 3.0, 'count', 'The two or three accounts that need outreach today.', timestamp '2000-01-01 00:00:00+00', null),
        ('identity_value_cap', 1, 4.0, 'count', 'A domain that more workspaces than this share belongs to an agency or a university, not to one company.', timestamp '2000-01-01 00:00:00+00', null),
        ('product_stale_hours', 1, 24.0, 'hours', 'Behavioural data 24 hours old is not trusted.', timestamp '2000-01-01 00:00:00+00', null),
        ('crm_stale_hours', 1, 96.0, 'hours', 'CRM data 4 days old is not trusted.', timestamp '2000-01-01 00:00:00+00', null)
    ]) as threshold
),

final as (
    select * from thresholds
)

select * from final
