-- One row per node that ref_test_account marks as test or internal.
with

marks as (
    select * from reference.ref_test_account
),

product_accounts as (
    select * from staging.stg_product__account
),

users as (
    select * from staging.stg_product__user
),

memberships as (
    select * from staging.stg_product__membership
),

customers as (
    select * from staging.stg_billing__customer
),

test_users as (
    select
        users.user_id,
        marks.value_text
    from users
    inner join marks
        on marks.match_code = 'email_domain'
        and users.domain_name = marks.value_text
),

-- The person who opened a workspace says whose it is; a colleague who looks into a customer's workspace does not.
founders as (
    select
        product_account_id,
        user_id
    from memberships
    where true
    qualify row_number() over (partition by product_account_id order by joined_at, user_id) = 1
),

found as (
    select
        concat('product_account:', product_accounts.product_account_id) as node_id,
        concat(marks.match_code, ' ', marks.value_text) as reason_text
    from product_accounts
    inner join marks
        on (marks.match_code = 'product_account_id' and product_accounts.product_account_id = marks.value_text)
        or (marks.match_code = 'email_domain' and product_accounts.domain_name = marks.value_text)
        or (marks.match_code = 'name_prefix' and starts_with(lower(product_accounts.account_name), marks.value_text))
    union all
    select
        concat('product_account:', founders.product_account_id) as node_id,
        concat('founder ', test_users.value_text) as reason_text
    from founders
    inner join test_users
        on founders.user_id = test_users.user_id
    union all
    select
        concat('user:', user_id) as node_id,
        concat('email_domain ', value_text) as reason_text
    from test_users
    union all
    select
        concat('billing_customer:', customers.customer_id) as node_id,
        concat(marks.match_code, ' ', marks.value_text) as reason_text
    from customers
    inner join marks
        on marks.match_code = 'email_domain'
        and customers.domain_name = marks.value_text
),

final as (
    select
        node_id,
        min(reason_text) as reason_text
    from found
    group by node_id
)

select * from final
