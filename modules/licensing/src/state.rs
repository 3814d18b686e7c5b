//! What licensing stores.
use cairn_kernel::{Address, Coin, Ctx, Item, Map, Result, Sequence, Set, key_prefix};
use cairn_proto::cairn::licensing::v1::{KeyDeposit, License, LicenseStatus, Params, Session, Terms, TermsContent, VersionKey};

use crate::{Error, deadlines};

/// User, asset, terms, then rank (see [`rank`]) and licence.
pub(crate) type SeatKey = (Address, u64, [u8; 32], (u64, u64));

cairn_kernel::state! { "licensing";
    /// Settings; the defaults where never set.
    PARAMS: Item<Params> = 1;
    /// Numbers licences.
    IDS: Sequence = 2;
    /// Terms by the hash of their content.
    TERMS: Map<[u8; 32], Terms> = 3;
    /// Licences by id.
    LICENSES: Map<u64, License> = 4;
    /// Terms by asset, with the height of their retirement or 0.
    TERMS_BY_ASSET: Map<(u64, [u8; 32]), u64> = 5;
    /// Licences by licensee.
    BY_LICENSEE: Set<(Address, u64)> = 6;
    /// Licences by asset.
    BY_ASSET: Set<(u64, u64)> = 7;
    /// Seats by user, asset and terms, the longest licence first.
    SEATS: Set<SeatKey> = 8;
    /// What ends by itself: height, kind (see `deadlines`) and number.
    DEADLINES: Set<(u64, u8, u64)> = 9;
    /// Numbers sessions.
    SESSION_IDS: Sequence = 10;
    /// Sessions by id, closed ones too: a number is never used again.
    SESSIONS: Map<u64, Session> = 11;
    /// Sessions that are not closed, by licence.
    OPEN_SESSIONS: Set<(u64, u64)> = 12;
    /// Deposits for key bonds, by owner.
    KEY_DEPOSITS: Map<Address, KeyDeposit> = 13;
    /// Keys that owners wrapped beside the one that a licence holds, by licence and version.
    VERSION_KEYS: Map<(u64, u64), VersionKey> = 14;
}

/// The settings in force.
pub(crate) fn params(ctx: &Ctx) -> Result<Params> {
    Ok(PARAMS.get(ctx)?.unwrap_or_else(crate::test_params))
}

/// The terms with that id, or a refusal.
pub(crate) fn terms(ctx: &Ctx, id: &str) -> Result<([u8; 32], Terms)> {
    let key = terms_key(id)?;
    let terms = TERMS.get(ctx, &key)?.filter(|terms| terms.id == id).ok_or_else(|| no_terms(id))?;
    Ok((key, terms))
}

/// The key of the terms with that id.
pub(crate) fn terms_key(id: &str) -> Result<[u8; 32], Error> {
    let mut key = [0; 32];
    hex::decode_to_slice(id, &mut key).map_err(|_| no_terms(id))?;
    Ok(key)
}

fn no_terms(id: &str) -> Error {
    Error::NoTerms(id.chars().take(80).collect())
}

/// Writes terms and their entry in the index.
pub(crate) fn set_terms(ctx: &mut Ctx, key: [u8; 32], asset: u64, terms: &Terms) -> Result<()> {
    TERMS_BY_ASSET.set(ctx, &(asset, key), &terms.retired_height)?;
    TERMS.set(ctx, &key, terms)
}

/// The licence, or a refusal.
pub(crate) fn license(ctx: &Ctx, id: u64) -> Result<License> {
    Ok(LICENSES.get(ctx, &id)?.ok_or(Error::NoLicense(id))?)
}

/// What the licence's terms say.
pub(crate) fn content(ctx: &Ctx, license: &License) -> Result<TermsContent> {
    Ok(terms(ctx, &license.terms_id)?.1.content.ok_or(Error::NoContent)?)
}

/// The price that is held until nothing can undo the sale.
pub(crate) fn held_price(license: &License) -> Result<Option<Coin>> {
    license.escrow.as_ref().map(Coin::try_from).transpose()
}

/// The session, or a refusal.
pub(crate) fn session(ctx: &Ctx, id: u64) -> Result<Session> {
    Ok(SESSIONS.get(ctx, &id)?.ok_or(Error::NoSession(id))?)
}

