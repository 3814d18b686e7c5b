//! Draws, commitments, reveals, and what votes find.
use cairn_kernel::BASE_DENOM;
use cairn_proto::cairn::dispute::v1::{
    EventCaseClosed, EventJurorAbsent, EventJuryDrawn, EventJuryFailed, EventVerdictFound, MsgRevealVote, MsgServer, Outcome,
};

use super::world::{World, escrow, juror, refused, salt, subject, user};
use crate::{CaseState, Choice, Complaint, Dispute, Error, Statement, Verdict, test_params, vote_commitment, votes::Votes};
use cairn_kernel::Coin;

const UPHOLD: Option<Choice> = Some(Choice::Uphold);
const OVERTURN: Option<Choice> = Some(Choice::Overturn);
const VOID: Option<Choice> = Some(Choice::VoidGold);

#[test]
fn five_jurors_are_drawn_when_the_strong_seed_stands() {
    let mut world = World::new(20);
    let case = world.complain(user(1), 1).unwrap();
    let asked = world.height();
    world.run_to(asked + 2);
    assert_eq!(world.case(case).state(), CaseState::Drawing, "one proposer of four is no third");
    world.block();
    let found = world.case(case);
    let round = found.rounds[0];
    assert_eq!((found.state(), round.seed_height, round.weak, round.seats), (CaseState::Commit, asked + 2, false, 5));
    assert_eq!((round.commit_until, round.reveal_until, found.clock), (asked + 62, asked + 122, asked + 62));
    let drawn = world.seen::<EventJuryDrawn>().remove(0);
    let mut named = drawn.jurors.clone();
    named.sort();
    let mut seated: Vec<_> = world.jury(case).iter().map(ToString::to_string).collect();
    seated.sort();
    assert_eq!((named, drawn.weak), (seated, false));
}

/// Each juror is as likely as any other, whatever its number.
#[test]
fn every_juror_is_drawn_alike() {
    let params = crate::Params { commit_blocks: 1, reveal_blocks: 1, appeal_blocks: 1, ..test_params() };
    let mut world = World::with(params, 10);
    let mut seats = [0_u32; 10];
    for id in 0..60 {
        world.complain(user(id), u64::from(id)).unwrap();
        world.until(u64::from(id) + 1, CaseState::Commit);
        for account in world.jury(u64::from(id) + 1) {
            let n = (1..=10).find(|n| juror(*n) == account).unwrap();
            seats[usize::from(n) - 1] += 1;
        }
        world.vote(u64::from(id) + 1, &[UPHOLD; 5]);
    }
    println!("seats of ten jurors in 60 draws of 5: {seats:?}");
    assert!(seats.iter().all(|n| (15..=45).contains(n)), "{seats:?}");
}

#[test]
fn parties_appellants_and_former_jurors_are_not_drawn() {
    let mut world = World::new(12);
    world.bench.lock().unwrap().parties.insert(juror(1));
    world.qualify(user(1));
    world.fund(user(1), 10_000_000);
    world.join(user(1)).unwrap();
    world.block();
    let case = world.complain(user(1), 1).unwrap();
    world.until(case, CaseState::Commit);
    let first = world.jury(case);
    world.vote(case, &[None; 5]);
    world.until(case, CaseState::Commit);
    let second = world.jury(case);
    assert_eq!(second.len(), 5);
    for account in first.iter().chain([&juror(1), &user(1)]) {
        assert!(!second.contains(account));
    }
    assert!(!first.contains(&juror(1)) && !first.contains(&user(1)));
}

#[test]
fn commitments_count_up_to_their_last_height() {
    let (mut world, case) = World::drawn(6);
    let until = world.case(case).rounds[0].commit_until;
    let jury = world.jury(case);
    let stranger = (1..=6).map(juror).find(|account| !jury.contains(account)).unwrap();
    refused(world.commit(stranger, case, Choice::Uphold), &Error::NoSeat { case, account: stranger.to_string() });
    refused(world.send_commitment(jury[0], case, vec![1; 31]), &Error::Commitment(31));
    refused(world.send_commitment(jury[0], 9, vec![1; 32]), &Error::NoCase(9));
    let early = Error::NotTime { case, what: "reveals", from: until + 1, until: until + 60, now: world.height() };
    refused(world.reveal(jury[0], case, Choice::Uphold), &early);
    world.commit(jury[0], case, Choice::Uphold).unwrap();
    refused(world.commit(jury[0], case, Choice::Overturn), &Error::Committed);
    world.run_to(until);
    world.commit(jury[1], case, Choice::Uphold).unwrap();
    assert_eq!(world.seats(case).iter().filter(|seat| !seat.commitment.is_empty()).count(), 2);
    world.block();
    let from = world.case(case).rounds[0].seed_height;
    let late = Error::NotTime { case, what: "commitments", from, until, now: until + 1 };
    refused(world.commit(jury[2], case, Choice::Uphold), &late);
}

