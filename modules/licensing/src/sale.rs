//! A sale: what is ordered, what its price becomes, and the licence that comes of it.
use cairn_asset as asset;
use cairn_kernel::{Address, Coin, Ctx, Result, bps};
use cairn_proto::{
    cairn::{
        asset::v1::Asset,
        licensing::v1::{License, MsgBuyLicense, Terms},
        rewards::v1::ContributionKind,
    },
    coin,
    cosmos::base::v1beta1 as proto,
};
use cairn_rewards as rewards;

use crate::{
    Error, check,
    state::{self, BY_ASSET, BY_LICENSEE, IDS, LICENSES, TERMS},
};

/// A purchase that may go through.
pub(crate) struct Order {
    /// Who pays.
    pub(crate) buyer: Address,
    /// What is licensed.
    pub(crate) licensed: Asset,
    /// The whole price; `None`: free of charge.
    pub(crate) price: Option<Coin>,
    licensee: Address,
    users: Vec<String>,
    key: [u8; 32],
    terms: Terms,
    expires: u64,
}

/// Checks a purchase against its terms.
pub(crate) fn order(ctx: &Ctx, m: &MsgBuyLicense) -> Result<Order> {
    let buyer = Address::parse(&m.buyer)?;
    let licensee = if m.licensee.is_empty() { buyer } else { Address::parse(&m.licensee)? };
    let (key, terms) = state::terms(ctx, &m.terms_id)?;
    check_open(&terms)?;
    let content = terms.content.clone().ok_or(Error::NoContent)?;
    let licensed = asset::asset(ctx, content.asset_id)?;
    check::sellable(ctx, &licensed, &content.versions)?;
    let periods = check::periods(content.pricing(), m.periods)?;
    let price = check::payment(&coin::coins(&content.prices)?, periods, offered(m.payment.as_ref())?)?;
    let users = check::users(&licensee.to_string(), &m.users, content.seats)?;
    let expires = extend(ctx.block().height, content.term_blocks, periods)?;
    Ok(Order { buyer, licensed, price, licensee, users, key, terms, expires })
}

/// Writes the licence of a purchase that was paid.
pub(crate) fn issue(ctx: &mut Ctx, order: &Order) -> Result<License> {
    let license = License {
        id: IDS.next(ctx)?,
        terms_id: order.terms.id.clone(),
        asset_id: order.licensed.id,
        licensee: order.licensee.to_string(),
        users: order.users.clone(),
        starts: ctx.block().height,
        expires: order.expires,
        paid: order.price.iter().map(Into::into).collect(),
    };
    LICENSES.set(ctx, &license.id, &license)?;
    BY_LICENSEE.insert(ctx, &(order.licensee, license.id))?;
    BY_ASSET.insert(ctx, &(license.asset_id, license.id))?;
    state::seat(ctx, &license, true)?;
    let sold = order.terms.sold.checked_add(1).ok_or(Error::Overflow)?;
    TERMS.set(ctx, &order.key, &Terms { sold, ..order.terms.clone() })?;
    Ok(license)
}

/// Takes `price` from `payer`: the fee to rewards, where it counts as a contribution of the asset's owner, the rest as the asset's income.
/// Gives the fee.
pub(crate) fn settle(ctx: &mut Ctx, payer: &Address, licensed: &Asset, price: &Coin) -> Result<Coin> {
    let amount = bps(price.amount, state::params(ctx)?.fee_bps).ok_or(Error::Overflow)?;
    let fee = Coin { amount, denom: price.denom.clone() };
    let rest = Coin { amount: price.amount.checked_sub(amount).ok_or(Error::Overflow)?, denom: price.denom.clone() };
    let owner = Address::parse(&licensed.owner)?;
    rewards::take_fee(ctx, payer, &fee, ContributionKind::License, &[(owner, 1)])?;
    asset::pay(ctx, licensed.id, payer, &[rest])?;
    Ok(fee)
}

/// Refuses terms under which nothing is sold any more.
pub(crate) fn check_open(terms: &Terms) -> Result<(), Error> {
    if terms.retired_height == 0 { Ok(()) } else { Err(Error::Retired(terms.id.clone())) }
}

/// The first height after `periods` terms from `start` on; 0, for ever, where a term is 0.
pub(crate) fn extend(start: u64, term_blocks: u64, periods: u32) -> Result<u64, Error> {
    if term_blocks == 0 {
        return Ok(0);
    }
    let blocks = term_blocks.checked_mul(u64::from(periods)).ok_or(Error::Overflow)?;
    start.checked_add(blocks).ok_or(Error::Overflow)
}

/// A message's payment, if it has one.
pub(crate) fn offered(payment: Option<&proto::Coin>) -> Result<Option<Coin>> {
    payment.map(Coin::try_from).transpose()
}
