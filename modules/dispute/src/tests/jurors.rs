//! Jurors: who may become one, what is kept back, and how they leave.
use cairn_kernel::{Address, Coin};
use cairn_proto::cairn::dispute::v1::{EventJurorLeft, JurorState, MsgJoinJury, MsgLeaveJury, MsgServer};

use super::world::{SKILL, World, juror, refused, user};
use crate::{ACCOUNT, CaseState, Choice, Dispute, Error, JurorRecord, Params, test_params};

#[test]
fn a_juror_puts_up_the_bond_and_has_a_number() {
    let mut world = World::new(2);
    assert_eq!((world.balance(juror(1)), world.bond(juror(1))), (0, 10_000_000));
    let found = world.juror(juror(2));
    assert_eq!((found.number, found.state(), found.skill.as_str()), (2, JurorState::Active, SKILL));
    assert_eq!(found.penalty.unwrap().amount, "1000000");
    assert_eq!(world.balance(ACCOUNT.address()), 20_000_000);
    let taken = Error::AlreadyJuror { account: juror(1).to_string(), skill: SKILL.into() };
    refused(world.join(juror(1)), &taken);
    world.check();
}

#[test]
fn a_juror_needs_a_record_and_money() {
    let mut world = World::new(0);
    let account = user(1);
    let mut join = |record: Option<(u64, i64)>| {
        let mut records = world.records.lock().unwrap();
        records.clear();
        records.extend(record.map(|(settled_labels, mean_kappa_ppm)| (account, JurorRecord { settled_labels, mean_kappa_ppm })));
        drop(records);
        world.join(account)
    };
    let short = |found_labels, found_kappa| Error::NotQualified { labels: 200, kappa: 500_000, found_labels, found_kappa };
    refused(join(None), &short(0, 0));
    refused(join(Some((199, 900_000))), &short(199, 900_000));
    refused(join(Some((200, 499_999))), &short(200, 499_999));
    refused(join(Some((1_000, -1))), &short(1_000, -1));
    assert_eq!(join(Some((200, 500_000))).unwrap_err().code, 5, "qualified, but without money");
    world.fund(account, 10_000_000);
    assert_eq!(world.join(account).unwrap(), 1);
    let skill = |skill: &str| MsgJoinJury { juror: account.to_string(), skill: skill.into() };
    refused(world.chain.tx(|ctx| Dispute.join_jury(ctx, skill(&"s".repeat(65)))), &Error::Skill(65));
    let other = MsgJoinJury { juror: "cairn1x".into(), skill: SKILL.into() };
    assert_eq!(world.chain.tx(|ctx| Dispute.join_jury(ctx, other)).unwrap_err().code, 7);
    world.fund(account, 10_000_000);
    assert_eq!(world.chain.tx(|ctx| Dispute.join_jury(ctx, skill("texts"))).unwrap().number, 1, "numbers are a skill's own");
    world.check();
}

#[test]
fn a_juror_leaves_after_two_windows_with_its_bond_and_may_come_back() {
    let mut world = World::new(2);
    let asked = world.height();
    assert_eq!(world.leave(juror(1)).unwrap(), asked + 120);
    let gone = |account: Address| Error::NotJuror { account: account.to_string(), skill: SKILL.into() };
    refused(world.leave(juror(1)), &gone(juror(1)));
    refused(world.join(juror(1)), &Error::AlreadyJuror { account: juror(1).to_string(), skill: SKILL.into() });
    world.run_to(asked + 120);
    assert_eq!(world.balance(juror(1)), 0);
    world.block();
    assert_eq!((world.balance(juror(1)), world.bond(juror(1))), (10_000_000, 0));
    assert_eq!(world.seen::<EventJurorLeft>().len(), 1);
    refused(world.leave(juror(1)), &gone(juror(1)));
    refused(world.leave(user(1)), &gone(user(1)));
    assert_eq!(world.join(juror(1)).unwrap(), 1, "the number is for ever");
    assert_eq!(world.juror(juror(1)).state(), JurorState::Active);
    let other = MsgLeaveJury { juror: juror(1).to_string(), skill: "texts".into() };
    assert_eq!(world.chain.tx(|ctx| Dispute.leave_jury(ctx, other)).unwrap_err().code, 14);
    world.check();
}

#[test]
fn who_leaves_after_the_draw_was_asked_for_still_sits_and_waits_for_the_bond() {
    // The windows of the case are longer than those that the juror leaves under.
    let long = Params { commit_blocks: 100, reveal_blocks: 100, ..test_params() };
    let mut world = World::with(long, 5);
    let case = world.complain(user(1), 1).unwrap();
    world.block();
    let params = Params { commit_blocks: 2, reveal_blocks: 2, ..test_params() };
    world.chain.tx(|ctx| crate::state::PARAMS.set(ctx, &params)).unwrap();
    world.leave(juror(1)).unwrap();
    world.vote(case, &[None; 5]);
    let found = world.juror(juror(1));
    assert_eq!((found.state(), found.seats, found.absent), (JurorState::Leaving, 0, 1));
    assert_eq!(world.balance(juror(1)), 0);
    let later = world.height() + 11;
    world.run_to(later);
    assert_eq!(world.balance(juror(1)), 9_000_000, "what was left of the bond");
}

#[test]
fn who_left_before_or_joined_after_the_draw_was_asked_for_does_not_sit() {
    let mut world = World::new(6);
    world.leave(juror(1)).unwrap();
    world.block();
    let case = world.complain(user(1), 1).unwrap();
    world.new_juror(7);
    world.until(case, CaseState::Commit);
    let mut jury = world.jury(case);
    jury.sort();
    assert_eq!(jury, (2..=6).map(juror).collect::<Vec<_>>());
}

/// Each seat keeps a penalty back, so that a juror sits in at most ten cases at once and none goes unpunished.
#[test]
fn a_seat_needs_a_bond_that_covers_it() {
    let mut world = World::new(5);
    for id in 1..=11 {
        world.complain(user(u16::try_from(id).unwrap()), id).unwrap();
    }
    world.block();
    world.block();
    world.block();
    let states: Vec<_> = (1..=11).map(|id| world.case(id).state()).collect();
    assert_eq!(states[..10], [CaseState::Commit; 10]);
    assert_eq!(states[10], CaseState::Waiting, "all jurors are taken");
    assert_eq!(world.juror(juror(1)).seats, 10);
    world.until(1, CaseState::Closed);
    assert_eq!(world.bond(juror(1)), 0, "ten absences cost the whole bond");
    world.until(11, CaseState::Closed);
    assert_eq!(world.juror(juror(1)).drawn, 10, "who has nothing to lose is not drawn");
}

#[test]
fn votes_are_counted_for_the_juror() {
    let (mut world, case) = World::drawn(5);
    let jury = world.jury(case);
    let choices = [Choice::Uphold, Choice::Uphold, Choice::Uphold, Choice::Overturn];
    world.vote(case, &choices.map(Some));
    world.until(case, CaseState::Closed);
    let found: Vec<_> = jury.iter().map(|account| world.juror(*account)).map(|j| (j.drawn, j.agreed, j.absent, j.seats)).collect();
    assert_eq!(found, [(1, 1, 0, 0), (1, 1, 0, 0), (1, 1, 0, 0), (1, 0, 0, 0), (1, 0, 1, 0)]);
    let fees: Vec<_> = world.seats(case).into_iter().map(|seat| seat.fee.map(|fee| Coin::try_from(fee).unwrap().amount)).collect();
    assert_eq!(fees.iter().flatten().copied().collect::<Vec<_>>(), [100_000; 3]);
}
