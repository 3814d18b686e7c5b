//! Rankings from pairs: the strengths of Bradley and Terry, against floating point and against the truth.

use crate::{
    Error, Failure, Gold, Memory, Model, Page, Pages, Params, Ranking, RankingOutcome, RankingParams, ReadPages, Strength, add_all, elo,
    infer, read_posterior, read_strengths, synthetic::Stream, write_pairs,
};

/// Pairs of a job and what its workers answered.
struct Duel {
    items: u32,
    classes: u16,
    pairs: Vec<(u32, u32)>,
    labels: Vec<(u32, u32, u16)>,
}

/// One in Q16, as ratings are.
const UNIT: f64 = 65_536.0;

impl Duel {
    /// Random pairs of items, of which the one with the higher number is stronger: five workers of a skill answer, and say tie in one of
    /// five cases where the numbers are next to each other.
    fn draw(seed: u64, tasks: u32, items: u32, classes: u16) -> Duel {
        let mut stream = Stream::new(seed);
        let mut pairs = vec![];
        while pairs.len() < tasks as usize {
            let [left, right] = [0; 2].map(|_| stream.below(items.into()) as u32);
            if left != right {
                pairs.push((left, right));
            }
        }
        let mut labels = vec![];
        for (task, &(left, right)) in (0..).zip(&pairs) {
            for worker in 0..5 {
                let tie = classes == 3 && left.abs_diff(right) <= 2 && stream.below(5) == 0;
                // The further apart, the surer.
                let sure = 60 + 4 * left.abs_diff(right).min(9);
                let better = u16::from(right > left);
                let class = if tie {
                    2
                } else if stream.below(100) < sure.into() {
                    better
                } else {
                    1 - better
                };
                labels.push((task, worker, class));
            }
        }
        Duel { items, classes, pairs, labels }
    }

    /// Pages with the inferred answers and the pairs.
    fn pages(&self) -> (Memory, RankingParams) {
        let tasks = self.pairs.len() as u32;
        let mut pages = Memory::default();
        add_all(&mut pages, tasks, self.classes, &self.labels).unwrap();
        let outcome = infer(&mut pages, Params::new(tasks, self.classes, 5, Gold::None)).unwrap();
        for (chunk, pairs) in (0..).zip(self.pairs.chunks(crate::CHUNK as usize)) {
            write_pairs(&mut pages, tasks, self.items, chunk, pairs).unwrap();
        }
        (pages, RankingParams { tasks, items: self.items, classes: self.classes, model: outcome.model })
    }

    /// Left wins and right wins of each pair that tells something, as fractions.
    fn wins(&self, pages: &Memory, params: &RankingParams) -> Vec<(usize, usize, f64, f64)> {
        let of = Params::new(params.tasks, params.classes, 5, Gold::None);
        let mut wins = vec![];
        for (task, &(left, right)) in (0..).zip(&self.pairs) {
            let posterior = read_posterior(pages, &of, params.model, task).unwrap();
            let share = |class: usize| posterior.get(class).map_or(0.0, |&share| f64::from(share) / 65_535.0);
            let silent = if params.classes == 2 { posterior == [32_768, 32_767] } else { posterior == [21_845; 3] };
            if !silent {
                wins.push((left as usize, right as usize, share(0) + share(2) / 2.0, share(1) + share(2) / 2.0));
            }
        }
        wins
    }
}

/// Hunter's MM algorithm in floating point, with half a win and half a loss against an item of strength one, and with momentum.
fn reference(items: u32, wins: &[(usize, usize, f64, f64)], passes: u32) -> Vec<f64> {
    let mut found = vec![0.0; items as usize];
    let (mut looked, mut streak) = (found.clone(), 1.0);
    for _ in 0..passes {
        let strengths: Vec<f64> = looked.iter().map(|rating: &f64| rating.exp2()).collect();
        let mut sums: Vec<(f64, f64)> = strengths.iter().map(|strength| (0.5, 1.0 / (strength + 1.0))).collect();
        for &(left, right, of_left, of_right) in wins {
            let by = 1.0 / (strengths[left] + strengths[right]);
            sums[left] = (sums[left].0 + of_left, sums[left].1 + by);
            sums[right] = (sums[right].0 + of_right, sums[right].1 + by);
        }
        let next: Vec<f64> = sums.into_iter().map(|(won, sum)| (won / sum).log2()).collect();
        let mut against = 0.0;
        for ((looked, found), next) in looked.iter_mut().zip(&mut found).zip(next) {
            against += (*looked - next) * (next - *found);
            *looked = next + (streak - 1.0) / (streak + 2.0) * (next - *found);
            *found = next;
        }
        streak = if against > 0.0 { 1.0 } else { streak + 1.0 };
    }
    found
}

