//! Auctions: an agent asks, opens, and works for what it won, wherever it is killed.
use cairn_agent::run::{Ask, Settings};
use cairn_app::api::Chain;
use cairn_compute::bid_commitment;
use cairn_proto::{
    cairn::compute::v1::{JobOutcome, MsgCommitBid, MsgPostJob, MsgRevealBid},
    pack,
};

use crate::{
    cast::{Part, first_sent, kills, play, sent},
    place::{BOND, PRICE, PROVIDER, Place, REQUESTER, Shared},
    support::{CHAIN_ID, coin},
};

const OTHER: usize = 3;
/// What a job bids, and what providers ask.
const BID: u128 = 80_000;
const LOW: u128 = 50_000;
const HIGH: u128 = 60_000;
/// What an offer costs in any case.
const OFFER_FEE: u128 = PRICE / 1_000;

/// A chain on which so many jobs bid in an auction.
fn place(jobs: u64) -> Shared {
    let post = |order| MsgPostJob { class_id: 1, ..order };
    let place = Place::with(0, &[PROVIDER, OTHER], post);
    {
        let mut place = place.borrow_mut();
        (1..jobs).for_each(|_| place.post(post));
        let (bidder, address, salt) = (place.name(REQUESTER), place.net.wallets[REQUESTER].address, [9; 32]);
        let opens = place.net.app.height() + 9;
        for job_id in 1..=jobs {
            let commitment = bid_commitment(CHAIN_ID, 1, 1, &address, job_id, BID, &salt).to_vec();
            let bid = MsgCommitBid { bidder: bidder.clone(), class_id: 1, epoch: 1, job_id, commitment, ..MsgCommitBid::default() };
            place.send(REQUESTER, pack(&bid)).expect("a bid");
            let opening = MsgRevealBid { bidder: bidder.clone(), class_id: 1, job_id, price: Some(coin(BID)), salt: salt.to_vec() };
            place.later.push((opens, REQUESTER, pack(&opening)));
        }
    }
    place
}

fn asks(who: usize, price: u128, places: u32) -> Part {
    let ask = Some(Ask { class: 1, price, ceiling: PRICE, places });
    Part::honest(who).with(Settings { ask, watch: false, ..Settings::default() })
}

#[test]
fn an_agent_killed_at_any_call_trades_at_the_right_price_and_is_paid_once() {
    let course = |kill: usize| {
        let place = place(1);
        let before: Vec<u128> = (0..4).map(|who| place.borrow().wealth(who)).collect();
        let steps = play(&place, &[asks(PROVIDER, LOW, 1), asks(OTHER, HIGH, 1)], kill);
        let place = place.borrow();
        let job = place.job(1);
        assert_eq!((job.outcome(), &job.provider), (JobOutcome::Paid, &place.name(PROVIDER)), "killed at {kill}");
        assert_eq!(job.price, Some(coin(HIGH)), "the next ask sets the price");
        assert_eq!(place.wealth(PROVIDER) - before[PROVIDER], HIGH - HIGH / 50 - OFFER_FEE, "killed at {kill}");
        assert_eq!(before[OTHER] - place.wealth(OTHER), OFFER_FEE, "its deposit is back");
        assert_eq!((place.free_bond(PROVIDER), place.free_bond(OTHER)), (BOND, BOND), "killed at {kill}");
        assert_eq!(place.provider(PROVIDER).late, 0);
        steps
    };
    let steps = course(usize::MAX);
    assert_eq!(sent(&steps), 3, "asked, opened, delivered: {steps:?}");
    for kill in kills(&steps) {
        course(kill);
    }
}

#[test]
fn an_ask_is_opened_whatever_the_options_are_then() {
    let ask = asks(PROVIDER, LOW, 1);
    let steps = play(&place(1), &[ask.clone(), asks(OTHER, HIGH, 1)], usize::MAX);
    let asked = first_sent(&steps);
    let idle = Settings { provide: false, watch: false, ..Settings::default() };
    for again in [asks(PROVIDER, LOW / 2, 1).settings, idle] {
        let place = place(1);
        let before = place.borrow().wealth(PROVIDER);
        play(&place, &[Part { again, ..ask.clone() }, asks(OTHER, HIGH, 1)], asked);
        assert_eq!(place.borrow().wealth(PROVIDER) - before, HIGH - HIGH / 50 - OFFER_FEE);
    }
}

#[test]
fn an_agent_asks_for_no_more_places_than_its_jobs_and_its_bond_allow() {
    for (limit, won) in [(4, 2), (1, 1), (0, 0)] {
        let place = place(3);
        let before = place.borrow().wealth(PROVIDER);
        let mut part = asks(PROVIDER, LOW, 3);
        part.settings.jobs = limit;
        play(&place, &[part], usize::MAX);
        let place = place.borrow();
        let gain = won * (BID - BID / 50) - won * OFFER_FEE;
        assert_eq!((place.wealth(PROVIDER) - before, place.provider(PROVIDER).paid, place.free_bond(PROVIDER)), (gain, won as u64, BOND));
        let expired = (1..=3).filter(|job| place.job(*job).outcome() == JobOutcome::Expired).count();
        assert_eq!(expired, 3 - won as usize, "with a bond for two places, and a limit of {limit} jobs");
    }
}

#[test]
fn no_ask_is_made_where_no_job_bids_that_pays() {
    let steps = play(&place(1), &[asks(PROVIDER, PRICE, 1)], usize::MAX);
    assert_eq!(sent(&steps), 2, "what the job bids is sealed: asked and opened for no more than it may pay");
    let dear = Ask { class: 1, price: PRICE + 1, ceiling: 2 * PRICE, places: 1 };
    let dear = Part::honest(PROVIDER).with(Settings { ask: Some(dear), ..Settings::default() });
    assert_eq!(sent(&play(&place(1), &[dear], usize::MAX)), 0, "above what the job may pay");
    let place = Place::with(0, &[PROVIDER], |order| MsgPostJob { class_id: 1, ..order });
    assert_eq!(sent(&play(&place, &[asks(PROVIDER, LOW, 1)], usize::MAX)), 0, "a job waits, and nobody bids");
}
