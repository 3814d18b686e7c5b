//! The double auction of one class and epoch: who trades at which price. Pure functions of integers: the same offers in any order give the same
//! result. Rules: README, Auction.
use crate::Error;

/// Trades from which on one is given up so that nobody sets its own price (McAfee 1992). Below, all trade: a lone pair would never.
pub(crate) const THICK: usize = 4;
/// Prices of past epochs that the guard looks at.
pub(crate) const MEMORY: usize = 16;

/// One job's bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bid {
    /// Its number, unique among bids.
    pub(crate) id: u64,
    /// The most that it pays.
    pub(crate) price: u128,
    /// Decides between equal prices; drawn, and unique in practice.
    pub(crate) tie: u64,
}

/// One provider's ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ask {
    /// Its number, unique among asks.
    pub(crate) id: u64,
    /// The least that it takes for a job.
    pub(crate) price: u128,
    /// Jobs that it takes at that price.
    pub(crate) capacity: u32,
    /// Decides between equal prices.
    pub(crate) tie: u64,
}

/// What becomes of an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Clearing {
    /// What each job that trades pays. 0 where none does.
    pub(crate) buyers_pay: u128,
    /// What each of its providers gets; never more.
    pub(crate) sellers_get: u128,
    /// Number of a bid with that of its ask.
    pub(crate) trades: Vec<(u64, u64)>,
}

/// Clears an epoch. `median` is that of the prices of past epochs, where there are any.
///
/// # Errors
/// [`Error::Overflow`] above 2^127.
pub(crate) fn clear(bids: &[Bid], asks: &[Ask], median: Option<u128>) -> Result<Clearing, Error> {
    let mut bids = bids.to_vec();
    bids.sort_by(|a, b| b.price.cmp(&a.price).then(a.tie.cmp(&b.tie)).then(a.id.cmp(&b.id)));
    let units = units(asks, bids.len());
    let z = bids.iter().zip(&units).take_while(|(bid, ask)| bid.price >= ask.price).count();
    let Some((last_bid, last_ask)) = z.checked_sub(1).and_then(|last| Some((bids.get(last)?, units.get(last)?))) else {
        return Ok(Clearing::default());
    };
    let (b, s) = (last_bid.price, last_ask.price);
    let next = (bids.get(z).map(|bid| bid.price), units.get(z).map(|ask| ask.price));
    let (count, buyers_pay, sellers_get) = if z < THICK {
        let price = next.1.map_or(b, |next| next.min(b));
        (z, price, price)
    } else {
        match between(next)?.filter(|price| (s..=b).contains(price) && guarded(*price, median)) {
            Some(price) => (z, price, price),
            None => (z.saturating_sub(1), b, s),
        }
    };
    // Who works for whom is drawn, not chosen by prices.
    let (mut buyers, mut sellers) = (bids.get(..count).unwrap_or_default().to_vec(), units.get(..count).unwrap_or_default().to_vec());
    buyers.sort_by_key(|bid| (bid.tie, bid.id));
    sellers.sort_by_key(|ask| (ask.tie, ask.id));
    let trades = buyers.iter().zip(&sellers).map(|(bid, ask)| (bid.id, ask.id)).collect();
    Ok(Clearing { buyers_pay, sellers_get, trades })
}

/// The cheapest places for jobs, each with its ask: one more than there are bids.
fn units(asks: &[Ask], bids: usize) -> Vec<Ask> {
    let mut asks = asks.to_vec();
    asks.sort_by(|a, b| a.price.cmp(&b.price).then(a.tie.cmp(&b.tie)).then(a.id.cmp(&b.id)));
    let places = |ask: &Ask| std::iter::repeat_n(*ask, usize::try_from(ask.capacity).unwrap_or(usize::MAX));
    asks.iter().flat_map(places).take(bids.saturating_add(1)).collect()
}

/// Half way between the first bid and the first ask that do not trade, where both are there.
fn between(next: (Option<u128>, Option<u128>)) -> Result<Option<u128>, Error> {
    let (Some(bid), Some(ask)) = next else { return Ok(None) };
    Ok(Some(bid.checked_add(ask).ok_or(Error::Overflow)? >> 1))
}

/// Whether a price is at least half and at most double the median: one that a fake offer sets cannot be far from what others paid.
fn guarded(price: u128, median: Option<u128>) -> bool {
    median.is_none_or(|median| price.saturating_mul(2) >= median && price <= median.saturating_mul(2))
}

/// The lower one of the two in the middle.
pub(crate) fn median(prices: &[u128]) -> Option<u128> {
    let mut sorted = prices.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) >> 1).copied()
}

/// What stands for an epoch in the memory of its class: half way between what buyers paid and sellers got, within half and double of the median, so that no
/// single epoch moves it far.
pub(crate) fn remembered(clearing: &Clearing, median: Option<u128>) -> Result<Option<u128>, Error> {
    if clearing.trades.is_empty() {
        return Ok(None);
    }
    let price = clearing.buyers_pay.checked_add(clearing.sellers_get).ok_or(Error::Overflow)? >> 1;
    Ok(Some(median.map_or(price, |median| price.clamp(least(median), median.saturating_mul(2)))))
}

/// The lowest ceiling of an ask, and the lowest price remembered, beside a median: half of it.
pub(crate) fn least(median: u128) -> u128 {
    median.div_ceil(2)
}
