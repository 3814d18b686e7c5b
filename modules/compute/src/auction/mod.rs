//! Auctions: classes of hardware, sealed offers, and what becomes of them. One auction a class at a time; it begins with its first offer, takes sealed
//! ones, lets them be opened, waits for a strong seed, and settles them a bounded number a block.
mod classes;
pub(crate) mod clearing;
mod genesis;
mod offers;
#[cfg(test)]
mod properties;
mod settle;

use cairn_beacon as beacon;
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::cairn::compute::v1::{Auction, Job, Offer, Params};

pub(crate) use classes::{load as class, set as set_class, takes_jobs};
pub(crate) use genesis::{export, init};
pub use offers::commitment;
pub(crate) use offers::{commit, reveal};

use crate::{
    Error,
    state::{AUCTIONS, OFFERS},
};

/// A job's bid in keys and commitments.
pub(crate) const BID: u32 = 0;
/// A provider's ask.
pub(crate) const ASK: u32 = 1;

/// Where an offer lies: class, side, and the job's number or the provider's address.
pub(crate) type OfferKey = (u64, u32, Vec<u8>);

/// The key of what `account` offers: for a job, or as a provider where that is 0.
pub(crate) fn key(class: u64, job: u64, account: &Address) -> OfferKey {
    if job > 0 { (class, BID, job.to_be_bytes().to_vec()) } else { (class, ASK, account.as_bytes().to_vec()) }
}

/// The key of an offer.
pub(crate) fn key_of(offer: &Offer) -> Result<OfferKey> {
    Ok(key(offer.class_id, offer.job_id, &Address::parse(&offer.account)?))
}

/// Whether a job stands in a running auction.
pub(crate) fn bids(ctx: &Ctx, job: &Job) -> Result<bool> {
    OFFERS.has(ctx, &(job.class_id, BID, job.id.to_be_bytes().to_vec()))
}

/// Carries auctions on whose offers are closed: finds prices where the seed is there, settles at most `most` offers.
pub(crate) fn run(ctx: &mut Ctx, most: u32) -> Result<()> {
    let height = ctx.block().height;
    let ended: Vec<Auction> = AUCTIONS
        .range(ctx, &[])
        .filter(|entry| entry.as_ref().map_or(true, |(_, auction)| auction.open_until < height))
        .map(|entry| entry.map(|(_, auction)| auction))
        .collect::<Result<_>>()?;
    let mut left = most;
    for auction in ended {
        // One that fails is tried again in the next block, and nothing else waits for it.
        left = ctx.atomic(|ctx| carry_on(ctx, auction, left)).unwrap_or(left);
        if left == 0 {
            break;
        }
    }
    Ok(())
}

/// Finds prices where the seed is there, and settles. Gives what is left of the budget.
fn carry_on(ctx: &mut Ctx, mut auction: Auction, most: u32) -> Result<u32> {
    if !auction.cleared {
        let Some(seed) = beacon::strong(ctx, auction.open_until)? else { return Ok(most) };
        settle::clear(ctx, &mut auction, &seed)?;
    }
    settle::offers(ctx, &auction, most)
}

/// The settings that an auction runs under.
pub(crate) fn params(auction: &Auction) -> Result<&Params, Error> {
    auction.params.as_ref().ok_or(Error::Broken("an auction without settings"))
}

/// An amount of an offer or auction.
pub(crate) fn amount(coin: Option<&cairn_proto::cosmos::base::v1beta1::Coin>) -> Result<u128> {
    Ok(Coin::try_from(coin.ok_or(Error::Broken("an offer without an amount"))?)?.amount)
}
