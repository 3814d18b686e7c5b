//! The mathematics of an epoch: against fixed results, against a reference in floats, and its properties.
use super::world::Noise;
use crate::{
    Error,
    arena::consensus::{Ballot, ONE, Outcome, average, divide, work_out},
};

fn ballot(weight: u128, scores: &[u16]) -> Ballot {
    Ballot { weight, scores: Some(scores.to_vec()), bonds: Vec::new() }
}

/// `scorers` ballots on `participants`, some silent, some empty, with bonds of earlier epochs.
fn random(noise: &mut Noise, participants: usize, scorers: usize) -> Vec<Ballot> {
    let mut ballots = Vec::new();
    for _ in 0..scorers {
        let scores = match noise.below(10) {
            0 => None,
            1 => Some(vec![0; participants]),
            _ => Some((0..participants).map(|_| noise.below(65_536) as u16).collect()),
        };
        let bonds = (0..participants).map(|_| noise.below(ONE / scorers as u64)).collect();
        ballots.push(Ballot { weight: u128::from(noise.below(1_000_000_000)), scores, bonds });
    }
    ballots
}

/// The same in floats, written from the specification alone.
struct Reference {
    consensus: Vec<f64>,
    incentives: Vec<f64>,
    dividends: Vec<f64>,
    bonds: Vec<Vec<f64>>,
}

fn part(parts: &[f64]) -> Vec<f64> {
    let sum: f64 = parts.iter().sum();
    parts.iter().map(|p| if sum > 0.0 { p / sum } else { 0.0 }).collect()
}

fn reference(participants: usize, ballots: &[Ballot]) -> Reference {
    let one = ONE as f64;
    let total: f64 = ballots.iter().map(|b| b.weight as f64).sum();
    let row =
        |b: &Ballot| b.scores.as_ref().map_or(vec![0.0; participants], |s| part(&s.iter().map(|s| f64::from(*s)).collect::<Vec<_>>()));
    let rows: Vec<Vec<f64>> = ballots.iter().map(row).collect();
    let consensus: Vec<f64> = (0..participants)
        .map(|j| {
            // The largest of the given scores with a strict majority behind it, by trying all.
            let behind = |w: f64| ballots.iter().zip(&rows).filter(|(_, r)| r[j] >= w).map(|(b, _)| b.weight as f64).sum::<f64>();
            rows.iter().map(|r| r[j]).filter(|w| behind(*w) * 2.0 > total).fold(0.0, f64::max)
        })
        .collect();
    let incentives = part(&consensus);
    let mut bonds = vec![vec![0.0; participants]; ballots.len()];
    for j in 0..participants {
        let bought: Vec<f64> = ballots.iter().zip(&rows).map(|(b, r)| b.weight as f64 / total.max(1.0) * r[j].min(consensus[j])).collect();
        for (i, now) in part(&bought).into_iter().enumerate() {
            let before = ballots[i].bonds.get(j).map_or(0.0, |b| *b as f64 / one);
            bonds[i][j] = 0.9 * before + 0.1 * now;
        }
    }
    let earned = |(i, b): (usize, &Ballot)| {
        if b.scores.is_none() { 0.0 } else { bonds[i].iter().zip(&incentives).map(|(bond, incentive)| bond * incentive).sum() }
    };
    let dividends = part(&ballots.iter().enumerate().map(earned).collect::<Vec<f64>>());
    Reference { consensus, incentives, dividends, bonds }
}

#[track_caller]
fn near(name: &str, fixed: &[u64], float: &[f64]) {
    for (a, b) in fixed.iter().zip(float) {
        let found = *a as f64 / ONE as f64;
        assert!((found - b).abs() < 1e-6, "{name}: {found} for {b}");
    }
}

#[test]
fn fixed_point_agrees_with_floats_within_a_millionth() {
    let mut noise = Noise(0x5eed_0001);
    for case in 0..300 {
        let (participants, scorers) = (1 + noise.below(40) as usize, 1 + noise.below(16) as usize);
        let ballots = random(&mut noise, participants, scorers);
        let (found, expected) = (work_out(participants, &ballots).unwrap(), reference(participants, &ballots));
        near(&format!("consensus {case}"), &found.consensus, &expected.consensus);
        near(&format!("incentives {case}"), &found.incentives, &expected.incentives);
        near(&format!("dividends {case}"), &found.dividends, &expected.dividends);
        for (row, float) in found.bonds.iter().zip(&expected.bonds) {
            // What a bond in a participant of next to no consensus is, matters as much as that consensus.
            let weighed = |(bond, j): (f64, usize)| bond * expected.consensus[j];
            let float: Vec<f64> = float.iter().copied().zip(0..).map(weighed).collect();
            let row: Vec<u64> = row.iter().zip(&expected.consensus).map(|(bond, c)| (*bond as f64 * c) as u64).collect();
            near(&format!("bonds {case}"), &row, &float);
        }
    }
}

