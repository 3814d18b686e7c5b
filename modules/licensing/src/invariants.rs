//! What must hold of terms and licences after every block.
use std::collections::{BTreeMap, BTreeSet};

use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Coins, Ctx, Result, report};
use cairn_proto::cairn::licensing::v1::{LicenseStatus, SessionStatus};

use crate::{
    Error, check, deadlines,
    deposits::Deposit,
    escrow, keys, sessions,
    state::{self, BY_ASSET, BY_LICENSEE, DEADLINES, KEY_DEPOSITS, LICENSES, OPEN_SESSIONS, SEATS, SESSIONS, TERMS, TERMS_BY_ASSET},
    version_keys,
};

/// Terms stand under the hash of their content, and each sold as many licences as name it.
pub(crate) fn terms(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut sold = BTreeMap::<String, u64>::new();
        for entry in LICENSES.range(ctx, &[]) {
            let count = sold.entry(entry?.1.terms_id).or_insert(0);
            *count = count.saturating_add(1);
        }
        for entry in TERMS.range(ctx, &[]) {
            let (key, terms) = entry?;
            let named = terms.content.as_ref().is_some_and(|content| check::terms_id(content) == key) && terms.id == hex::encode(key);
            let asset = terms.content.as_ref().map_or(0, |content| content.asset_id);
            let named = named && TERMS_BY_ASSET.get(ctx, &(asset, key))? == Some(terms.retired_height);
            let counted = sold.remove(&terms.id).unwrap_or(0);
            if !named || counted != terms.sold {
                return Ok(Some(format!("terms {} under {}: sold {}, licenses {counted}", terms.id, hex::encode(key), terms.sold)));
            }
        }
        Ok(sold.first_key_value().map(|(id, _)| format!("licenses name terms {id}, which do not exist")))
    })())
}

/// Every licence has the seats and index entries that it says, and there are no others.
pub(crate) fn licenses(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut seats = BTreeSet::new();
        let mut holders = BTreeSet::new();
        let mut assets = BTreeSet::new();
        for entry in LICENSES.range(ctx, &[]) {
            let (id, license) = entry?;
            let terms = state::terms_key(&license.terms_id)?;
            holders.insert((Address::parse(&license.licensee)?, id));
            assets.insert((license.asset_id, id));
            if !state::is_usable(&license) {
                continue;
            }
            for user in std::iter::once(&license.licensee).chain(&license.users) {
                seats.insert((Address::parse(user)?, license.asset_id, terms, (state::rank(license.expires), id)));
            }
        }
        let same = SEATS.range(ctx, &[]).collect::<Result<BTreeSet<_>>>()? == seats
            && BY_LICENSEE.range(ctx, &[]).collect::<Result<BTreeSet<_>>>()? == holders
            && BY_ASSET.range(ctx, &[]).collect::<Result<BTreeSet<_>>>()? == assets;
        Ok((!same).then(|| "seats or indexes differ from the licenses".to_owned()))
    })())
}

/// The module's account holds every price that is not final, what sessions have left, and deposits, in every denomination.
pub(crate) fn solvency(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut owed = Coins::default();
        for entry in LICENSES.range(ctx, &[]) {
            if let Some(price) = state::held_price(&entry?.1)? {
                owed.add(&price)?;
            }
        }
        for entry in SESSIONS.range(ctx, &[]) {
            owed.add(&sessions::rest(&entry?.1)?)?;
        }
        for entry in KEY_DEPOSITS.range(ctx, &[]) {
            owed.add(&Coin::base(Deposit::read(&entry?.1)?.total()?))?;
        }
        for coin in owed.iter() {
            let held = bank::balance(ctx, &escrow::ACCOUNT.address(), &coin.denom)?;
            if held < coin.amount {
                return Ok(Some(format!("{coin} in escrow, sessions and deposits, the module holds {held}")));
            }
        }
        Ok(None)
    })())
}

/// Licences that wait and sessions that are not closed are in the queue at their deadline, and nothing else is.
pub(crate) fn deadlines(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let (mut due, mut open) = (BTreeSet::new(), BTreeSet::new());
        for entry in LICENSES.range(ctx, &[]) {
            let (id, license) = entry?;
            let waits = matches!(license.status(), LicenseStatus::Pending | LicenseStatus::Paid | LicenseStatus::Granted);
            if waits != (license.deadline > 0) || (!waits && license.escrow.is_some()) {
                return Ok(Some(format!("license {id} is {} with deadline {}", license.status().as_str_name(), license.deadline)));
            }
            if waits {
                due.insert((license.deadline, deadlines::LICENSE, id));
            }
        }
        for entry in SESSIONS.range(ctx, &[]) {
            let (id, session) = entry?;
            if session.status() != SessionStatus::Closed {
                due.insert((session.deadline, deadlines::SESSION, id));
                open.insert((session.license_id, id));
            }
        }
        let same = DEADLINES.range(ctx, &[]).collect::<Result<BTreeSet<_>>>()? == due
            && OPEN_SESSIONS.range(ctx, &[]).collect::<Result<BTreeSet<_>>>()? == open;
        Ok((!same).then(|| "the queue of deadlines differs from what waits".to_owned()))
    })())
}

/// Of each owner's deposit just the bonds are locked of licences whose key is not final.
pub(crate) fn key_bonds(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut locked = BTreeMap::<Address, u128>::new();
        for entry in LICENSES.range(ctx, &[]) {
            let license = entry?.1;
            let Some(key) = license.key.as_ref().filter(|_| license.deadline > 0) else { continue };
            let sum = locked.entry(Address::parse(&key.bond_owner)?).or_insert(0);
            *sum = sum.checked_add(keys::bond_of(&key.bond)?).ok_or(Error::Overflow)?;
        }
        for entry in KEY_DEPOSITS.range(ctx, &[]) {
            let (owner, record) = entry?;
            let (found, expected) = (Deposit::read(&record)?.locked, locked.remove(&owner).unwrap_or(0));
            if found != expected {
                return Ok(Some(format!("{found}ucairn of {owner} are locked, {expected} are due")));
            }
        }
        Ok(locked.into_iter().find(|(_, bond)| *bond > 0).map(|(owner, bond)| format!("{owner} has no deposit for {bond}ucairn")))
    })())
}

/// Each licence counts the keys that its owner wrapped for its present public key.
pub(crate) fn granted_keys(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        for entry in LICENSES.range(ctx, &[]) {
            let (id, license) = entry?;
            let Some(key) = &license.key else { continue };
            let found = version_keys::count(ctx, id, &key.public_key)?.saturating_add(u32::from(key.granted_height > 0));
            if found != key.granted {
                return Ok(Some(format!("license {id} counts {} granted keys, {found} are", key.granted)));
            }
        }
        Ok(None)
    })())
}
