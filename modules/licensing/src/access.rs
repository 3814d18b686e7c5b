//! Who may use what, now.
use cairn_asset as asset;
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::licensing::v1::Scope;

use crate::{
    Error,
    state::{self, Seat, TERMS},
};

/// By which right access is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// The address owns the asset.
    Owner,
    /// The address has a seat in a valid licence.
    License {
        /// The licence.
        id: u64,
        /// First height at which it is no longer valid; 0: for ever.
        expires: u64,
    },
}

/// Whether `address` has a seat in a valid licence on `asset`, whatever it permits.
pub fn is_licensed(ctx: &Ctx, address: &Address, asset: u64) -> Result<bool> {
    let height = ctx.block().height;
    let seats = state::longest_seats(ctx, address, asset)?;
    Ok(seats.iter().any(|seat| state::is_valid(state::expiry(seat.rank), height)))
}

/// By which right, if any, `address` may use `version` of `asset` (0: any version) in every way that `wanted` names: of several licences, by
/// the one that lasts longest.
///
/// # Errors
/// The asset module's refusal of an unknown asset or version.
pub fn access(ctx: &Ctx, address: &Address, asset: u64, version: u64, wanted: &Scope) -> Result<Option<Grant>> {
    let licensed = asset::asset(ctx, asset)?;
    if version > 0 {
        asset::version(ctx, asset, version)?;
    }
    if licensed.owner == address.to_string() {
        return Ok(Some(Grant::Owner));
    }
    let mut seats = state::longest_seats(ctx, address, asset)?;
    seats.sort_by_key(|seat| (seat.rank, seat.license));
    for Seat { terms, rank, license } in seats {
        let expires = state::expiry(rank);
        if !state::is_valid(expires, ctx.block().height) {
            break; // Those that follow end earlier.
        }
        let terms = TERMS.get(ctx, &terms)?.ok_or_else(|| Error::NoTerms(hex::encode(terms)))?;
        let content = terms.content.unwrap_or_default();
        let covered = version == 0 || content.versions.is_empty() || content.versions.binary_search(&version).is_ok();
        if covered && permits(&content.scope.unwrap_or_default(), wanted) {
            return Ok(Some(Grant::License { id: license, expires }));
        }
    }
    Ok(None)
}

/// Whether `granted` has every use that `wanted` names.
fn permits(granted: &Scope, wanted: &Scope) -> bool {
    let uses = [
        (wanted.train, granted.train),
        (wanted.evaluate, granted.evaluate),
        (wanted.infer, granted.infer),
        (wanted.redistribute, granted.redistribute),
        (wanted.commercial, granted.commercial),
        (wanted.derive, granted.derive),
    ];
    uses.into_iter().all(|(wanted, granted)| granted || !wanted)
}
