//! Classes, auctions and offers in the genesis file.
use cairn_kernel::{Address, Ctx, Result, key_prefix};
use cairn_proto::cairn::compute::v1::{Auction, Class, Genesis, Offer};

use super::{amount, classes, key_of, params};
use crate::{
    Error, programs, rules,
    state::{AUCTIONS, CLASS_IDS, CLASSES, OFFER_IDS, OFFERS},
};

fn wrong(fault: String) -> cairn_kernel::Error {
    Error::Genesis(fault).into()
}

/// Fills an empty store.
pub(crate) fn init(ctx: &mut Ctx, genesis: &Genesis) -> Result<()> {
    genesis.classes.iter().try_for_each(|class| init_class(ctx, class))?;
    genesis.auctions.iter().try_for_each(|auction| init_auction(ctx, auction))?;
    OFFER_IDS.set(ctx, genesis.offers_numbered)?;
    genesis.offers.iter().try_for_each(|offer| init_offer(ctx, offer, genesis.offers_numbered))
}

fn init_class(ctx: &mut Ctx, class: &Class) -> Result<()> {
    let expected = CLASS_IDS.next(ctx)?;
    if class.id != expected || expected > classes::MAX_CLASSES {
        return Err(wrong(format!("class {} stands where {expected} is expected", class.id)));
    }
    classes::check(class)?;
    if class.prices.len() > super::clearing::MEMORY {
        return Err(wrong(format!("class {expected} remembers too many prices")));
    }
    class.prices.iter().try_for_each(|price| rules::number(price).map(drop))?;
    CLASSES.set(ctx, &class.id, class)
}

fn init_auction(ctx: &mut Ctx, auction: &Auction) -> Result<()> {
    let class = classes::load(ctx, auction.class_id)?;
    rules::check_params(params(auction)?)?;
    amount(auction.buyers_pay.as_ref())?;
    amount(auction.sellers_get.as_ref())?;
    if class.epoch != auction.epoch || auction.open_until <= auction.bid_until || AUCTIONS.has(ctx, &class.id)? {
        return Err(wrong(format!("the auction of class {} is there twice, of another epoch, or has the wrong heights", class.id)));
    }
    AUCTIONS.set(ctx, &class.id, auction)
}

fn init_offer(ctx: &mut Ctx, offer: &Offer, numbered: u64) -> Result<()> {
    let place = key_of(offer)?;
    programs::hash(&offer.commitment)?;
    for coin in [&offer.ceiling, &offer.deposit, &offer.reserve] {
        amount(coin.as_ref())?;
    }
    if !offer.partner.is_empty() {
        Address::parse(&offer.partner)?;
    }
    let known = AUCTIONS.has(ctx, &offer.class_id)? && (1..=numbered).contains(&offer.number);
    if !known || OFFERS.has(ctx, &place)? {
        return Err(wrong(format!("offer {} is there twice, of no auction, or has no number", offer.number)));
    }
    OFFERS.set(ctx, &place, offer)
}

/// The inverse of [`init`].
pub(crate) fn export(ctx: &Ctx, genesis: &mut Genesis) -> Result<()> {
    genesis.classes = CLASSES.range(ctx, &[]).map(|entry| entry.map(|(_, class)| class)).collect::<Result<_>>()?;
    genesis.auctions = AUCTIONS.range(ctx, &[]).map(|entry| entry.map(|(_, auction)| auction)).collect::<Result<_>>()?;
    for auction in &genesis.auctions {
        for entry in OFFERS.range(ctx, &key_prefix(&auction.class_id)) {
            genesis.offers.push(entry?.1);
        }
    }
    genesis.offers_numbered = OFFER_IDS.last(ctx)?;
    Ok(())
}
