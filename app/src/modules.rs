//! The modules of the chain. Nothing else names them all.
use cairn_kernel::{AnyModule, erase};

/// Every module, lowest first: a module may call only those above it in this list. Genesis runs in this order, block hooks
/// in the opposite one.
#[must_use]
pub fn all() -> Vec<Box<dyn AnyModule>> {
    vec![
        erase(cairn_auth::Auth),
        erase(cairn_bank::Bank),
        erase(cairn_feegrant::Feegrant),
        erase(cairn_authz::Authz),
        erase(cairn_staking::Staking),
        // Begins after slashing, as in the Cosmos SDK: who is caught twice in a block pays for downtime first.
        erase(cairn_slashing::Evidence),
        erase(cairn_slashing::Slashing),
        // Begins after mint and before slashing: what a block brought goes to those who had a vote in it before any of them is punished.
        erase(cairn_distribution::Distribution),
        erase(cairn_mint::Mint),
        erase(cairn_beacon::Beacon),
        erase(cairn_gov::Gov),
        erase(cairn_asset::Asset),
        erase(cairn_rewards::Rewards),
        erase(cairn_dispute::Dispute),
        erase(cairn_licensing::Licensing),
        erase(cairn_annotation::Annotation),
        erase(cairn_compute::Compute),
        erase(cairn_upgrade::Upgrade),
    ]
}
