-- One row per user of the product, as last described.
with

calls as (
    select * from raw_segment.events
    where type = 'identify' and user_id is not null
),

users as (
    select * from raw_product.users
),

unioned as (
    select
        user_id,
        group_id as product_account_id,
        timestamp as changed_at,
        message_id as tie_text,
        json_value(traits, '$.email') as email_text,
        safe_cast(json_value(traits, '$.email_verified') as bool) as is_email_verified,
        json_value(traits, '$.name') as user_name,
        json_value(traits, '$.title') as title_text,
        json_value(traits, '$.role') as role_code,
        coalesce(safe_cast(json_value(traits, '$.created_at') as timestamp), timestamp) as created_at,
        cast(null as timestamp) as last_login_at,
        false as is_deleted,
        _ripen_source as source_name,
        _ripen_loaded_at as loaded_at
    from calls
    union all
    select
        user_id,
        product_account_id,
        coalesce(updated_at, created_at) as changed_at,
        _ripen_load_id as tie_text,
        email as email_text,
        is_email_verified,
        name as user_name,
        title as title_text,
        role as role_code,
        created_at,
        last_login_at,
        coalesce(is_deleted, false) as is_deleted,
        _ripen_source as source_name,
        _ripen_loaded_at as loaded_at
    from users
),

-- A call that leaves a trait out does not clear it.
known as (
    select
        user_id,
        last_value(product_account_id ignore nulls) over history as product_account_id,
        lower(trim(last_value(email_text ignore nulls) over history)) as email_text,
        last_value(is_email_verified ignore nulls) over history as is_email_verified,
        last_value(user_name ignore nulls) over history as user_name,
        last_value(title_text ignore nulls) over history as title_text,
        last_value(role_code ignore nulls) over history as role_code,
        min(created_at) over (partition by user_id) as created_at,
        max(last_login_at) over (partition by user_id) as last_login_at,
        is_deleted,
        source_name,
        loaded_at,
        row_number() over (
            partition by user_id
            order by changed_at desc, loaded_at desc, tie_text desc, email_text desc, source_name desc
        ) as recency_rank
    from unioned
    window history as (
        partition by user_id
        order by changed_at, loaded_at, tie_text, email_text, source_name
        rows between unbounded preceding and current row
    )
),

final as (
    select
        user_id,
        product_account_id,
        email_text,
        split(email_text, '@')[safe_offset(1)] as domain_name,
        coalesce(is_email_verified, false) as is_email_verified,
        user_name,
        title_text,
        role_code,
        created_at,
        last_login_at,
        is_deleted,
        source_name,
        loaded_at
    from known
    where recency_rank = 1
)

select * from final
