-- One row per reason to believe that two nodes are one company: candidates, whether or not they are accepted.
-- left_node_id is the record that is placed, right_node_id the one that it points to. Rules: I2 CRM merge, I3 explicit
-- foreign id, I4 id of an older standard, I5 verified e-mail of somebody in one workspace only, I6 corporate domain.
-- Lower tier_rank is stronger. Addresses stand as hashes: the evidence is not meant to be a list of people.
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

contacts as (
    select * from staging.stg_crm__contact
),

users as (
    select * from staging.stg_product__user
),

memberships as (
    select * from staging.stg_product__membership
),

shared_domains as (
    select * from reference.ref_email_domain
),

test_nodes as (
    select * from identity.int_identity__test_node
),

-- What other systems write down as the product's id of a company.
customer_subscriptions as (
    select
        customer_id,
        min(product_account_id) as product_account_id
    from subscriptions
    where customer_id is not null and product_account_id is not null
    group by customer_id
    having min(subscriptions.product_account_id) = max(subscriptions.product_account_id)
),

claims as (
    select
        concat('crm_account:', crm_account_id) as node_id,
        external_product_id as claimed_id,
        created_at as first_seen_at
    from crm_accounts
    where external_product_id is not null
    union all
    select
        concat('billing_customer:', customers.customer_id) as node_id,
        coalesce(customers.metadata_account_id, customer_subscriptions.product_account_id) as claimed_id,
        customers.created_at as first_seen_at
    from customers
    left join customer_subscriptions
        on customers.customer_id = customer_subscriptions.customer_id
    where coalesce(customers.metadata_account_id, customer_subscriptions.product_account_id) is not null
),

normalised_claims as (
    select
        node_id,
        claimed_id,
        first_seen_at,
        regexp_replace(
            regexp_replace(lower(claimed_id), r'[^a-z0-9]', ''),
            r'^(workspace|account|acct|acc|ws|org|id)?0*([0-9]+)$',
            r'\2'
        ) as norm_claimed_id
    from claims
),

-- The spellings under which a workspace may be known.
spellings as (
    select product_account_id, product_account_id as spelling_text from product_accounts
    union all
    select product_account_id, legacy_id as spelling_text from product_accounts
    where legacy_id is not null
),

normalised_spellings as (
    select distinct
        product_account_id,
        regexp_replace(
            regexp_replace(lower(trim(spelling_text)), r'[^a-z0-9]', ''),
            r'^(workspace|account|acct|acc|ws|org|id)?0*([0-9]+)$',
            r'\2'
        ) as norm_spelling
    from spellings
),

merge_edges as (
    select
        concat('crm_account:', loser_id) as left_node_id,
        concat('crm_account:', winner_id) as right_node_id,
        'I2' as rule_code,
        merged_at as first_seen_at,
        evidence_code as value_text,
        cast(null as bool) as is_name_equal,
        false as is_value_shared
    from merges
),

exact_claims as (
    select
        normalised_claims.node_id,
        normalised_claims.claimed_id,
        normalised_claims.first_seen_at,
        product_accounts.product_account_id
    from normalised_claims
    inner join product_accounts
        on normalised_claims.claimed_id = product_accounts.product_account_id
),

stored_ids as (
    select
        concat('crm_account:', crm_account_id) as node_id,
        crm_account_id as claimed_id,
        created_at as first_seen_at,
        product_account_id
    from product_accounts
    where crm_account_id is not null
    union all
    select
        concat('billing_customer:', billing_customer_id) as node_id,
        billing_customer_id as claimed_id,
        created_at as first_seen_at,
        product_account_id
    from product_accounts
    where billing_customer_id is not null
),

old_claims as (
    select
        normalised_claims.node_id,
        normalised_claims.claimed_id,
        normalised_claims.first_seen_at,
        normalised_spellings.product_account_id
    from normalised_claims
    inner join normalised_spellings
        on normalised_claims.norm_claimed_id = normalised_spellings.norm_spelling
    left join exact_claims
        on normalised_claims.node_id = exact_claims.node_id
    where exact_claims.node_id is null and normalised_claims.norm_claimed_id != ''
),

