//! Refereed jobs: a provider that is killed anywhere, a watcher that is, and liars.
use std::sync::Arc;

use cairn_agent::{liar::Liar, run::World as _};
use cairn_device::open;
use cairn_proto::cairn::compute::v1::JobOutcome;

use crate::{
    place::{BOND, LOCKED, PRICE, PROVIDER, REQUESTER, WATCHER, agent, graph, honest, killed_once, place, until_closed},
    support::coin,
};

#[test]
fn a_provider_killed_at_any_call_delivers_and_is_paid_once() {
    let mut paid = Vec::new();
    for kill in 0.. {
        let (place, folder) = (place(), tempfile::tempdir().expect("a folder"));
        let before = place.borrow().wealth(PROVIDER);
        let (left, job) = killed_once(&place, PROVIDER, kill, folder.path());
        assert_eq!((job.outcome(), job.provider), (JobOutcome::Paid, place.borrow().name(PROVIDER)), "killed at {kill}");
        assert!(job.failed.is_empty(), "killed at {kill}");
        paid.push(place.borrow().wealth(PROVIDER) - before);
        let provider = agent(&place, PROVIDER, 9, honest(), folder.path()).world().provider().expect("an answer").expect("a provider");
        assert_eq!((provider.paid, provider.late, provider.bond), (1, 0, Some(coin(BOND))), "killed at {kill}");
        // Once it is delivered, an agent does nothing but look on: 40 calls cover all that it does.
        if left > 0 || kill == 40 {
            break;
        }
    }
    assert!(paid.len() > 20 && paid[0] > 0 && paid.iter().all(|pay| *pay == paid[0]), "{paid:?}");
}

#[test]
fn a_watcher_killed_anywhere_wins_against_a_liar() {
    let mut won = Vec::new();
    for kill in (0..120).step_by(8) {
        let (place, folders) = (place(), [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")]);
        let before = place.borrow().wealth(WATCHER);
        let liar = Liar::new(open("reference").expect("a device"), 1);
        let mut liar = agent(&place, PROVIDER, usize::MAX, Arc::new(liar), folders[0].path());
        let mut watcher = Some(agent(&place, WATCHER, kill, honest(), folders[1].path()));
        let job = until_closed(&place, || {
            liar.step().expect("the disk");
            let dead = watcher.as_mut().is_none_or(|agent| {
                agent.step().expect("the disk");
                agent.world().left == 0
            });
            if dead {
                watcher = None;
                watcher = Some(agent(&place, WATCHER, usize::MAX, honest(), folders[1].path()));
            }
        });
        assert_eq!(job.outcome(), JobOutcome::Wrong, "killed at {kill}");
        won.push(place.borrow().wealth(WATCHER) - before);
    }
    assert!(won.iter().all(|gain| *gain == LOCKED * 35 / 100), "{won:?}");
}

#[test]
fn a_liar_at_every_operator_loses() {
    for node in 0..graph().0.nodes.len() {
        let (place, folders) = (place(), [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")]);
        let before: Vec<u128> = (0..3).map(|who| place.borrow().wealth(who)).collect();
        let liar = Liar::new(open("reference").expect("a device"), node);
        let mut liar = agent(&place, PROVIDER, usize::MAX, Arc::new(liar), folders[0].path());
        let mut watcher = agent(&place, WATCHER, usize::MAX, honest(), folders[1].path());
        let job = until_closed(&place, || {
            liar.step().expect("the disk");
            watcher.step().expect("the disk");
        });
        assert_eq!((job.outcome(), job.case_id), (JobOutcome::Wrong, 1), "node {node}");
        let place = place.borrow();
        assert_eq!(place.wealth(WATCHER), before[WATCHER] + LOCKED * 35 / 100, "node {node}");
        assert_eq!(place.wealth(REQUESTER), before[REQUESTER] + PRICE, "node {node}: refunded");
    }
}
