-- One row per version of a milestone of the activation path.
-- A change is a new version with its own validity, so that old trial days keep the rules of their time.
with

milestones as (
    select
        milestone.milestone_code,
        milestone.version,
        milestone.milestone_name,
        milestone.milestone_class,
        milestone.order_step,
        milestone.event_class,
        milestone.feature_code,
        milestone.min_count,
        milestone.within_days,
        milestone.is_core,
        milestone.blocker_code,
        milestone.blocker_text,
        milestone.valid_from_at,
        milestone.valid_to_at
    from unnest(array<struct<
        milestone_code string,
        version int64,
        milestone_name string,
        milestone_class string,
        order_step int64,
        event_class string,
        feature_code string,
        min_count int64,
        within_days int64,
        is_core bool,
        blocker_code string,
        blocker_text string,
        valid_from_at timestamp,
        valid_to_at timestamp
    >>[
        ('project_created', 1, 'first project created', 'setup', 1, 'workflow_created', null, 1, null, true, 'no_project', 'first workflow not created', timestamp '2000-01-01 00:00:00+00', null),
        ('teammate_invited', 1, 'teammate invited', 'setup', 2, 'invite_sent', null, 1, null, false, 'no_invite', 'no users invited', timestamp '2000-01-01 00:00:00+00', null),
        ('integration_connected', 1, 'integration connected', 'setup', 3, 'integration_connected', null, 1, null, false, 'no_integration', 'integration not connected', timestamp '2000-01-01 00:00:00+00', null),
        ('task_assigned', 1, 'first task assigned', 'first_value', 4, 'feature_use', 'task_assigned', 1, null, true, 'no_task', 'no task assigned', timestamp '2000-01-01 00:00:00+00', null),
        ('report_viewed', 1, 'three reports viewed', 'habit', 5, 'feature_use', 'report_viewed', 3, null, false, 'no_report_habit', 'reports not used regularly', timestamp '2000-01-01 00:00:00+00', null),
        ('automation_run', 1, 'three automations run', 'habit', 6, 'feature_use', 'automation_run', 3, null, false, 'no_automation_habit', 'automations not used regularly', timestamp '2000-01-01 00:00:00+00', null)
    ]) as milestone
),

final as (
    select * from milestones
)

select * from final