#[test]
fn reveals_open_what_was_committed_and_count_up_to_their_last_height() {
    let (mut world, case) = World::drawn(5);
    let jury = world.jury(case);
    for account in &jury[..4] {
        world.commit(*account, case, Choice::Overturn).unwrap();
    }
    world.until(case, CaseState::Reveal);
    refused(world.reveal(jury[0], case, Choice::Uphold), &Error::Mismatch);
    refused(world.reveal(jury[4], case, Choice::Uphold), &Error::NothingCommitted);
    let mut send = |choice: i32, salt: Vec<u8>| {
        let m = MsgRevealVote { juror: jury[0].to_string(), case_id: case, choice, salt };
        world.chain.tx(|ctx| Dispute.reveal_vote(ctx, m))
    };
    refused(send(0, salt(jury[0]).to_vec()), &Error::Choice(0));
    refused(send(4, salt(jury[0]).to_vec()), &Error::Choice(4));
    refused(send(2, vec![0; 33]), &Error::Salt(33));
    refused(send(2, vec![0; 32]), &Error::Mismatch);
    world.reveal(jury[0], case, Choice::Overturn).unwrap();
    refused(world.reveal(jury[0], case, Choice::Overturn), &Error::Revealed);
    let until = world.case(case).rounds[0].reveal_until;
    world.run_to(until);
    world.reveal(jury[1], case, Choice::Overturn).unwrap();
    world.reveal(jury[2], case, Choice::Overturn).unwrap();
    world.block();
    refused(world.reveal(jury[3], case, Choice::Overturn), &Error::NoSeat { case, account: jury[3].to_string() });
    let found = world.case(case);
    assert_eq!((found.rounds[0].committed, found.rounds[0].overturn, found.rounds[0].uphold), (4, 3, 0));
    assert_eq!((found.state(), found.first(), found.clock), (CaseState::Appeal, Outcome::Overturned, until + 60));
    assert_eq!(world.seen::<EventVerdictFound>()[0].appeal_until, until + 60);
}

/// A known answer, so that clients can check their own.
#[test]
fn the_format_of_a_vote_is_fixed() {
    let commitment = vote_commitment("cairn-test-1", 7, 2, &user(1), Choice::Overturn, &[9; 32]);
    let mut bytes = b"cairn.vote.v1\0\0\0".to_vec();
    bytes.extend(cairn_kernel::chain32("cairn-test-1"));
    bytes.extend(7_u64.to_be_bytes());
    bytes.extend(2_u32.to_be_bytes());
    bytes.push(20);
    bytes.extend(user(1).as_bytes());
    bytes.push(2);
    bytes.extend([9; 32]);
    use sha2::{Digest, Sha256};
    assert_eq!(commitment.as_slice(), Sha256::digest(bytes).as_slice());
}

#[test]
fn a_tie_upholds_and_of_two_reliefs_the_smaller_one_wins_it() {
    let found = |uphold, overturn, void_gold| Votes { uphold, overturn, void_gold }.verdict().unwrap();
    assert_eq!(found(3, 0, 0), Verdict::Upheld);
    assert_eq!(found(2, 1, 1), Verdict::Upheld);
    assert_eq!(found(2, 2, 0), Verdict::Upheld);
    assert_eq!(found(2, 2, 1), Verdict::Overturned, "more are against the decision than for it");
    assert_eq!(found(1, 2, 2), Verdict::Overturned);
    assert_eq!(found(1, 1, 2), Verdict::VoidGold);
    assert_eq!(found(0, 0, 3), Verdict::VoidGold);
}

#[test]
fn an_upheld_decision_costs_the_bond_and_pays_the_jurors_who_said_so() {
    let (mut world, case) = World::drawn(5);
    let (jury, before) = (world.jury(case), world.supply());
    world.vote(case, &[UPHOLD, UPHOLD, UPHOLD, OVERTURN, VOID]);
    world.until(case, CaseState::Closed);
    assert_eq!(world.verdicts(), [Verdict::Upheld]);
    assert_eq!(jury.iter().map(|j| world.balance(*j)).collect::<Vec<_>>(), [100_000, 100_000, 100_000, 0, 0]);
    assert_eq!(world.balance(user(1)), 0);
    assert_eq!((world.pool(), before - world.supply()), (100_000, 100_000), "of the rest half is burnt, half goes to the pool");
    let closed = world.seen::<EventCaseClosed>().remove(0);
    assert_eq!((closed.outcome(), closed.paid, closed.fee.unwrap().amount.as_str()), (Outcome::Upheld, 3, "100000"));
    assert_eq!(closed.lost.unwrap().amount, "500000");
}

