-- One row per event of the product, whichever way it came.
-- The same call delivered twice is one event: its first arrival counts. In raw_product.events an id may also stand on
-- different rows (short random ids collide); rows that differ in what happened stay, the later ones as <id>#2, <id>#3.
with

calls as (
    select * from raw_segment.events
    where type in ('track', 'page', 'screen')
),

product_events as (
    select * from raw_product.events
),

event_map as (
    select * from reference.ref_event_map
),

-- Most ids stand once. Only the others are sorted, so that ten million events need no ten million windows.
repeated_calls as (
    select message_id
    from calls
    group by message_id
    having count(*) > 1
),

single_calls as (
    select calls.*
    from calls
    left join repeated_calls
        on calls.message_id = repeated_calls.message_id
    where repeated_calls.message_id is null
),

first_calls as (
    select calls.*
    from calls
    inner join repeated_calls
        on calls.message_id = repeated_calls.message_id
    where true
    qualify row_number() over (
        partition by calls.message_id
        order by
            coalesce(calls.received_at, calls.timestamp),
            calls.timestamp,
            calls._ripen_loaded_at,
            calls._ripen_load_id,
            calls.user_id,
            calls.event,
            calls.properties
    ) = 1
),

distinct_calls as (
    select * from single_calls
    union all
    select * from first_calls
),

repeated_product_events as (
    select event_id
    from product_events
    group by event_id
    having count(*) > 1
),

single_product_events as (
    select
        product_events.*,
        1 as occurrence
    from product_events
    left join repeated_product_events
        on product_events.event_id = repeated_product_events.event_id
    where repeated_product_events.event_id is null
),

distinct_product_events as (
    select product_events.*
    from product_events
    inner join repeated_product_events
        on product_events.event_id = repeated_product_events.event_id
    where true
    qualify row_number() over (
        partition by
            product_events.event_id,
            product_events.event_at,
            product_events.event_name,
            product_events.user_id,
            product_events.product_account_id,
            product_events.subscription_id
        order by
            product_events.received_at,
            product_events._ripen_loaded_at,
            product_events._ripen_load_id,
            product_events.event_count,
            product_events.duration_seconds,
            product_events.properties
    ) = 1
),

numbered_product_events as (
    select
        distinct_product_events.*,
        row_number() over (
            partition by event_id
            order by event_at, event_name, user_id, product_account_id, subscription_id
        ) as occurrence
    from distinct_product_events
),

all_product_events as (
    select * from single_product_events
    union all
    select * from numbered_product_events
),

unioned as (
    select
        message_id as event_id,
        timestamp as event_at,
        received_at,
        type as call_type,
        case
            when type = 'track' then coalesce(event, 'unnamed')
            when type = 'screen' then 'screen viewed'
            else 'page viewed'
        end as event_name,
        anonymous_id,
        user_id,
        group_id as product_account_id,
        cast(null as string) as subscription_id,
        session_id,
        page_path as page_path_text,
        1 as event_count,
        0 as error_count,
        cast(null as float64) as duration_value,
        properties as properties_json,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from distinct_calls
    union all
    select
        if(occurrence = 1, event_id, concat(event_id, '#', cast(occurrence as string))) as event_id,
        event_at,
        received_at,
        'product' as call_type,
        event_name,
        anonymous_id,
        user_id,
        product_account_id,
        subscription_id,
        session_id,
        page_path as page_path_text,
        coalesce(event_count, 1) as event_count,
        coalesce(error_count, 0) as error_count,
        duration_seconds as duration_value,
        properties as properties_json,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from all_product_events
),

event_names as (
    select
        source_name,
        call_type,
        event_name
    from unioned
    group by source_name, call_type, event_name
),

-- Names are few: they are classified once, not once per event.
classified_names as (
    select
        event_names.source_name,
        event_names.call_type,
        event_names.event_name,
        coalesce(
            own_map.event_class,
            any_map.event_class,
            case
                when event_names.call_type in ('page', 'screen') then 'page_view'
                when event_names.call_type = 'product' then 'feature_use'
                else 'other'
            end
        ) as event_class,
        coalesce(
            own_map.feature_code,
            any_map.feature_code,
            regexp_replace(lower(trim(event_names.event_name)), r'[^a-z0-9]+', '_')
        ) as feature_code,
        coalesce(
            own_map.is_core_feature,
            any_map.is_core_feature,
            event_names.call_type = 'product'
        ) as is_core_feature,
        coalesce(own_map.is_upgrade_intent, any_map.is_upgrade_intent, false) as is_upgrade_intent,
        coalesce(own_map.is_near_outcome, any_map.is_near_outcome, false) as is_near_outcome,
        own_map.event_class is not null or any_map.event_class is not null as is_mapped
    from event_names
    left join event_map as own_map
        on event_names.source_name = own_map.source_name
        and lower(event_names.event_name) = own_map.event_name
    left join event_map as any_map
        on any_map.source_name = '*'
        and lower(event_names.event_name) = any_map.event_name
),

final as (
    select
        unioned.event_id,
        unioned.event_at,
        unioned.received_at,
        unioned.event_name,
        if(
            classified_names.event_class = 'page_view' and strpos(unioned.page_path_text, '/pricing') > 0,
            'pricing_view',
            classified_names.event_class
        ) as event_class,
        unioned.anonymous_id,
        unioned.user_id,
        unioned.product_account_id,
        unioned.subscription_id,
        unioned.session_id,
        unioned.page_path_text,
        classified_names.feature_code,
        classified_names.is_core_feature,
        classified_names.is_upgrade_intent,
        classified_names.is_near_outcome,
        classified_names.is_mapped,
        unioned.event_count,
        unioned.error_count,
        unioned.duration_value,
        unioned.properties_json,
        unioned.source_name,
        unioned.batch_id,
        unioned.loaded_at
    from unioned
    inner join classified_names
        on unioned.source_name = classified_names.source_name
        and unioned.call_type = classified_names.call_type
        and unioned.event_name = classified_names.event_name
)

select * from final
