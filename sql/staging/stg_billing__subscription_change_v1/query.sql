-- One row per change of a subscription's trial end that billing reported.
-- What was known on a past day is read from here: the subscription itself only holds its last trial end.
with

stripe_events as (
    select * from raw_stripe.events
    where type = 'customer.subscription.updated' and object_id is not null
),

distinct_events as (
    select stripe_events.*
    from stripe_events
    where true
    qualify row_number() over (
        partition by id
        order by _ripen_loaded_at, _ripen_load_id, object
    ) = 1
),

parsed as (
    select
        id as change_id,
        object_id as subscription_id,
        created as changed_at,
        safe_cast(json_value(previous_attributes, '$.trial_end') as int64) as previous_trial_end_seconds,
        safe_cast(json_value(object, '$.trial_end') as int64) as trial_end_seconds,
        json_value(previous_attributes, '$.status') as previous_status,
        json_value(object, '$.status') as status,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from distinct_events
),

final as (
    select
        change_id,
        subscription_id,
        changed_at,
        timestamp_seconds(previous_trial_end_seconds) as previous_trial_end_at,
        timestamp_seconds(trial_end_seconds) as trial_end_at,
        previous_status,
        status,
        source_name,
        batch_id,
        loaded_at
    from parsed
    where previous_trial_end_seconds is not null
        and previous_trial_end_seconds != coalesce(trial_end_seconds, 0)
)

select * from final