-- An old spelling that fits several workspaces says nothing.
counted_old_claims as (
    select
        old_claims.*,
        min(product_account_id) over (partition by node_id)
        != max(product_account_id) over (partition by node_id) as is_value_shared
    from old_claims
),

all_claims as (
    select node_id, claimed_id, first_seen_at, product_account_id, 'I3' as rule_code, false as is_value_shared
    from exact_claims
    union all
    select node_id, claimed_id, first_seen_at, product_account_id, 'I3' as rule_code, false as is_value_shared
    from stored_ids
    union all
    select node_id, claimed_id, first_seen_at, product_account_id, 'I4' as rule_code, is_value_shared
    from counted_old_claims
),

-- CRM accounts are what workspaces are placed under; customers are placed under workspaces.
claim_edges as (
    select
        if(
            starts_with(node_id, 'crm_account:'),
            concat('product_account:', product_account_id),
            node_id
        ) as left_node_id,
        if(
            starts_with(node_id, 'crm_account:'),
            node_id,
            concat('product_account:', product_account_id)
        ) as right_node_id,
        rule_code,
        first_seen_at,
        claimed_id as value_text,
        cast(null as bool) as is_name_equal,
        is_value_shared
    from all_claims
),

-- Two live CRM accounts that hold the id of one workspace are one company entered twice: the younger one is placed
-- under the older one.
claimants as (
    select
        all_claims.product_account_id,
        all_claims.node_id,
        all_claims.rule_code,
        all_claims.claimed_id,
        crm_accounts.created_at,
        row_number() over (
            partition by all_claims.product_account_id
            order by crm_accounts.created_at, crm_accounts.crm_account_id
        ) as age_rank
    from all_claims
    inner join crm_accounts
        on all_claims.node_id = concat('crm_account:', crm_accounts.crm_account_id)
    left join merges
        on crm_accounts.crm_account_id = merges.loser_id
    where not crm_accounts.is_deleted and merges.loser_id is null and not all_claims.is_value_shared
),

twin_edges as (
    select
        younger.node_id as left_node_id,
        older.node_id as right_node_id,
        younger.rule_code,
        younger.created_at as first_seen_at,
        younger.claimed_id as value_text,
        cast(null as bool) as is_name_equal,
        false as is_value_shared
    from claimants as younger
    inner join claimants as older
        on younger.product_account_id = older.product_account_id
        and older.age_rank = 1
        and younger.node_id != older.node_id
),

-- People with a confirmed address that nobody else has, seen in one workspace only: not the consultants.
email_users as (
    select
        email_text,
        min(user_id) as user_id
    from users
    where is_email_verified and email_text is not null
    group by email_text
    having count(*) = 1
),

sole_members as (
    select
        email_users.email_text,
        min(memberships.product_account_id) as product_account_id,
        min(memberships.joined_at) as joined_at
    from email_users
    inner join memberships
        on email_users.user_id = memberships.user_id
    left join test_nodes
        on concat('user:', email_users.user_id) = test_nodes.node_id
    where test_nodes.node_id is null
    group by email_users.email_text
    having count(*) = 1
),

email_edges as (
    select
        concat('billing_customer:', customers.customer_id) as left_node_id,
        concat('product_account:', sole_members.product_account_id) as right_node_id,
        'I5' as rule_code,
        customers.created_at as first_seen_at,
        substr(to_hex(md5(customers.email_text)), 1, 12) as value_text,
        cast(null as bool) as is_name_equal,
        false as is_value_shared
    from customers
    inner join sole_members
        on customers.email_text = sole_members.email_text
    union all
    select
        concat('product_account:', sole_members.product_account_id) as left_node_id,
        concat('crm_account:', contacts.crm_account_id) as right_node_id,
        'I5' as rule_code,
        contacts.created_at as first_seen_at,
        substr(to_hex(md5(contacts.email_text)), 1, 12) as value_text,
        regexp_replace(lower(product_accounts.account_name), r'[^a-z0-9]', '')
        = regexp_replace(lower(crm_accounts.account_name), r'[^a-z0-9]', '') as is_name_equal,
        false as is_value_shared
    from contacts
    inner join sole_members
        on contacts.email_text = sole_members.email_text
    inner join product_accounts
        on sole_members.product_account_id = product_accounts.product_account_id
    inner join crm_accounts
        on contacts.crm_account_id = crm_accounts.crm_account_id
    where not contacts.is_deleted
),

