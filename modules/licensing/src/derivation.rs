//! Assets derived under a licence owe their parent the royalty of the licence's terms.
//!
//! Enforceable is what is declared: whoever names a parent and holds a licence to derive from it cannot register the edge with a lower
//! royalty than the terms ask for. Who hides the parent, or derives without a licence, breaks the legal text, which no chain can see.
use cairn_asset as asset;
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::{
    asset::v1::{Parent, Relation},
    licensing::v1::{License, TermsContent},
};

use crate::{
    Error,
    state::{self, TERMS},
};

/// Licensing's say in the registration of assets.
pub(crate) struct Derivation;

impl asset::Hooks for Derivation {
    fn on_registration(&self, ctx: &mut Ctx, owner: &Address, parents: &[Parent]) -> Result<()> {
        parents.iter().try_for_each(|parent| check(ctx, owner, parent))
    }
}

fn check(ctx: &Ctx, owner: &Address, parent: &Parent) -> Result<()> {
    let least = match parent.license_id {
        0 if !derives(parent.relation()) => None,
        0 if asset::asset(ctx, parent.asset_id)?.owner == owner.to_string() => None,
        0 => least_royalty(ctx, owner, parent.asset_id)?,
        id => Some(named_royalty(ctx, owner, parent.asset_id, id)?),
    };
    match least {
        Some(least) if parent.royalty_bps < least => {
            Err(Error::RoyaltyTooLow { parent: parent.asset_id, least, found: parent.royalty_bps }.into())
        }
        _ => Ok(()),
    }
}

/// Whether an asset with that relation to its parent is made of it, rather than measured by it or built on it.
fn derives(relation: Relation) -> bool {
    match relation {
        Relation::LabelledFrom | Relation::DerivedFrom | Relation::TrainedOn | Relation::FinetunedFrom | Relation::DistilledFrom => true,
        Relation::EvaluatedOn | Relation::Uses | Relation::Unspecified => false,
    }
}

/// What the named licence asks for.
fn named_royalty(ctx: &Ctx, owner: &Address, parent: u64, id: u64) -> Result<u32> {
    let license = state::license(ctx, id)?;
    if license.asset_id != parent {
        return Err(Error::OtherAsset { license: id, asset: license.asset_id, expected: parent }.into());
    }
    if !sits(&license, &owner.to_string()) {
        return Err(Error::NotLicensee { license: id, signer: owner.to_string() }.into());
    }
    state::check_valid(ctx, &license)?;
    royalty(&state::content(ctx, &license)?).ok_or_else(|| Error::NoDerivation(id).into())
}

/// The least that any of `owner`'s valid licences to derive from `parent` asks for; `None` without one.
fn least_royalty(ctx: &Ctx, owner: &Address, parent: u64) -> Result<Option<u32>> {
    let mut least: Option<u32> = None;
    for seat in state::longest_seats(ctx, owner, parent)? {
        if !state::is_valid(state::expiry(seat.rank), ctx.block().height) {
            continue;
        }
        let terms = TERMS.get(ctx, &seat.terms)?.ok_or_else(|| Error::NoTerms(hex::encode(seat.terms)))?;
        if let Some(royalty) = terms.content.as_ref().and_then(royalty) {
            least = Some(least.map_or(royalty, |found| found.min(royalty)));
        }
    }
    Ok(least)
}

fn sits(license: &License, user: &str) -> bool {
    license.licensee == user || license.users.iter().any(|found| found == user)
}

/// What terms ask of derived assets; `None` where they do not permit them.
fn royalty(content: &TermsContent) -> Option<u32> {
    content.scope.is_some_and(|scope| scope.derive).then_some(content.derivative_royalty_bps)
}