/// Refuses a licence in another state.
pub(crate) fn check_status(license: &License, wanted: LicenseStatus) -> Result<(), Error> {
    let found = license.status();
    if found == wanted {
        return Ok(());
    }
    Err(Error::State { license: license.id, expected: wanted.as_str_name(), found: found.as_str_name() })
}

/// Refuses a licence that waits, was refunded or revoked.
pub(crate) fn check_final(license: &License) -> Result<(), Error> {
    check_status(license, LicenseStatus::Final)
}

/// Refuses a licence that permits nothing now.
pub(crate) fn check_valid(ctx: &Ctx, license: &License) -> Result<(), Error> {
    if !is_usable(license) {
        return check_final(license);
    }
    if !is_valid(license.expires, ctx.block().height) {
        return Err(Error::Expired { license: license.id, expires: license.expires });
    }
    Ok(())
}

/// Whether a licence has seats: it was sold and nothing undid it.
pub(crate) fn is_usable(license: &License) -> bool {
    match license.status() {
        LicenseStatus::Final | LicenseStatus::Granted => true,
        LicenseStatus::Pending | LicenseStatus::Paid | LicenseStatus::Refunded | LicenseStatus::Revoked => false,
    }
}

/// Orders seats: the later a licence expires the lower, 0 for one that never does.
pub(crate) fn rank(expires: u64) -> u64 {
    if expires == 0 { 0 } else { !expires }
}

/// The inverse of [`rank`].
pub(crate) fn expiry(rank: u64) -> u64 {
    if rank == 0 { 0 } else { !rank }
}

/// Whether a licence with that expiry is valid at `height`: the height of its expiry is the first at which it is not.
pub(crate) fn is_valid(expires: u64, height: u64) -> bool {
    expires == 0 || height < expires
}

/// Everyone who may use a licence.
fn seated(license: &License) -> Result<Vec<Address>> {
    std::iter::once(&license.licensee).chain(&license.users).map(|text| Address::parse(text)).collect()
}

/// A seat in a licence.
pub(crate) struct Seat {
    /// The key of the licence's terms.
    pub(crate) terms: [u8; 32],
    /// See [`rank`].
    pub(crate) rank: u64,
    /// The licence.
    pub(crate) license: u64,
}

/// Of the seats that `user` has on `asset`, the one that lasts longest under each of the asset's terms. Whoever gives seats away cannot make
/// this long: it grows with the terms that the asset's owner offered, not with licences.
pub(crate) fn longest_seats(ctx: &Ctx, user: &Address, asset: u64) -> Result<Vec<Seat>> {
    let prefix = key_prefix(&(*user, asset));
    let (mut from, mut seats) = (prefix.clone(), Vec::new());
    while let Some((_, _, terms, (rank, license))) = SEATS.range_from(ctx, &prefix, &from).next().transpose()? {
        seats.push(Seat { terms, rank, license });
        // Above every seat under these terms: what follows them in a key is two numbers of 8 bytes.
        from = [key_prefix(&(*user, asset, terms)), vec![u8::MAX; 17]].concat();
    }
    Ok(seats)
}

/// Enters or takes away what stands under other keys for a licence: its holder, its seats and its deadline.
pub(crate) fn index(ctx: &mut Ctx, license: &License, present: bool) -> Result<()> {
    let holder = (Address::parse(&license.licensee)?, license.id);
    if present {
        BY_LICENSEE.insert(ctx, &holder)?
    } else {
        BY_LICENSEE.remove(ctx, &holder)?
    }
    if license.deadline > 0 {
        let key = (license.deadline, deadlines::LICENSE, license.id);
        if present { DEADLINES.insert(ctx, &key)? } else { DEADLINES.remove(ctx, &key)? }
    }
    if !is_usable(license) {
        return Ok(());
    }
    let terms = terms_key(&license.terms_id)?;
    for user in seated(license)? {
        let key = (user, license.asset_id, terms, (rank(license.expires), license.id));
        if present { SEATS.insert(ctx, &key)? } else { SEATS.remove(ctx, &key)? }
    }
    Ok(())
}

/// Writes a new licence.
pub(crate) fn add(ctx: &mut Ctx, license: &License) -> Result<()> {
    index(ctx, license, true)?;
    LICENSES.set(ctx, &license.id, license)
}

/// Replaces a licence.
pub(crate) fn replace(ctx: &mut Ctx, before: &License, after: &License) -> Result<()> {
    index(ctx, before, false)?;
    add(ctx, after)
}
