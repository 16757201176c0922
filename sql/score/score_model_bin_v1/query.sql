-- One row per model, feature and bin: what a value of the feature adds to the log-odds of conversion.
-- bin_woe is the log-odds of bin_rate less those of the base rate, so a bin at the base rate adds nothing. Published
-- rates describe one behaviour at a time and overlap; feature_weight 0.7 keeps their sum from counting one fact twice.
-- 20 points double the odds: bin_points = bin_woe * feature_weight * 20 / ln(2).
with

models as (
    select * from score.score_model
),

bins as (
    select
        bin.model_id,
        bin.feature_code,
        bin.feature_order,
        bin.group_code,
        bin.bin_code,
        bin.lower_value,
        bin.upper_value,
        bin.is_missing_bin,
        bin.bin_rate,
        bin.feature_weight,
        bin.reason_template_text,
        bin.reason_singular_text,
        bin.evidence_text
    from unnest(array<struct<
        model_id string,
        feature_code string,
        feature_order int64,
        group_code string,
        bin_code string,
        lower_value float64,
        upper_value float64,
        is_missing_bin bool,
        bin_rate float64,
        feature_weight float64,
        reason_template_text string,
        reason_singular_text string,
        evidence_text string
    >>[
        ('prior_v1', 'invite_sent_count', 1, 'engagement', '0', 0.0, 1.0, false, 0.059, 0.7, 'no users invited', 'no users invited', 'Solo teams convert at 1.5 % where the base is 3.2 %: the same odds ratio on a base of 12 %.'),
        ('prior_v1', 'invite_sent_count', 1, 'engagement', '1-2', 1.0, 3.0, false, 0.12, 0.7, 'invited {n} users', 'invited {n} user', 'No published rate: the base rate.'),
        ('prior_v1', 'invite_sent_count', 1, 'engagement', '3+', 3.0, null, false, 0.35, 0.7, 'invited {n} users', 'invited {n} user', '35 % of trials that invited more than three; 12 % against a base of 3.2 % for three or more gives the same odds.'),
        ('prior_v1', 'invite_sent_count', 1, 'engagement', 'unknown', null, null, true, 0.12, 0.7, 'invitations not known yet', 'invitations not known yet', 'Too early to tell, or not tracked.'),
        ('prior_v1', 'core_activation_share', 2, 'engagement', 'none', 0.0, 0.000001, false, 0.08, 0.7, 'core activation not started', 'core activation not started', 'What is left for the others when 40 % of trials activate and convert at 18 %.'),
        ('prior_v1', 'core_activation_share', 2, 'engagement', 'part', 0.000001, 1.0, false, 0.12, 0.7, 'core activation begun', 'core activation begun', 'No published rate: the base rate.'),
        ('prior_v1', 'core_activation_share', 2, 'engagement', 'all', 1.0, null, false, 0.18, 0.7, 'completed core activation', 'completed core activation', '18 % of trials that completed the core activation flow.'),
        ('prior_v1', 'core_activation_share', 2, 'engagement', 'unknown', null, null, true, 0.12, 0.7, 'core activation not known yet', 'core activation not known yet', 'Too early to tell, or no core milestone defined.'),
        ('prior_v1', 'active_user_count', 3, 'engagement', '0', 0.0, 1.0, false, 0.06, 0.7, 'no active user this week', 'no active user this week', 'Judgement: half of the base rate.'),
        ('prior_v1', 'active_user_count', 3, 'engagement', '1', 1.0, 2.0, false, 0.0923, 0.7, 'only {n} active users', 'only {n} active user', 'Three active users double the rate; with 30 % of trials there, single users keep 9.2 %.'),
        ('prior_v1', 'active_user_count', 3, 'engagement', '2', 2.0, 3.0, false, 0.12, 0.7, '{n} active users', '{n} active user', 'No published rate: the base rate.'),
        ('prior_v1', 'active_user_count', 3, 'engagement', '3+', 3.0, null, false, 0.1846, 0.7, '{n} active users', '{n} active user', 'Three active users roughly double the rate of single users.'),
        ('prior_v1', 'active_user_count', 3, 'engagement', 'unknown', null, null, true, 0.12, 0.7, 'active users not known yet', 'active users not known yet', 'Too early to tell, or users not tracked.'),
        ('prior_v1', 'integration_count', 4, 'engagement', '0', 0.0, 1.0, false, 0.075, 0.7, 'no integration connected', 'no integration connected', 'Connected trials convert 2 to 4 times as often; three times, with 30 % of trials connected.'),
        ('prior_v1', 'integration_count', 4, 'engagement', '1+', 1.0, null, false, 0.225, 0.7, 'connected {n} integrations', 'connected {n} integration', 'Connected trials convert 2 to 4 times as often; three times, with 30 % of trials connected.'),
        ('prior_v1', 'integration_count', 4, 'engagement', 'unknown', null, null, true, 0.12, 0.7, 'integrations not known yet', 'integrations not known yet', 'Too early to tell, or not tracked.'),
        ('prior_v1', 'days_since_last_login', 5, 'engagement', '0-1', 0.0, 2.0, false, 0.16, 0.7, 'active within the last two days', 'active within the last two days', 'Judgement.'),
        ('prior_v1', 'days_since_last_login', 5, 'engagement', '2-4', 2.0, 5.0, false, 0.12, 0.7, 'silent {n} days', 'silent {n} day', 'No published rate: the base rate.'),
        ('prior_v1', 'days_since_last_login', 5, 'engagement', '5-7', 5.0, 8.0, false, 0.08, 0.7, 'silent {n} days', 'silent {n} day', 'Judgement, between the base rate and the next bin.'),
        ('prior_v1', 'days_since_last_login', 5, 'engagement', '8-9', 8.0, 10.0, false, 0.05, 0.7, 'silent {n} days', 'silent {n} day', 'Eight silent days of fourteen: high abandonment risk.'),
        ('prior_v1', 'days_since_last_login', 5, 'engagement', '10+', 10.0, null, false, 0.04, 0.7, 'silent {n} days', 'silent {n} day', 'Fewer than 5 % come back after ten silent days.'),
        ('prior_v1', 'days_since_last_login', 5, 'engagement', 'unknown', null, null, true, 0.12, 0.7, 'no login known', 'no login known', 'Counted by login_count.'),
        ('prior_v1', 'login_count', 6, 'engagement', '0', 0.0, 1.0, false, 0.02, 0.7, 'never logged in', 'never logged in', 'Judgement: half of those who logged in once.'),
        ('prior_v1', 'login_count', 6, 'engagement', '1', 1.0, 2.0, false, 0.04, 0.7, 'logged in only once', 'logged in only once', '4 % of trials that logged in only once.'),
        ('prior_v1', 'login_count', 6, 'engagement', '2+', 2.0, null, false, 0.12, 0.7, 'logged in {n} times', 'logged in once', 'No published rate: the base rate.'),
        ('prior_v1', 'login_count', 6, 'engagement', 'unknown', null, null, true, 0.12, 0.7, 'logins not known yet', 'logins not known yet', 'Too early to tell, or not tracked.'),
        ('prior_v1', 'days_remaining', 7, 'urgency', 'any', 0.0, null, false, 0.12, 0.7, '{n} days remaining', '{n} day remaining', 'Urgency orders the queue; it is no claim about the rate.'),
        ('prior_v1', 'days_remaining', 7, 'urgency', 'unknown', null, null, true, 0.12, 0.7, 'trial end not known', 'trial end not known', 'Billing states every end; kept for completeness.')
    ]) as bin
),

final as (
    select
        bins.model_id,
        bins.feature_code,
        bins.feature_order,
        bins.group_code,
        bins.bin_code,
        bins.lower_value,
        bins.upper_value,
        bins.is_missing_bin,
        cast(null as int64) as trial_count,
        cast(null as int64) as conversion_count,
        bins.bin_rate,
        ln(bins.bin_rate / (1 - bins.bin_rate)) - ln(models.base_rate / (1 - models.base_rate)) as bin_woe,
        bins.feature_weight,
        (ln(bins.bin_rate / (1 - bins.bin_rate)) - ln(models.base_rate / (1 - models.base_rate)))
        * bins.feature_weight * 20 / ln(2) as bin_points,
        bins.reason_template_text,
        bins.reason_singular_text,
        bins.evidence_text
    from bins
    inner join models
        on bins.model_id = models.model_id
)

select * from final
