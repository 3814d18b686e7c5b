//! What attackers gain, measured. Each test prints the attacker's gain.
use cairn_kernel::{Address, Coin};
use cairn_proto::cairn::dispute::v1::Outcome;

use super::world::{World, escrow, juror, refused, user};
use crate::{CaseState, Choice, Error, Params, test_params};

/// What all of these accounts have, bonds of jurors included.
fn wealth(world: &mut World, accounts: &[Address], jurors: &[Address]) -> u128 {
    let held: u128 = accounts.iter().chain(jurors).map(|account| world.balance(*account)).sum();
    held + jurors.iter().map(|account| world.bond(*account)).sum::<u128>()
}

/// Votes of the attacker's jurors and of the honest ones.
fn vote(world: &mut World, case: u64, own: &[Address], theirs: Choice, honest: Choice) {
    world.until(case, CaseState::Commit);
    let jury = world.jury(case);
    let choices: Vec<_> = jury.iter().map(|account| Some(if own.contains(account) { theirs } else { honest })).collect();
    world.vote(case, &choices);
}

/// One person is appellant and other side at once, and has a third of the jurors; the pool is full. Whatever it stages, and however the case ends,
/// it has less afterwards: fees leave it towards strangers, and the pool adds no more than it paid itself.
#[test]
fn case_against_oneself_loses() {
    let own: Vec<_> = (1..=10).map(juror).collect();
    let accounts = [user(1), escrow()];
    let cases = [
        (Choice::Uphold, 0, "lost"),
        (Choice::Overturn, 1_000_000, "won"),
        (Choice::Overturn, 250_000, "won, half paid"),
        (Choice::Overturn, 0, "won, the court has nothing"),
    ];
    for (honest, held, name) in cases {
        let params = Params { commit_blocks: 2, reveal_blocks: 2, appeal_blocks: 2, ..test_params() };
        let mut world = World::with(params, 30);
        world.fund(user(90), 90_000_000);
        world.chain.tx(|ctx| cairn_rewards::fund_pool(ctx, &user(90), &[Coin::base(90_000_000)])).unwrap();
        let mut gains = Vec::new();
        for id in 1..=12 {
            world.fund(user(1), 500_000);
            let missing = held - world.balance(escrow()).min(held);
            world.fund(escrow(), missing);
            let before = wealth(&mut world, &accounts, &own);
            let case = world.open(user(1), id, Coin::base(0)).unwrap();
            vote(&mut world, case, &own, honest, honest);
            world.until(case, CaseState::Closed);
            gains.push(wealth(&mut world, &accounts, &own) as i128 - before as i128);
        }
        println!("case against oneself, {name}, a third of the jurors: gains per case in ucairn {gains:?}");
        assert!(gains.iter().sum::<i128>() < 0, "{name}: {gains:?}");
    }
}

/// The same with the appeal of the verdict on top: the second bond goes the same way.
#[test]
fn an_appeal_against_oneself_loses_more() {
    let own: Vec<_> = (1..=10).map(juror).collect();
    let accounts = [user(1), escrow()];
    let mut world = World::new(30);
    world.fund(user(1), 1_500_000);
    let before = wealth(&mut world, &accounts, &own);
    let case = world.open(user(1), 1, Coin::base(0)).unwrap();
    vote(&mut world, case, &own, Choice::Overturn, Choice::Uphold);
    world.appeal(user(1), case).unwrap();
    vote(&mut world, case, &own, Choice::Overturn, Choice::Uphold);
    world.until(case, CaseState::Closed);
    let lost = before - wealth(&mut world, &accounts, &own);
    println!("case and appeal against oneself, jurors voting against all others: loss {lost} ucairn of 1,500,000 put up");
    assert_eq!((world.case(case).outcome(), lost), (Outcome::Upheld, 1_500_000));
}

