//! Validators and beacons from and to the genesis file.
use std::collections::BTreeSet;

use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::beacon::v1::{Beacon, GenesisState, Params, RegisteredKey, Validator};

use crate::{
    Error, chain, keys, power, register,
    state::{BEACONS, LATEST, PARAMS, REGISTERED, SNAPSHOTS},
    validators,
    vrf::PublicKey,
};

/// Bytes of a consensus address.
const ADDRESS_LEN: usize = 20;

/// Fills an empty store.
pub(crate) fn init(ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
    let params = genesis.params.ok_or_else(|| Error::Genesis("parameters are missing".into()))?;
    check_params(&params)?;
    check_validators(&genesis.validators)?;
    check_beacons(&genesis.beacons)?;
    power::check_genesis(ctx, &genesis.validators)?;
    PARAMS.set(ctx, &params)?;
    for validator in &genesis.validators {
        keys::write(ctx, validator)?;
    }
    for beacon in &genesis.beacons {
        BEACONS.set(ctx, &beacon.height, beacon)?;
    }
    for snapshot in &genesis.snapshots {
        SNAPSHOTS.set(ctx, &snapshot.height, snapshot)?;
    }
    for named in &genesis.registered {
        init_registered(ctx, named)?;
    }
    match genesis.beacons.last() {
        Some(last) => LATEST.set(ctx, &last.height),
        None => Ok(()),
    }
}

/// Everything; with beacons, so that draws that wait for a seed find it on the chain that goes on from here.
pub(crate) fn export(ctx: &Ctx) -> Result<GenesisState> {
    Ok(GenesisState {
        params: PARAMS.get(ctx)?,
        validators: validators(ctx)?,
        beacons: BEACONS.range(ctx, &[]).map(|e| e.map(|(_, beacon)| beacon)).collect::<Result<_>>()?,
        snapshots: SNAPSHOTS.range(ctx, &[]).map(|e| e.map(|(_, snapshot)| snapshot)).collect::<Result<_>>()?,
        registered: REGISTERED.range(ctx, &[]).map(|e| e.map(|(_, named)| named)).collect::<Result<_>>()?,
    })
}

fn init_registered(ctx: &mut Ctx, named: &RegisteredKey) -> Result<()> {
    let operator = Address::parse(&named.operator)?;
    let key = PublicKey::parse(&named.vrf_key).map_err(|e| Error::Genesis(format!("key of {operator}: {e}")))?;
    if register::holder(ctx, key.as_bytes())?.is_some() || REGISTERED.has(ctx, &operator)? {
        return Err(Error::Genesis(format!("the key of {operator} stands twice")).into());
    }
    register::write(ctx, &operator, key.as_bytes())
}

fn check_params(params: &Params) -> Result<(), Error> {
    let Params { quick_lag, weak_after, epoch } = *params;
    if quick_lag < 2 || weak_after < quick_lag || epoch == 0 {
        let found = format!("found quick_lag {quick_lag}, weak_after {weak_after}, epoch {epoch}");
        return Err(Error::Genesis(format!("parameters must have 2 <= quick_lag <= weak_after and epoch >= 1, {found}")));
    }
    Ok(())
}

/// Refuses validators with a key or an operator that is not valid, and two with the same address or key.
pub(crate) fn check_validators(validators: &[Validator]) -> Result<(), Error> {
    let (mut addresses, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for Validator { address, vrf_key, operator, next, active_from, .. } in validators {
        let name = hex::encode(address);
        if address.len() != ADDRESS_LEN {
            return Err(Error::Genesis(format!("validator {name}: a consensus address has {ADDRESS_LEN} bytes")));
        }
        if !operator.is_empty() {
            Address::parse(operator).map_err(|e| Error::Genesis(format!("validator {name}: operator: {e}")))?;
        }
        if !addresses.insert(address) {
            return Err(Error::Genesis(format!("validator {name} is listed twice")));
        }
        for key in [Some(vrf_key), next.as_ref().map(|next| &next.vrf_key)].into_iter().flatten() {
            PublicKey::parse(key).map_err(|e| Error::Genesis(format!("validator {name}: {e}")))?;
            if !keys.insert(key) {
                return Err(Error::Genesis(format!("validator {name} has the beacon key of another, or the same one twice")));
            }
        }
        if next.as_ref().is_some_and(|next| next.active_from < *active_from) {
            return Err(Error::Genesis(format!("validator {name}: the next key acts before the present one")));
        }
    }
    Ok(())
}

/// Refuses beacons that do not follow each other.
pub(crate) fn check_beacons(beacons: &[Beacon]) -> Result<(), Error> {
    for beacon in beacons {
        chain::value(beacon).map_err(|e| Error::Genesis(format!("height {}: {e}", beacon.height)))?;
    }
    for (before, beacon) in beacons.iter().zip(beacons.iter().skip(1)) {
        let counted = before.fresh_heights.checked_add(beacon.fresh.into());
        if before.height.checked_add(1) != Some(beacon.height) || counted != Some(beacon.fresh_heights) {
            return Err(Error::Genesis(format!("beacon of height {} does not follow that of height {}", beacon.height, before.height)));
        }
    }
    Ok(())
}
