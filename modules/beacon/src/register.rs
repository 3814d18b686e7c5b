//! Keys of validators to come. `MsgCreateValidator` of the Cosmos SDK has no field for a beacon key, so an operator names it beforehand, in a
//! message of its own or of the same transaction.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::beacon::v1::{EventBeaconKeyRegistered, MsgRegisterBeaconKey, RegisteredKey};

use crate::{
    Error,
    keys::{VERIFY_GAS, possession},
    state::{KEYS, REGISTERED, REGISTERED_BY},
    vrf::{KEY_LEN, PublicKey},
};

/// Names the key of the validator that the operator will create; one that it named before is forgotten.
pub(crate) fn register(ctx: &mut Ctx, m: &MsgRegisterBeaconKey) -> Result<()> {
    let operator = Address::parse(&m.operator)?;
    if cairn_staking::validator(ctx, &operator)?.is_some() {
        return Err(Error::HasValidator(m.operator.clone()).into());
    }
    let key = PublicKey::parse(&m.vrf_key).map_err(Error::Key)?;
    match holder(ctx, key.as_bytes())? {
        Some(holder) if holder != m.operator => return Err(Error::KeyTaken { key: hex::encode(&m.vrf_key), validator: holder }.into()),
        _ => {}
    }
    ctx.gas().consume_at(VERIFY_GAS, "proof of possession")?;
    let shown = possession(&ctx.block().chain_id, &operator, &[], key.as_bytes());
    key.verify(&shown, &m.proof).map_err(Error::Possession)?;
    forget(ctx, &operator)?;
    write(ctx, &operator, key.as_bytes())?;
    ctx.emit(&EventBeaconKeyRegistered { operator: m.operator.clone(), vrf_key: m.vrf_key.clone() });
    Ok(())
}

/// Who has a key, waits for it or had it until its next one came: a validator by its consensus address, or an operator.
pub(crate) fn holder(ctx: &Ctx, key: &[u8; KEY_LEN]) -> Result<Option<String>> {
    if let Some(address) = KEYS.get(ctx, key)? {
        return Ok(Some(hex::encode(address)));
    }
    REGISTERED_BY.get(ctx, key)?.map(|operator| Ok(Address::new(&operator)?.to_string())).transpose()
}

/// Writes the key that an operator named.
pub(crate) fn write(ctx: &mut Ctx, operator: &Address, key: &[u8; KEY_LEN]) -> Result<()> {
    REGISTERED_BY.set(ctx, key, &operator.as_bytes().to_vec())?;
    REGISTERED.set(ctx, operator, &RegisteredKey { operator: operator.to_string(), vrf_key: key.to_vec() })
}

/// Takes the key that the operator named, for the validator that it creates.
pub(crate) fn take(ctx: &mut Ctx, operator: &Address) -> Result<Vec<u8>> {
    let named = REGISTERED.get(ctx, operator)?.ok_or_else(|| Error::NoKey(operator.to_string()))?;
    forget(ctx, operator)?;
    Ok(named.vrf_key)
}

fn forget(ctx: &mut Ctx, operator: &Address) -> Result<()> {
    let Some(named) = REGISTERED.get(ctx, operator)? else { return Ok(()) };
    let key: [u8; KEY_LEN] = named.vrf_key.as_slice().try_into().map_err(|_| Error::Corrupt("a registered key"))?;
    REGISTERED_BY.remove(ctx, &key)?;
    REGISTERED.remove(ctx, operator)
}