/// A commitment is valid for its juror, case and round only: who copies one can reveal nothing and pays for it.
#[test]
fn a_copied_commitment_is_useless() {
    let mut world = World::new(10);
    let case = world.complain(user(1), 1).unwrap();
    let other = world.complain(user(2), 2).unwrap();
    world.until(other, CaseState::Commit);
    let jury = world.jury(case);
    let (honest, thief) = (jury[0], jury[1]);
    let commitment = world.commitment(honest, case, Choice::Overturn);
    for account in [honest, thief] {
        world.send_commitment(account, case, commitment.clone()).unwrap();
    }
    let both = jury.iter().copied().find(|account| world.jury(other).contains(account));
    if let Some(account) = both {
        let foreign = world.commitment(account, case, Choice::Overturn);
        world.send_commitment(account, other, foreign).unwrap();
        world.until(other, CaseState::Reveal);
        refused(world.reveal(account, other, Choice::Overturn), &Error::Mismatch);
    }
    world.until(case, CaseState::Reveal);
    world.reveal(honest, case, Choice::Overturn).unwrap();
    // The opening is public now; salts here follow from the account, so the thief sends the honest juror's.
    let m = cairn_proto::cairn::dispute::v1::MsgRevealVote {
        juror: thief.to_string(),
        case_id: case,
        choice: Choice::Overturn.into(),
        salt: super::world::salt(honest).to_vec(),
    };
    let stolen = world.chain.tx(|ctx| cairn_proto::cairn::dispute::v1::MsgServer::reveal_vote(&crate::Dispute, ctx, m));
    refused(stolen, &Error::Mismatch);
    let clock = world.case(case).clock;
    world.run_to(clock + 1);
    println!("a copied commitment: gain {} ucairn", world.bond(thief) as i128 - 10_000_000);
    assert!(world.bond(thief) <= 9_000_000);
}

/// A briber pays for votes against the truth. Two of five change nothing and lose their fees; a bought majority of the first jury is put right
/// by the second one, and the bribed have nothing from the chain.
#[test]
fn bribed_jurors_lose_their_fees_and_a_bought_majority_falls_on_appeal() {
    for bought in [2, 3] {
        let mut world = World::new(16);
        world.fund(escrow(), 5_000_000);
        let case = world.complain(user(1), 1).unwrap();
        world.until(case, CaseState::Commit);
        let jury = world.jury(case);
        let (bribed, honest) = jury.split_at(bought);
        let mut choices = vec![Some(Choice::Uphold); bought];
        choices.extend(vec![Some(Choice::Overturn); 5 - bought]);
        world.vote(case, &choices);
        if bought == 3 {
            assert_eq!(world.case(case).first(), Outcome::Upheld);
            world.fund(user(1), 1_000_000);
            world.appeal(user(1), case).unwrap();
            world.vote(case, &[Some(Choice::Overturn); 11]);
        }
        world.until(case, CaseState::Closed);
        assert_eq!(world.case(case).outcome(), Outcome::Overturned);
        let income = |world: &mut World, of: &[Address]| of.iter().map(|account| world.balance(*account)).sum::<u128>();
        println!(
            "{bought} of 5 bribed: their fees {} ucairn, those of the honest {}",
            income(&mut world, bribed),
            income(&mut world, honest)
        );
        assert_eq!(income(&mut world, bribed), 0);
        assert!(honest.iter().all(|account| world.balance(*account) == 100_000));
    }
}

/// Staying away costs a tenth of the bond each time, and cannot keep a case open: each ends after two juries.
#[test]
fn absent_jurors_pay_and_delay_a_case_at_most_once() {
    let mut world = World::new(10);
    let case = world.complain(user(1), 1).unwrap();
    let opened = world.height();
    world.vote(case, &[None; 5]);
    world.vote(case, &[None; 5]);
    assert_eq!(world.case(case).outcome(), Outcome::NoQuorum);
    let blocks = world.height() - opened;
    println!("ten absent jurors: loss 1,000,000 ucairn each, delay {blocks} blocks");
    assert!(blocks <= 2 * (60 + 60 + 4));
    assert!((1..=10).all(|n| world.bond(juror(n)) == 9_000_000));
}

/// Who knows the seed of its own block early changes the list of jurors in that block: the jury stays the same.
#[test]
fn joining_and_leaving_after_the_question_change_no_jury() {
    let juries = [false, true].map(|meddle| {
        let mut world = World::new(12);
        (1..=5).for_each(|n| world.qualify(user(500 + n)));
        let case = world.complain(user(1), 1).unwrap();
        world.block();
        if meddle {
            for n in 1..=5 {
                world.fund(user(500 + n), 10_000_000);
                world.join(user(500 + n)).unwrap();
                world.leave(juror(n)).unwrap();
            }
        }
        world.until(case, CaseState::Commit);
        world.jury(case)
    });
    assert_eq!(juries[0], juries[1]);
}
