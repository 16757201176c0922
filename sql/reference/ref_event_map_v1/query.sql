-- One row per raw event name, and source where one source means something else by it.
-- event_name is written in lower case and compared without case; source_name '*' holds for every source.
-- What is not listed: an event of raw_product.events is feature_use of a core feature (that contract's
-- event_name is by definition an event or feature), a Segment track call is other; page calls are page_view, or
-- pricing_view where the path holds /pricing. A sign-up is no login: products report the first login beside it, and
-- "logged in only once" must not count to two.
with

mapped as (
    select
        map.source_name,
        map.event_name,
        map.event_class,
        map.feature_code,
        map.is_core_feature,
        map.is_upgrade_intent,
        map.is_near_outcome
    from unnest(array<struct<
        source_name string,
        event_name string,
        event_class string,
        feature_code string,
        is_core_feature bool,
        is_upgrade_intent bool,
        is_near_outcome bool
    >>[
        ('*', 'signed up', 'other', 'signed_up', false, false, false),
        ('*', 'signed in', 'login', 'signed_in', false, false, false),
        ('*', 'logged in', 'login', 'signed_in', false, false, false),
        ('*', 'project created', 'workflow_created', 'project_created', true, false, false),
        ('*', 'workflow created', 'workflow_created', 'workflow_created', true, false, false),
        ('*', 'task assigned', 'feature_use', 'task_assigned', true, false, false),
        ('*', 'data imported', 'feature_use', 'data_imported', true, false, false),
        ('*', 'report viewed', 'feature_use', 'report_viewed', true, false, false),
        ('*', 'automation run', 'feature_use', 'automation_run', true, false, false),
        ('*', 'dashboard shared', 'feature_use', 'dashboard_shared', true, false, false),
        ('*', 'comment added', 'feature_use', 'comment_added', true, false, false),
        ('*', 'integration connected', 'integration_connected', 'integration_connected', true, false, false),
        ('*', 'invite sent', 'invite_sent', 'invite_sent', false, false, false),
        ('*', 'invite accepted', 'invite_accepted', 'invite_accepted', false, false, false),
        ('*', 'paywall viewed', 'paywall_hit', 'paywall_viewed', false, true, false),
        ('*', 'usage limit reached', 'limit_hit', 'usage_limit_reached', false, true, false),
        ('*', 'advanced feature attempted', 'advanced_feature', 'advanced_feature_attempted', false, true, false),
        ('*', 'seats added', 'expansion', 'seats_added', false, true, true),
        ('*', 'upgrade clicked', 'upgrade_click', 'upgrade_clicked', false, true, true),
        ('*', 'checkout started', 'upgrade_click', 'checkout_started', false, true, true),
        ('*', 'payment method added', 'upgrade_click', 'payment_method_added', false, true, true),
        ('*', 'error shown', 'error', 'error_shown', false, false, false),
        ('*', 'feedback given', 'feedback', 'feedback_given', false, false, false),
        ('*', 'email opened', 'marketing_touch', 'email_opened', false, false, false)
    ]) as map
),

final as (
    select * from mapped
)

select * from final
