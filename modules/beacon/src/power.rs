//! Whose values count how much: the powers of the set that staking elects, as they were at any height that a draw may ask about.
use std::collections::BTreeMap;

use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::beacon::v1::{PowerSnapshot, Validator, VotingPower};
use cairn_staking::{Hooks, Power};

use crate::{
    Beacon, Error,
    keys::{acts_from, erase, write},
    params, register,
    state::{BEACONS, SNAPSHOTS, VALIDATORS},
};

/// Old snapshots dropped at each new one. One is added, so that two catch up.
const DROPPED: usize = 2;

/// The powers at the end of the block of `height`, by consensus address. As long as the set never changed they are the present ones.
pub(crate) fn at(ctx: &Ctx, height: u64) -> Result<BTreeMap<Vec<u8>, u128>> {
    let mut asked = None;
    for entry in SNAPSHOTS.range_reverse(ctx, &[]) {
        let (first, snapshot) = entry?;
        asked = Some(snapshot.powers);
        if first <= height {
            break;
        }
    }
    let powers = asked.map_or_else(|| present(ctx), Ok)?;
    Ok(powers.into_iter().map(|p| (p.address, u128::from(p.power))).collect())
}

/// The powers of the set as it is now.
fn present(ctx: &Ctx) -> Result<Vec<VotingPower>> {
    let mut powers = Vec::new();
    for entry in VALIDATORS.range(ctx, &[]) {
        let (address, Validator { power, .. }) = entry?;
        if power > 0 {
            powers.push(VotingPower { address, power });
        }
    }
    Ok(powers)
}

/// Refuses a genesis in which staking and the beacon do not name the same validators and powers. Staking without validators is a test of the
/// beacon alone.
pub(crate) fn check_genesis(ctx: &Ctx, validators: &[Validator]) -> Result<()> {
    let elected: BTreeMap<_, _> = cairn_staking::powers(ctx)?.into_iter().map(|p| (p.consensus.as_bytes().to_vec(), p.power)).collect();
    let own: BTreeMap<_, _> = validators.iter().filter(|v| v.power > 0).map(|v| (v.address.clone(), v.power)).collect();
    if elected.is_empty() || elected == own {
        return Ok(());
    }
    let name = |(address, power): (&Vec<u8>, &u64)| format!("{}:{power}", hex::encode(address));
    let show = |list: &BTreeMap<_, _>| list.iter().map(name).collect::<Vec<_>>().join(", ");
    Err(Error::Genesis(format!("staking elects [{}], but the beacon knows [{}]", show(&elected), show(&own))).into())
}

/// Notes the set after the block that `ctx` shows. Touches who is in the set or leaves it, and none of those outside.
fn change(ctx: &mut Ctx, set: &[Power]) -> Result<()> {
    let before = newest(ctx)?;
    let mut before: BTreeMap<_, _> = before.into_iter().map(|p| (p.address, p.power)).collect();
    let now: BTreeMap<_, _> = set.iter().map(|p| (p.consensus.as_bytes().to_vec(), p.power)).collect();
    for (address, power) in &now {
        if before.remove(address) != Some(*power) {
            give(ctx, address, *power)?;
        }
    }
    before.into_keys().try_for_each(|address| give(ctx, &address, 0))?;
    let height = ctx.block().height;
    let powers = now.into_iter().map(|(address, power)| VotingPower { address, power }).collect();
    SNAPSHOTS.set(ctx, &height, &PowerSnapshot { height, powers })?;
    forget(ctx)
}

/// The newest powers on record; the first time, which is before anybody came who has none, the present ones are put there.
fn newest(ctx: &mut Ctx) -> Result<Vec<VotingPower>> {
    let newest = SNAPSHOTS.range_reverse(ctx, &[]).next().transpose()?;
    if let Some((_, newest)) = newest {
        return Ok(newest.powers);
    }
    let powers = present(ctx)?;
    SNAPSHOTS.set(ctx, &0, &PowerSnapshot { height: 0, powers: powers.clone() })?;
    Ok(powers)
}

fn give(ctx: &mut Ctx, address: &Vec<u8>, power: u64) -> Result<()> {
    let known = VALIDATORS.get(ctx, address)?.ok_or(Error::Corrupt("a validator without a key"))?;
    VALIDATORS.set(ctx, address, &Validator { power, ..known })
}

/// Drops snapshots that no kept height needs: those whose successor is as old as the oldest beacon.
fn forget(ctx: &mut Ctx) -> Result<()> {
    let Some((oldest, _)) = BEACONS.range(ctx, &[]).next().transpose()? else { return Ok(()) };
    let first =
        SNAPSHOTS.range(ctx, &[]).take(DROPPED.saturating_add(1)).map(|e| e.map(|(height, _)| height)).collect::<Result<Vec<_>>>()?;
    for (height, next) in first.iter().zip(first.iter().skip(1)) {
        if *next <= oldest {
            SNAPSHOTS.remove(ctx, height)?;
        }
    }
    Ok(())
}

impl Hooks for Beacon {
    /// The validator gets the key that its operator named for it; without one it is refused.
    fn after_validator_created(&self, ctx: &mut Ctx, operator: &Address) -> Result<()> {
        newest(ctx)?;
        let vrf_key = register::take(ctx, operator)?;
        let created = cairn_staking::validator(ctx, operator)?.ok_or(Error::Corrupt("a validator that was just created"))?;
        let address = cairn_staking::consensus_address(&created)?.as_bytes().to_vec();
        // Before the first block there is no seed that a key could be chosen for.
        let height = ctx.block().height;
        let active_from = if height == 0 { 0 } else { acts_from(&params(ctx)?, height) };
        let validator = Validator { address, power: 0, vrf_key, active_from, operator: operator.to_string(), next: None };
        write(ctx, &validator)
    }
    fn after_validator_removed(&self, ctx: &mut Ctx, consensus: &Address, _: &Address) -> Result<()> {
        erase(ctx, &consensus.as_bytes().to_vec())
    }
    fn after_set_changed(&self, ctx: &mut Ctx, set: &[Power]) -> Result<()> {
        change(ctx, set)
    }
}