#[test]
fn the_fees_of_an_overturned_decision_come_from_the_court_then_the_pool_then_the_bond() {
    // Of 0.4 in fees the pool pays at most half; what then is missing, the appellant.
    let cases =
        [(900_000, 0, 0), (250_000, 900_000, 0), (120_000, 900_000, 80_000), (120_000, 0, 280_000), (0, 900_000, 200_000), (0, 1, 399_999)];
    for (held, pool, charged) in cases {
        let mut world = World::new(5);
        world.fund(escrow(), held);
        world.fund(user(90), pool);
        world.chain.tx(|ctx| cairn_rewards::fund_pool(ctx, &user(90), &[Coin::base(pool)])).unwrap();
        let case = world.complain(user(1), 1).unwrap();
        world.vote(case, &[OVERTURN, OVERTURN, OVERTURN, OVERTURN, UPHOLD]);
        let jury = world.jury(case);
        world.until(case, CaseState::Closed);
        assert_eq!(world.verdicts(), [Verdict::Overturned]);
        assert_eq!(world.balance(user(1)), 500_000 - charged);
        assert_eq!(jury.iter().map(|j| world.balance(*j)).collect::<Vec<_>>(), [100_000, 100_000, 100_000, 100_000, 0]);
        let rest = 400_000 - charged;
        assert_eq!(world.balance(escrow()), held - rest.min(held));
        assert_eq!(world.pool(), pool - rest.saturating_sub(held));
    }
}

#[test]
fn fewer_than_three_reveals_are_drawn_again_once_and_then_the_decision_stands() {
    let mut world = World::new(10);
    let case = world.complain(user(1), 1).unwrap();
    world.vote(case, &[OVERTURN, OVERTURN, None, None, None]);
    let found = world.case(case);
    assert_eq!((found.state(), found.rounds.len(), found.rounds[1].number), (CaseState::Drawing, 2, 2));
    world.vote(case, &[OVERTURN, OVERTURN, None, None, None]);
    let found = world.case(case);
    assert_eq!((found.state(), found.outcome()), (CaseState::Closed, Outcome::NoQuorum));
    assert_eq!(world.verdicts(), [Verdict::NoQuorum]);
    assert_eq!(world.balance(user(1)), 500_000, "the bond returns");
    assert_eq!(world.seen::<EventJurorAbsent>().len(), 6);
    assert_eq!(world.balance(cairn_rewards::ACCOUNT.address()), 0, "nobody was paid, all was burnt");
    let failed = world.seen::<EventJuryFailed>();
    assert_eq!((failed.len(), failed[0].found, failed[0].needed), (2, 2, 3));
}

#[test]
fn a_redrawn_jury_decides_and_voters_of_the_first_are_paid_too() {
    let mut world = World::new(10);
    let case = world.complain(user(1), 1).unwrap();
    world.until(case, CaseState::Commit);
    let first = world.jury(case);
    world.vote(case, &[UPHOLD, OVERTURN, None, None, None]);
    world.vote(case, &[UPHOLD; 5]);
    let second = world.jury(case);
    world.until(case, CaseState::Closed);
    assert_eq!(world.case(case).outcome(), Outcome::Upheld);
    // Six fees of 0.1 from a bond of 0.5; the pool is empty.
    assert_eq!(first.iter().map(|j| world.balance(*j)).collect::<Vec<_>>(), [83_333, 0, 0, 0, 0]);
    assert_eq!(second.iter().map(|j| world.balance(*j)).sum::<u128>(), 5 * 83_333);
    assert_eq!(world.pool(), 2, "dust");
}

/// Jurors may come while the case waits, once; then the decision stands. Nobody can hold a case open by staying away.
#[test]
fn too_few_jurors_wait_once_for_others_and_end_the_case() {
    for (later, state) in [(1, CaseState::Commit), (0, CaseState::Closed)] {
        let mut world = World::new(4);
        let case = world.complain(user(1), 1).unwrap();
        world.until(case, CaseState::Waiting);
        let clock = world.case(case).clock;
        assert_eq!(clock, world.height() - 1 + 60);
        (0..later).for_each(|n| world.new_juror(5 + n));
        world.run_to(clock + 4);
        assert_eq!(world.case(case).state(), state);
    }
}

#[test]
fn a_weak_seed_is_noted_in_the_case_and_in_the_event() {
    let mut world = World::empty(40);
    world.reveals = false;
    (1..=5).for_each(|n| world.new_juror(n));
    let case = world.complain(user(1), 1).unwrap();
    let asked = world.height();
    world.run_to(asked + 40);
    assert_eq!(world.case(case).state(), CaseState::Drawing);
    world.block();
    let round = world.case(case).rounds[0];
    assert_eq!((round.seed_height, round.weak), (asked + 40, true));
    assert!(world.seen::<EventJuryDrawn>()[0].weak);
}

#[test]
fn a_case_keeps_the_settings_it_was_opened_under() {
    let (mut world, case) = World::drawn(5);
    let params = crate::Params { reveal_blocks: 5, fee: "1".into(), jury_size: 3, ..test_params() };
    world.chain.tx(|ctx| crate::state::PARAMS.set(ctx, &params)).unwrap();
    world.vote(case, &[UPHOLD; 5]);
    world.until(case, CaseState::Closed);
    let jury = world.jury(case);
    assert_eq!(world.balance(jury[0]), 100_000);
    let statement = Statement::default();
    let complaint =
        Complaint { subject: subject(2), appellant: user(2), claim: Coin::new(BASE_DENOM, 0), skill: "images".into(), statement };
    world.fund(user(2), 500_000);
    let other = world.chain.tx(|ctx| crate::open(ctx, complaint)).unwrap();
    world.until(other, CaseState::Commit);
    assert_eq!(world.jury(other).len(), 3);
}
