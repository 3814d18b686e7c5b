//! Audits: a drawn auditor does its part wherever it is killed, and wins against a liar.
use cairn_agent::run::Settings;
use cairn_proto::cairn::compute::v1::JobOutcome;

use crate::{
    cast::{Part, kills, play, sent},
    place::{BOND, LOCKED, PRICE, PROVIDER, Place, REQUESTER, Shared},
};

const AUDITOR: usize = 2;

/// A chain on which every result is audited, by the only other provider.
fn place() -> Shared {
    Place::with(10_000, &[PROVIDER, AUDITOR], |order| order)
}

/// One that takes nothing and watches nothing: audits are owed all the same.
fn auditor() -> Part {
    Part::honest(AUDITOR).with(Settings { provide: false, watch: false, ..Settings::default() })
}

/// What an audit is paid: what running the program again costs, and a tenth more.
fn pay(place: &Shared) -> u128 {
    let cost = (u128::from(place.borrow().program().macs) * 2 * 100_000_000).div_ceil(1_000_000_000);
    cost + cost.div_ceil(10)
}

#[test]
fn an_auditor_killed_at_any_call_is_paid_once() {
    let course = |kill: usize| {
        let place = place();
        let before = place.borrow().wealth(AUDITOR);
        let steps = play(&place, &[auditor(), Part::honest(PROVIDER)], kill);
        let pay = pay(&place);
        let place = place.borrow();
        assert_eq!((place.job(1).outcome(), place.wealth(AUDITOR) - before), (JobOutcome::Paid, pay), "killed at {kill}");
        assert_eq!((place.free_bond(AUDITOR), place.free_bond(PROVIDER)), (BOND, BOND), "killed at {kill}");
        steps
    };
    let steps = course(usize::MAX);
    assert_eq!(sent(&steps), 2, "sealed, opened: {steps:?}");
    for kill in kills(&steps) {
        course(kill);
    }
}

#[test]
fn an_auditor_killed_at_any_call_contests_a_lie_and_wins() {
    let course = |kill: usize| {
        let place = place();
        let before: Vec<u128> = (0..3).map(|who| place.borrow().wealth(who)).collect();
        let steps = play(&place, &[auditor(), Part::liar(PROVIDER, 3)], kill);
        let pay = pay(&place);
        let place = place.borrow();
        let job = place.job(1);
        assert_eq!((job.outcome(), job.case_id), (JobOutcome::Wrong, 1), "killed at {kill}");
        assert_eq!(place.wealth(AUDITOR) - before[AUDITOR], LOCKED * 35 / 100 + pay, "killed at {kill}");
        assert_eq!((place.free_bond(AUDITOR), place.free_bond(PROVIDER)), (BOND, BOND - LOCKED), "killed at {kill}");
        assert_eq!(place.wealth(REQUESTER) - before[REQUESTER], PRICE, "refunded");
        steps
    };
    let steps = course(usize::MAX);
    assert!(sent(&steps) > 4, "sealed, opened, moves: {steps:?}");
    for kill in kills(&steps) {
        course(kill);
    }
}

/// Who watches contests the lie before its audit is drawn, and is paid for both.
#[test]
fn an_auditor_that_watches_too_is_paid_for_both() {
    let place = place();
    let before = place.borrow().wealth(AUDITOR);
    let watching = Part::honest(AUDITOR).with(Settings { provide: false, ..Settings::default() });
    play(&place, &[watching, Part::liar(PROVIDER, 3)], usize::MAX);
    let gain = place.borrow().wealth(AUDITOR) - before;
    assert_eq!((gain, place.borrow().free_bond(AUDITOR)), (LOCKED * 35 / 100 + pay(&place), BOND));
}
