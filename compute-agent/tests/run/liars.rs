//! Liars about every operator lose.
use std::{cell::RefCell, rc::Rc};

use cairn_program::{Graph, testing::every_operator};
use cairn_proto::cairn::compute::v1::JobOutcome;

use crate::{
    cast::{Part, play},
    place::{LOCKED, PROVIDER, Place, REQUESTER, WATCHER, network},
};

/// A provider that lies about one node of a program loses to a watcher.
fn loses(graph: Graph, node: usize, what: &str) {
    let mut place = Place::new(0, graph);
    place.bond(PROVIDER);
    let before: Vec<u128> = (0..3).map(|who| place.wealth(who)).collect();
    place.post(|order| order);
    let place = Rc::new(RefCell::new(place));
    play(&place, &[Part::honest(WATCHER), Part::liar(PROVIDER, node)], usize::MAX);
    let place = place.borrow();
    let job = place.job(1);
    assert_eq!((job.outcome(), job.case_id), (JobOutcome::Wrong, 1), "{what}");
    assert_eq!(place.wealth(WATCHER), before[WATCHER] + LOCKED * 35 / 100, "{what}");
    assert_eq!(place.wealth(REQUESTER), before[REQUESTER], "{what}: refunded");
    assert_eq!(place.provider(PROVIDER).wrong, 1, "{what}");
}

#[test]
fn a_liar_at_every_operator_loses() {
    for (name, graph) in every_operator() {
        loses(graph, 0, name);
    }
}

#[test]
fn a_liar_at_every_node_of_a_network_loses() {
    for node in 0..network().nodes.len() {
        loses(network(), node, &format!("node {node}"));
    }
}
