//! What must hold of terms and licences after every block.
use std::collections::{BTreeMap, BTreeSet};

use cairn_kernel::{Address, Ctx, Result};

use crate::{
    check,
    state::{self, BY_ASSET, BY_LICENSEE, LICENSES, SEATS, TERMS, TERMS_BY_ASSET},
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
        for entry in LICENSES.range(ctx, &[]) {
            let (id, license) = entry?;
            let terms = state::terms_key(&license.terms_id)?;
            for user in std::iter::once(&license.licensee).chain(&license.users) {
                seats.insert((Address::parse(user)?, license.asset_id, terms, (state::rank(license.expires), id)));
            }
            holders.insert((Address::parse(&license.licensee)?, id));
            assets.insert((license.asset_id, id));
        }
        let same = SEATS.range(ctx, &[]).collect::<Result<BTreeSet<_>>>()? == seats
            && BY_LICENSEE.range(ctx, &[]).collect::<Result<BTreeSet<_>>>()? == holders
            && BY_ASSET.range(ctx, &[]).collect::<Result<BTreeSet<_>>>()? == assets;
        Ok((!same).then(|| "seats or indexes differ from the licenses".to_owned()))
    })())
}