-- The person who opened the workspace; consultants and guests join later and belong to other companies.
founders as (
    select
        product_account_id,
        user_id,
        joined_at
    from memberships
    where true
    qualify row_number() over (partition by product_account_id order by joined_at, user_id) = 1
),

-- The company's own statement of its domain first; its founder's verified address only where there is none.
domains as (
    select
        concat('product_account:', product_account_id) as node_id,
        account_name,
        domain_name,
        created_at as first_seen_at
    from product_accounts
    where domain_name is not null and domain_name != ''
    union all
    select
        concat('product_account:', founders.product_account_id) as node_id,
        product_accounts.account_name,
        users.domain_name,
        founders.joined_at as first_seen_at
    from founders
    inner join users
        on founders.user_id = users.user_id
    inner join product_accounts
        on founders.product_account_id = product_accounts.product_account_id
    where (product_accounts.domain_name is null or product_accounts.domain_name = '')
        and users.is_email_verified
        and users.domain_name is not null
    union all
    select
        concat('billing_customer:', customer_id) as node_id,
        customer_name as account_name,
        domain_name,
        created_at as first_seen_at
    from customers
    where domain_name is not null
),

live_crm_accounts as (
    select
        crm_accounts.crm_account_id,
        crm_accounts.account_name,
        crm_accounts.domain_name
    from crm_accounts
    left join merges
        on crm_accounts.crm_account_id = merges.loser_id
    where not crm_accounts.is_deleted and merges.loser_id is null and crm_accounts.domain_name is not null
),

domain_edges as (
    select
        domains.node_id as left_node_id,
        concat('crm_account:', live_crm_accounts.crm_account_id) as right_node_id,
        'I6' as rule_code,
        domains.first_seen_at,
        domains.domain_name as value_text,
        regexp_replace(lower(domains.account_name), r'[^a-z0-9]', '')
        = regexp_replace(lower(live_crm_accounts.account_name), r'[^a-z0-9]', '') as is_name_equal,
        false as is_value_shared
    from domains
    inner join live_crm_accounts
        on domains.domain_name = live_crm_accounts.domain_name
    left join shared_domains
        on domains.domain_name = shared_domains.domain_name
    left join test_nodes
        on domains.node_id = test_nodes.node_id
    where shared_domains.domain_name is null and test_nodes.node_id is null
),

unioned as (
    select * from merge_edges
    union all
    select * from claim_edges
    union all
    select * from twin_edges
    union all
    select * from email_edges
    union all
    select * from domain_edges
),

-- One rule may find the same pair by two values, e.g. the old and the new id.
distinct_edges as (
    select
        left_node_id,
        right_node_id,
        rule_code,
        min(first_seen_at) as first_seen_at,
        min(value_text) as value_text,
        logical_or(is_name_equal) as is_name_equal,
        logical_or(is_value_shared) as is_value_shared
    from unioned
    group by left_node_id, right_node_id, rule_code
),

final as (
    select
        concat(rule_code, '|', left_node_id, '|', right_node_id) as edge_id,
        left_node_id,
        right_node_id,
        rule_code,
        case rule_code when 'I2' then 2 when 'I3' then 3 when 'I4' then 4 when 'I5' then 5 else 6 end as tier_rank,
        case rule_code
            when 'I2' then 1.0
            when 'I3' then 0.99
            when 'I4' then 0.95
            when 'I5' then 0.9
            else 0.85
        end as confidence_score,
        first_seen_at,
        value_text,
        is_name_equal,
        is_value_shared,
        concat(
            '{"value":"',
            replace(replace(coalesce(value_text, ''), '\\', '\\\\'), '"', '\\"'),
            '"}'
        ) as evidence_json
    from distinct_edges
)

select * from final
