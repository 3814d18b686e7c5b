//! Attacks on an arena, each with what the attacker gains and what it loses.
use cairn_kernel::{BASE_DENOM, Coin};
use cairn_proto::cairn::rewards::v1::{ArenaRules, MsgCommitScores, MsgServer};

use super::world::{Noise, World, refused, rules, user};
use crate::{
    Error, Rewards,
    arena::consensus::{Ballot, ONE, work_out},
};

fn ballot(weight: u128, scores: &[u16]) -> Ballot {
    Ballot { weight, scores: Some(scores.to_vec()), bonds: Vec::new() }
}

fn per_mille(share: u64) -> f64 {
    share as f64 * 1_000.0 / ONE as f64
}

/// Scorers of less than half of the weight give their own participant everything.
#[test]
fn a_minority_cannot_raise_its_own_participant() {
    // Ten participants, the cabal's is the last and deserves 5 of 100.
    let truth = [20, 15, 15, 10, 10, 10, 5, 5, 5, 5];
    let own = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    println!("cabal's weight: its participant's share in per mille (honest), its dividends (honest)");
    for cabal in [100, 300, 400, 499] {
        let rows = |attack: bool| [ballot(1_000 - cabal, &truth), ballot(cabal, if attack { &own } else { &truth })];
        let (honest, attacked) = (work_out(10, &rows(false)).unwrap(), work_out(10, &rows(true)).unwrap());
        println!(
            "{:>4} per mille: {:.1} ({:.1}), {:.1} ({:.1})",
            cabal,
            per_mille(attacked.incentives[9]),
            per_mille(honest.incentives[9]),
            per_mille(attacked.dividends[1]),
            per_mille(honest.dividends[1])
        );
        assert_eq!(attacked.incentives, honest.incentives);
        assert!(attacked.dividends[1] * 4 < honest.dividends[1]);
    }
    // With more than half it decides, as any majority does.
    let taken = work_out(10, &[ballot(499, &truth), ballot(501, &own)]).unwrap();
    assert_eq!(taken.incentives[9], ONE);
}

/// Where honest scorers differ, a minority moves the consensus within what they differ by, and never beyond.
#[test]
fn a_minority_moves_no_participant_beyond_what_honest_scorers_gave() {
    let mut noise = Noise(0x5eed_0004);
    let (mut most, mut mean, runs) = (0.0_f64, 0.0_f64, 200);
    for _ in 0..runs {
        let participants = 2 + noise.below(12) as usize;
        // Honest scores differ by a fifth around the truth.
        let truth: Vec<u64> = (0..participants).map(|_| 1_000 + noise.below(9_000)).collect();
        let mut honest = Vec::new();
        for _ in 0..5 {
            let scores: Vec<u16> = truth.iter().map(|t| (t * (90 + noise.below(21)) / 100) as u16).collect();
            honest.push(ballot(12 + u128::from(noise.below(5)), &scores));
        }
        let weight: u128 = honest.iter().map(|b| b.weight).sum();
        let own = noise.below(participants as u64) as usize;
        let selfish: Vec<u16> = (0..participants).map(|j| u16::from(j == own)).collect();
        let normal = work_out(participants, &honest).unwrap();
        let alone: Vec<Vec<u64>> = honest.iter().map(|b| work_out(participants, std::slice::from_ref(b)).unwrap().consensus).collect();
        let attack = [honest, vec![ballot(weight - 1, &selfish)]].concat();
        let attacked = work_out(participants, &attack).unwrap();
        for (j, consensus) in attacked.consensus.iter().enumerate() {
            let given = alone.iter().map(|row| row[j]);
            assert!(given.clone().min().unwrap() <= *consensus && *consensus <= given.max().unwrap());
        }
        let gain = attacked.incentives[own] as f64 / normal.incentives[own] as f64 - 1.0;
        most = most.max(gain);
        mean += gain / f64::from(runs);
    }
    println!(
        "a cabal of just under half, honest scores within 10 %: its participant gains {:.1} % on average, {:.1} % at most",
        mean * 100.0,
        most * 100.0
    );
    assert!(most < 0.40);
}