#[test]
fn an_epoch_is_the_same_to_the_bit_on_every_machine() {
    let bonds = vec![1 << 30, 1 << 29, 0];
    let ballots = [
        Ballot { bonds, ..ballot(700, &[3, 2, 1]) },
        ballot(400, &[1, 1, 1]),
        ballot(300, &[0, 0, 65_535]),
        Ballot { weight: 50, scores: None, bonds: vec![ONE / 2; 3] },
    ];
    let found = work_out(3, &ballots).unwrap();
    // Found by a second implementation from the README, in another language.
    let expected = Outcome {
        consensus: vec![1_431_655_765, 1_431_655_765, 715_827_882],
        incentives: vec![1_717_986_918, 1_717_986_918, 858_993_458],
        trust: vec![3_579_139_412, 3_579_139_412, 715_827_882, 0],
        bonds: vec![
            vec![1_239_683_742, 756_499_921, 214_748_364],
            vec![156_180_628, 156_180_628, 122_713_351],
            vec![0, 0, 92_035_013],
            vec![1_932_735_283, 1_932_735_283, 1_932_735_283],
        ],
        dividends: vec![3_580_523_999, 636_115_627, 78_327_668, 0],
    };
    assert_eq!(found, expected);
}

#[test]
fn the_order_of_scorers_and_participants_changes_nothing() {
    let mut noise = Noise(0x5eed_0002);
    for _ in 0..100 {
        let (participants, scorers) = (2 + noise.below(20) as usize, 2 + noise.below(10) as usize);
        let ballots = random(&mut noise, participants, scorers);
        let mut columns: Vec<usize> = (0..participants).collect();
        let mut rows: Vec<usize> = (0..scorers).collect();
        for i in (1..participants).rev() {
            columns.swap(i, noise.below(i as u64 + 1) as usize);
        }
        for i in (1..scorers).rev() {
            rows.swap(i, noise.below(i as u64 + 1) as usize);
        }
        let moved: Vec<Ballot> = rows
            .iter()
            .map(|i| Ballot {
                weight: ballots[*i].weight,
                scores: ballots[*i].scores.as_ref().map(|s| columns.iter().map(|j| s[*j]).collect()),
                bonds: columns.iter().map(|j| ballots[*i].bonds[*j]).collect(),
            })
            .collect();
        let (before, after) = (work_out(participants, &ballots).unwrap(), work_out(participants, &moved).unwrap());
        let pick = |values: &[u64], places: &[usize]| places.iter().map(|at| values[*at]).collect::<Vec<_>>();
        assert_eq!(after.consensus, pick(&before.consensus, &columns));
        assert_eq!(after.incentives, pick(&before.incentives, &columns));
        assert_eq!(after.trust, pick(&before.trust, &rows));
        assert_eq!(after.dividends, pick(&before.dividends, &rows));
        for (row, from) in after.bonds.iter().zip(&rows) {
            assert_eq!(row, &pick(&before.bonds[*from], &columns));
        }
    }
}

#[test]
fn shares_never_exceed_one_and_parts_never_the_budget() {
    let mut noise = Noise(0x5eed_0003);
    for _ in 0..200 {
        let participants = 1 + noise.below(30) as usize;
        let ballots = random(&mut noise, participants, 8);
        let found = work_out(participants, &ballots).unwrap();
        for shares in [&found.incentives, &found.dividends] {
            assert!(shares.iter().sum::<u64>() <= ONE);
            let budget = u128::from(noise.below(1_000_000));
            let parts = divide(budget, shares).unwrap();
            let paid: u128 = parts.iter().sum();
            let any = shares.iter().any(|s| *s > 0);
            assert!(paid <= budget && (!any || budget - paid < shares.len() as u128), "dust is less than one unit a share");
        }
        assert!(found.trust.iter().all(|t| *t <= ONE));
        for j in 0..participants {
            assert!(found.bonds.iter().map(|row| row[j]).sum::<u64>() <= ONE);
        }
    }
}

