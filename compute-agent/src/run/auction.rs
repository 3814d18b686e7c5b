//! Auctions: the agent puts a sealed ask into the running auction of a class once jobs bid there that it could do, opens it, and then works for what it won like for any
//! job that it took.
use std::collections::BTreeSet;

use cairn_compute::bid_commitment;
use cairn_proto::{
    cairn::compute::v1::{Auction, JobState, MsgCommitBid, MsgRevealBid, Offer},
    cosmos::base::v1beta1::Coin,
    pack,
};

use super::{
    agent::{Agent, Tried, coin},
    journal::Entry,
    world::{World, WorldError},
};

/// What an agent asks for in the auctions of a class. Amounts are `ucairn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// The class of hardware.
    pub class: u64,
    /// The least that it takes for a job; sealed until asks are opened.
    pub price: u128,
    /// What it is paid at most a job; public. The bond is locked for it.
    pub ceiling: u128,
    /// Jobs that it takes from one auction, 1 to 64.
    pub places: u32,
}

/// What was last seen of the agent's ask in an auction.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    epoch: u32,
    ask: Option<Offer>,
}

impl Seen {
    /// Whether nothing about the ask changes any more before its auction is settled, or while sealed offers are taken.
    fn holds(&self, auction: &Auction, height: u64) -> bool {
        let opened = self.ask.as_ref().is_none_or(|ask| ask.price.is_some());
        self.epoch == auction.epoch && if height < auction.bid_until { self.ask.is_some() } else { opened }
    }
}

impl<W: World> Agent<W> {
    /// Opens the asks that the agent made. Gives the places of those that stand.
    pub(super) fn asked(&mut self, height: u64) -> Result<usize, WorldError> {
        let classes: BTreeSet<u64> = self.journal.asks().keys().copied().chain(self.settings.ask.map(|ask| ask.class)).collect();
        let mut places = 0_usize;
        for class in classes {
            let Some(auction) = self.world.class(class)?.auction else {
                self.asks.remove(&class);
                continue;
            };
            if !self.asks.get(&class).is_some_and(|seen| seen.holds(&auction, height)) {
                let me = self.world.account();
                let ask = self.world.offers(class)?.into_iter().find(|offer| offer.job_id == 0 && offer.account == me);
                self.asks.insert(class, Seen { epoch: auction.epoch, ask });
            }
            let Some(ask) = self.asks.get(&class).and_then(|seen| seen.ask.clone()) else { continue };
            places = places.saturating_add(ask.capacity as usize);
            let opens = ask.price.is_none() && (auction.bid_until..auction.open_until).contains(&height);
            if let Err(error) = if opens { self.open_ask(&auction, &ask) } else { Ok(()) } {
                tracing::warn!(class, %error, "an ask is not opened yet: tried again at the next height");
            }
        }
        Ok(places)
    }

    fn open_ask(&mut self, auction: &Auction, ask: &Offer) -> Tried {
        let written = self.journal.asks().get(&ask.class_id).filter(|(epoch, _)| *epoch == auction.epoch).map(|(_, price)| *price);
        let salt = self.ask_salt(ask.class_id, auction.epoch)?;
        for price in written.into_iter().chain(self.settings.ask.map(|ask| ask.price)) {
            if self.sealed_ask(ask.class_id, auction.epoch, price, &salt)? == ask.commitment {
                let (bidder, class_id, salt) = (self.world.account(), ask.class_id, salt.to_vec());
                self.world.send(pack(&MsgRevealBid { bidder, class_id, job_id: 0, price: Some(base(price)), salt }))?;
                tracing::info!(class_id, epoch = auction.epoch, "ask opened");
                return Ok(());
            }
        }
        tracing::warn!(
            class = ask.class_id,
            "an ask of this account was not made by this agent, or its journal and price are lost: it is not opened"
        );
        Ok(())
    }

    /// Puts an ask into the running auction of the class that the agent was told, of at most `most` places that `free` covers, where a job bids that it
    /// could do.
    pub(super) fn ask(&mut self, height: u64, most: usize, free: u128) -> Tried {
        let Some(terms) = self.settings.ask else { return Ok(()) };
        let found = self.world.class(terms.class)?;
        let taking = |auction: &Auction| auction.bids > 0 && height < auction.bid_until;
        let Some(auction) = found.auction.filter(taking) else { return Ok(()) };
        let multiple = auction.params.as_ref().map_or(u32::MAX, |params| params.bond_multiple);
        let covered = terms.ceiling.checked_mul(multiple.into()).and_then(|unit| free.checked_div(unit)).unwrap_or(0);
        let places = terms.places.min(u32::try_from(most).unwrap_or(u32::MAX)).min(u32::try_from(covered).unwrap_or(u32::MAX));
        if places == 0 {
            return Ok(());
        }
        let (me, offers) = (self.world.account(), self.world.offers(terms.class)?);
        let stands = offers.iter().any(|offer| offer.job_id == 0 && offer.account == me);
        if stands || !self.wants(&terms, &offers)? {
            return Ok(());
        }
        let salt = self.ask_salt(terms.class, auction.epoch)?;
        let commitment = self.sealed_ask(terms.class, auction.epoch, terms.price, &salt)?;
        self.journal.write_or_remember(Entry::Asking { class: terms.class, epoch: auction.epoch, price: terms.price.to_string() });
        let (class_id, epoch, ceiling, capacity) = (terms.class, auction.epoch, Some(base(terms.ceiling)), places);
        let sent = self.world.send(pack(&MsgCommitBid { bidder: me, class_id, epoch, job_id: 0, ceiling, capacity, commitment }));
        match sent {
            Ok(()) => tracing::info!(class_id, epoch, places, "asked"),
            Err(WorldError::Refused { log, .. }) => tracing::info!(class_id, epoch, log, "not asked"),
            Err(away) => return Err(away),
        }
        Ok(())
    }

    /// Whether one of the jobs that bid is one that the agent could do for its price.
    fn wants(&mut self, terms: &Ask, offers: &[Offer]) -> Result<bool, WorldError> {
        let bidding: BTreeSet<u64> = offers.iter().map(|offer| offer.job_id).filter(|job| *job > 0).collect();
        let waiting = self.world.jobs(JobState::Auction)?;
        for job in waiting.iter().filter(|job| bidding.contains(&job.id)) {
            if coin(job.price.as_ref()) >= terms.price && self.can_do(job)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn ask_salt(&self, class: u64, epoch: u32) -> Result<[u8; 32], WorldError> {
        self.salt(&format!("ask of class {class} in epoch {epoch}"))
    }

    fn sealed_ask(&self, class: u64, epoch: u32, price: u128, salt: &[u8; 32]) -> Result<Vec<u8>, WorldError> {
        Ok(bid_commitment(&self.world.chain_id(), class, epoch, &self.address()?, 0, price, salt).to_vec())
    }
}

fn base(amount: u128) -> Coin {
    cairn_kernel::Coin::base(amount).into()
}
