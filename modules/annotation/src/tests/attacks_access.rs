//! Attacks on who may lease: exams, clusters.
use cairn_kernel::{Address, Module};
use cairn_proto::cairn::annotation::v1::{JobState, LeaseState, MsgLeaveCluster, MsgPostJob, MsgServer};

use super::{
    clusters::send,
    exams,
    world::{Person, Post, WEALTH, World, user},
};
use crate::Annotation;

/// Passing the exam opens the job and nothing else: who then answers at random or always the same earns what it would without one.
#[test]
fn exam_then_constant_earns_nothing() {
    let (mut world, post) = (World::new(12), Post { tasks: 600, bucket_size: 20, overlap: 5, duration: 5_000, ..Post::default() });
    world.checked = false;
    let (posted, sheets) = exams::post(&mut world, &post, 7);
    let job = posted.id;
    for n in 2..=11 {
        exams::sit(&mut world, job, &user(n), 0, &exams::truths(0)).unwrap();
    }
    exams::close(&mut world);
    exams::open(&mut world, sheets.opening(job, 0)).unwrap();
    for n in 2..=11 {
        assert!(exams::answer(&mut world, job, &user(n), &exams::truths(0)).unwrap().0);
    }
    let mut people: Vec<Person> = (2..=9).map(|n| Person::skilled(user(n), 88 + u64::from(n) % 10, post.truth, post.classes)).collect();
    people.push(Person::new(user(10), |_| 0));
    people.push(Person::new(user(11), |task| u16::try_from(super::world::noise(1_011, task) % 4).unwrap()));
    world.work(job, &people);
    world.open_gold(&posted);
    world.until(job, JobState::Closed);
    world.check();
    let honest = (2..=9).map(|n| world.pay_per_label(job, &user(n))).sum::<u128>() / 8;
    let (constant, random) = (world.pay_per_label(job, &user(10)), world.pay_per_label(job, &user(11)));
    println!("after a passed exam, pay a label: honest {}, constant {}, random {}", honest / 1_000, constant / 1_000, random / 1_000);
    assert!(constant * 50 <= honest && random * 10 <= honest);
}

/// An attacker funds a stranger first, to keep it out of the tasks where its own accounts sit. The stranger pays once and is free of it; for the
/// attacker each further independent account has the same price.
#[test]
fn stranger_leaves_a_cluster_at_the_identity_price() {
    let mut world = World::new(2);
    let account = |n: u8| Address::new(&[170 + n; 20]).unwrap();
    let (attacker, stranger, funded) = (account(0), account(1), account(2));
    send(&mut world, &user(1), &attacker, 100_000_000);
    send(&mut world, &attacker, &stranger, 1_000_000);
    // One bucket would do for gold: every account of the cluster takes the seats of all two buckets away from the others.
    let post = Post { tasks: 20, gold_per_bucket: 5, ..Post::default() };
    let job = world.post_with(&post, |msg| msg.account_seats_bps = 10_000).unwrap().id;
    for _ in 0..2 {
        world.grant(job, &attacker);
    }
    world.claim(job, &stranger).unwrap();
    (0..5).for_each(|_| world.block());
    assert!(world.leases(job, &stranger, LeaseState::Live).is_empty(), "locked out");
    let leave = |world: &mut World, account: &Address| {
        world.tx(|ctx| Annotation.leave_cluster(ctx, MsgLeaveCluster { account: account.to_string() })).map(|answer| answer.head)
    };
    let supply = world.ask(|ctx| cairn_bank::supply(ctx, cairn_kernel::BASE_DENOM));
    let before = world.balance(&stranger);
    assert_eq!(leave(&mut world, &stranger).unwrap(), attacker.to_string());
    let cost = before - world.balance(&stranger);
    assert_eq!((cost, world.ask(|ctx| cairn_bank::supply(ctx, cairn_kernel::BASE_DENOM))), (100_000, supply - 100_000));
    (0..5).for_each(|_| world.block());
    assert_eq!(world.leases(job, &stranger, LeaseState::Live).len(), 1, "the claim that waited is served now");
    println!("a stranger gets free of the attacker's cluster for {cost}; each independent account of the attacker costs it as much");
    // Once is for good: neither the old head nor anybody else takes it in again.
    send(&mut world, &attacker, &stranger, 1_000_000);
    for alone in [&stranger, &attacker, &user(2)] {
        assert_eq!(leave(&mut world, alone).unwrap_err().code, 144);
    }
    // Whoever cannot pay stays.
    send(&mut world, &attacker, &funded, 100_000);
    let balance = world.balance(&funded);
    send(&mut world, &funded, &attacker, balance - 99_999);
    assert_eq!(leave(&mut world, &funded).unwrap_err().codespace, "sdk");
}

