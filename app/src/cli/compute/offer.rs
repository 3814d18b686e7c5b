//! `cairnd compute bid`, `ask` and `open`: sealed offers in auctions. What opens an offer lies in the home, in a file that only its owner reads, until it
//! is opened.
use std::{fs, path::PathBuf, thread::sleep, time::Duration};

use anyhow::{Context, Result, bail};
use cairn_compute::bid_commitment;
use cairn_kernel::{Address, BASE_DENOM, Coin};
use cairn_proto::{
    cairn::compute::v1::{Auction, Class, MsgCommitBid, MsgRevealBid, QueryClassRequest, QueryClassResponse},
    pack,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::show::ask_job;
use crate::cli::{
    home::{Home, random, read_secret_json, write_secret_json},
    job::Sender,
    output::Output,
    rpc::{Refused, Rpc},
    sign::Signer,
};

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

/// What opens an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Opening {
    price: String,
    salt: String,
}

impl Opening {
    fn salt(&self) -> Result<[u8; 32]> {
        hex::decode(&self.salt).ok().and_then(|bytes| bytes.try_into().ok()).context("the kept salt is damaged")
    }
    fn price(&self) -> Result<u128> {
        self.price.parse().context("the kept price is damaged")
    }
}

/// Where an opening lies, and what it is for.
struct Place {
    path: PathBuf,
    chain_id: String,
    bidder: Address,
    class: u64,
    epoch: u32,
    job: u64,
}

impl Place {
    fn new(home: &Home, chain_id: String, bidder: Address, class: u64, epoch: u32, job: u64) -> Self {
        let path = home.path().join("openings").join(format!("{chain_id}-offer-{class}-{epoch}-{job}-{bidder}.json"));
        Self { path, chain_id, bidder, class, epoch, job }
    }
    fn read(&self) -> Result<Option<Opening>> {
        if self.path.exists() { read_secret_json(&self.path).map(Some) } else { Ok(None) }
    }
    /// What is kept from an attempt that may still arrive, or a new opening, which is kept from now on.
    fn keep(&self, price: u128) -> Result<Opening> {
        if let Some(kept) = self.read()? {
            if kept.price()? != price {
                let path = self.path.display();
                bail!(
                    "{path} holds another price, which may be on its way to the chain; if it never arrives, delete the file and offer again"
                );
            }
            return Ok(kept);
        }
        let opening = Opening { price: price.to_string(), salt: hex::encode(random()) };
        write_secret_json(&self.path, &opening)?;
        Ok(opening)
    }
    fn forget(&self) -> Result<()> {
        fs::remove_file(&self.path).with_context(|| format!("cannot delete {}", self.path.display()))
    }
    fn commitment(&self, opening: &Opening) -> Result<Vec<u8>> {
        let (price, salt) = (opening.price()?, opening.salt()?);
        Ok(bid_commitment(&self.chain_id, self.class, self.epoch, &self.bidder, self.job, price, &salt).to_vec())
    }
    fn reveal(&self) -> Result<MsgRevealBid> {
        let missing = || format!("{} is not there: only the home that made the offer can open it", self.path.display());
        let opening = self.read()?.with_context(missing)?;
        let (price, salt) = (Some(Coin::base(opening.price()?).into()), opening.salt()?.to_vec());
        Ok(MsgRevealBid { bidder: self.bidder.to_string(), class_id: self.class, job_id: self.job, price, salt })
    }
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
    let place = Place::new(home, rpc.chain_id()?, key.address(), terms.class, epoch, terms.job);
    let opening = place.keep(terms.price.amount)?;
    let message = MsgCommitBid {
        bidder: key.address().to_string(),
        class_id: terms.class,
        epoch,
        job_id: terms.job,
        ceiling: terms.ceiling.as_ref().map(Into::into),
        capacity: terms.places,
        commitment: place.commitment(&opening)?,
    };
    let sent = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options);
    if sent.as_ref().is_err_and(|e| e.is::<Refused>()) {
        // After any other error the offer may still arrive, and only this file opens it.
        place.forget()?;
    }
    let height = sent?.height;
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
        let place = Place::new(home, chain_id.clone(), key.address(), class_id, auction.epoch, job);
        let message = place.reveal()?;
        if rpc.height()? > auction.bid_until {
            let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
            place.forget()?;
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

    fn place(home: &Home, epoch: u32) -> Place {
        Place::new(home, "cairn-test-1".into(), Address::new(&[1; 20]).unwrap(), 3, epoch, 7)
    }

    #[test]
    fn what_opens_an_offer_is_kept_in_secret_until_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        let place = place(&home, 2);
        assert!(place.reveal().unwrap_err().to_string().contains("is not there"));
        let opening = place.keep(900).unwrap();
        assert_eq!(place.keep(900).unwrap(), opening, "an attempt that may still arrive keeps its salt");
        assert!(place.keep(901).unwrap_err().to_string().contains("holds another price"));
        let message = place.reveal().unwrap();
        assert_eq!((message.class_id, message.job_id, hex::encode(&message.salt)), (3, 7, opening.salt.clone()));
        assert_eq!(message.price.unwrap().amount, "900");
        assert_eq!(place.commitment(&opening).unwrap().len(), 32);
        place.forget().unwrap();
        assert_ne!(place.keep(900).unwrap().salt, opening.salt);
    }

    #[test]
    fn a_damaged_file_is_said_to_be_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        for (epoch, price, salt) in [(1, "x", "00"), (2, "5", "00")] {
            let place = place(&home, epoch);
            write_secret_json(&place.path, &Opening { price: price.into(), salt: salt.into() }).unwrap();
            assert!(format!("{:#}", place.reveal().unwrap_err()).contains("damaged"));
        }
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
