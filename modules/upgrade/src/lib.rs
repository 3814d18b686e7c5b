//! Upgrades: at which height the chain goes on with another program, what it went through, and which version each module's state has.
mod error;
mod genesis;
mod msgs;
mod plan;
mod queries;
mod state;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use cairn_kernel::{Ctx, Invariant, Module, Result, Router, Table};
use cairn_proto::{
    cairn::upgrade::v1::GenesisState,
    cosmos::upgrade::v1beta1::{Plan, msg_routes, query_routes},
};

pub use error::Error;
pub use genesis::begin;
use state::{APPLIED, PLAN, VERSIONS};

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Upgrade;

/// The upgrade that waits for its height.
pub fn planned(ctx: &Ctx) -> Result<Option<Plan>> {
    PLAN.get(ctx)
}

/// Forgets the planned upgrade.
pub fn dismiss(ctx: &mut Ctx) -> Result<()> {
    PLAN.remove(ctx)
}

/// Notes at the beginning of a block that the planned upgrade was carried out, after the migrations.
pub fn complete(ctx: &mut Ctx, name: &str) -> Result<()> {
    let height = ctx.block().height;
    APPLIED.set(ctx, &name.to_owned(), &height)?;
    PLAN.remove(ctx)
}

/// The upgrades that were carried out, each with its height.
pub fn applied(ctx: &Ctx) -> Result<BTreeMap<String, u64>> {
    APPLIED.range(ctx, &[]).collect()
}

/// The version of each module's state.
pub fn versions(ctx: &Ctx) -> Result<BTreeMap<String, u64>> {
    VERSIONS.range(ctx, &[]).collect()
}

/// Notes that a module's state has now this version.
pub fn set_version(ctx: &mut Ctx, module: &str, version: u64) -> Result<()> {
    VERSIONS.set(ctx, &module.to_owned(), &version)
}

impl Module for Upgrade {
    const NAME: &'static str = "upgrade";
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
    fn invariants(&self) -> Vec<Invariant> {
        vec![("the plan is one that may still be carried out", plan_is_open)]
    }
}

fn plan_is_open(ctx: &Ctx) -> Result<(), String> {
    let Some(plan) = planned(ctx).map_err(|e| e.to_string())? else { return Ok(()) };
    let height = plan::check(&plan).map_err(|e| e.to_string())?;
    let done = APPLIED.has(ctx, &plan.name).map_err(|e| e.to_string())?;
    if done || height <= ctx.block().height {
        return Err(format!("plan {} for height {height} is behind the chain", plan.name));
    }
    Ok(())
}
