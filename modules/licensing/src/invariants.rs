//! What must hold of terms and licences after every block.
use std::collections::{BTreeMap, BTreeSet};

use cairn_bank as bank;
use cairn_kernel::{Address, Coins, Ctx, Result};

use crate::{
    check, deadlines, escrow,
    state::{self, BY_ASSET, BY_LICENSEE, DEADLINES, LICENSES, SEATS, TERMS, TERMS_BY_ASSET},
};

/// Runs a check whose reads may fail.
fn report(found: Result<Option<String>>) -> Result<(), String> {
    match found {
        Ok(None) => Ok(()),
        Ok(Some(fault)) => Err(fault),
        Err(error) => Err(error.to_string()),
    }
}

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
        let mut deadlines = BTreeSet::new();
        for entry in LICENSES.range(ctx, &[]) {
            let (id, license) = entry?;
            let terms = state::terms_key(&license.terms_id)?;
            if license.deadline > 0 {
                deadlines.insert((license.deadline, deadlines::LICENSE, id));
            }
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
            && DEADLINES.range(ctx, &[]).collect::<Result<BTreeSet<_>>>()? == deadlines
            && BY_ASSET.range(ctx, &[]).collect::<Result<BTreeSet<_>>>()? == assets;
        Ok((!same).then(|| "seats or indexes differ from the licenses".to_owned()))
    })())
}

/// The module's account holds every price that is not final, in every denomination.
pub(crate) fn solvency(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut owed = Coins::default();
        for entry in LICENSES.range(ctx, &[]) {
            if let Some(price) = state::held_price(&entry?.1)? {
                owed.add(&price)?;
            }
        }
        for coin in owed.iter() {
            let held = bank::balance(ctx, &escrow::ACCOUNT.address(), &coin.denom)?;
            if held < coin.amount {
                return Ok(Some(format!("{coin} in escrow, the module holds {held}")));
            }
        }
        Ok(None)
    })())
}
