//! The module's part of the genesis file.
use cairn_auth as auth;
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{ClusterMember, Genesis};

use crate::{
    Error, clusters, job, rules, standing,
    state::{self, ANNOTATORS, CLAIMABLE, CLUSTERS, GENESIS_ACCOUNTS, PARAMS, STANDINGS, STATUS},
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
    let accounts = if genesis.genesis_accounts > 0 { genesis.genesis_accounts } else { auth::last_number(ctx)? };
    GENESIS_ACCOUNTS.set(ctx, &accounts)
}

/// The inverse of [`init`]. Refused while jobs run or earnings lie with the module: money cannot travel without them.
pub(crate) fn export(ctx: &Ctx) -> Result<Genesis> {
    let mut running = 0_u64;
    for entry in STATUS.range(ctx, &[]) {
        running = running.saturating_add(u64::from(!job::is_final(entry?.1.state())));
    }
    if running > 0 {
        return Err(Error::JobsRunning(running).into());
    }
    let mut owed = 0_u64;
    for entry in CLAIMABLE.range(ctx, &[]) {
        entry?;
        owed = owed.saturating_add(1);
    }
    if owed > 0 {
        return Err(Error::EarningsLeft(owed).into());
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
    })
}
