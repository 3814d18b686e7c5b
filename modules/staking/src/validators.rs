//! The records of validators and the indexes that follow them.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::{
    Any,
    cosmos::{
        crypto::ed25519::PubKey,
        staking::v1beta1::{BondStatus, Validator},
    },
    unpack,
};
use sha2::{Digest, Sha256};

use crate::{
    Error, Stake, hooks,
    state::{BY_CONSENSUS, BY_POWER, VALIDATORS},
};

/// Prefix of operators' addresses.
pub const OPERATOR_PREFIX: &str = "cairnvaloper";
/// Prefix of consensus addresses.
pub const CONSENSUS_PREFIX: &str = "cairnvalcons";

/// The validator under this operator.
pub fn validator(ctx: &Ctx, operator: &Address) -> Result<Option<Validator>> {
    VALIDATORS.get(ctx, operator)
}

/// Every validator by operator, in whatever status.
pub fn all_validators(ctx: &Ctx) -> impl Iterator<Item = Result<(Address, Validator)>> {
    VALIDATORS.range(ctx, &[])
}

/// The validator that signs under this consensus address.
pub fn by_consensus(ctx: &Ctx, consensus: &Address) -> Result<Option<Validator>> {
    match BY_CONSENSUS.get(ctx, consensus)? {
        Some(operator) => validator(ctx, &Address::new(&operator)?),
        None => Ok(None),
    }
}

/// The validator under this operator, which must exist.
pub(crate) fn need(ctx: &Ctx, operator: &Address) -> Result<Validator> {
    Ok(validator(ctx, operator)?.ok_or(Error::NoValidator)?)
}

/// The account that operates the validator.
pub fn operator(validator: &Validator) -> Result<Address> {
    Address::parse_with(OPERATOR_PREFIX, &validator.operator_address)
}

/// An operator as text.
#[must_use]
pub fn operator_text(operator: &Address) -> String {
    operator.to_bech32(OPERATOR_PREFIX)
}

/// The validator's consensus key.
pub fn consensus_key(validator: &Validator) -> Result<[u8; 32]> {
    read_key(validator.consensus_pubkey.as_ref())
}

/// The address that consensus knows the validator by.
pub fn consensus_address(validator: &Validator) -> Result<Address> {
    address_of(&consensus_key(validator)?)
}

/// The first 20 bytes of SHA-256 of a key.
pub(crate) fn address_of(key: &[u8; 32]) -> Result<Address> {
    let hash: Vec<u8> = Sha256::digest(key).iter().take(20).copied().collect();
    Address::new(&hash)
}

/// An Ed25519 key of 32 bytes.
pub(crate) fn read_key(key: Option<&Any>) -> Result<[u8; 32]> {
    let refuse = |found: &str| Error::KeyType(found.chars().take(60).collect());
    let key = key.ok_or_else(|| refuse("none"))?;
    let found: PubKey = unpack(key).map_err(|_| refuse(&key.type_url))?;
    Ok(found.key.as_slice().try_into().map_err(|_| refuse("a key that has not 32 bytes"))?)
}

/// Where the validator stands in the order of election: more power first, among equals the lower operator. `None` while it is jailed.
pub(crate) fn rank(validator: &Validator) -> Result<Option<(u64, Address)>> {
    if validator.jailed {
        return Ok(None);
    }
    let complement: Vec<u8> = operator(validator)?.as_bytes().iter().map(|byte| !byte).collect();
    Ok(Some((Stake::of(validator)?.power(), Address::new(&complement)?)))
}

/// The operator of a place in the order.
pub(crate) fn ranked((_, complement): &(u64, Address)) -> Result<Address> {
    let operator: Vec<u8> = complement.as_bytes().iter().map(|byte| !byte).collect();
    Address::new(&operator)
}

/// Writes a new validator.
pub(crate) fn insert(ctx: &mut Ctx, validator: &Validator) -> Result<()> {
    let operator = operator(validator)?;
    VALIDATORS.set(ctx, &operator, validator)?;
    BY_CONSENSUS.set(ctx, &consensus_address(validator)?, &operator.as_bytes().to_vec())?;
    match rank(validator)? {
        Some(rank) => BY_POWER.insert(ctx, &rank),
        None => Ok(()),
    }
}

/// Writes a validator that was `before`; its place in the order follows.
pub(crate) fn replace(ctx: &mut Ctx, before: &Validator, after: &Validator) -> Result<()> {
    let (old, new) = (rank(before)?, rank(after)?);
    if old != new {
        if let Some(rank) = old {
            BY_POWER.remove(ctx, &rank)?;
        }
        if let Some(rank) = new {
            BY_POWER.insert(ctx, &rank)?;
        }
    }
    VALIDATORS.set(ctx, &operator(after)?, after)
}

/// Writes another stake of a validator.
pub(crate) fn restake(ctx: &mut Ctx, before: &Validator, stake: Stake) -> Result<()> {
    replace(ctx, before, &stake.within(before))
}

/// Forgets a validator that is unbonded and has no delegations left.
pub(crate) fn remove(ctx: &mut Ctx, validator: &Validator) -> Result<()> {
    let stake = Stake::of(validator)?;
    if validator.status() != BondStatus::Unbonded || stake.tokens > 0 || !stake.shares.is_zero() {
        return Err(Error::Corrupt("a validator is removed that still has delegations").into());
    }
    let (operator, consensus) = (operator(validator)?, consensus_address(validator)?);
    VALIDATORS.remove(ctx, &operator)?;
    BY_CONSENSUS.remove(ctx, &consensus)?;
    if let Some(rank) = rank(validator)? {
        BY_POWER.remove(ctx, &rank)?;
    }
    hooks::each(ctx, |hook, ctx| hook.after_validator_removed(ctx, &consensus, &operator))
}

/// Takes a validator out of the election: at the end of the block it leaves the set.
///
/// # Errors
/// [`Error::NoValidator`], [`Error::JailState`].
pub fn jail(ctx: &mut Ctx, consensus: &Address) -> Result<()> {
    set_jailed(ctx, consensus, true)
}

/// Lets a validator into the election again.
///
/// # Errors
/// [`Error::NoValidator`], [`Error::JailState`].
pub fn unjail(ctx: &mut Ctx, consensus: &Address) -> Result<()> {
    set_jailed(ctx, consensus, false)
}

fn set_jailed(ctx: &mut Ctx, consensus: &Address, jailed: bool) -> Result<()> {
    let validator = by_consensus(ctx, consensus)?.ok_or(Error::NoValidator)?;
    if validator.jailed == jailed {
        return Err(Error::JailState { operator: validator.operator_address, jailed }.into());
    }
    replace(ctx, &validator, &Validator { jailed, ..validator.clone() })
}
