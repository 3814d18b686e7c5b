//! Funding clusters: accounts that one account's money brought up, which never share a task.
use cairn_auth as auth;
use cairn_bank as bank;
use cairn_kernel::{Address, BASE_DENOM, Coin, Ctx, Result};
use cairn_proto::cairn::annotation::v1::EventClusterJoined;

use crate::{
    Error,
    job::Running,
    qualification, rules,
    state::{self, CLUSTERS, GENESIS_ACCOUNTS},
};

/// Hears of users' payments.
pub(crate) struct Credits;

impl bank::Hooks for Credits {
    fn after_user_send(&self, ctx: &mut Ctx, from: &Address, to: &Address, coins: &[Coin]) -> Result<()> {
        let credit = coins.iter().filter(|coin| coin.denom == BASE_DENOM).map(|coin| coin.amount).max().unwrap_or(0);
        if credit < rules::CLUSTER_CREDIT || from == to {
            return Ok(());
        }
        first_credit(ctx, from, to)
    }
}

/// The head of the cluster that `account` is in; the account itself where it is in none.
pub(crate) fn head(ctx: &Ctx, account: &Address) -> Result<Address> {
    match CLUSTERS.get(ctx, account)? {
        Some(bytes) => Address::new(&bytes),
        None => Ok(*account),
    }
}

/// Whether `account` was ever put into a cluster, or stands alone for good.
pub(crate) fn is_settled(ctx: &Ctx, account: &Address) -> Result<bool> {
    CLUSTERS.has(ctx, account)
}

/// Puts `account` under `head` for good.
pub(crate) fn settle(ctx: &mut Ctx, account: &Address, head: &Address) -> Result<()> {
    CLUSTERS.set(ctx, account, &head.as_bytes().to_vec())
}

/// The first credit decides: `to` joins the cluster of `from`, or stands alone where `from` makes none. An account that funds another
/// before anybody funded it becomes a head for good, so that a later credit cannot part it from those it funded.
fn first_credit(ctx: &mut Ctx, from: &Address, to: &Address) -> Result<()> {
    if is_settled(ctx, to)? || stands_in_genesis(ctx, to)? {
        return Ok(());
    }
    if makes_no_cluster(ctx, from)? {
        settle(ctx, to, to)?;
        ctx.emit(&EventClusterJoined { account: to.to_string(), head: String::new() });
        return Ok(());
    }
    let head = head(ctx, from)?;
    if !is_settled(ctx, from)? {
        settle(ctx, from, from)?;
    }
    settle(ctx, to, &head)?;
    ctx.emit(&EventClusterJoined { account: to.to_string(), head: head.to_string() });
    Ok(())
}

/// Genesis accounts, module accounts and the funders listed by governance found no cluster.
fn makes_no_cluster(ctx: &Ctx, from: &Address) -> Result<bool> {
    let listed = from.to_string();
    Ok(auth::module_account_at(ctx, from).is_some()
        || stands_in_genesis(ctx, from)?
        || state::params(ctx)?.exempt_funders.contains(&listed))
}

fn stands_in_genesis(ctx: &Ctx, account: &Address) -> Result<bool> {
    let last = GENESIS_ACCOUNTS.get(ctx)?.unwrap_or(0);
    Ok(auth::account(ctx, account)?.is_some_and(|account| account.account_number <= last))
}

/// Refuses annotators that are not independent of the requester. Who is on an allow-list may be of its cluster.
pub(crate) fn refuse_requesters_cluster(ctx: &Ctx, annotator: &Address, run: &Running) -> Result<()> {
    if *annotator == run.requester {
        return Err(Error::OwnJob.into());
    }
    if qualification::has_allow_list(run) {
        return Ok(());
    }
    let theirs = head(ctx, &run.requester)?;
    if head(ctx, annotator)? == theirs {
        return Err(Error::RequestersCluster(theirs.to_string()).into());
    }
    Ok(())
}
