//! What makes a denomination's description consistent; the rules are those of the Cosmos SDK.
use std::collections::BTreeSet;

use cairn_kernel::check_denom;
use cairn_proto::cosmos::bank::v1beta1::{DenomUnit, Metadata};

use crate::Error;

/// Refuses a description without name, symbol or the unit it is shown in, or with units out of order.
pub(crate) fn check(described: &Metadata) -> Result<(), Error> {
    let fail = |reason: String| Error::Metadata { base: described.base.chars().take(130).collect(), reason };
    for (name, value) in [("name", &described.name), ("symbol", &described.symbol)] {
        if value.trim().is_empty() {
            return Err(fail(format!("{name} field cannot be blank")));
        }
    }
    for denom in [&described.base, &described.display] {
        check_denom(denom).map_err(|e| fail(e.log))?;
    }
    let first = described.denom_units.first().map(|unit| (unit.denom.as_str(), unit.exponent));
    if first != Some((&described.base, 0)) {
        return Err(fail(format!("the first denomination unit must be {} with exponent 0", described.base)));
    }
    if !described.denom_units.is_sorted_by(|a, b| a.exponent < b.exponent) {
        return Err(fail("denomination units must have ascending exponents".into()));
    }
    let mut names = BTreeSet::new();
    for unit in &described.denom_units {
        check_unit(unit).map_err(fail)?;
        if !names.insert(&unit.denom) {
            return Err(fail(format!("denomination unit {} is listed twice", unit.denom)));
        }
    }
    if !names.contains(&described.display) {
        return Err(fail(format!("no denomination unit is called {}, in which it is displayed", described.display)));
    }
    Ok(())
}

fn check_unit(unit: &DenomUnit) -> Result<(), String> {
    check_denom(&unit.denom).map_err(|e| e.log)?;
    let mut aliases = BTreeSet::new();
    for alias in &unit.aliases {
        if alias.trim().is_empty() {
            return Err(format!("an alias of {} is blank", unit.denom));
        }
        if !aliases.insert(alias) {
            return Err(format!("an alias of {} is listed twice", unit.denom));
        }
    }
    Ok(())
}
