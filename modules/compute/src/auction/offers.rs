//! Sealed offers and their openings.
use std::cmp::Reverse;

use cairn_bank as bank;
use cairn_kernel::{Address, BPS, Coin, Ctx, Result, chain32, key_prefix, tag};
use cairn_proto::cairn::compute::v1::{
    Auction, EventBidCommitted, EventBidDisplaced, EventBidRevealed, Job, JobState, MsgCommitBid, MsgRevealBid, Offer,
};
use cairn_rewards as rewards;
use sha2::{Digest, Sha256};

use super::{ASK, BID, OfferKey, amount, classes, clearing, key, params};
use crate::{
    ACCOUNT, Error, jobs, programs,
    providers::{self, coin},
    rules,
    state::{AUCTIONS, CLASSES, OFFER_IDS, OFFERS},
};

/// Most jobs of an ask.
const MAX_CAPACITY: u32 = 64;

/// What seals a price: SHA-256 of `tag("cairn.bid.v1") | SHA-256(chain id) | u64 class | u32 epoch | u8 length of the address | address | u8 side |
/// u64 job | u128 price | salt`. No commitment is valid for another account, side, job, epoch or chain.
#[must_use]
pub fn commitment(chain_id: &str, class: u64, epoch: u32, bidder: &Address, job: u64, price: u128, salt: &[u8; 32]) -> [u8; 32] {
    let address = bidder.as_bytes();
    let length = u8::try_from(address.len()).unwrap_or(u8::MAX); // at most 32 by construction
    let hash = Sha256::new().chain_update(tag("cairn.bid.v1")).chain_update(chain32(chain_id)).chain_update(class.to_be_bytes());
    let hash = hash.chain_update(epoch.to_be_bytes()).chain_update([length]).chain_update(address).chain_update([u8::from(job == 0)]);
    hash.chain_update(job.to_be_bytes()).chain_update(price.to_be_bytes()).chain_update(salt).finalize().into()
}

/// Makes a sealed offer. Gives first and last height of its opening.
pub(crate) fn commit(ctx: &mut Ctx, bidder: &Address, m: MsgCommitBid) -> Result<(u64, u64)> {
    programs::hash(&m.commitment)?;
    let mut auction = taking(ctx, m.class_id, m.epoch)?;
    let place = key(m.class_id, m.job_id, bidder);
    if OFFERS.has(ctx, &place)? {
        return Err(Error::AlreadyBid(bidder.to_string()).into());
    }
    let most = params(&auction)?.max_offers;
    let count = if m.job_id > 0 { &mut auction.bids } else { &mut auction.asks };
    let full = *count >= most;
    if !full {
        *count = count.checked_add(1).ok_or(Error::Overflow)?;
    }
    let offer = if m.job_id > 0 { bid(ctx, &auction, bidder, &m)? } else { ask(ctx, &auction, bidder, &m)? };
    if full {
        make_room(ctx, &offer, m.class_id, most)?;
    }
    take_money(ctx, bidder, &auction, offer, m.commitment, &place)?;

    let mut class = classes::load(ctx, m.class_id)?;
    class.epoch = m.epoch;
    CLASSES.set(ctx, &m.class_id, &class)?;
    AUCTIONS.set(ctx, &m.class_id, &auction)?;
    ctx.emit(&EventBidCommitted { class_id: m.class_id, epoch: m.epoch, account: bidder.to_string(), job_id: m.job_id });
    Ok((auction.bid_until.checked_add(1).ok_or(Error::Overflow)?, auction.open_until))
}

/// The auction that takes offers of an epoch now; a new one where none runs.
fn taking(ctx: &Ctx, class_id: u64, epoch: u32) -> Result<Auction> {
    let class = classes::takes_jobs(ctx, class_id)?;
    let running = AUCTIONS.get(ctx, &class_id)?;
    let expected = if running.is_some() { class.epoch } else { class.epoch.checked_add(1).ok_or(Error::Overflow)? };
    let wrong = || Error::Epoch { class: class_id, epoch };
    if epoch != expected {
        return Err(wrong().into());
    }
    let Some(auction) = running else {
        let params = rules::params(ctx)?;
        let bid_until = jobs::after(ctx, params.bid_blocks)?;
        let open_until = bid_until.checked_add(params.open_blocks).ok_or(Error::Overflow)?;
        let (none, params) = (Some(coin(0)), Some(params));
        return Ok(Auction {
            class_id,
            epoch,
            bid_until,
            open_until,
            buyers_pay: none.clone(),
            sellers_get: none,
            params,
            ..Auction::default()
        });
    };
    if ctx.block().height > auction.bid_until { Err(wrong().into()) } else { Ok(auction) }
}

/// A job's bid. Its ceiling is the escrow: what it bids below is sealed.
fn bid(ctx: &mut Ctx, auction: &Auction, bidder: &Address, m: &MsgCommitBid) -> Result<Offer> {
    if m.ceiling.is_some() || m.capacity > 0 {
        return Err(Error::Capacity(m.capacity).into());
    }
    let mut job: Job = jobs::in_state(ctx, m.job_id, JobState::Auction)?;
    if job.requester != bidder.to_string() {
        return Err(Error::NotYours { job: job.id, account: bidder.to_string() }.into());
    }
    if job.class_id != m.class_id {
        return Err(Error::State(job.id).into());
    }
    // It does not expire before its auction has ended.
    let due = job.due.max(auction.open_until.checked_add(1).ok_or(Error::Overflow)?);
    jobs::save(ctx, &mut job, due)?;
    Ok(Offer { job_id: job.id, ceiling: job.price, reserve: Some(coin(0)), ..Offer::default() })
}

