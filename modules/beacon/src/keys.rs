//! Rotation of keys: who may give a validator another key, how its possession is shown, and from when it acts.
use cairn_kernel::{Address, Ctx, Result, chain32, tag};
use cairn_proto::cairn::beacon::v1::{EventBeaconKeyRotated, MsgRotateBeaconKey, NextKey, Params, Validator};

use crate::{
    Error, params, register,
    state::{KEYS, VALIDATORS},
    vrf::{KEY_LEN, PublicKey},
};

/// Verifying a proof, in gas: what opening a wrapped key costs, which takes as many multiplications of points.
pub(crate) const VERIFY_GAS: u64 = 5_000;

/// What a new key's proof of possession is made over, so that it serves nobody else, on no other chain, and is no block's value:
/// `tag | SHA-256(chain id) | u8 address length | operator | consensus address | key`, where `|` joins bytes. A key that is named for a
/// validator to come has no consensus address.
#[must_use]
pub fn possession(chain_id: &str, operator: &Address, validator: &[u8], key: &[u8; KEY_LEN]) -> Vec<u8> {
    let operator = operator.as_bytes();
    // Addresses have at most 32 bytes.
    let length = u8::try_from(operator.len()).unwrap_or(u8::MAX);
    [&tag("cairn.vrfkey.v1")[..], &chain32(chain_id), &[length], operator, validator, key].concat()
}

/// Registers a validator's next key; gives the height from which it acts. What it will be applied to must not be known to whoever chooses it,
/// so it can neither act earlier nor be taken back: both would let an operator choose between values.
pub(crate) fn rotate(ctx: &mut Ctx, m: MsgRotateBeaconKey) -> Result<u64> {
    let operator = Address::parse(&m.operator)?;
    let name = hex::encode(&m.validator);
    let validator = VALIDATORS.get(ctx, &m.validator)?.ok_or_else(|| Error::UnknownValidator(name.clone()))?;
    let mut validator = settled(validator, ctx.block().height);
    authorize(&validator, &operator)?;
    if let Some(next) = &validator.next {
        return Err(Error::RotationPending { validator: name, active_from: next.active_from }.into());
    }
    let key = PublicKey::parse(&m.vrf_key).map_err(Error::Key)?;
    if let Some(holder) = register::holder(ctx, key.as_bytes())? {
        return Err(Error::KeyTaken { key: hex::encode(&m.vrf_key), validator: holder }.into());
    }
    ctx.gas().consume_at(VERIFY_GAS, "proof of possession")?;
    let shown = possession(&ctx.block().chain_id, &operator, &m.validator, key.as_bytes());
    key.verify(&shown, &m.proof).map_err(Error::Possession)?;

    let active_from = acts_from(&params(ctx)?, ctx.block().height).max(validator.active_from);
    validator.next = Some(NextKey { vrf_key: m.vrf_key.clone(), active_from });
    write(ctx, &validator)?;
    ctx.emit(&EventBeaconKeyRotated { validator: m.validator, operator: m.operator, vrf_key: m.vrf_key, active_from });
    Ok(active_from)
}

/// Whose word rotates a validator's key: its operator's and nobody's else. The one place that decides it.
fn authorize(validator: &Validator, signer: &Address) -> Result<(), Error> {
    let found = signer.to_string();
    if validator.operator == found {
        return Ok(());
    }
    Err(Error::NotOperator { validator: hex::encode(&validator.address), operator: validator.operator.clone(), found })
}

/// Writes a validator's record, and whose its keys are.
pub(crate) fn write(ctx: &mut Ctx, validator: &Validator) -> Result<()> {
    erase(ctx, &validator.address)?;
    for key in of(validator) {
        KEYS.set(ctx, &key?, &validator.address)?;
    }
    VALIDATORS.set(ctx, &validator.address, validator)
}

/// Forgets a validator and its keys.
pub(crate) fn erase(ctx: &mut Ctx, address: &Vec<u8>) -> Result<()> {
    let Some(known) = VALIDATORS.get(ctx, address)? else { return Ok(()) };
    for key in of(&known) {
        KEYS.remove(ctx, &key?)?;
    }
    VALIDATORS.remove(ctx, address)
}

/// The keys in a validator's record.
pub(crate) fn of(validator: &Validator) -> impl Iterator<Item = Result<[u8; KEY_LEN], Error>> {
    let next = validator.next.iter().map(|next| &next.vrf_key);
    [&validator.vrf_key].into_iter().chain(next).map(|key| key.as_slice().try_into().map_err(|_| Error::Corrupt("a validator's key")))
}

/// The end of the epoch after the one that holds `height`: the first height of the next but one.
pub(crate) fn acts_from(params: &Params, height: u64) -> u64 {
    let epoch = params.epoch.max(1);
    height.checked_div(epoch).unwrap_or(0).saturating_add(2).saturating_mul(epoch)
}

/// A validator as of `height`: a next key whose time has come is its key.
pub(crate) fn settled(mut validator: Validator, height: u64) -> Validator {
    if let Some(NextKey { vrf_key, active_from }) = validator.next.take_if(|next| next.active_from <= height) {
        validator.vrf_key = vrf_key;
        validator.active_from = active_from;
    }
    validator
}
