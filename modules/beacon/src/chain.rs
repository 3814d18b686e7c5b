//! The chain of values: what a proposer proves, how its output is mixed in, and what a block's reveal amounts to.
use cairn_kernel::{Ctx, Result, chain32, tag};
use cairn_proto::cairn::beacon::v1::{Beacon, EventBeaconAdvanced, MsgRevealBeacon};
use sha2::{Digest, Sha256};

use crate::{
    Error, active_key, params,
    state::{BEACONS, LATEST},
    vrf::{OUTPUT_LEN, Output, SecretKey},
};

/// Beacons kept beyond the longest wait of a draw, for those that fetch their seed late.
pub(crate) const MARGIN: u64 = 4_000;
/// Old beacons dropped a block at the most. One is added, so that two catch up after a change of parameters.
const PRUNED_A_BLOCK: usize = 2;

/// What a proposer's key is applied to: `tag | SHA-256(chain id) | u64 height | value before`, where `|` joins bytes.
#[must_use]
pub fn alpha(chain_id: &str, height: u64, before: &[u8; 32]) -> Vec<u8> {
    [&tag("cairn.beacon.v1")[..], &chain32(chain_id), &height.to_be_bytes(), before].concat()
}

/// The value after a block: `SHA-256(tag | value before | output)`, with zeros for the output of a block without a valid reveal.
#[must_use]
pub fn mix(before: &[u8; 32], output: Option<&Output>) -> [u8; 32] {
    let silence = [0; OUTPUT_LEN];
    let hash = Sha256::new().chain_update(tag("cairn.mix.v1")).chain_update(before);
    hash.chain_update(output.unwrap_or(&silence)).finalize().into()
}

/// The value before the first block: `SHA-256(tag | app hash of the genesis state)`.
#[must_use]
pub fn first_value(genesis_app_hash: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(tag("cairn.mix.v1")).chain_update(genesis_app_hash).finalize().into()
}

/// Goes on by the block that `ctx` shows. The app calls it once a block, before any other part of the block runs, with the reveal that the
/// block carries. A reveal that is missing or invalid is no error here, since a block that the validators have agreed on must run: the
/// height is then not fresh.
///
/// # Errors
/// [`Error::Gap`] if a height was left out: a fault of the caller.
pub fn observe(ctx: &mut Ctx, reveal: Option<&MsgRevealBeacon>) -> Result<()> {
    let before = before(ctx)?;
    let output = match judge(ctx, &before, reveal)? {
        Verdict::Fresh(output) => Some(output),
        Verdict::Silent | Verdict::Wrong(_) => None,
    };
    if LATEST.get(ctx)?.is_none() {
        BEACONS.set(ctx, &before.height, &before)?;
    }
    let block = ctx.block();
    let (height, fresh) = (block.height, output.is_some());
    let value = mix(&value(&before)?, output.as_ref()).to_vec();
    let fresh_heights = before.fresh_heights.saturating_add(u64::from(fresh));
    let beacon = Beacon { height, value: value.clone(), fresh, proposer: block.proposer.clone(), fresh_heights };
    BEACONS.set(ctx, &height, &beacon)?;
    LATEST.set(ctx, &height)?;
    prune(ctx, height)?;
    ctx.emit(&EventBeaconAdvanced { height, value, fresh });
    Ok(())
}

/// Judges the reveal of a proposed block, the one that `ctx` shows, with its original proposer. Where in the block it stands, and that there
/// is no second one, is for the caller to see to.
///
/// # Errors
/// The block is to be rejected: [`Error::Missing`], [`Error::Foreign`], [`Error::Height`], [`Error::Proof`].
pub fn check(ctx: &Ctx, reveal: Option<&MsgRevealBeacon>) -> Result<()> {
    match judge(ctx, &before(ctx)?, reveal)? {
        Verdict::Fresh(_) | Verdict::Silent => Ok(()),
        Verdict::Wrong(error) => Err(error.into()),
    }
}

/// The reveal for the block that `ctx` shows, if its proposer, whose key this is, owes one.
///
/// # Errors
/// [`Error::OtherKey`] if the chain knows another key for the proposer; a block with a reveal by this one would be rejected.
pub fn reveal(ctx: &Ctx, secret: &SecretKey) -> Result<Option<MsgRevealBeacon>> {
    let block = ctx.block();
    let Some(key) = active_key(ctx, &block.proposer)? else { return Ok(None) };
    if key != *secret.public() {
        let [expected, found] = [&key, secret.public()].map(|key| hex::encode(key.as_bytes()));
        return Err(Error::OtherKey { expected, found }.into());
    }
    let alpha = alpha(&block.chain_id, block.height, &value(&before(ctx)?)?);
    let proof = secret.prove(&alpha).map_err(|reason| Error::Proof { proposer: hex::encode(&block.proposer), reason })?;
    Ok(Some(MsgRevealBeacon { height: block.height, proof: proof.to_vec() }))
}

/// What a block's reveal amounts to.
enum Verdict {
    /// It is the proposer's and verifies.
    Fresh(Output),
    /// None was owed and none is there.
    Silent,
    /// It is not as it must be.
    Wrong(Error),
}

fn judge(ctx: &Ctx, before: &Beacon, reveal: Option<&MsgRevealBeacon>) -> Result<Verdict> {
    let block = ctx.block();
    let proposer = || hex::encode(&block.proposer);
    Ok(match (active_key(ctx, &block.proposer)?, reveal) {
        (None, None) => Verdict::Silent,
        (None, Some(_)) => Verdict::Wrong(Error::Foreign(proposer())),
        (Some(_), None) => Verdict::Wrong(Error::Missing(proposer())),
        (Some(_), Some(reveal)) if reveal.height != block.height => {
            Verdict::Wrong(Error::Height { expected: block.height, found: reveal.height })
        }
        (Some(key), Some(reveal)) => match key.verify(&alpha(&block.chain_id, block.height, &value(before)?), &reveal.proof) {
            Ok(output) => Verdict::Fresh(output),
            Err(reason) => Verdict::Wrong(Error::Proof { proposer: proposer(), reason }),
        },
    })
}

/// The beacon before the block that `ctx` shows; before the first block it follows from the genesis state.
fn before(ctx: &Ctx) -> Result<Beacon> {
    let block = ctx.block();
    let height = block.height.checked_sub(1).ok_or(Error::Gap { latest: 0, height: block.height })?;
    match LATEST.get(ctx)? {
        None => {
            let value = first_value(&block.app_hash).to_vec();
            Ok(Beacon { height, value, fresh: false, proposer: Vec::new(), fresh_heights: 0 })
        }
        Some(latest) if latest == height => Ok(BEACONS.get(ctx, &latest)?.ok_or(Error::Corrupt("the newest beacon is missing"))?),
        Some(latest) => Err(Error::Gap { latest, height: block.height }.into()),
    }
}

/// The value of a stored beacon.
pub(crate) fn value(beacon: &Beacon) -> Result<[u8; 32], Error> {
    beacon.value.as_slice().try_into().map_err(|_| Error::Corrupt("a beacon's value has not 32 bytes"))
}

fn prune(ctx: &mut Ctx, height: u64) -> Result<()> {
    let oldest = height.saturating_sub(params(ctx)?.weak_after.saturating_add(MARGIN));
    let old = BEACONS.range(ctx, &[]).take(PRUNED_A_BLOCK).map(|entry| entry.map(|(height, _)| height)).collect::<Result<Vec<_>>>()?;
    old.iter().filter(|height| **height < oldest).try_for_each(|height| BEACONS.remove(ctx, height))
}
