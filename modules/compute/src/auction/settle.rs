//! From opened offers to jobs that run: prices are found at once, offers are settled a bounded number a block, bids before asks.
use std::collections::BTreeMap;

use cairn_bank as bank;
use cairn_beacon::{Draw, Seed};
use cairn_kernel::{Address, BPS, Coin, Ctx, Result, key_prefix};
use cairn_proto::cairn::compute::v1::{Auction, EventAuctionCleared, EventBidForfeited, EventJobAccepted, JobState, Offer};
use cairn_rewards as rewards;

use super::{
    BID, amount, classes,
    clearing::{self, Ask, Bid, Clearing, MEMORY},
    key, key_of,
    offers::side,
    params,
};
use crate::{
    ACCOUNT, Error, jobs,
    providers::{self, coin},
    state::{AUCTIONS, CLASSES, OFFERS},
};

/// Purpose of the draw of ties in the beacon's streams.
const PURPOSE: u8 = 3;

/// Finds prices and partners.
pub(super) fn clear(ctx: &mut Ctx, auction: &mut Auction, seed: &Seed) -> Result<()> {
    let mut class = classes::load(ctx, auction.class_id)?;
    let past = class.prices.iter().map(|price| crate::rules::number(price)).collect::<Result<Vec<_>, _>>()?;
    let (mut bids, mut asks, mut by_number) = (Vec::new(), Vec::new(), BTreeMap::new());
    for entry in OFFERS.range(ctx, &key_prefix(&auction.class_id)) {
        let (_, offer) = entry?;
        let Some(price) = &offer.price else { continue };
        let (id, price) = (offer.number, Coin::try_from(price)?.amount);
        let tie = Draw::new(&seed.bytes, PURPOSE, id).below(u64::MAX)?;
        if side(&offer) == BID {
            bids.push(Bid { id, price, tie })
        } else {
            asks.push(Ask { id, price, capacity: offer.capacity, tie })
        }
        by_number.insert(id, offer);
    }
    let found = clearing::clear(&bids, &asks, clearing::median(&past))?;
    for (bid, ask) in &found.trades {
        let provider = by_number.get(ask).ok_or(Error::Broken("a trade of no ask"))?.account.clone();
        let offer = by_number.get_mut(bid).ok_or(Error::Broken("a trade of no bid"))?;
        offer.partner = provider;
        OFFERS.set(ctx, &key_of(offer)?, offer)?;
    }
    if let Some(price) = clearing::remembered(&found, clearing::median(&past))? {
        class.prices.push(price.to_string());
        class.prices.drain(..class.prices.len().saturating_sub(MEMORY));
        CLASSES.set(ctx, &class.id, &class)?;
    }
    publish(ctx, auction, &found, seed)
}

fn publish(ctx: &mut Ctx, auction: &mut Auction, found: &Clearing, seed: &Seed) -> Result<()> {
    auction.cleared = true;
    (auction.buyers_pay, auction.sellers_get) = (Some(coin(found.buyers_pay)), Some(coin(found.sellers_get)));
    auction.trades = u32::try_from(found.trades.len()).map_err(|_| Error::Overflow)?;
    (auction.seed_height, auction.weak) = (seed.height, seed.weak);
    AUCTIONS.set(ctx, &auction.class_id, auction)?;
    ctx.emit(&EventAuctionCleared {
        class_id: auction.class_id,
        epoch: auction.epoch,
        trades: auction.trades,
        buyers_pay: auction.buyers_pay.clone(),
        sellers_get: auction.sellers_get.clone(),
        seed_height: seed.height,
        weak: seed.weak,
    });
    Ok(())
}

/// Settles at most `most` offers of an auction whose prices are found, and ends it with the last one. Gives what is left of the budget.
pub(super) fn offers(ctx: &mut Ctx, auction: &Auction, most: u32) -> Result<u32> {
    for done in 0..most {
        let Some(entry) = OFFERS.range(ctx, &key_prefix(&auction.class_id)).next() else {
            AUCTIONS.remove(ctx, &auction.class_id)?;
            return Ok(most.saturating_sub(done));
        };
        let (place, offer) = entry?;
        ctx.atomic(|ctx| {
            deposit(ctx, auction, &offer)?;
            if !offer.partner.is_empty() {
                trade(ctx, auction, &offer)?;
            }
            if offer.job_id == 0 {
                providers::free(ctx, &Address::parse(&offer.account)?, amount(offer.reserve.as_ref())?)?;
            }
            OFFERS.remove(ctx, &place)
        })?;
    }
    Ok(0)
}

/// A deposit returns, or is burnt where the offer was not opened.
fn deposit(ctx: &mut Ctx, auction: &Auction, offer: &Offer) -> Result<()> {
    let held = Coin::base(amount(offer.deposit.as_ref())?);
    if offer.price.is_some() {
        return bank::send(ctx, &ACCOUNT.address(), &Address::parse(&offer.account)?, &[held]);
    }
    rewards::forfeit(ctx, &ACCOUNT.address(), &held, BPS)?;
    ctx.emit(&EventBidForfeited {
        class_id: auction.class_id,
        epoch: auction.epoch,
        account: offer.account.clone(),
        job_id: offer.job_id,
        lost: Some(held.into()),
    });
    Ok(())
}

/// Gives a job to the provider that its bid found: what it bid too much returns, and the bond that was reserved for it is the job's:
/// of the whole ceiling, so that a low price makes no failure cheap.
fn trade(ctx: &mut Ctx, auction: &Auction, offer: &Offer) -> Result<()> {
    let provider = Address::parse(&offer.partner)?;
    let place = key(auction.class_id, 0, &provider);
    let mut ask = OFFERS.get(ctx, &place)?.ok_or(Error::Broken("a trade of no ask"))?;
    let (pays, ceiling) = (amount(auction.buyers_pay.as_ref())?, amount(ask.ceiling.as_ref())?);
    let gets = amount(auction.sellers_get.as_ref())?.min(ceiling);
    let unit = ceiling.checked_mul(params(auction)?.bond_multiple.into()).ok_or(Error::Overflow)?;
    let reserve = amount(ask.reserve.as_ref())?.checked_sub(unit).ok_or(Error::Broken("an ask with more trades than places"))?;
    ask.reserve = Some(coin(reserve));
    OFFERS.set(ctx, &place, &ask)?;

    let mut job = jobs::load(ctx, offer.job_id)?;
    let back = jobs::price(&job)?.checked_sub(pays).ok_or(Error::Broken("a trade above its bid"))?;
    bank::send(ctx, &ACCOUNT.address(), &Address::parse(&job.requester)?, &[Coin::base(back)])?;
    (job.price, job.surplus) = (Some(coin(gets)), Some(coin(pays.checked_sub(gets).ok_or(Error::Overflow)?)));
    job.set_state(JobState::Running);
    (job.provider, job.locked) = (offer.partner.clone(), Some(coin(unit)));
    let due = jobs::after(ctx, job.run_blocks)?;
    jobs::save(ctx, &mut job, due)?;
    ctx.emit(&EventJobAccepted { job_id: job.id, provider: job.provider, due });
    Ok(())
}
