//! Attacks on who may lease: exams, clusters.
use cairn_kernel::Address;
use cairn_proto::cairn::annotation::v1::{JobState, LeaseState, MsgLeaveCluster, MsgServer};

use super::{
    clusters::send,
    exams,
    world::{Person, Post, World, user},
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