/// What is left of the gradient of the likelihood: for the limit, nothing.
fn gradient(ratings: &[f64], wins: &[(usize, usize, f64, f64)]) -> f64 {
    let strengths: Vec<f64> = ratings.iter().map(|rating| rating.exp2()).collect();
    let mut left: Vec<f64> = strengths.iter().map(|strength| 0.5 - strength / (strength + 1.0)).collect();
    for &(a, b, of_a, of_b) in wins {
        let expected = strengths[a] / (strengths[a] + strengths[b]);
        left[a] += of_a - expected;
        left[b] += of_b - (1.0 - expected);
    }
    left.into_iter().fold(0.0, |most: f64, left| most.max(left.abs()))
}

/// Ranks by steps of the given budgets, storing the record as bytes in between.
fn rank(pages: &mut Memory, params: RankingParams, mut budget: impl FnMut() -> u64) -> (RankingOutcome, Vec<Strength>) {
    let mut record = Ranking::open(params).unwrap().encode();
    loop {
        let mut ranking = Ranking::decode(&record).unwrap();
        let progress = ranking.step(pages, budget()).unwrap();
        record = ranking.encode();
        if progress.done {
            let strengths = (0..params.sheets()).flat_map(|sheet| read_strengths(pages, &params, sheet).unwrap()).collect();
            return (ranking.outcome().unwrap(), strengths);
        }
        assert!(progress.spent > 0 && ranking.outcome().is_none());
    }
}

#[test]
fn integers_agree_with_floating_point_pass_by_pass_and_with_the_limit() {
    for (seed, classes) in [(81, 2), (82, 3)] {
        let duel = Duel::draw(seed, 2_500, 300, classes);
        let (mut pages, params) = duel.pages();
        let wins = duel.wins(&pages, &params);
        let (outcome, strengths) = rank(&mut pages, params, || u64::MAX);
        let (same, limit) = (reference(300, &wins, outcome.passes.into()), reference(300, &wins, 2_000));
        assert!(gradient(&limit, &wins) < 1e-6);
        let worst = |expected: &[f64]| {
            let errors = strengths.iter().zip(expected).map(|(found, expected)| (found.rating as f64 / UNIT - expected).abs());
            errors.fold(0.0, f64::max)
        };
        println!("{classes} classes: {} passes, {} from the same passes, {} from the limit", outcome.passes, worst(&same), worst(&limit));
        assert!(worst(&same) < 5e-3 && worst(&limit) < 1e-2);
        let counted: u64 = strengths.iter().map(|strength| strength.comparisons).sum();
        assert_eq!(counted, 2 * wins.len() as u64);
        assert_eq!(strengths.iter().map(|strength| strength.wins).sum::<u64>(), 131_070 * wins.len() as u64);
    }
}

#[test]
fn items_are_ranked_nearly_as_they_truly_are() {
    let duel = Duel::draw(83, 3_000, 150, 3);
    let (mut pages, params) = duel.pages();
    let (_, strengths) = rank(&mut pages, params, || u64::MAX);
    let mut order: Vec<u32> = (0..150).collect();
    order.sort_by_key(|&item| (std::cmp::Reverse(strengths[item as usize].rating), item));
    let mut swapped = 0;
    for (place, a) in order.iter().enumerate() {
        swapped += order[place + 1..].iter().filter(|b| *b > a).count();
    }
    println!("{swapped} of {} pairs of places the wrong way round", 150 * 149 / 2);
    assert!(swapped * 25 <= 150 * 149 / 2);
}

#[test]
fn every_budget_leads_to_the_same_strengths_and_digest() {
    let duel = Duel::draw(84, 1_500, 600, 3);
    let (mut whole, params) = duel.pages();
    let before = whole.clone();
    let (outcome, _) = rank(&mut whole, params, || u64::MAX);
    let mut random = Stream::new(3);
    let mut budgets: Vec<Box<dyn FnMut() -> u64>> = vec![Box::new(|| 0), Box::new(move || random.below(100_000))];
    for budget in &mut budgets {
        let mut pages = before.clone();
        assert_eq!(rank(&mut pages, params, budget).0, outcome);
        assert_eq!(pages, whole);
    }
    let new = whole.iter().filter(|(page, _)| before.read(**page).unwrap().is_none()).map(|(page, _)| page.parts().0);
    assert_eq!(new.collect::<Vec<_>>(), [15; 3], "only strengths were added");
    let hex: String = outcome.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "8051fd9d3bc739f7d5f84b7abfaf4bdb9a6b8bc1608fcb61f4f899ea9efc4c18");
}

