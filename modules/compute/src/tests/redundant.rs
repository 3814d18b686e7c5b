//! Jobs that several providers run: the majority is paid, a minority is slashed, nobody is paid without one.
use cairn_kernel::{Address, Result};
use cairn_proto::cairn::compute::v1::{JobOutcome, JobState, MsgCancelJob, MsgCommitResult, MsgPostJob, MsgRevealResult, MsgServer};

use super::world::{BOND, PRICE, World, owner, refused, requester, user};
use crate::{Compute, Error, result_commitment};

/// What a job locks of each of its providers' bonds.
const LOCKED: u128 = 2 * PRICE;
/// What is left of a price after both fees.
const REST: u128 = PRICE - PRICE / 50;
const LATE: u128 = PRICE / 10;

fn salt(account: &Address) -> [u8; 32] {
    let mut salt = [7; 32];
    salt[..20].copy_from_slice(account.as_bytes());
    salt
}

impl World {
    /// With a program, and a job that so many providers may take.
    fn redundant(redundancy: u32) -> (Self, u64, Vec<Address>) {
        let mut world = Self::new();
        world.register(world.registration(0, 1_000)).unwrap();
        let members: Vec<Address> = (0..u16::try_from(redundancy).unwrap()).map(|n| user(80 + n)).collect();
        members.iter().for_each(|member| world.bond(*member, BOND).unwrap());
        let job = world.post(MsgPostJob { redundancy, ..world.order() }).unwrap();
        (world, job, members)
    }
    fn taken(redundancy: u32) -> (Self, u64, Vec<Address>) {
        let (mut world, job, members) = Self::redundant(redundancy);
        for (n, member) in members.iter().enumerate() {
            assert_eq!((world.state(job), world.job(job).members.len()), (JobState::Open, n));
            world.accept(*member, job).unwrap();
        }
        assert_eq!(world.state(job), JobState::Commit);
        (world, job, members)
    }
    fn seal_result(&mut self, account: Address, job_id: u64, root: [u8; 32]) -> Result<()> {
        let commitment = result_commitment(&self.chain.block.chain_id, job_id, &account, &root, &salt(&account)).to_vec();
        let m = MsgCommitResult { provider: account.to_string(), job_id, commitment };
        self.chain.tx(|ctx| Compute.commit_result(ctx, m)).map(drop)
    }
    fn open_result(&mut self, account: Address, job_id: u64, root: [u8; 32]) -> Result<()> {
        let m = MsgRevealResult { provider: account.to_string(), job_id, root: root.to_vec(), salt: salt(&account).to_vec() };
        self.chain.tx(|ctx| Compute.reveal_result(ctx, m)).map(drop)
    }
    /// Each seals and opens its root; `None` does neither.
    fn vote(&mut self, job: u64, votes: &[(Address, Option<[u8; 32]>)]) {
        for (account, root) in votes {
            root.iter().for_each(|root| self.seal_result(*account, job, *root).unwrap());
        }
        if self.state(job) == JobState::Commit {
            let due = self.job(job).due;
            self.run_to(due + 1);
        }
        for (account, root) in votes {
            root.iter().for_each(|root| self.open_result(*account, job, *root).unwrap());
        }
        self.check();
    }
    fn bond_of(&mut self, account: Address) -> u128 {
        let found = self.provider(account);
        assert_eq!(found.locked.unwrap().amount, "0");
        found.bond.unwrap().amount.parse().unwrap()
    }
}

#[test]
fn those_who_agree_share_the_price_and_a_liar_is_slashed() {
    let (mut world, job, members) = World::taken(3);
    let (right, wrong) = (world.work.right.root(), world.work.wrong.root());
    world.vote(job, &[(members[0], Some(right)), (members[1], Some(wrong)), (members[2], Some(right))]);
    assert_eq!((world.state(job), world.job(job).trace_root), (JobState::Deliver, right.to_vec()));
    refused(world.submit(world.result(members[1], job, false)), &Error::NotYours { job, account: members[1].to_string() });
    refused(world.submit(world.result(members[2], job, false)), &Error::Result);
    let supply = world.supply();
    assert_eq!(world.submit(world.result(members[2], job, true)).unwrap(), 0);
    world.check();
    let paid = REST - REST / 10;
    let finder = LOCKED * 35 / 100 / 2;
    assert_eq!((world.job(job).outcome(), world.balance(owner())), (JobOutcome::Paid, REST / 10));
    assert_eq!((world.balance(members[0]), world.balance(members[2])), (paid / 2 + finder, paid / 2 + finder));
    assert_eq!((world.bond_of(members[0]), world.bond_of(members[1]), world.bond_of(members[2])), (BOND, BOND - LOCKED, BOND));
    assert_eq!(supply - world.supply(), LOCKED / 2 + PRICE / 100 * 6 / 10, "half of the slash, and of the fee");
    println!("one liar of three: it loses {LOCKED} and gains 0; the requester has the right result for {PRICE}");
}

