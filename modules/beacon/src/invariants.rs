//! What must hold of the beacon after every block.
use cairn_kernel::{Ctx, Result};

use crate::{
    genesis,
    state::{BEACONS, LATEST},
    validators,
};

/// Beacons follow each other without a gap up to the newest one, and count the fresh heights among them.
pub(crate) fn beacons(ctx: &Ctx) -> Result<(), String> {
    let beacons = BEACONS.range(ctx, &[]).map(|e| e.map(|(_, beacon)| beacon)).collect::<Result<Vec<_>>>().map_err(|e| e.to_string())?;
    genesis::check_beacons(&beacons).map_err(|e| e.to_string())?;
    let (last, latest) = (beacons.last().map(|beacon| beacon.height), LATEST.get(ctx).map_err(|e| e.to_string())?);
    if last == latest { Ok(()) } else { Err(format!("the last beacon is of height {last:?}, but the newest one of {latest:?}")) }
}

/// Every validator has power and a valid key of its own.
pub(crate) fn keys(ctx: &Ctx) -> Result<(), String> {
    let validators = validators(ctx).map_err(|e| e.to_string())?;
    genesis::check_validators(&validators).map_err(|e| e.to_string())
}