/// A job of one label a task: the posterior is as sure as one worker makes it.
fn rank_wins(items: u32, wins: &[(u32, u32)]) -> Vec<Strength> {
    let labels = (0..wins.len() as u32).flat_map(|task| (0..5).map(move |worker| (task, worker, 0))).collect();
    let (mut pages, params) = Duel { items, classes: 2, pairs: wins.to_vec(), labels }.pages();
    rank(&mut pages, params, || u64::MAX).1
}

#[test]
fn unbeaten_items_stay_finite_and_islands_are_ranked_around_one() {
    // 0 beats 1 twenty times, 2 beats 3 once; 4 was never compared.
    let mut wins = vec![(0, 1); 20];
    wins.push((2, 3));
    let ratings: Vec<i64> = rank_wins(5, &wins).iter().map(|strength| strength.rating).collect();
    println!("{ratings:?}");
    assert_eq!(ratings[4], 0);
    assert!((ratings[0] + ratings[1]).abs() < 1_311 && (ratings[2] + ratings[3]).abs() < 1_311, "as far above one as below, to a fiftieth");
    assert!(ratings[0] > ratings[2] && ratings[2] > 0, "twenty wins tell more than one");
    assert!(ratings[0] < 5 << 16);
}

#[test]
fn a_long_chain_of_victories_is_ranked_in_order_within_the_range() {
    let wins: Vec<(u32, u32)> = (0..16).flat_map(|item| [(item, item + 1); 25]).collect();
    let strengths = rank_wins(17, &wins);
    assert!(strengths.is_sorted_by(|a, b| a.rating > b.rating));
    assert!(strengths.iter().all(|strength| (-24 << 16..=24 << 16).contains(&strength.rating)));
}

#[test]
fn tasks_without_an_answer_say_nothing() {
    let (mut pages, params) = Duel { items: 2, classes: 3, pairs: vec![(0, 1); 3], labels: vec![] }.pages();
    let (outcome, strengths) = rank(&mut pages, params, || u64::MAX);
    assert_eq!((outcome.passes, strengths), (1, vec![Strength { rating: 0, wins: 0, comparisons: 0 }; 2]));
}

#[test]
fn damaged_records_pages_and_parameters_are_noticed() {
    let good = RankingParams { tasks: 3, items: 2, classes: 3, model: Model::OneCoin };
    let bad = [RankingParams { tasks: 0, ..good }, RankingParams { items: 1, ..good }, RankingParams { items: 65_537, ..good }];
    assert!(bad.into_iter().chain([RankingParams { classes: 4, ..good }]).all(|params| Ranking::open(params).is_err()));
    let bytes = Ranking::open(good).unwrap().encode();
    assert!((0..bytes.len()).all(|length| Ranking::decode(&bytes[..length]) == Err(Error::DamagedRecord)));
    assert_eq!(Ranking::decode(&[&bytes[..], &[0]].concat()), Err(Error::DamagedRecord));
    let mut pages = Memory::default();
    let missing = Error::Damaged { page: Page::Pairs { chunk: 0 }, reason: "missing" };
    assert_eq!(Ranking::open(good).unwrap().step(&mut pages, 0), Err(missing.into()));
    assert_eq!(read_strengths(&pages, &good, 0), Err(Error::Unfinished.into()));
    let page = Page::Strengths { sheet: 0 };
    for (bytes, expected) in [(vec![2], "unknown version"), (vec![1; 40], "a record is cut off"), (vec![1; 50], "too many records")] {
        pages.write(page, bytes).unwrap();
        let found = read_strengths(&pages, &good, 0).unwrap_err();
        assert!(matches!(found, Failure::Truth(Error::Damaged { reason, .. }) if reason == expected));
    }
}

#[test]
fn ratings_are_told_as_elo_points() {
    // log2(10) = 3.3219 is 400 points.
    assert_eq!((elo(0), elo(1 << 16), elo(217_706), elo(-(1 << 16))), (0, 120, 400, -121));
    assert!(elo(i64::MAX) > 0 && elo(i64::MIN) < 0);
}