/// A crowd without money takes every bond that is lent, as often as any is left: some let their leases expire, some commit and never
/// reveal, some skip everything.
#[test]
fn sybils_on_lent_bonds_cost_the_lender_what_it_lent_and_gain_nothing() {
    let mut genesis = Annotation.default_genesis();
    let mut rules = super::world::quick_rules();
    (rules.lease_blocks, rules.bucket_wait, rules.reveal_window) = (30, 200, 40);
    genesis.params.as_mut().unwrap().rules = Some(rules);
    let mut world = World::with(12, genesis);
    let change = |msg: &mut MsgPostJob| msg.lent_bonds = 20;
    let post = Post { tasks: 600, overlap: 5, bucket_size: 20, duration: 2_500, change, ..Post::default() };
    let posted = world.post(&post);
    let (lent, paid_in) = (world.money(posted.id).lendable, WEALTH - world.wealth(&user(1)));
    let crowd: Vec<Address> = (0..120_u8).map(|n| Address::new(&[&[201; 19], [n].as_slice()].concat()).unwrap()).collect();
    let honest: Vec<Person> = (2..=9).map(|n| Person::skilled(user(n), 90, post.truth, post.classes)).collect();
    let mut taken = 0;
    while matches!(world.status(posted.id).state(), JobState::Open | JobState::Revealing) {
        for (n, sybil) in crowd.iter().enumerate() {
            taken += u32::from(world.claim_lent(posted.id, sybil).is_ok());
            for (lease, tasks) in world.leases(posted.id, sybil, LeaseState::Live).into_iter().filter(|_| n % 3 > 0) {
                world.commit(&lease, &tasks.iter().map(|task| (*task, u16::MAX)).collect::<Vec<_>>()).unwrap();
            }
            for (lease, tasks) in world.leases(posted.id, sybil, LeaseState::Committed).into_iter().filter(|_| n % 3 > 1) {
                let skipped: Vec<_> = tasks.iter().map(|task| (*task, u16::MAX)).collect();
                let _too_early = world.reveal(sybil, &lease, &skipped);
            }
        }
        world.work_one(posted.id, &honest);
        world.block();
    }
    world.open_gold(&posted);
    world.until(posted.id, JobState::Closed);
    world.go_to(world.chain.block.height + 61);
    let gain: u128 = crowd.iter().map(|sybil| world.wealth(sybil)).sum();
    let money = world.money(posted.id);
    let fee = money.claimable * 2 / 100;
    // What left the job beside pay and its fee.
    let loss = (money.burnt + money.pool).saturating_sub(fee + unearned(&mut world, posted.id));
    println!(
        "{taken} loans of {lent} in all to accounts without money: they gain {gain}, the lender loses {loss} of what it paid in ({paid_in})"
    );
    assert!(gain == 0 && taken > 20 && loss <= lent && money.on_loan == 0);
    for n in 2..=9 {
        assert!(world.pay_per_label(posted.id, &user(n)) >= 9_000_000, "honest user {n} is paid as ever");
    }
}

/// Half of what workers did not earn, which goes to the pool.
fn unearned(world: &mut World, job: u64) -> u128 {
    let workers = (2..=9).map(|n| world.worker(job, &user(n)).result.unwrap().unearned.unwrap().amount.parse::<u128>().unwrap());
    workers.sum::<u128>() / 2
}
