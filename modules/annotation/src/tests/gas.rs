//! What the messages cost in gas: a leases' worth of work stays affordable, whatever the size of the job and the number of others in it.
use cairn_kernel::{Ctx, Gas, Result};
use cairn_proto::cairn::annotation::v1::{LeaseState, MsgClaimTasks, MsgCommitLabels, MsgServer, MsgWithdrawEarnings};

use super::world::{Person, Post, World, commitment, reveal, user};
use crate::Annotation;

/// Runs a message under its own meter.
fn gas<T>(world: &mut World, f: impl FnOnce(&mut Ctx) -> Result<T>) -> u64 {
    let meter = Gas::new(50_000_000);
    world.chain.run(|ctx| ctx.metered(&meter, f)).unwrap();
    meter.used()
}

#[test]
fn messages_are_affordable() {
    let mut world = World::new(40);
    world.checked = false;
    let post = Post { tasks: 20_000, overlap: 32, bucket_size: 20, duration: 3_000, ..Post::default() };
    let gold = post.gold(&world.chain.block.chain_id.clone(), 1);
    let msg = post.msg(&gold);
    let posting = gas(&mut world, |ctx| Annotation.post_job(ctx, msg));
    let people: Vec<Person> = (2..=40).map(|n| Person::new(user(n), post.truth)).collect();
    let (mut claim, mut commit, mut most, mut least) = (0, 0, 0_u64, u64::MAX);
    for person in &people {
        let annotator = person.address.to_string();
        let msg = MsgClaimTasks { annotator, job: 1, buckets: 4, nonce: 1, ..MsgClaimTasks::default() };
        claim = claim.max(gas(&mut world, |ctx| Annotation.claim_tasks(ctx, msg)));
    }
    (0..4).for_each(|_| world.block());
    let chain_id = world.chain.block.chain_id.clone();
    let mut held = Vec::new();
    for person in &people {
        for (lease, tasks) in world.leases(1, &person.address, LeaseState::Live) {
            let labels = person.labels(&tasks);
            let commitment = commitment(&chain_id, &lease, &person.address, &labels);
            let msg = MsgCommitLabels { annotator: lease.annotator.clone(), lease: lease.id, commitment, revealer: String::new() };
            commit = commit.max(gas(&mut world, |ctx| Annotation.commit_labels(ctx, msg)));
            held.push((person.address, lease, labels));
        }
    }
    let deadline = world.job(1).0.commit_deadline;
    world.go_to(deadline + 1);
    for (address, lease, labels) in held {
        let msg = reveal(&address, &lease, &labels);
        let used = gas(&mut world, |ctx| Annotation.reveal_labels(ctx, msg));
        (most, least) = (most.max(used), least.min(used));
    }
    world.block();
    let msg = gold.opening(1, 0, 20_000);
    let opening = gas(&mut world, |ctx| Annotation.open_gold(ctx, msg));
    let account = user(2).to_string();
    let withdrawal = gas(&mut world, |ctx| Annotation.withdraw_earnings(ctx, MsgWithdrawEarnings { account, denoms: vec![] }));
    println!(
        "gas: PostJob {posting}, ClaimTasks {claim}, CommitLabels {commit}, RevealLabels {least} to {most}, OpenGold {opening}, \
         WithdrawEarnings {withdrawal}"
    );
    assert!(claim < 100_000 && commit < 100_000 && most < 150_000);
    assert!(opening < 300_000 && posting < 3_000_000 && withdrawal < 100_000);
}