/// A provider's ask. Its ceiling is public and bounds what it is paid, so that the bond for it can be locked beforehand.
fn ask(ctx: &mut Ctx, auction: &Auction, bidder: &Address, m: &MsgCommitBid) -> Result<Offer> {
    if !(1..=MAX_CAPACITY).contains(&m.capacity) {
        return Err(Error::Capacity(m.capacity).into());
    }
    let ceiling = rules::base_amount(m.ceiling.as_ref())?;
    let past = classes::load(ctx, m.class_id)?.prices;
    let past = past.iter().map(|price| rules::number(price)).collect::<Result<Vec<_>, _>>()?;
    let least = clearing::median(&past).map_or(1, clearing::least);
    if ceiling < least {
        return Err(Error::Ceiling { least }.into());
    }
    let multiple = u128::from(params(auction)?.bond_multiple);
    let reserve = ceiling.checked_mul(multiple).and_then(|unit| unit.checked_mul(m.capacity.into())).ok_or(Error::Overflow)?;
    providers::lock(ctx, bidder, reserve)?;
    Ok(Offer { ceiling: Some(coin(ceiling)), capacity: m.capacity, reserve: Some(coin(reserve)), ..Offer::default() })
}

/// In an auction that is full, an offer of a higher ceiling takes the place of the one of the lowest, the newest of equals, which has its deposit back:
/// so what fills an auction is worth at least as much as what it keeps out.
fn make_room(ctx: &mut Ctx, offer: &Offer, class: u64, most: u32) -> Result<()> {
    let mut lowest: Option<(u128, Reverse<u64>, OfferKey, Offer)> = None;
    for entry in OFFERS.range(ctx, &key_prefix(&(class, side(offer)))) {
        let (place, found) = entry?;
        let rank = (amount(found.ceiling.as_ref())?, Reverse(found.number));
        if lowest.as_ref().is_none_or(|(ceiling, number, ..)| rank < (*ceiling, *number)) {
            lowest = Some((rank.0, rank.1, place, found));
        }
    }
    let ceiling = amount(offer.ceiling.as_ref())?;
    let (_, _, place, out) = lowest.filter(|(lowest, ..)| *lowest < ceiling).ok_or(Error::Full { class, most })?;
    let account = Address::parse(&out.account)?;
    bank::send(ctx, &ACCOUNT.address(), &account, &[Coin::base(amount(out.deposit.as_ref())?)])?;
    if out.job_id == 0 {
        providers::free(ctx, &account, amount(out.reserve.as_ref())?)?;
    }
    OFFERS.remove(ctx, &place)?;
    ctx.emit(&EventBidDisplaced { class_id: class, account: out.account, job_id: out.job_id });
    Ok(())
}

/// Takes deposit and fee, and writes the offer.
fn take_money(ctx: &mut Ctx, bidder: &Address, auction: &Auction, mut offer: Offer, sealed: Vec<u8>, place: &OfferKey) -> Result<()> {
    let (class_id, terms) = (auction.class_id, params(auction)?);
    let whole = amount(offer.ceiling.as_ref())?.checked_mul(offer.capacity.max(1).into()).ok_or(Error::Overflow)?;
    let (deposit, fee) = (rules::part(whole, terms.deposit_bps)?.max(1), rules::part(whole, terms.offer_fee_bps)?.max(1));
    bank::send(ctx, bidder, &ACCOUNT.address(), &[Coin::base(deposit)])?;
    rewards::forfeit(ctx, bidder, &Coin::base(fee), BPS)?;
    (offer.number, offer.class_id, offer.account) = (OFFER_IDS.next(ctx)?, class_id, bidder.to_string());
    (offer.commitment, offer.deposit) = (sealed, Some(coin(deposit)));
    OFFERS.set(ctx, place, &offer)
}

/// Opens an offer.
pub(crate) fn reveal(ctx: &mut Ctx, bidder: &Address, m: &MsgRevealBid) -> Result<()> {
    let auction = AUCTIONS.get(ctx, &m.class_id)?.ok_or(Error::NoBid(bidder.to_string()))?;
    let place = key(m.class_id, m.job_id, bidder);
    let mut offer = OFFERS.get(ctx, &place)?.filter(|offer| offer.account == bidder.to_string()).ok_or(Error::NoBid(bidder.to_string()))?;
    let opens = auction.bid_until < ctx.block().height && ctx.block().height <= auction.open_until;
    if !opens || offer.price.is_some() {
        return Err(Error::Epoch { class: m.class_id, epoch: auction.epoch }.into());
    }
    let (price, salt) = (rules::base_amount(m.price.as_ref())?, programs::hash(&m.salt)?);
    let expected = commitment(&ctx.block().chain_id, m.class_id, auction.epoch, bidder, m.job_id, price, &salt);
    ctx.gas().hash(256)?;
    if expected.as_slice() != offer.commitment || price > amount(offer.ceiling.as_ref())? {
        return Err(Error::Opening.into());
    }
    offer.price = Some(coin(price));
    OFFERS.set(ctx, &place, &offer)?;
    let (class_id, epoch) = (m.class_id, auction.epoch);
    ctx.emit(&EventBidRevealed { class_id, epoch, account: offer.account, job_id: m.job_id, price: offer.price });
    Ok(())
}

/// The side of an offer.
pub(super) fn side(offer: &Offer) -> u32 {
    if offer.job_id > 0 { BID } else { ASK }
}
