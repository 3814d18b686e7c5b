//! The module's part of the genesis file.
use cairn_auth as auth;
use cairn_kernel::{Address, Ctx, Result, Table};
use cairn_proto::cairn::annotation::v1::{ClusterMember, Genesis, StoredEntry};

use crate::{
    Error, clusters, rules, standing,
    state::{self, ANNOTATORS, CLUSTERS, GENESIS_ACCOUNTS, PARAMS, STANDINGS},
};

/// Fills an empty store.
pub(crate) fn init(ctx: &mut Ctx, genesis: Genesis) -> Result<()> {
    let params = genesis.params.unwrap_or_else(rules::test_params);
    rules::check_params(&params)?;
    PARAMS.set(ctx, &params)?;
    for member in &genesis.clusters {
        let (account, head) = (Address::parse(&member.account)?, Address::parse(&member.head)?);
        if clusters::is_settled(ctx, &account)? {
            return Err(Error::RepeatedAccount(member.account.clone()).into());
        }
        clusters::settle(ctx, &account, &head)?;
    }
    for annotator in &genesis.annotators {
        let address = Address::parse(&annotator.address)?;
        if ANNOTATORS.has(ctx, &address)? {
            return Err(Error::RepeatedAccount(annotator.address.clone()).into());
        }
        ANNOTATORS.set(ctx, &address, annotator)?;
    }
    for found in genesis.standings {
        standing::check_skill(&found.skill)?;
        let key = (Address::parse(&found.address)?, found.skill.clone());
        if STANDINGS.has(ctx, &key)? {
            return Err(Error::RepeatedAccount(found.address).into());
        }
        STANDINGS.set(ctx, &key, &found)?;
    }
    genesis.stored.into_iter().try_for_each(|entry| restore(ctx, entry))?;
    let accounts = if genesis.genesis_accounts > 0 { genesis.genesis_accounts } else { auth::last_number(ctx)? };
    GENESIS_ACCOUNTS.set(ctx, &accounts)
}

/// What the file shows in words; the rest of the state goes as it is stored.
const SHOWN: [&str; 5] =
    ["annotation/PARAMS", "annotation/CLUSTERS", "annotation/ANNOTATORS", "annotation/STANDINGS", "annotation/GENESIS_ACCOUNTS"];

fn stored_tables() -> impl Iterator<Item = &'static Table> {
    state::TABLES.iter().filter(|table| !SHOWN.contains(&table.name))
}

fn restore(ctx: &mut Ctx, entry: StoredEntry) -> Result<()> {
    let entry = (entry.key, entry.value);
    let table = stored_tables().find(|table| table.holds(&entry));
    table.ok_or_else(|| Error::StoredEntry(String::from_utf8_lossy(&entry.0).chars().take(100).collect()))?.put(ctx, entry)
}

/// The inverse of [`init`].
pub(crate) fn export(ctx: &Ctx) -> Result<Genesis> {
    let mut stored = Vec::new();
    for table in stored_tables() {
        stored.extend(table.entries(ctx)?.into_iter().map(|(key, value)| StoredEntry { key, value }));
    }
    let clusters = CLUSTERS.range(ctx, &[]).map(|entry| {
        let (account, head) = entry?;
        Ok(ClusterMember { account: account.to_string(), head: Address::new(&head)?.to_string() })
    });
    Ok(Genesis {
        params: Some(state::params(ctx)?),
        clusters: clusters.collect::<Result<_>>()?,
        annotators: ANNOTATORS.range(ctx, &[]).map(|entry| entry.map(|(_, annotator)| annotator)).collect::<Result<_>>()?,
        standings: STANDINGS.range(ctx, &[]).map(|entry| entry.map(|(_, found)| found)).collect::<Result<_>>()?,
        genesis_accounts: GENESIS_ACCOUNTS.get(ctx)?.unwrap_or(0),
        stored,
    })
}