#[test]
fn without_a_majority_the_price_returns_and_who_answered_loses_nothing() {
    let (mut world, job, members) = World::taken(4);
    let (right, wrong) = (world.work.right.root(), world.work.wrong.root());
    world.vote(job, &[(members[0], Some(right)), (members[1], Some(wrong)), (members[2], Some([3; 32])), (members[3], Some(right))]);
    assert_eq!((world.job(job).outcome(), world.balance(requester())), (JobOutcome::NoMajority, PRICE));
    members.iter().for_each(|member| assert_eq!(world.bond_of(*member), BOND));
}

#[test]
fn silence_costs_a_part_and_counts_against_a_majority() {
    let (mut world, job, members) = World::taken(2);
    let right = world.work.right.root();
    world.vote(job, &[(members[0], Some(right)), (members[1], None)]);
    assert_eq!((world.job(job).outcome(), world.balance(requester())), (JobOutcome::NoMajority, PRICE));
    assert_eq!((world.bond_of(members[0]), world.bond_of(members[1])), (BOND, BOND - LATE));

    let (mut world, job, members) = World::taken(2);
    let due = world.job(job).due;
    world.run_to(due + 1);
    assert_eq!(world.job(job).outcome(), JobOutcome::NoMajority, "nobody sealed");
    assert_eq!((world.bond_of(members[0]), world.bond_of(members[1])), (BOND - LATE, BOND - LATE));

    let (mut world, job, members) = World::taken(2);
    members.iter().for_each(|member| world.seal_result(*member, job, right).unwrap());
    world.open_result(members[0], job, right).unwrap();
    let due = world.job(job).due;
    world.run_to(due + 1);
    assert_eq!(world.job(job).outcome(), JobOutcome::NoMajority, "one did not open");
    assert_eq!((world.bond_of(members[0]), world.bond_of(members[1])), (BOND, BOND - LATE));
}

#[test]
fn who_agrees_and_delivers_nothing_loses_a_part_and_a_liar_is_slashed_all_the_same() {
    let (mut world, job, members) = World::taken(3);
    let (right, wrong) = (world.work.right.root(), world.work.wrong.root());
    world.vote(job, &[(members[0], Some(right)), (members[1], Some(right)), (members[2], Some(wrong))]);
    let due = world.job(job).due;
    world.run_to(due);
    assert_eq!(world.state(job), JobState::Deliver);
    world.block();
    assert_eq!((world.job(job).outcome(), world.balance(requester())), (JobOutcome::Poison, PRICE));
    assert_eq!((world.bond_of(members[0]), world.bond_of(members[2])), (BOND - LATE, BOND - LOCKED));
}

#[test]
fn a_job_that_too_few_take_is_refunded_and_their_bonds_are_free() {
    let (mut world, job, members) = World::redundant(3);
    world.accept(members[0], job).unwrap();
    refused(world.accept(members[0], job), &Error::State(job));
    let cancel = MsgCancelJob { requester: requester().to_string(), job_id: job };
    refused(world.chain.tx(|ctx| Compute.cancel_job(ctx, cancel)), &Error::State(job));
    world.accept(members[1], job).unwrap();
    let due = world.job(job).due;
    world.run_to(due + 1);
    assert_eq!((world.job(job).outcome(), world.balance(requester())), (JobOutcome::Expired, PRICE));
    assert_eq!((world.bond_of(members[0]), world.bond_of(members[1])), (BOND, BOND));
}

#[test]
fn sealing_and_opening_are_refused_out_of_turn_and_for_others() {
    let (mut world, job, members) = World::redundant(2);
    for redundancy in [1, 6] {
        refused(world.post(MsgPostJob { redundancy, ..world.order() }), &Error::Redundancy(redundancy));
    }
    refused(world.post(MsgPostJob { redundancy: 2, class_id: 1, ..world.order() }), &Error::Redundancy(2));
    let right = world.work.right.root();
    refused(world.seal_result(members[0], job, right), &Error::State(job));
    for member in &members {
        world.accept(*member, job).unwrap();
    }
    refused(world.accept(user(2), job), &Error::State(job));
    refused(world.seal_result(user(2), job, right), &Error::NotYours { job, account: user(2).to_string() });
    refused(world.open_result(members[0], job, right), &Error::State(job));
    let due = world.job(job).due;
    world.run_to(due);
    world.seal_result(members[0], job, right).unwrap();
    refused(world.seal_result(members[0], job, right), &Error::State(job));
    // A commitment of another one opens nothing.
    let copied = world.job(job).members[0].commitment.clone();
    let m = MsgCommitResult { provider: members[1].to_string(), job_id: job, commitment: copied };
    world.chain.tx(|ctx| Compute.commit_result(ctx, m)).unwrap();
    assert_eq!(world.state(job), JobState::Reveal, "all have sealed");
    refused(world.open_result(members[1], job, right), &Error::Opening);
    refused(world.open_result(members[0], job, [1; 32]), &Error::Opening);
    let due = world.job(job).due;
    world.run_to(due);
    world.open_result(members[0], job, right).unwrap();
    refused(world.open_result(members[0], job, right), &Error::State(job));
    refused(world.challenge(user(10), job, [1; 32]), &Error::State(job));
}
