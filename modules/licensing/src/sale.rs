//! A sale: what is ordered, what its price becomes, and the licence that comes of it.
use cairn_asset as asset;
use cairn_kernel::{Address, Coin, Ctx, Result, bps};
use cairn_proto::{
    cairn::{
        asset::v1::Asset,
        licensing::v1::{License, LicenseStatus, MsgBuyLicense, SigningKey, Terms, TermsContent},
        rewards::v1::ContributionKind,
    },
    cosmos::base::v1beta1 as proto,
};
use cairn_rewards as rewards;

use crate::{
    Error,
    check::{self, Owed},
    escrow, keys,
    state::{self, BY_ASSET, IDS, TERMS},
};

/// A purchase that may go through.
pub(crate) struct Order {
    /// The whole price; `None`: free of charge.
    pub(crate) price: Option<Coin>,
    buyer: Address,
    licensed: Asset,
    licensee: Address,
    users: Vec<String>,
    key: [u8; 32],
    terms: Terms,
    content: TermsContent,
    periods: u32,
    owed: Option<Owed>,
    public_key: Vec<u8>,
    signing_key: Option<SigningKey>,
}

/// Checks a purchase against its terms.
pub(crate) fn order(ctx: &Ctx, m: &MsgBuyLicense) -> Result<Order> {
    let buyer = Address::parse(&m.buyer)?;
    let licensee = if m.licensee.is_empty() { buyer } else { Address::parse(&m.licensee)? };
    let (key, terms) = state::terms(ctx, &m.terms_id)?;
    check_open(&terms)?;
    let content = terms.content.clone().ok_or(Error::NoContent)?;
    let licensed = asset::asset(ctx, content.asset_id)?;
    let owed = check::sellable(ctx, &licensed, &content)?;
    if owed.is_some() && content.key_bond.is_none() {
        return Err(Error::Encrypted(licensed.id).into());
    }
    let periods = check::periods(content.pricing(), m.periods)?;
    let price = check::payment(&check::purchase_prices(&content)?, periods, offered(m.payment.as_ref())?)?;
    check::keys(&content, owed.is_some(), &m.public_key, m.signing_key.as_ref())?;
    let users = check::users(&licensee.to_string(), &m.users, content.seats)?;
    extend(ctx.block().height, content.term_blocks, periods)?;
    let (public_key, signing_key) = (m.public_key.clone(), m.signing_key.clone());
    Ok(Order { price, buyer, licensed, licensee, users, key, terms, content, periods, owed, public_key, signing_key })
}

/// Takes the price of a purchase and writes its licence. Gives the fee where the sale is final.
pub(crate) fn issue(ctx: &mut Ctx, order: &Order) -> Result<(License, Option<Coin>)> {
    let new = new_license(ctx, order)?;
    let (license, fee) = if order.content.needs_approval {
        hold(ctx, order)?;
        let deadline = ctx.block().height.checked_add(state::params(ctx)?.approval_blocks).ok_or(Error::Overflow)?;
        (License { status: LicenseStatus::Pending.into(), deadline, ..new }, None)
    } else if new.key.is_some() {
        hold(ctx, order)?;
        (keys::wait(ctx, new)?, None)
    } else {
        let (price, fee_bps) = (order.price.as_ref(), new.fee_bps);
        let fee = price.map(|price| settle(ctx, &order.buyer, order.licensed.id, price, fee_bps)).transpose()?;
        (begin(ctx, License { escrow: None, ..new }, &order.content)?.0, fee)
    };
    state::add(ctx, &license)?;
    BY_ASSET.insert(ctx, &(license.asset_id, license.id))?;
    let sold = order.terms.sold.checked_add(1).ok_or(Error::Overflow)?;
    TERMS.set(ctx, &order.key, &Terms { sold, ..order.terms.clone() })?;
    Ok((license, fee))
}

fn hold(ctx: &mut Ctx, order: &Order) -> Result<()> {
    order.price.as_ref().map_or(Ok(()), |price| escrow::take(ctx, &order.buyer, price))
}

/// The licence of a purchase before anything happens to it, its price counted as held.
fn new_license(ctx: &mut Ctx, order: &Order) -> Result<License> {
    let key = match order.owed {
        Some(owed) => Some(keys::prepare(ctx, &order.licensed.owner, owed, &order.content, &order.public_key)?),
        None => None,
    };
    Ok(License {
        id: IDS.next(ctx)?,
        terms_id: order.terms.id.clone(),
        asset_id: order.licensed.id,
        licensee: order.licensee.to_string(),
        users: order.users.clone(),
        paid: order.price.iter().map(Into::into).collect(),
        escrow: order.price.as_ref().map(Into::into),
        buyer: order.buyer.to_string(),
        fee_bps: state::params(ctx)?.fee_bps,
        periods: order.periods,
        signing_key: order.signing_key.clone(),
        key,
        ..License::default()
    })
}

/// Starts the term of a licence that nothing holds up any more, and makes what is held of its price the asset's income.
pub(crate) fn begin(ctx: &mut Ctx, license: License, content: &TermsContent) -> Result<(License, Option<Coin>)> {
    let starts = ctx.block().height;
    let expires = extend(starts, content.term_blocks, license.periods)?;
    escrow::release(ctx, License { starts, expires, ..license })
}

/// Takes `price` from `payer`: the fee to rewards, where it counts as a contribution of the asset's owner, the rest as the asset's income.
/// Gives the fee.
pub(crate) fn settle(ctx: &mut Ctx, payer: &Address, asset: u64, price: &Coin, fee_bps: u32) -> Result<Coin> {
    let amount = bps(price.amount, fee_bps).ok_or(Error::Overflow)?;
    let fee = Coin { amount, denom: price.denom.clone() };
    let rest = Coin { amount: price.amount.checked_sub(amount).ok_or(Error::Overflow)?, denom: price.denom.clone() };
    let owner = Address::parse(&asset::asset(ctx, asset)?.owner)?;
    rewards::take_fee(ctx, payer, &fee, ContributionKind::License, &[(owner, 1)])?;
    if rest.amount > 0 {
        asset::pay(ctx, asset, payer, &[rest])?;
    }
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

/// A fee as events show it.
pub(crate) fn visible(fee: Option<Coin>) -> Option<proto::Coin> {
    fee.filter(|fee| fee.amount > 0).map(Into::into)
}
