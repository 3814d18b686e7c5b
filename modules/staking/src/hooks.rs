//! What higher modules hear of staking. Register with `router.hook::<Arc<dyn cairn_staking::Hooks>>(..)`.
use std::sync::Arc;

use cairn_kernel::{Address, Ctx, Dec, Result};

/// A validator in the set that consensus is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Power {
    /// Its operator.
    pub operator: Address,
    /// Its consensus address.
    pub consensus: Address,
    /// Its voting power.
    pub power: u64,
}

/// What higher modules want to hear of, by the names of the Cosmos SDK. A refusal stops and undoes what was about to happen. Genesis calls
/// none: a higher module reads staking when its own genesis runs.
#[expect(unused_variables, reason = "nothing happens by default")]
pub trait Hooks: Send + Sync {
    /// A validator was created; nothing is delegated to it yet.
    fn after_validator_created(&self, ctx: &mut Ctx, operator: &Address) -> Result<()> {
        Ok(())
    }
    /// A validator's commission or tokens are about to change by other ways than delegation.
    fn before_validator_modified(&self, ctx: &mut Ctx, operator: &Address) -> Result<()> {
        Ok(())
    }
    /// A validator without delegations was removed.
    fn after_validator_removed(&self, ctx: &mut Ctx, consensus: &Address, operator: &Address) -> Result<()> {
        Ok(())
    }
    /// A validator came into the set.
    fn after_validator_bonded(&self, ctx: &mut Ctx, consensus: &Address, operator: &Address) -> Result<()> {
        Ok(())
    }
    /// A validator left the set.
    fn after_validator_begin_unbonding(&self, ctx: &mut Ctx, consensus: &Address, operator: &Address) -> Result<()> {
        Ok(())
    }
    /// An account is about to delegate to a validator for the first time.
    fn before_delegation_created(&self, ctx: &mut Ctx, delegator: &Address, operator: &Address) -> Result<()> {
        Ok(())
    }
    /// The shares of a delegation are about to change.
    fn before_delegation_shares_modified(&self, ctx: &mut Ctx, delegator: &Address, operator: &Address) -> Result<()> {
        Ok(())
    }
    /// A delegation is about to end.
    fn before_delegation_removed(&self, ctx: &mut Ctx, delegator: &Address, operator: &Address) -> Result<()> {
        Ok(())
    }
    /// A delegation was created or its shares changed.
    fn after_delegation_modified(&self, ctx: &mut Ctx, delegator: &Address, operator: &Address) -> Result<()> {
        Ok(())
    }
    /// A validator is about to lose this part of its tokens.
    fn before_validator_slashed(&self, ctx: &mut Ctx, operator: &Address, fraction: &Dec) -> Result<()> {
        Ok(())
    }
    /// The set or a power in it changed at the end of this block; `set` is the whole of it, in the order of operators.
    fn after_set_changed(&self, ctx: &mut Ctx, set: &[Power]) -> Result<()> {
        Ok(())
    }
}

/// Calls every hook in the order of the modules.
pub(crate) fn each(ctx: &mut Ctx, mut call: impl FnMut(&dyn Hooks, &mut Ctx) -> Result<()>) -> Result<()> {
    ctx.hooks::<Arc<dyn Hooks>>().iter().try_for_each(|hook| call(hook.as_ref(), ctx))
}
