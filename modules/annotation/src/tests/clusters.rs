//! Funding clusters: what makes one, and what it keeps apart.
use cairn_bank::Bank;
use cairn_kernel::{Address, Coin, Module};
use cairn_proto::{
    cairn::annotation::v1::{LeaseState, QueryAnnotatorRequest, QueryServer},
    cosmos::bank::v1beta1::{MsgSend, MsgServer},
};

use super::world::{Post, World, user};
use crate::Annotation;

/// A payment between users.
pub(super) fn send(world: &mut World, from: &Address, to: &Address, amount: u128) {
    let msg = MsgSend { from_address: from.to_string(), to_address: to.to_string(), amount: vec![Coin::base(amount).into()] };
    world.tx(|ctx| Bank.send(ctx, msg)).unwrap();
}

fn cluster(world: &mut World, account: &Address) -> String {
    world.ask(|ctx| Annotation.annotator(ctx, QueryAnnotatorRequest { address: account.to_string() })).cluster
}

/// A funder that is no genesis account: 101, paid by user 1.
fn funder(world: &mut World) -> Address {
    let funder = user(101);
    send(world, &user(1), &funder, 100_000_000);
    funder
}

#[test]
fn the_first_credit_makes_a_cluster() {
    let mut world = World::new(3);
    let a = funder(&mut world);
    assert_eq!(cluster(&mut world, &a), a.to_string(), "a genesis account's payment makes none: it stands alone");
    let (b, c, d) = (user(102), user(103), user(104));
    send(&mut world, &a, &b, 10_000_000);
    assert_eq!(cluster(&mut world, &b), a.to_string());
    send(&mut world, &b, &c, 1_000_000);
    assert_eq!(cluster(&mut world, &c), a.to_string(), "a chain of payments is one cluster");
    send(&mut world, &a, &d, 99_999);
    assert_eq!(cluster(&mut world, &d), "", "less than 0.1 CAIRN makes none");
    send(&mut world, &user(2), &d, 100_000);
    assert_eq!(cluster(&mut world, &d), d.to_string());
    send(&mut world, &a, &d, 100_000);
    assert_eq!(cluster(&mut world, &d), d.to_string(), "only the first credit counts");
    send(&mut world, &a, &user(2), 1_000_000);
    assert_eq!(cluster(&mut world, &user(2)), "", "a genesis account joins none");
}

#[test]
fn listed_funders_make_no_cluster() {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().exempt_funders = vec![user(101).to_string()];
    let mut world = World::with(1, genesis);
    let faucet = funder(&mut world);
    send(&mut world, &faucet, &user(102), 1_000_000);
    send(&mut world, &faucet, &user(103), 1_000_000);
    assert_eq!(cluster(&mut world, &user(102)), user(102).to_string());
    assert_eq!(cluster(&mut world, &user(103)), user(103).to_string());
}

/// An account that pays another before anybody paid it is a head for good: a later credit does not part it from those it funded.
#[test]
fn a_later_credit_does_not_part_a_funder_from_those_it_funded() {
    let mut world = World::new(1);
    let a = funder(&mut world);
    let (b, c) = (user(102), user(103));
    for _ in 0..2 {
        send(&mut world, &user(1), &b, 99_999);
    }
    send(&mut world, &b, &c, 150_000);
    assert_eq!((cluster(&mut world, &b), cluster(&mut world, &c)), (b.to_string(), b.to_string()));
    send(&mut world, &a, &b, 1_000_000);
    assert_eq!((cluster(&mut world, &b), cluster(&mut world, &c)), (b.to_string(), b.to_string()));
}

