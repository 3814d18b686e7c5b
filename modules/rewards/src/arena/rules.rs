//! The bounds of what an arena's owner may say.
use std::collections::BTreeSet;

use cairn_kernel::{BASE_DENOM, BPS, check_denom};
use cairn_proto::cairn::rewards::v1::{ArenaRules, Params, ScorerAdmission};

use crate::{Error, amount};

/// Most participants of an arena.
pub(crate) const MAX_PARTICIPANTS: u32 = 256;
/// Most scorers with a seat.
pub(crate) const MAX_SCORERS: u32 = 64;
/// Most denominations besides the base one.
const MAX_DENOMS: usize = 7;
/// Most pots of an arena.
pub(crate) const MAX_POTS: usize = MAX_DENOMS + 1;
/// Most accounts that one message lists or strikes off.
pub(crate) const MAX_ACCOUNTS: usize = 64;
/// Epochs without a reveal that cost a seat.
pub(crate) const MAX_MISSED: u32 = 3;

/// Most bytes of a title.
const TITLE: usize = 128;
/// Most bytes of an address of content.
const URI: usize = 512;

/// Refuses rules outside their bounds.
pub(crate) fn check(rules: &ArenaRules, params: &Params) -> Result<(), Error> {
    if rules.admission() == ScorerAdmission::Unspecified {
        return Err(Error::Admission(rules.admission));
    }
    let price = amount::read(&rules.registration_price).map_err(|_| Error::Amount("registration_price"))?;
    let bond = amount::read(&rules.least_bond).map_err(|_| Error::Amount("least_bond"))?;
    let half = rules.epoch_blocks / 2;
    let bounds = [
        ("epoch_blocks", 10, 1_000_000, rules.epoch_blocks.into()),
        ("reveal_blocks", 2, half.into(), rules.reveal_blocks.into()),
        ("registration_price", amount::read(&params.arena_price)?, u128::MAX, price),
        ("max_participants", 1, MAX_PARTICIPANTS.into(), rules.max_participants.into()),
        ("max_scorers", 1, MAX_SCORERS.into(), rules.max_scorers.into()),
        ("immunity_epochs", 0, 1_000, rules.immunity_epochs.into()),
        ("least_bond", 1, u128::MAX, bond),
        ("dividend_bps", 0, 5_000, rules.dividend_bps.into()),
        ("payout_bps", 1, BPS.into(), rules.payout_bps.into()),
        ("no_reveal_bps", 0, 1_000, rules.no_reveal_bps.into()),
    ];
    if let Some((name, least, most, found)) = bounds.into_iter().find(|(_, least, most, found)| found < least || found > most) {
        return Err(Error::Rule { name, least, most, found });
    }
    check_denoms(&rules.denoms)
}

fn check_denoms(denoms: &[String]) -> Result<(), Error> {
    let different: BTreeSet<_> = denoms.iter().filter(|d| d.as_str() != BASE_DENOM && check_denom(d).is_ok()).collect();
    if denoms.len() > MAX_DENOMS || different.len() != denoms.len() {
        let shown: String = denoms.join(", ").chars().take(200).collect();
        return Err(Error::Denoms(shown));
    }
    Ok(())
}

/// Refuses a title that is empty or too long.
pub(crate) fn check_title(title: &str) -> Result<(), Error> {
    if (1..=TITLE).contains(&title.len()) { Ok(()) } else { Err(Error::Text { field: "title", most: TITLE, found: title.len() }) }
}

/// Refuses an address of content that is too long, and a hash that is neither absent nor whole.
pub(crate) fn check_content(uri: &str, sha256: &[u8]) -> Result<(), Error> {
    if uri.len() > URI {
        return Err(Error::Text { field: "uri", most: URI, found: uri.len() });
    }
    if sha256.is_empty() { Ok(()) } else { bytes32("sha256", sha256).map(drop) }
}

/// Exactly 32 bytes.
pub(crate) fn bytes32(field: &'static str, bytes: &[u8]) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_| Error::Bytes32 { field, found: bytes.len() })
}
