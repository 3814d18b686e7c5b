//! Jobs of one provider: delivered and paid once, contested where they are wrong.
use cairn_agent::run::Settings;
use cairn_proto::{
    cairn::compute::v1::{JobOutcome, JobState, MsgCancelJob, MsgPostJob},
    pack,
};
use sha2::{Digest, Sha256};

use crate::{
    cast::{Part, kills, play, sent},
    place::{BOND, LOCKED, PROVIDER, Place, REQUESTER, Shared, WATCHER},
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

/// A job whose inputs lie on gateways, under the hash of `bytes`.
fn on_gateways(mark: &'static str, bytes: impl Fn(&[u8]) -> Vec<u8>) -> Shared {
    let place = Place::with(0, &[PROVIDER], |order| order);
    let uri = format!("cairn:content/{}{mark}", hex::encode(Sha256::digest(bytes(&place.borrow().inputs))));
    let mut held = place.borrow_mut();
    let requester = held.name(REQUESTER);
    held.send(REQUESTER, pack(&MsgCancelJob { requester, job_id: 1 })).expect("cancelled");
    held.post(|order| MsgPostJob { uri, ..order });
    drop(held);
    place
}

fn trusting(place: &Shared) -> Settings {
    Settings { trust: vec![place.borrow().name(REQUESTER)], ..Settings::default() }
}

#[test]
fn inputs_that_come_when_a_job_is_taken_are_taken_on_trust_only() {
    let course = |settings: fn(&Shared) -> Settings, rounds: usize| {
        let place = on_gateways("", <[u8]>::to_vec);
        let folder = tempfile::tempdir().expect("a folder");
        let part = Part::honest(PROVIDER).with(settings(&place));
        let watcher = tempfile::tempdir().expect("a folder");
        let mut agents = [
            part.start(&place, &part.settings, usize::MAX, folder.path()),
            Part::honest(WATCHER).start(&place, &Settings::default(), usize::MAX, watcher.path()),
        ];
        for _ in 0..rounds {
            agents.iter_mut().for_each(|agent| agent.step().expect("the disk"));
            place.borrow_mut().block();
        }
        let place = place.borrow();
        assert_eq!(place.denied, 0, "nobody asks for what is not for it");
        let done = u32::from(place.job(2).outcome() == JobOutcome::Paid);
        let text = agents[0].metrics().render();
        for name in ["jobs_taken_total", "jobs_delivered_total", "run_seconds_count", "jobs_paid"] {
            assert!(text.contains(&format!("cairn_agent_{name} {done}\n")), "{name}: {text}");
        }
        assert!(text.contains(&format!("cairn_agent_bond_free_ucairn {BOND}\n")), "{text}");
        place.job(2)
    };
    assert_eq!(course(|_| Settings::default(), 5).state(), JobState::Open);
    assert_eq!(course(|_| Settings { trust: vec!["cairn1somebodyelse".to_owned()], ..Settings::default() }, 5).state(), JobState::Open);
    assert_eq!(course(|_| Settings { trust: vec!["all".to_owned()], ..Settings::default() }, 30).outcome(), JobOutcome::Paid);
    assert_eq!(course(trusting, 30).outcome(), JobOutcome::Paid);
}

#[test]
fn public_inputs_on_gateways_need_no_trust_and_others_than_the_uri_says_are_not_taken() {
    let place = on_gateways("?public", <[u8]>::to_vec);
    play(&place, &[Part::honest(PROVIDER), Part::honest(WATCHER)], usize::MAX);
    assert_eq!(place.borrow().job(2).outcome(), JobOutcome::Paid);
    let place = on_gateways("?public", |bytes| [bytes, b"x"].concat());
    play(&place, &[Part::honest(PROVIDER)], usize::MAX);
    assert_eq!(place.borrow().job(2).outcome(), JobOutcome::Expired);
}
