//! What must hold of the beacon after every block.
use std::collections::BTreeMap;

use cairn_kernel::{Ctx, Result};

use crate::{
    genesis, keys,
    state::{BEACONS, KEYS, LATEST, REGISTERED, REGISTERED_BY, SNAPSHOTS, VALIDATORS},
    validators,
};

/// Beacons follow each other without a gap up to the newest one, and count the fresh heights among them.
pub(crate) fn beacons(ctx: &Ctx) -> Result<(), String> {
    let beacons = BEACONS.range(ctx, &[]).map(|e| e.map(|(_, beacon)| beacon)).collect::<Result<Vec<_>>>().map_err(|e| e.to_string())?;
    genesis::check_beacons(&beacons).map_err(|e| e.to_string())?;
    let (last, latest) = (beacons.last().map(|beacon| beacon.height), LATEST.get(ctx).map_err(|e| e.to_string())?);
    if last == latest { Ok(()) } else { Err(format!("the last beacon is of height {last:?}, but the newest one of {latest:?}")) }
}

/// Every validator has a valid key of its own, and so has every operator that named one.
pub(crate) fn own_keys(ctx: &Ctx) -> Result<(), String> {
    let validators = validators(ctx).map_err(|e| e.to_string())?;
    genesis::check_validators(&validators).map_err(|e| e.to_string())?;
    let named = REGISTERED.range(ctx, &[]).map(|e| e.map(|(operator, named)| (named.vrf_key, operator.as_bytes().to_vec())));
    let named: BTreeMap<_, _> = named.collect::<Result<_>>().map_err(|e| e.to_string())?;
    let by_key = REGISTERED_BY.range(ctx, &[]).map(|e| e.map(|(key, operator)| (key.to_vec(), operator)));
    let by_key: BTreeMap<_, _> = by_key.collect::<Result<_>>().map_err(|e| e.to_string())?;
    if named != by_key {
        return Err("keys of validators to come are not those of their operators".to_owned());
    }
    let held = KEYS.range(ctx, &[]).map(|e| e.map(|(key, address)| (key.to_vec(), address)));
    let held: BTreeMap<_, _> = held.collect::<Result<_>>().map_err(|e| e.to_string())?;
    if held != recorded(ctx).map_err(|e| e.to_string())? {
        return Err("keys of validators are not those of their records".to_owned());
    }
    match validators.iter().find(|v| named.contains_key(&v.vrf_key)) {
        Some(validator) => Err(format!("the key of {} is named for another validator", hex::encode(&validator.address))),
        None => Ok(()),
    }
}

/// The keys in the records of validators, and whose they are.
fn recorded(ctx: &Ctx) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut all = BTreeMap::new();
    for entry in VALIDATORS.range(ctx, &[]) {
        let (address, validator) = entry?;
        for key in keys::of(&validator) {
            all.insert(key?.to_vec(), address.clone());
        }
    }
    Ok(all)
}

/// If the set ever changed, the newest powers on record are those of the validators.
pub(crate) fn powers(ctx: &Ctx) -> Result<(), String> {
    let Some(newest) = SNAPSHOTS.range_reverse(ctx, &[]).next().transpose().map_err(|e| e.to_string())? else { return Ok(()) };
    let recorded: BTreeMap<_, _> = newest.1.powers.into_iter().map(|p| (p.address, p.power)).collect();
    let validators = validators(ctx).map_err(|e| e.to_string())?;
    let present: BTreeMap<_, _> = validators.into_iter().filter(|v| v.power > 0).map(|v| (v.address, v.power)).collect();
    if recorded == present { Ok(()) } else { Err(format!("powers of height {} are not those of the validators", newest.0)) }
}
