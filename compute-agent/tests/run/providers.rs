//! Jobs of one provider: delivered and paid once, contested where they are wrong.
use cairn_proto::cairn::compute::v1::{JobOutcome, MsgPostJob};

use crate::{
    cast::{Part, kills, play, sent},
    place::{BOND, LOCKED, PROVIDER, Place, Shared, WATCHER},
};

fn place() -> Shared {
    Place::with(0, &[PROVIDER], |order| order)
}

#[test]
fn a_provider_killed_at_any_call_delivers_and_is_paid_once() {
    let course = |kill: usize| {
        let place = place();
        let before = place.borrow().wealth(PROVIDER);
        let steps = play(&place, &[Part::honest(PROVIDER)], kill);
        let place = place.borrow();
        let (job, provider) = (place.job(1), place.provider(PROVIDER));
        assert_eq!((job.outcome(), &job.provider), (JobOutcome::Paid, &place.name(PROVIDER)), "killed at {kill}");
        assert!(job.failed.is_empty(), "killed at {kill}");
        assert_eq!((provider.paid, provider.late, place.free_bond(PROVIDER)), (1, 0, BOND), "killed at {kill}");
        (steps, place.wealth(PROVIDER) - before)
    };
    let (steps, pay) = course(usize::MAX);
    assert!(sent(&steps) == 2 && pay > 0, "{steps:?}");
    for kill in kills(&steps) {
        assert_eq!(course(kill).1, pay, "killed at {kill}");
    }
}

#[test]
fn a_watcher_killed_anywhere_wins_against_a_liar() {
    let course = |kill: usize| {
        let place = place();
        let before = place.borrow().wealth(WATCHER);
        let steps = play(&place, &[Part::honest(WATCHER), Part::liar(PROVIDER, 1)], kill);
        let place = place.borrow();
        assert_eq!(place.job(1).outcome(), JobOutcome::Wrong, "killed at {kill}");
        assert_eq!(place.wealth(WATCHER) - before, LOCKED * 35 / 100, "killed at {kill}");
        steps
    };
    let steps = course(usize::MAX);
    assert!(sent(&steps) > 4, "{steps:?}");
    for kill in kills(&steps) {
        course(kill);
    }
}

#[test]
fn content_that_cannot_be_had_holds_up_no_other_job() {
    let place = Place::with(0, &[PROVIDER], |order| MsgPostJob { uri: "gone".to_owned(), input_root: vec![1; 32], ..order });
    // It expires before the other one does.
    place.borrow_mut().post(|order| MsgPostJob { accept_blocks: 20, ..order });
    play(&place, &[Part::honest(PROVIDER)], usize::MAX);
    let outcomes = [1, 2].map(|job| place.borrow().job(job).outcome());
    assert_eq!(outcomes, [JobOutcome::Expired, JobOutcome::Paid]);
}
