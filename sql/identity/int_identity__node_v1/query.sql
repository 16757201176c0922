-- One row per record of one system that stands for a company.
-- norm_value_text is the id in the form in which old and new spellings meet: lower case, no separators, and where a
-- known prefix is followed by digits only, the bare number without leading zeros.
with

product_accounts as (
    select * from staging.stg_product__account
),

crm_accounts as (
    select * from staging.stg_crm__account
),

merges as (
    select * from staging.stg_crm__merge
),

customers as (
    select * from staging.stg_billing__customer
),

subscriptions as (
    select * from staging.stg_billing__subscription
),

-- Subscriptions can name a customer that was never read.
customer_ids as (
    select
        customer_id,
        min(created_at) as first_seen_at
    from (
        select customer_id, created_at from customers
        union all
        select customer_id, created_at from subscriptions
    )
    where customer_id is not null
    group by customer_id
),

-- HubSpot may forget the losers of a merge; the survivor still names them.
crm_ids as (
    select
        crm_account_id,
        min(created_at) as first_seen_at
    from (
        select crm_account_id, created_at from crm_accounts
        union all
        select loser_id as crm_account_id, merged_at as created_at from merges
    )
    group by crm_account_id
),

unioned as (
    select
        'product_account' as node_class,
        product_account_id as raw_value_text,
        created_at as first_seen_at
    from product_accounts
    union all
    select
        'crm_account' as node_class,
        crm_account_id as raw_value_text,
        first_seen_at
    from crm_ids
    union all
    select
        'billing_customer' as node_class,
        customer_id as raw_value_text,
        first_seen_at
    from customer_ids
),

final as (
    select
        concat(node_class, ':', raw_value_text) as node_id,
        node_class,
        raw_value_text,
        regexp_replace(
            regexp_replace(lower(raw_value_text), r'[^a-z0-9]', ''),
            r'^(workspace|account|acct|acc|ws|org|id)?0*([0-9]+)$',
            r'\2'
        ) as norm_value_text,
        first_seen_at
    from unioned
)

select * from final