#[test]
fn two_of_a_cluster_never_share_a_task() {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().account_seats_bps = 10_000;
    let mut world = World::with(2, genesis);
    let head = funder(&mut world);
    let members: Vec<Address> = (102..=104).map(user).collect();
    for member in &members {
        send(&mut world, &head, member, 10_000_000);
    }
    let job = world.post(&Post::default()).id;
    // Head and members together get ten leases: one seat of each bucket.
    let everybody: Vec<Address> = members.iter().copied().chain([head]).collect();
    for _ in 0..200 {
        for account in &everybody {
            let _refused = world.claim(job, account);
        }
        world.block();
    }
    let mut buckets: Vec<u32> = Vec::new();
    for account in &everybody {
        let held = world.leases(job, account, LeaseState::Unspecified);
        assert!(!held.is_empty());
        buckets.extend(held.iter().flat_map(|(lease, _)| lease.buckets.clone()));
    }
    buckets.sort_unstable();
    assert_eq!(buckets, (0..10).collect::<Vec<_>>());
}

#[test]
fn the_requesters_cluster_does_not_label_its_job() {
    let mut world = World::new(3);
    let head = funder(&mut world);
    send(&mut world, &head, &user(102), 50_000_000);
    send(&mut world, &head, &user(103), 1_000_000);
    let post = Post::default();
    let gold = post.gold(&world.chain.block.chain_id.clone(), 1);
    let msg = cairn_proto::cairn::annotation::v1::MsgPostJob { requester: user(102).to_string(), ..post.msg(&gold) };
    let job = world.tx(|ctx| cairn_proto::cairn::annotation::v1::MsgServer::post_job(&Annotation, ctx, msg)).unwrap().job;
    assert_eq!(world.claim(job, &user(102)).unwrap_err().code, 41);
    assert_eq!(world.claim(job, &user(103)).unwrap_err().code, 42);
    assert_eq!(world.claim(job, &head).unwrap_err().code, 42);
    world.claim(job, &user(2)).unwrap();
}

/// A cluster joined after the first seat: the account keeps it, and gets no bucket where the others of its cluster have one.
#[test]
fn a_cluster_joined_late_counts_from_then_on() {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().account_seats_bps = 10_000;
    let mut world = World::with(2, genesis);
    let head = funder(&mut world);
    let (early, other) = (user(102), user(103));
    (0..5).for_each(|_| send(&mut world, &user(1), &early, 99_999));
    send(&mut world, &head, &other, 10_000_000);
    let job = world.post(&Post::default()).id;
    let (first, _) = world.grant(job, &early);
    send(&mut world, &head, &early, 10_000_000);
    for _ in 0..100 {
        let _refused = (world.claim(job, &early), world.claim(job, &other));
        world.block();
    }
    let mut later: Vec<u32> = Vec::new();
    for account in [early, other] {
        let held = world.leases(job, &account, LeaseState::Unspecified);
        later.extend(held.iter().filter(|(lease, _)| lease.id != first.id).flat_map(|(lease, _)| lease.buckets.clone()));
    }
    let count = later.len();
    later.sort_unstable();
    later.dedup();
    assert_eq!(count, later.len(), "no bucket was given to both after the account joined");
}

/// Claims cost next to nothing, and accounts of one cluster cost a payment each: as many of them as there are draws in a block, waiting for
/// buckets that their cluster has had, must not keep a stranger from its seat.
#[test]
fn a_crowd_of_one_cluster_leaves_draws_to_others() {
    let mut genesis = Annotation.default_genesis();
    let params = genesis.params.as_mut().unwrap();
    params.rules.as_mut().unwrap().account_seats_bps = 10_000;
    params.draws_per_block = 4;
    let mut world = World::with(2, genesis);
    let head = funder(&mut world);
    let crowd: Vec<Address> = (102..=125).map(user).collect();
    for member in &crowd {
        send(&mut world, &head, member, 3_000_000);
    }
    let job = world.post(&Post::default()).id;
    while world.leases(job, &crowd[0], LeaseState::Live).len() < 10 {
        let _refused = world.claim(job, &crowd[0]);
        world.block();
    }
    for member in &crowd[1..] {
        world.claim(job, member).unwrap();
    }
    world.block();
    world.grant(job, &user(2));
    assert_eq!(world.status(job).leases, 11, "the cluster has one seat of each bucket and no more");
}
