//! `cairnd compute bid`, `ask` and `open`: sealed offers in auctions.
use std::{thread::sleep, time::Duration};

use anyhow::{Context, Result, bail};
use cairn_compute::bid_commitment;
use cairn_kernel::{Address, BASE_DENOM, Coin};
use cairn_proto::{
    cairn::compute::v1::{Auction, Class, MsgCommitBid, MsgRevealBid, QueryClassRequest, QueryClassResponse},
    pack,
};
use serde_json::json;

use super::{
    opening::{Opening, Place},
    show::ask_job,
};
use crate::cli::{home::Home, job::Sender, output::Output, rpc::Rpc, sign::Signer};

/// Between two looks at the chain.
const PAUSE: Duration = Duration::from_secs(1);

/// What is offered.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    /// The class of hardware.
    pub(super) class: u64,
    /// The job that bids; 0: an ask.
    pub(super) job: u64,
    /// The sealed price.
    pub(super) price: Coin,
    /// Of an ask, what it is paid at most.
    pub(super) ceiling: Option<Coin>,
    /// Of an ask, jobs that it takes.
    pub(super) places: u32,
}

/// An offer of an account in an epoch, and where what opens it lies.
struct Sealed {
    place: Place,
    chain_id: String,
    bidder: Address,
    class: u64,
    epoch: u32,
    job: u64,
}

impl Sealed {
    fn new(home: &Home, chain_id: String, bidder: Address, class: u64, epoch: u32, job: u64) -> Self {
        let place = Place::new(home, &format!("{chain_id}-offer-{class}-{epoch}-{job}-{bidder}"));
        Self { place, chain_id, bidder, class, epoch, job }
    }
    fn commitment(&self, opening: &Opening) -> Result<Vec<u8>> {
        let (price, salt) = (price(opening)?, opening.salt()?);
        Ok(bid_commitment(&self.chain_id, self.class, self.epoch, &self.bidder, self.job, price, &salt).to_vec())
    }
    fn reveal(&self) -> Result<MsgRevealBid> {
        let opening = self.place.read()?;
        let (price, salt) = (Some(Coin::base(price(&opening)?).into()), opening.salt()?.to_vec());
        Ok(MsgRevealBid { bidder: self.bidder.to_string(), class_id: self.class, job_id: self.job, price, salt })
    }
}

fn price(opening: &Opening) -> Result<u128> {
    opening.sealed.parse().context("the kept price is damaged")
}

fn class(rpc: &Rpc, class_id: u64) -> Result<(Class, Option<Auction>)> {
    let answer: QueryClassResponse = rpc.ask("/cairn.compute.v1.Query/Class", &QueryClassRequest { class_id })?;
    Ok((answer.class.context("the class is empty")?, answer.auction))
}

/// The epoch that the next offer is for.
fn epoch(class: &Class, auction: Option<&Auction>, height: u64) -> Result<u32> {
    match auction {
        None => Ok(class.epoch.saturating_add(1)),
        Some(auction) if auction.cleared || height >= auction.bid_until => {
            bail!(
                "the auction of class {} takes offers up to block {}; the next one begins when it is settled",
                class.id,
                auction.bid_until
            )
        }
        Some(auction) => Ok(auction.epoch),
    }
}

/// A job's bid: the class is the job's.
pub(super) fn bid(rpc: &Rpc, home: &Home, job: u64, price: Coin, sender: &Sender, output: Output) -> Result<()> {
    let class = ask_job(rpc, job)?.class_id;
    if class == 0 {
        bail!("job {job} looks for no provider in an auction: it was posted without --class");
    }
    seal(rpc, home, &Terms { class, job, price, ceiling: None, places: 0 }, sender, output)
}

/// Seals a price and sends the offer.
pub(super) fn seal(rpc: &Rpc, home: &Home, terms: &Terms, sender: &Sender, output: Output) -> Result<()> {
    if terms.price.denom != BASE_DENOM {
        bail!("prices of computation are in {BASE_DENOM}, found {}", terms.price);
    }
    let (key, options) = sender.open(home)?;
    let (found, auction) = class(rpc, terms.class)?;
    let epoch = epoch(&found, auction.as_ref(), rpc.height()?)?;
    let sealed = Sealed::new(home, rpc.chain_id()?, key.address(), terms.class, epoch, terms.job);
    let (opening, new) = sealed.place.keep(&terms.price.amount.to_string())?;
    let message = MsgCommitBid {
        bidder: key.address().to_string(),
        class_id: terms.class,
        epoch,
        job_id: terms.job,
        ceiling: terms.ceiling.as_ref().map(Into::into),
        capacity: terms.places,
        commitment: sealed.commitment(&opening)?,
    };
    let sent = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options);
    let height = sealed.place.sent(sent, new)?.height;
    let (_, auction) = class(rpc, terms.class)?;
    let (from, until) = auction.map_or((0, 0), |auction| (auction.bid_until.saturating_add(1), auction.open_until));
    output.value(&json!({ "class": terms.class, "epoch": epoch, "height": height, "open it in blocks": format!("{from} to {until}") }))?;
    if output == Output::Text {
        let job = if terms.job > 0 { format!(" --job {}", terms.job) } else { String::new() };
        eprintln!("next: cairnd compute open {}{job} --from {}; an offer that is not opened loses its deposit", terms.class, sender.name());
    }
    Ok(())
}

/// Waits until offers are opened, and opens one.
pub(super) fn open(rpc: &Rpc, home: &Home, class_id: u64, job: u64, sender: &Sender, output: Output) -> Result<()> {
    let (key, options) = sender.open(home)?;
    let chain_id = rpc.chain_id()?;
    let rpc = &rpc.patient();
    let mut told = false;
    loop {
        let auction = class(rpc, class_id)?.1.with_context(|| format!("no auction of class {class_id} runs: there is nothing to open"))?;
        let sealed = Sealed::new(home, chain_id.clone(), key.address(), class_id, auction.epoch, job);
        let message = sealed.reveal()?;
        if rpc.height()? > auction.bid_until {
            let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
            sealed.place.forget()?;
            return output.value(&json!({ "class": class_id, "epoch": auction.epoch, "opened in block": done.height }));
        }
        if !told {
            eprintln!("offers are opened from block {} on ...", auction.bid_until.saturating_add(1));
            told = true;
        }
        sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_opens_what_was_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let bidder = Address::new(&[1; 20]).unwrap();
        let sealed = Sealed::new(&Home::new(folder.path()), "cairn-test-1".into(), bidder, 3, 2, 7);
        let (opening, _) = sealed.place.keep("900").unwrap();
        let message = sealed.reveal().unwrap();
        assert_eq!((message.class_id, message.job_id, message.price.unwrap().amount), (3, 7, "900".to_owned()));
        let salt = message.salt.try_into().unwrap();
        assert_eq!(sealed.commitment(&opening).unwrap(), bid_commitment("cairn-test-1", 3, 2, &bidder, 7, 900, &salt));
        sealed.place.forget().unwrap();
        sealed.place.keep("many").unwrap();
        assert!(sealed.reveal().unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn an_offer_is_for_the_running_epoch_or_the_next() {
        let class = Class { id: 3, epoch: 4, ..Class::default() };
        let running = Auction { epoch: 4, bid_until: 20, ..Auction::default() };
        assert_eq!((epoch(&class, None, 9).unwrap(), epoch(&class, Some(&running), 19).unwrap()), (5, 4));
        assert!(epoch(&class, Some(&running), 20).is_err(), "the next block is too late");
        assert!(epoch(&class, Some(&Auction { cleared: true, ..running }), 9).is_err());
    }
}
