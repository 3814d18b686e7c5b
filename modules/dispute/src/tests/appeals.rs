//! The appeal of a first verdict before a second jury.
use cairn_proto::cairn::dispute::v1::{MsgAppealVerdict, MsgServer, Outcome};

use super::world::{World, escrow, juror, refused, user};
use crate::{CaseState, Choice, Dispute, Error, Statement, Verdict};

const UPHOLD: Option<Choice> = Some(Choice::Uphold);
const OVERTURN: Option<Choice> = Some(Choice::Overturn);

/// A case of users 1 and 2 against user 50, after a first verdict by all five.
fn found(choice: Option<Choice>) -> (World, u64) {
    let (mut world, case) = World::drawn(16);
    world.complain(user(2), 1).unwrap();
    world.bench.lock().unwrap().parties.insert(user(50));
    world.vote(case, &[choice; 5]);
    (world, case)
}

#[test]
fn only_the_side_that_lost_appeals_and_only_in_time() {
    let (mut world, case) = found(UPHOLD);
    for n in [1, 50, 60] {
        world.fund(user(n), 2_000_000);
    }
    let not = |n| Error::NotLoser { case, account: user(n).to_string() };
    refused(world.appeal(user(50), case), &not(50));
    refused(world.appeal(user(60), case), &not(60));
    let seated = world.jury(case)[0];
    refused(world.appeal(seated, case), &Error::Juror { case, account: seated.to_string() });
    let statement = Some(Statement { uri: "x".into(), sha256: vec![] });
    let m = MsgAppealVerdict { appellant: user(1).to_string(), case_id: case, statement };
    refused(world.chain.tx(|ctx| Dispute.appeal_verdict(ctx, m)), &Error::Statement { uri: 1, hash: 0 });
    assert_eq!(world.appeal(user(2), case).unwrap_err().code, 5, "twice the bond is needed");
    let until = world.case(case).clock;
    world.run_to(until);
    world.appeal(user(1), case).unwrap();
    assert_eq!(world.balance(user(1)), 1_000_000);
    let now = world.height();
    refused(world.appeal(user(1), case), &Error::NotTime { case, what: "an appeal of its verdict", from: 0, until: 0, now });

    let (mut world, case) = found(OVERTURN);
    for n in [1, 50] {
        world.fund(user(n), 1_000_000);
    }
    refused(world.appeal(user(1), case), &not(1));
    world.appeal(user(50), case).unwrap();
    assert_eq!(world.balance(user(50)), 0);
    assert_eq!(world.case(case).second.unwrap().account, user(50).to_string());

    let (mut world, case) = found(UPHOLD);
    world.fund(user(1), 1_000_000);
    world.until(case, CaseState::Closed);
    let now = world.height();
    refused(world.appeal(user(1), case), &Error::NotTime { case, what: "an appeal of its verdict", from: 0, until: 0, now });
}

#[test]
fn the_second_jury_has_eleven_new_jurors_and_is_final() {
    let (mut world, case) = found(UPHOLD);
    let first = world.jury(case);
    world.fund(user(1), 1_000_000);
    world.appeal(user(1), case).unwrap();
    world.until(case, CaseState::Commit);
    let second = world.jury(case);
    assert_eq!(second.len(), 11);
    assert!(second.iter().all(|account| !first.contains(account)));
    assert!(world.case(case).rounds[1].second);
    world.fund(escrow(), 5_000_000);
    world.vote(case, &[OVERTURN; 11]);
    let closed = world.case(case);
    assert_eq!((closed.state(), closed.first(), closed.outcome()), (CaseState::Closed, Outcome::Upheld, Outcome::Overturned));
    assert_eq!(world.verdicts(), [Verdict::Overturned]);
    assert_eq!([1, 2].map(|n| world.balance(user(n))), [1_500_000, 500_000], "all bonds return");
    assert!(first.iter().all(|account| world.balance(*account) == 0), "the first jury was wrong");
    assert!(second.iter().all(|account| world.balance(*account) == 100_000));
    assert_eq!(world.balance(escrow()), 5_000_000 - 1_100_000);
}

#[test]
fn an_appeal_in_vain_costs_the_double_bond_and_pays_both_juries() {
    let (mut world, case) = found(UPHOLD);
    let first = world.jury(case);
    world.fund(user(1), 1_000_000);
    world.appeal(user(1), case).unwrap();
    world.vote(case, &[UPHOLD; 11]);
    let second = world.jury(case);
    assert_eq!(world.case(case).outcome(), Outcome::Upheld);
    assert_eq!([1, 2].map(|n| world.balance(user(n))), [0, 0]);
    assert!(first.iter().chain(&second).all(|account| world.balance(*account) == 100_000));
    assert_eq!(world.pool(), 200_000, "half of the 0.4 left of 2 CAIRN");
}

#[test]
fn the_other_side_pays_the_fees_where_its_appeal_fails() {
    let (mut world, case) = found(OVERTURN);
    world.fund(user(50), 1_000_000);
    world.appeal(user(50), case).unwrap();
    world.fund(escrow(), 5_000_000);
    world.vote(case, &[OVERTURN; 11]);
    assert_eq!([1, 2, 50].map(|n| world.balance(user(n))), [500_000, 500_000, 0]);
    assert_eq!(world.balance(escrow()), 5_000_000 - 600_000, "1.6 of fees, 1 from the lost bond");

    let (mut world, case) = found(OVERTURN);
    world.fund(user(50), 1_000_000);
    world.appeal(user(50), case).unwrap();
    world.vote(case, &[UPHOLD; 11]);
    assert_eq!(world.verdicts(), [Verdict::Upheld]);
    // 1.1 of fees: the two lost bonds, and as the pool is empty 0.1 of the bond that returns.
    assert_eq!([1, 2, 50].map(|n| world.balance(user(n))), [0, 0, 900_000]);
}

#[test]
fn a_second_jury_that_does_not_come_together_leaves_the_first_verdict() {
    let (mut world, case) = found(UPHOLD);
    // Sixteen jurors, five of them used: eleven sit, and there are none for another draw.
    world.fund(user(1), 1_000_000);
    world.appeal(user(1), case).unwrap();
    world.vote(case, &[OVERTURN, OVERTURN]);
    world.until(case, CaseState::Closed);
    let closed = world.case(case);
    assert_eq!((closed.outcome(), closed.rounds.len()), (Outcome::Upheld, 3));
    assert_eq!(world.verdicts(), [Verdict::Upheld]);
    assert_eq!([1, 2].map(|n| world.balance(user(n))), [1_000_000, 0], "the appeal's bond returns, those of the complaints are lost");
    let first = (1..=16).map(juror).filter(|account| world.balance(*account) == 100_000).count();
    assert_eq!(first, 5);
}
