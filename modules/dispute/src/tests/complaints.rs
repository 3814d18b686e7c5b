//! Complaints: bonds, joining, limits, and what is refused.
use cairn_kernel::{BASE_DENOM, Coin};
use cairn_proto::cairn::dispute::v1::{EventCaseOpened, Outcome};

use super::world::{SKILL, World, escrow, juror, refused, subject, user};
use crate::{CaseState, Choice, Complaint, Error, Statement, Verdict, rules::MAX_APPELLANTS};

fn complaint(n: u16) -> Complaint {
    let statement = Statement { uri: "https://example.org/why".into(), sha256: vec![3; 32] };
    Complaint { subject: subject(9), appellant: user(n), claim: Coin::base(0), skill: SKILL.into(), statement }
}

#[test]
fn a_complaint_takes_the_bond_and_opens_a_case_that_asks_for_a_seed() {
    let mut world = World::new(5);
    world.fund(user(1), 600_000);
    let (id, events) = world.chain.run(|ctx| {
        let id = crate::open(ctx, complaint(1)).unwrap();
        (id, ctx.take_events())
    });
    assert!(events.iter().any(|event| event.kind == "cairn.dispute.v1.EventCaseOpened"));
    assert_eq!((id, world.balance(user(1))), (1, 100_000));
    let case = world.case(1);
    assert_eq!((case.state(), case.skill.as_str(), case.opened), (CaseState::Drawing, SKILL, world.height()));
    assert_eq!(case.appellants[0].account, user(1).to_string());
    assert_eq!(case.appellants[0].statement.as_ref().unwrap().sha256, [3; 32]);
    assert_eq!((case.rounds[0].asked, case.rounds[0].pool), (world.height(), 5));
    assert_eq!(world.chain.run(|ctx| crate::case_about(ctx, &subject(9))).unwrap(), Some(case));
    assert_eq!(world.chain.run(|ctx| crate::case_about(ctx, &subject(8))).unwrap(), None);
    world.check();
}

#[test]
fn the_bond_is_half_of_the_claim_and_at_least_the_parameter() {
    let mut world = World::new(0);
    world.fund(user(1), 100_000_000);
    let cases = [(Coin::base(1_000_000), 500_000), (Coin::base(1_000_001), 500_001), (Coin::new("ibc/atom", 9_000_000), 500_000)];
    for (id, (claim, bond)) in (1..).zip(cases) {
        let before = world.balance(user(1));
        let case = world.open(user(1), id, claim.clone()).unwrap();
        assert_eq!(before - world.balance(user(1)), bond, "{claim}");
        let appellant = world.case(case).appellants.remove(0);
        assert_eq!((appellant.claim.unwrap().amount, appellant.bond.unwrap().denom), (claim.amount.to_string(), BASE_DENOM.into()));
    }
    world.check();
}

#[test]
fn malformed_and_unpaid_complaints_are_refused() {
    let mut world = World::new(0);
    let mut open = |change: &dyn Fn(&mut Complaint)| {
        let mut complaint = complaint(1);
        change(&mut complaint);
        world.chain.tx(|ctx| crate::open(ctx, complaint))
    };
    refused(open(&|c| c.subject.module = "asset".into()), &Error::NoCourt("asset".into()));
    refused(open(&|c| c.subject.module = "m".repeat(65)), &Error::Module(65));
    refused(open(&|c| c.skill = "s".repeat(65)), &Error::Skill(65));
    refused(open(&|c| c.skill = "tab\t".into()), &Error::Skill(4));
    refused(open(&|c| c.statement.uri = String::new()), &Error::Statement { uri: 0, hash: 32 });
    refused(open(&|c| c.statement.uri = "u".repeat(513)), &Error::Statement { uri: 513, hash: 32 });
    refused(open(&|c| c.statement.sha256 = vec![]), &Error::Statement { uri: 23, hash: 0 });
    let poor = open(&|_| ()).unwrap_err();
    assert_eq!((poor.codespace, poor.code), ("sdk", 5));
    world.fund(user(1), 500_000);
    let longest = |c: &mut Complaint| (c.skill, c.statement.uri) = ("s".repeat(64), "u".repeat(512));
    let mut last = complaint(1);
    longest(&mut last);
    assert_eq!(world.chain.tx(|ctx| crate::open(ctx, last)).unwrap(), 1);
}

#[test]
fn equal_complaints_join_until_a_jury_has_found() {
    let (mut world, case) = World::drawn(5);
    assert_eq!(world.complain(user(2), 1).unwrap(), case);
    refused(world.complain(user(2), 1), &Error::AlreadyAppellant { case, account: user(2).to_string() });
    refused(world.complain(juror(1), 1), &Error::Juror { case, account: juror(1).to_string() });
    assert_ne!(world.complain(user(2), 2).unwrap(), case, "another subject is another case");
    world.until(case, CaseState::Reveal);
    assert_eq!(world.complain(user(3), 1).unwrap(), case);
    let appellants: Vec<_> = world.case(case).appellants.into_iter().map(|a| a.account).collect();
    assert_eq!(appellants, [user(1), user(2), user(3)].map(|a| a.to_string()));
    let mut world = World::drawn(5).0;
    world.vote(case, &[Some(Choice::Uphold); 5]);
    refused(world.complain(user(2), 1), &Error::Decided(case));
    world.until(case, CaseState::Closed);
    refused(world.complain(user(2), 1), &Error::Decided(case));
    assert_eq!(world.case(case).outcome(), Outcome::Upheld);
}

#[test]
fn joined_appellants_win_and_lose_together() {
    for (choice, verdict, left) in [(Choice::VoidGold, Verdict::VoidGold, 500_000), (Choice::Uphold, Verdict::Upheld, 0)] {
        let (mut world, case) = World::drawn(5);
        world.complain(user(2), 1).unwrap();
        world.fund(escrow(), 500_000);
        world.vote(case, &[Some(choice); 5]);
        world.until(case, CaseState::Closed);
        assert_eq!(world.verdicts(), [verdict]);
        assert_eq!([1, 2].map(|n| world.balance(user(n))), [left; 2]);
        assert_eq!(world.seen::<EventCaseOpened>().len(), 0, "complaints come in transactions");
    }
}

#[test]
fn an_account_has_at_most_three_open_cases() {
    let mut world = World::new(0);
    for id in 1..=3 {
        world.complain(user(1), id).unwrap();
    }
    refused(world.complain(user(1), 4), &Error::TooManyOpen { account: user(1).to_string(), most: 3 });
    world.until(1, CaseState::Closed);
    world.complain(user(1), 4).unwrap();
    world.check();
}

#[test]
fn a_case_has_at_most_a_hundred_appellants() {
    let mut world = World::new(0);
    let most = u16::try_from(MAX_APPELLANTS).unwrap();
    for n in 0..most {
        assert_eq!(world.complain(user(1_000 + n), 1).unwrap(), 1);
    }
    refused(world.complain(user(1), 1), &Error::TooManyAppellants { case: 1, most: MAX_APPELLANTS });
}
