//! Which seeds come when, and for how long they can be asked for.
use cairn_kernel::Status;
use cairn_proto::cairn::beacon::v1::{QueryBeaconRequest, QueryServer};

use super::{Network, refused};
use crate::{Beacon, Error, Seed, quick, state::BEACONS, strong};

#[test]
fn quick_seed_comes_with_the_second_fresh_height() {
    let mut network = Network::new(&[1, 1, 1]);
    network.fresh(0);
    assert_eq!((network.quick(1), network.quick(7)), (None, None));
    network.fresh(1);
    assert_eq!(network.quick(1), None);
    network.stale(2);
    network.stale(2);
    assert_eq!(network.quick(1), None);
    let bytes = network.fresh(2);
    let expected = Some(Seed { bytes, height: 5, weak: false });
    assert_eq!(network.quick(1), expected);
    network.fresh(0);
    network.fresh(1);
    network.check();
    // Later blocks change no seed, and each question has its own.
    assert_eq!(network.quick(1), expected);
    assert_eq!([0, 2, 3, 4, 5].map(|asked| network.quick(asked).unwrap().height), [2, 6, 6, 6, 7]);
    assert_eq!(network.quick(6), None);
}

#[test]
fn strong_seed_comes_with_more_than_a_third_of_the_power() {
    let mut network = Network::new(&[1, 1, 1, 1]);
    network.fresh(3);
    assert_eq!(network.strong(1), None);
    network.fresh(0);
    assert_eq!(network.strong(1), None);
    // The same proposer again, and one without a reveal, add nothing.
    network.fresh(0);
    network.stale(1);
    assert_eq!(network.strong(1), None);
    let bytes = network.fresh(2);
    assert_eq!(network.strong(1), Some(Seed { bytes, height: 5, weak: false }));
    network.fresh(1);
    assert_eq!(network.strong(1), Some(Seed { bytes, height: 5, weak: false }));
}

#[test]
fn exactly_a_third_of_the_power_is_not_enough() {
    let mut network = Network::new(&[100, 100, 100]);
    network.fresh(0);
    assert_eq!(network.strong(0), None);
    network.fresh(1);
    assert_eq!(network.strong(0).unwrap().height, 2);
    let mut network = Network::new(&[101, 100, 100]);
    network.fresh(0);
    assert_eq!(network.strong(0).unwrap().height, 1);
}

#[test]
fn after_the_wait_a_seed_is_taken_and_marked_weak() {
    let mut network = Network::new(&[1, 1, 1]);
    network.fresh(0);
    network.fresh(0);
    for _ in 3..=1_000 {
        network.stale(1);
    }
    assert_eq!((network.quick(1), network.strong(0), network.strong(1)), (None, Some(weak(&mut network, 1_000)), None));
    network.stale(1);
    assert_eq!(network.quick(1), Some(weak(&mut network, 1_001)));
    assert_eq!(network.strong(1), Some(weak(&mut network, 1_001)));
    // A fresh height right at the end of the wait still answers by the rule.
    network.fresh(1);
    assert_eq!(network.strong(2), Some(weak(&mut network, 1_002)));
    network.fresh(2);
    assert_eq!(network.quick(3), Some(Seed { weak: false, ..weak(&mut network, 1_003) }));
    assert_eq!(network.strong(3), Some(Seed { weak: false, ..weak(&mut network, 1_003) }));
    assert_eq!(network.strong(1), Some(weak(&mut network, 1_001)));
}

#[test]
fn old_beacons_are_dropped_and_asking_for_them_is_refused() {
    let mut network = Network::new(&[1]);
    for _ in 1..=5_010 {
        network.stale(0);
    }
    let kept = network.ask(|ctx| BEACONS.range(ctx, &[]).map(|e| e.unwrap().0).collect::<Vec<_>>());
    assert_eq!(kept, (10..=5_010).collect::<Vec<_>>());
    // A quick seed needs the count at the question's own height, a strong one only what came after it.
    refused(network.ask(|ctx| quick(ctx, 9)), Error::Pruned { asked: 9, oldest: 10 });
    refused(network.ask(|ctx| strong(ctx, 8)), Error::Pruned { asked: 9, oldest: 10 });
    assert_eq!(network.ask(|ctx| Beacon.beacon(ctx, QueryBeaconRequest { height: 9 })).unwrap_err().status, Status::OutOfRange);
    assert_eq!(network.strong(9).unwrap().height, 1_009);
    assert_eq!(network.quick(10).unwrap().height, 1_010);
}

fn weak(network: &mut Network, height: u64) -> Seed {
    let beacon = network.ask(|ctx| Beacon.beacon(ctx, QueryBeaconRequest { height })).unwrap().beacon.unwrap();
    Seed { bytes: beacon.value.try_into().unwrap(), height, weak: true }
}
