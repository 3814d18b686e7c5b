//! What fails is undone, tried again, and in the end left out: no case stands still and no block fails.
use cairn_kernel::Coin;
use cairn_proto::cairn::dispute::v1::{EventCaseClosed, EventJurorLeft, EventStepFailed, Outcome};

use super::world::{World, escrow, juror, user};
use crate::{
    CaseState, Choice, Verdict,
    rules::{MAX_FAILURES, RETRY_BLOCKS},
};

const OVERTURN: [Option<Choice>; 5] = [Some(Choice::Overturn); 5];

#[test]
fn a_verdict_that_its_court_refuses_is_offered_again() {
    let (mut world, case) = World::drawn(5);
    world.fund(escrow(), 1_000_000);
    world.bench.lock().unwrap().fail_verdict = true;
    world.vote(case, &OVERTURN);
    let clock = world.case(case).clock;
    world.run_to(clock + 1);
    let found = world.case(case);
    assert_eq!((found.state(), found.failures, found.clock), (CaseState::Appeal, 1, clock + RETRY_BLOCKS));
    assert_eq!((world.balance(escrow()), world.balance(user(1))), (1_000_000, 0), "nothing of the failed step stays");
    let failed = world.seen::<EventStepFailed>().remove(0);
    assert_eq!((failed.case_id, failed.codespace.as_str(), failed.code), (case, "sdk", 37));
    world.bench.lock().unwrap().fail_verdict = false;
    world.run_to(clock + RETRY_BLOCKS + 1);
    assert_eq!(world.verdicts(), [Verdict::Overturned]);
    assert_eq!((world.balance(escrow()), world.balance(user(1))), (500_000, 500_000));
}

#[test]
fn a_court_that_keeps_failing_is_left_out_and_the_money_is_settled() {
    let (mut world, case) = World::drawn(5);
    world.fund(escrow(), 1_000_000);
    world.fund(user(90), 200_000);
    world.chain.tx(|ctx| cairn_rewards::fund_pool(ctx, &user(90), &[Coin::base(200_000)])).unwrap();
    world.bench.lock().unwrap().fail_verdict = true;
    world.vote(case, &OVERTURN);
    let jury = world.jury(case);
    world.until(case, CaseState::Closed);
    let found = world.case(case);
    assert_eq!((found.failures, found.undelivered, found.outcome()), (MAX_FAILURES, true, Outcome::Overturned));
    assert!(world.seen::<EventCaseClosed>()[0].undelivered);
    assert_eq!(world.verdicts(), []);
    assert_eq!(world.balance(escrow()), 1_000_000, "the court is not asked for fees either");
    assert!(jury.iter().all(|account| world.balance(*account) == 100_000));
    assert_eq!((world.pool(), world.balance(user(1))), (0, 200_000), "the pool had 0.2 of the 0.5, the bond paid the rest");
}

#[test]
fn a_court_that_cannot_name_its_parties_gets_no_jury_and_the_case_ends() {
    let mut world = World::new(5);
    world.bench.lock().unwrap().fail_party = true;
    let case = world.complain(user(1), 1).unwrap();
    world.until(case, CaseState::Waiting);
    assert_eq!(world.case(case).rounds.len(), 0, "the failed draw is given up");
    world.until(case, CaseState::Closed);
    let found = world.case(case);
    assert_eq!((found.outcome(), found.undelivered, found.failures), (Outcome::NoQuorum, true, MAX_FAILURES));
    assert_eq!(world.balance(user(1)), 500_000);
    assert_eq!(world.seen::<EventStepFailed>().len(), 5);

    let case = world.complain(user(1), 2).unwrap();
    world.until(case, CaseState::Waiting);
    world.bench.lock().unwrap().fail_party = false;
    world.until(case, CaseState::Commit);
    assert_eq!(world.case(case).rounds.len(), 1);
}

#[test]
fn a_court_that_says_it_paid_and_did_not_is_not_believed() {
    let (mut world, case) = World::drawn(5);
    world.bench.lock().unwrap().lies = true;
    world.vote(case, &OVERTURN);
    world.until(case, CaseState::Closed);
    assert!(world.case(case).undelivered);
    let failed = world.seen::<EventStepFailed>();
    assert!(failed.iter().all(|event| (event.codespace.as_str(), event.code) == ("dispute", 31)));
}

/// More falls due in one block than a block may handle: the rest is handled in the next ones, in order, and the times of voters stay.
#[test]
fn what_does_not_fit_into_a_block_carries_over() {
    let mut world = World::new(40);
    world.budget = 1;
    for id in 1..=6 {
        world.complain(user(u16::try_from(id).unwrap()), id).unwrap();
    }
    let states = |world: &mut World| (1..=6).map(|id| world.case(id).state()).collect::<Vec<_>>();
    let asked = world.height();
    world.run_to(asked + 3);
    assert_eq!(states(&mut world)[..2], [CaseState::Commit, CaseState::Drawing], "one draw a block");
    world.run_to(asked + 8);
    assert_eq!(states(&mut world), [CaseState::Commit; 6]);
    let untils: Vec<_> = (1..=6).map(|id| world.case(id).clock).collect();
    assert_eq!(untils, (0..6).map(|n| asked + 62 + n).collect::<Vec<_>>());
    for id in 1..=6 {
        for account in world.jury(id) {
            world.commit(account, id, Choice::Uphold).unwrap();
        }
    }
    world.run_to(asked + 63);
    world.budget = 0;
    // Nothing goes on by itself for a while: reveals count all the same, and no longer than their heights.
    world.run_to(asked + 122);
    let account = world.jury(1)[0];
    world.reveal(account, 1, Choice::Uphold).unwrap();
    world.block();
    let late = world.jury(1)[1];
    assert_eq!(world.reveal(late, 1, Choice::Uphold).unwrap_err().code, 16);
    world.budget = 2;
    for _ in 0..400 {
        world.block();
    }
    assert_eq!(states(&mut world), [CaseState::Closed; 6]);
}

#[test]
fn a_leaving_juror_is_paid_once() {
    let mut world = World::new(1);
    world.leave(juror(1)).unwrap();
    for _ in 0..200 {
        world.block();
    }
    assert_eq!(world.seen::<EventJurorLeft>().len(), 1);
    assert_eq!(world.balance(juror(1)), 10_000_000);
}