/// A scorer without a view of its own commits the last epoch's consensus. `drift`: how much the participants change in an epoch, per mille.
fn stale_copier(drift: u64, spread: u64) -> (f64, f64) {
    let mut noise = Noise(0x5eed_0005);
    let participants = 12;
    let mut truth: Vec<u64> = (0..participants).map(|_| 2_000 + noise.below(2_000)).collect();
    let mut bonds = vec![Vec::new(); 5];
    let mut last: Vec<u16> = truth.iter().map(|t| *t as u16).collect();
    let (mut copier, mut honest) = (0.0, 0.0);
    for _ in 0..200 {
        for t in &mut truth {
            let change = *t * noise.below(drift + 1) / 1_000;
            *t = (if noise.below(2) == 0 { *t + change } else { *t - change }).clamp(200, 8_000);
        }
        let mut ballots: Vec<Ballot> = (0..4)
            .map(|_| {
                ballot(100, &truth.iter().map(|t| (t * (1_000 - spread + noise.below(2 * spread + 1)) / 1_000) as u16).collect::<Vec<_>>())
            })
            .collect();
        ballots.push(ballot(100, &last));
        for (ballot, held) in ballots.iter_mut().zip(&bonds) {
            ballot.bonds.clone_from(held);
        }
        let found = work_out(participants, &ballots).unwrap();
        bonds.clone_from(&found.bonds);
        last = found.consensus.iter().map(|c| (c >> 17) as u16).collect();
        copier += found.dividends[4] as f64 / ONE as f64;
        honest += found.dividends[..4].iter().sum::<u64>() as f64 / ONE as f64 / 4.0;
    }
    (copier / 200.0, honest / 200.0)
}

#[test]
fn copying_scorers_earn_no_more() {
    // The same epoch cannot be copied: a commitment is bound to its scorer, and reveals begin when commitments have ended.
    let mut world = World::started(rules(), 2, &[500, 500]);
    let row = [(1, 3), (2, 1)];
    let copied = MsgCommitScores { scorer: user(3).to_string(), ..world.commitment(2, 2, &row) };
    world.commit(2, &row).unwrap();
    world.chain.tx(|ctx| Rewards.commit_scores(ctx, copied)).unwrap();
    world.go_to(18);
    world.reveal(2, &row).unwrap();
    refused(world.reveal(3, &row), Error::Opening);
    let stolen = cairn_proto::cairn::rewards::v1::MsgRevealScores { scorer: user(3).to_string(), ..World::opening(2, &row) };
    refused(world.chain.tx(|ctx| Rewards.reveal_scores(ctx, stolen)), Error::Opening);
    world.go_to(22);
    println!("a copied commitment: cannot be opened, dividend 0, bond {} of 500", world.scorer(3).scorer.unwrap().bond);
    assert_eq!(world.scorer(3).scorer.unwrap().bond, "495");

    println!("the last epoch's consensus as one's own scores, dividends of an equal bond (honest):");
    for (drift, spread) in [(0, 0), (100, 0), (100, 20), (300, 50)] {
        let (copier, honest) = stale_copier(drift, spread);
        println!("participants change by {drift} per mille an epoch, honest scores by {spread}: {copier:.4} ({honest:.4})");
        assert!(copier <= honest + 1e-9, "{copier} {honest}");
    }
    // Nothing changes and honest scores are noisy: the copier's are the better ones, and it earns what better scores earn.
    let (copier, honest) = stale_copier(0, 50);
    println!("participants never change, honest scores by 50: {copier:.4} ({honest:.4})");
}

/// A sponsor's pot, an attacker with the only bond, and what that costs it.
#[test]
fn flash_bonds_weigh_nothing_in_the_epoch_they_are_made_in() {
    let mut world = World::started(ArenaRules { payout_bps: 1_000, ..rules() }, 2, &[1_000]);
    world.fund(1, &[Coin::base(100_000)]).unwrap();
    world.commit(2, &[(1, 1)]).unwrap();
    // Ten times the honest bond, made when the reveals have begun.
    world.go_to(18);
    world.bond(3, 10_000).unwrap();
    world.reveal(2, &[(1, 1)]).unwrap();
    world.go_to(22);
    assert_eq!((world.due(11, BASE_DENOM), world.due(3, BASE_DENOM)), (5_000, 0));
    // It weighs from now on, and is held for as long as its scores are, and then for 300 blocks.
    world.commit(3, &[(2, 1)]).unwrap();
    refused(world.unbond(3, 10_000), Error::BondLocked(user(3).to_string()));
    println!("a bond of ten times the honest one: 0 in its first epoch; 10000 are locked for an epoch and 300 blocks more");
}

/// Accounts of one person fill an arena's places and seats.
#[test]
fn sybil_registrations_cost_their_price_and_earn_nothing_unscored() {
    let mut world = World::started(rules(), 1, &[1_000]);
    world.fund(1, &[Coin::base(10_000)]).unwrap();
    let before: u128 = (12..=14).map(|n| world.balance(n, BASE_DENOM)).sum();
    for n in 12..=14 {
        world.register(n).unwrap();
    }
    world.score(&[(2, &[(1, 1)])]);
    let (cost, gain): (u128, u128) =
        (before - (12..=14).map(|n| world.balance(n, BASE_DENOM)).sum::<u128>(), (12..=14).map(|n| world.due(n, BASE_DENOM)).sum());
    println!("three registrations nobody scores: cost {cost}, gain {gain}");
    assert_eq!((cost, gain), (3_000, 0));
    // They do not keep others out: the next one evicts one of them, not the one that earns.
    world.score(&[(2, &[(1, 1)])]);
    assert_eq!(world.register(15).unwrap().evicted, 2);
}
