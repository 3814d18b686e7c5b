//! Grants: accounts that let others run messages in their name.
mod authorization;
mod error;
mod genesis;
mod invariants;
mod msgs;
mod queries;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use cairn_kernel::{Address, Ctx, Instant, Invariant, Module, Result, Router, Table};
use cairn_proto::{
    cosmos::authz::v1beta1::{EventRevoke, GenesisState, Grant, msg_routes, query_routes},
    time,
};

pub use error::Error;
use state::{BY_GRANTEE, EXPIRIES, GRANTS};

/// Grants that end of themselves and are removed in one block at the most.
const PRUNED_A_BLOCK: usize = 200;

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Authz;

/// Who granted what to whom.
type Key = (Address, Address, String);

fn not_found((granter, grantee, url): &Key) -> Error {
    let url: String = url.chars().take(128).collect();
    Error::NotFound(format!("failed to get grant with given granter: {granter}, grantee: {grantee} & msgType: {url} "))
}

/// When a stored or given grant ends.
fn end(grant: &Grant) -> Result<Option<Instant>> {
    grant.expiration.as_ref().map(time::instant).transpose()
}

/// Writes a grant and what finds it, in place of one there may be.
fn insert(ctx: &mut Ctx, key: &Key, grant: &Grant) -> Result<()> {
    let (granter, grantee, url) = key.clone();
    if let Some(old) = GRANTS.get(ctx, key)? {
        if let Some(end) = end(&old)? {
            EXPIRIES.remove(ctx, &(end, granter, grantee, url.clone()))?;
        }
    } else {
        BY_GRANTEE.insert(ctx, &(grantee, granter, url.clone()))?;
    }
    GRANTS.set(ctx, key, grant)?;
    match end(grant)? {
        Some(end) => EXPIRIES.insert(ctx, &(end, granter, grantee, url)),
        None => Ok(()),
    }
}

/// Deletes a grant and what finds it.
fn remove(ctx: &mut Ctx, key: &Key) -> Result<()> {
    let grant = GRANTS.get(ctx, key)?.ok_or_else(|| not_found(key))?;
    let (granter, grantee, url) = key.clone();
    if let Some(end) = end(&grant)? {
        EXPIRIES.remove(ctx, &(end, granter, grantee, url.clone()))?;
    }
    BY_GRANTEE.remove(ctx, &(grantee, granter, url))?;
    GRANTS.remove(ctx, key)
}

/// Deletes a grant and says so.
fn revoke(ctx: &mut Ctx, key: &Key) -> Result<()> {
    remove(ctx, key)?;
    let (granter, grantee, url) = key;
    ctx.emit(&EventRevoke { msg_type_url: url.clone(), granter: granter.to_string(), grantee: grantee.to_string() });
    Ok(())
}

/// Deletes grants that have ended, a bounded number.
fn prune(ctx: &mut Ctx) -> Result<()> {
    let now = ctx.block().instant();
    let ended = |entry: &Result<(Instant, Address, Address, String)>| entry.as_ref().map_or(true, |(end, ..)| *end <= now);
    let ended: Vec<_> = EXPIRIES.range(ctx, &[]).take_while(ended).take(PRUNED_A_BLOCK).collect::<Result<_>>()?;
    ended.into_iter().try_for_each(|(_, granter, grantee, url)| remove(ctx, &(granter, grantee, url)))
}

impl Module for Authz {
    const NAME: &'static str = "authz";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = GenesisState;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self));
    }
    fn init(&self, ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
        genesis::init(ctx, genesis)
    }
    fn export(&self, ctx: &Ctx) -> Result<GenesisState> {
        genesis::export(ctx)
    }
    fn begin_block(&self, ctx: &mut Ctx) -> Result<()> {
        prune(ctx)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![("grants are indexed", invariants::indexed)]
    }
}
