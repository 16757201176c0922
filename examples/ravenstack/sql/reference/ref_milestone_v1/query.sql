-- One row per version of a milestone of the activation path.
-- This company names its features feature_1 … feature_40 and records counts, so its milestones are amounts of use.
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
        ('first_use', 1, 'first feature used', 'setup', 1, 'feature_use', null, 1, null, true, 'no_use', 'nothing used yet', timestamp '2000-01-01 00:00:00+00', null),
        ('tenth_use', 1, 'used ten times', 'first_value', 2, 'feature_use', null, 10, null, true, 'no_value', 'used fewer than ten times', timestamp '2000-01-01 00:00:00+00', null),
        ('fiftieth_use', 1, 'used fifty times', 'habit', 3, 'feature_use', null, 50, null, false, 'no_habit', 'used fewer than fifty times', timestamp '2000-01-01 00:00:00+00', null)
    ]) as milestone
),

final as (
    select * from milestones
)

select * from final
