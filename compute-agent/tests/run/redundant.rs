//! Redundant jobs: those who agree are paid, a liar among them loses, wherever one is killed.
use cairn_agent::run::Settings;
use cairn_proto::cairn::compute::v1::{JobOutcome, MsgPostJob};

use crate::{
    cast::{Part, first_sent, kills, play, sent},
    place::{BOND, PRICE, PROVIDER, Place, REQUESTER, Shared, WATCHER},
};

const THIRD: usize = 3;
/// What a job locks of the bond of each of its providers.
const LOCKED: u128 = 2 * PRICE;
/// What is left of a price after both fees.
const REST: u128 = PRICE - PRICE / 50;

fn place(redundancy: u32) -> Shared {
    Place::with(0, &[PROVIDER, WATCHER, THIRD], |order| MsgPostJob { redundancy, ..order })
}

#[test]
fn an_honest_majority_killed_at_any_call_is_paid_once_and_a_liar_loses() {
    let course = |kill: usize| {
        let place = place(3);
        let before: Vec<u128> = (0..4).map(|who| place.borrow().wealth(who)).collect();
        let steps = play(&place, &[Part::honest(PROVIDER), Part::liar(WATCHER, 2), Part::honest(THIRD)], kill);
        let place = place.borrow();
        assert_eq!(place.job(1).outcome(), JobOutcome::Paid, "killed at {kill}");
        for honest in [PROVIDER, THIRD] {
            let gain = REST / 2 + LOCKED * 35 / 100 / 2;
            assert_eq!((place.wealth(honest) - before[honest], place.free_bond(honest)), (gain, BOND), "{honest}, killed at {kill}");
        }
        assert_eq!((place.wealth(WATCHER), place.free_bond(WATCHER)), (before[WATCHER], BOND - LOCKED), "killed at {kill}");
        assert_eq!(place.wealth(REQUESTER), before[REQUESTER], "it paid before");
        steps
    };
    let steps = course(usize::MAX);
    assert_eq!(sent(&steps), 4, "taken, sealed, opened, delivered: {steps:?}");
    for kill in kills(&steps) {
        course(kill);
    }
}

#[test]
fn what_was_taken_is_delivered_whatever_the_options_are_then() {
    let taken = first_sent(&play(&place(3), &[Part::honest(PROVIDER), Part::honest(WATCHER), Part::honest(THIRD)], usize::MAX));
    let place = place(3);
    let again = Settings { provide: false, watch: false, ..Settings::default() };
    let cast = [Part { again, ..Part::honest(PROVIDER) }, Part::honest(WATCHER), Part::honest(THIRD)];
    let before = place.borrow().wealth(PROVIDER);
    play(&place, &cast, taken);
    let gain = place.borrow().wealth(PROVIDER) - before;
    assert!((REST / 3..=REST / 3 + 2).contains(&gain), "{gain}: the one that delivers has the odd coins");
}

#[test]
fn redundant_jobs_beyond_the_bond_the_price_or_the_limit_are_left_alone() {
    let jobs = |settings: Settings, redundancy: u32, price: u128| {
        let place = Place::with(0, &[PROVIDER], |order| MsgPostJob { redundancy, price: Some(crate::support::coin(price)), ..order });
        play(&place, &[Part::honest(PROVIDER).with(settings)], usize::MAX);
        let job = place.borrow().job(1);
        assert_eq!((job.outcome(), place.borrow().free_bond(PROVIDER)), (JobOutcome::Expired, BOND));
        job.members.len()
    };
    let dear = |giga_mac_price| Settings { giga_mac_price, ..Settings::default() };
    let macs = {
        let place = place(2);
        let program = place.borrow().program();
        u128::from(program.macs) * 2
    };
    assert_eq!(jobs(Settings::default(), 2, BOND / 2), 1);
    assert_eq!(jobs(Settings::default(), 2, BOND / 2 + 1), 0, "twice the price is more than the bond");
    // Of its third of the price it must live.
    assert_eq!(jobs(dear(1_000_000_000), 3, 3 * macs), 1);
    assert_eq!(jobs(dear(1_000_000_000), 3, 3 * macs - 1), 0);
    assert_eq!(jobs(Settings { jobs: 0, ..Settings::default() }, 2, PRICE), 0);
}
