//! What owners deposit so that buyers of encrypted content need not trust them: of it a bond is locked for each key that is due.
use cairn_kernel::{Address, BASE_DENOM, Coin, Ctx, Result};
use cairn_proto::{
    cairn::licensing::v1::{EventKeyBondDeposited, EventKeyBondWithdrawn, KeyDeposit},
    cosmos::base::v1beta1 as proto,
};

use crate::{Error, escrow, state::KEY_DEPOSITS};

/// An owner's deposit in ucairn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Deposit {
    /// May be withdrawn or locked.
    pub(crate) free: u128,
    /// Bonds of licences whose key is not final.
    pub(crate) locked: u128,
}

impl Deposit {
    /// What the deposit is on record.
    pub(crate) fn read(record: &KeyDeposit) -> Result<Self> {
        let amount = |coin: &Option<proto::Coin>| match coin {
            None => Ok(0),
            Some(coin) => base(Coin::try_from(coin)?),
        };
        Ok(Self { free: amount(&record.free)?, locked: amount(&record.locked)? })
    }
    /// Both parts together.
    pub(crate) fn total(self) -> Result<u128, Error> {
        self.free.checked_add(self.locked).ok_or(Error::Overflow)
    }
}

/// The deposit of an account.
pub(crate) fn of(ctx: &Ctx, owner: &Address) -> Result<Deposit> {
    KEY_DEPOSITS.get(ctx, owner)?.map_or(Ok(Deposit::default()), |record| Deposit::read(&record))
}

/// Writes a deposit; an empty one is forgotten.
pub(crate) fn set(ctx: &mut Ctx, owner: &Address, deposit: Deposit) -> Result<()> {
    if deposit == Deposit::default() {
        return KEY_DEPOSITS.remove(ctx, owner);
    }
    KEY_DEPOSITS.set(ctx, owner, &record(owner, deposit))
}

/// A deposit as queries and genesis show it.
pub(crate) fn record(owner: &Address, deposit: Deposit) -> KeyDeposit {
    let coin = |amount| Some((&Coin::base(amount)).into());
    KeyDeposit { owner: owner.to_string(), free: coin(deposit.free), locked: coin(deposit.locked) }
}

/// Takes more into a deposit.
pub(crate) fn put_in(ctx: &mut Ctx, owner: &str, amount: Option<&proto::Coin>) -> Result<()> {
    let (owner, added) = (Address::parse(owner)?, positive(amount)?);
    let before = of(ctx, &owner)?;
    let free = before.free.checked_add(added).ok_or(Error::Overflow)?;

    escrow::take(ctx, &owner, &Coin::base(added))?;
    set(ctx, &owner, Deposit { free, ..before })?;
    ctx.emit(&EventKeyBondDeposited { owner: owner.to_string(), amount: Some((&Coin::base(added)).into()) });
    Ok(())
}

/// Gives of a deposit back what is not locked.
pub(crate) fn take_out(ctx: &mut Ctx, owner: &str, amount: Option<&proto::Coin>) -> Result<()> {
    let (owner, wanted) = (Address::parse(owner)?, positive(amount)?);
    let before = of(ctx, &owner)?;
    let free = before.free.checked_sub(wanted).ok_or(Error::KeyDeposit { owner: owner.to_string(), free: before.free, wanted })?;

    set(ctx, &owner, Deposit { free, ..before })?;
    escrow::give(ctx, &owner, &Coin::base(wanted))?;
    ctx.emit(&EventKeyBondWithdrawn { owner: owner.to_string(), amount: Some((&Coin::base(wanted)).into()) });
    Ok(())
}

/// Locks a bond.
///
/// # Errors
/// [`Error::KeyDeposit`] where less is free.
pub(crate) fn lock(ctx: &mut Ctx, owner: &Address, bond: u128) -> Result<()> {
    let before = of(ctx, owner)?;
    let free = before.free.checked_sub(bond).ok_or(Error::KeyDeposit { owner: owner.to_string(), free: before.free, wanted: bond })?;
    let locked = before.locked.checked_add(bond).ok_or(Error::Overflow)?;
    set(ctx, owner, Deposit { free, locked })
}

/// Unlocks a bond, of which `lost` leaves the deposit; the caller moves that.
pub(crate) fn unlock(ctx: &mut Ctx, owner: &Address, bond: u128, lost: u128) -> Result<()> {
    let before = of(ctx, owner)?;
    let locked = before.locked.checked_sub(bond).ok_or(Error::Overflow)?;
    let kept = bond.checked_sub(lost).ok_or(Error::Overflow)?;
    let free = before.free.checked_add(kept).ok_or(Error::Overflow)?;
    set(ctx, owner, Deposit { free, locked })
}

/// An amount of ucairn above zero.
fn positive(coin: Option<&proto::Coin>) -> Result<u128> {
    let coin = coin.map(Coin::try_from).transpose()?.ok_or_else(|| Error::BondDenom("nothing".to_owned()))?;
    base(coin.positive()?)
}

/// The amount of a coin that must be ucairn.
pub(crate) fn base(coin: Coin) -> Result<u128> {
    if coin.denom == BASE_DENOM { Ok(coin.amount) } else { Err(Error::BondDenom(coin.to_string()).into()) }
}