#[test]
fn without_weight_scores_or_participants_there_is_no_consensus() {
    let nothing = |found: &Outcome| found.incentives.iter().chain(&found.dividends).all(|share| *share == 0);
    assert_eq!(work_out(0, &[]).unwrap(), Outcome::default());
    assert!(nothing(&work_out(3, &[]).unwrap()));
    assert!(nothing(&work_out(2, &[ballot(0, &[1, 2]), ballot(0, &[2, 1])]).unwrap()));
    assert!(nothing(&work_out(2, &[ballot(5, &[0, 0])]).unwrap()));
    assert!(nothing(&work_out(2, &[Ballot { weight: 5, ..Ballot::default() }]).unwrap()));
    // Two who agree on nothing.
    assert!(nothing(&work_out(2, &[ballot(5, &[1, 0]), ballot(5, &[0, 1])]).unwrap()));
    assert_eq!(work_out(0, &[ballot(5, &[])]).unwrap().dividends, [0]);
}

#[test]
fn one_scorer_decides_alone_and_earns_all_dividends() {
    let found = work_out(3, &[ballot(7, &[1, 0, 3])]).unwrap();
    assert_eq!(found.incentives, [ONE / 4, 0, ONE / 4 * 3]);
    assert_eq!((found.dividends, found.trust), (vec![ONE], vec![ONE]));
    assert_eq!(found.bonds, [[ONE / 10, 0, ONE / 10]]);
}

#[test]
fn half_of_the_weight_is_no_majority_and_one_more_is() {
    let found = work_out(2, &[ballot(5, &[1, 0]), ballot(5, &[0, 1])]).unwrap();
    assert_eq!(found.consensus, [0, 0]);
    let found = work_out(2, &[ballot(6, &[1, 0]), ballot(5, &[0, 1])]).unwrap();
    assert_eq!(found.consensus, [ONE, 0]);
    // Silent weight counts as much as any: 5 of 10 are no majority, 6 of 11 are.
    let silent = Ballot { weight: 5, ..Ballot::default() };
    assert_eq!(work_out(1, &[ballot(5, &[1]), silent.clone()]).unwrap().consensus, [0]);
    assert_eq!(work_out(1, &[ballot(6, &[1]), silent]).unwrap().consensus, [ONE]);
}

#[test]
fn equal_scores_give_equal_shares() {
    let found = work_out(4, &[ballot(3, &[9, 9, 9, 9]), ballot(3, &[1, 1, 1, 1]), ballot(3, &[7, 7, 7, 7])]).unwrap();
    assert_eq!(found.incentives, [ONE / 4; 4]);
    assert_eq!(found.dividends, [ONE / 3; 3]);
}

#[test]
fn bonds_move_a_tenth_of_the_way_each_epoch() {
    let mut held = vec![0];
    for epoch in 1..=40_u32 {
        let found = work_out(1, &[Ballot { bonds: held, ..ballot(1, &[1]) }]).unwrap();
        held = found.bonds[0].clone();
        let expected = 1.0 - 0.9_f64.powi(epoch as i32);
        assert!((held[0] as f64 / ONE as f64 - expected).abs() < 1e-6);
    }
    assert_eq!(average(ONE, ONE.into()).unwrap(), ONE);
    assert_eq!(average(9, 0).unwrap(), 8);
}

#[test]
fn what_cannot_be_represented_is_refused() {
    assert_eq!(work_out(1, &[ballot(u128::MAX, &[1]), ballot(1, &[1])]), Err(Error::Overflow));
    assert_eq!(work_out(2, &[ballot(1, &[1])]), Err(Error::Overflow));
    assert_eq!(work_out(2, &[Ballot { bonds: vec![1], ..ballot(1, &[1, 1]) }]), Err(Error::Overflow));
    assert_eq!(divide(u128::MAX, &[u64::MAX, 1]), Err(Error::Overflow));
    assert_eq!(divide(u128::MAX, &[u64::MAX]).unwrap(), [u128::MAX]);
    assert!(work_out(1, &[ballot(u128::MAX, &[u16::MAX])]).is_ok());
}
