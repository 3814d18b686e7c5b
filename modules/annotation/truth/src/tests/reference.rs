//! The README's formulas once more, in floating point and without any cleverness: the integers must agree.

use crate::{
    Basis, Gold, Model, is_void, read_posterior,
    synthetic::{
        Habit::{Constant, Random, Skill},
        Job,
    },
};

type Matrix = Vec<Vec<f64>>;

/// Posteriors and, per worker, kappa.
struct Reference {
    posteriors: Matrix,
    kappas: Vec<f64>,
}

fn normalised(logs: &[f64]) -> Vec<f64> {
    let top = logs.iter().copied().fold(f64::MIN, f64::max);
    let weights: Vec<f64> = logs.iter().map(|log| (log - top).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// The logarithm of the probability that a worker of a class-by-class count answers `labelled` to a task of `class`.
fn log(model: Model, counts: &Matrix, labelled: usize, class: usize) -> f64 {
    let classes = counts.len();
    if model == Model::DawidSkene {
        let smoothing = |l: usize| if l == class { 1.5 } else { 0.5 };
        let total: f64 = (0..classes).map(|l| counts[l][class] + smoothing(l)).sum();
        return ((counts[labelled][class] + smoothing(labelled)) / total).ln();
    }
    let right: f64 = 3.0 + (0..classes).map(|k| counts[k][k]).sum::<f64>();
    let all: f64 = 4.0 + counts.iter().flatten().sum::<f64>();
    (if labelled == class { right / all } else { (all - right) / all / (classes as f64 - 1.0) }).ln()
}

/// What each worker's votes weigh at the start: the bits that gold says for it.
fn weights(job: &Job) -> Vec<f64> {
    let mut weights = vec![0.0; job.workers as usize];
    for &(task, truth) in &job.gold {
        let votes: Vec<_> = job.labels.iter().filter(|label| label.0 == task).collect();
        if is_void(votes.iter().map(|label| label.2), truth) {
            continue;
        }
        for &&(_, worker, class) in &votes {
            let (all, others) = (f64::from(job.classes), f64::from(job.classes) - 1.0);
            weights[worker as usize] += if class == truth { (0.7 * all).log2() } else { (0.3 * all / others).log2() };
        }
    }
    weights.into_iter().map(|bits: f64| bits.max(0.0)).collect()
}

/// Fits a job of one chunk, whose tasks all have labels.
fn reference(job: &Job, weights: &[f64], model: Model, passes: u8) -> Reference {
    let (classes, workers) = (usize::from(job.classes), job.workers as usize);
    let mut votes: Vec<Vec<(usize, usize)>> = vec![vec![]; job.tasks as usize];
    for &(task, worker, class) in &job.labels {
        votes[task as usize].push((worker as usize, class.into()));
    }
    let share = |votes: &Vec<(usize, usize)>, class| {
        let all: f64 = votes.iter().map(|vote| weights[vote.0]).sum();
        let weight = |vote: &(usize, usize)| if all > 0.0 { weights[vote.0] / all } else { 1.0 / votes.len() as f64 };
        votes.iter().filter(|vote| vote.1 == class).map(weight).sum()
    };
    let mut posteriors: Matrix = votes.iter().map(|votes| (0..classes).map(|class| share(votes, class)).collect()).collect();
    let evidence = |posteriors: &Matrix| -> Matrix {
        let mut counts = vec![vec![vec![0.0; classes]; classes]; workers];
        for (votes, posterior) in votes.iter().zip(posteriors) {
            for &(worker, labelled) in votes {
                (0..classes).for_each(|class| counts[worker][labelled][class] += posterior[class]);
            }
        }
        let sums: Vec<f64> = (0..classes).map(|class| posteriors.iter().map(|posterior| posterior[class]).sum()).collect();
        // For each task the class frequencies, then for each of its labels a row.
        let mut rows = vec![];
        for votes in &votes {
            rows.push(sums.iter().map(|sum| if model == Model::OneCoinFlat { 0.0 } else { sum.max(1.0 / 65_535.0).ln() }).collect());
            for &(worker, labelled) in votes {
                rows.push((0..classes).map(|class| log(model, &counts[worker], labelled, class)).collect());
            }
        }
        rows
    };
    let sum = |rows: &[Vec<f64>], without: Option<usize>| -> Vec<f64> {
        let kept = |class: usize| rows.iter().enumerate().filter(|(row, _)| Some(*row) != without).map(|(_, row)| row[class]).sum();
        (0..classes).map(kept).collect()
    };
    for _ in 0..passes {
        let rows = evidence(&posteriors);
        let mut rest = rows.as_slice();
        for (posterior, votes) in posteriors.iter_mut().zip(&votes) {
            let (own, others) = rest.split_at(votes.len() + 1);
            *posterior = normalised(&sum(own, None));
            rest = others;
        }
    }
    let rows = evidence(&posteriors);
    let mut rest = rows.as_slice();
    let mut scored: Vec<Vec<(usize, Vec<f64>)>> = vec![vec![]; workers];
    for votes in &votes {
        let (own, others) = rest.split_at(votes.len() + 1);
        rest = others;
        for (place, &(worker, labelled)) in votes.iter().enumerate().filter(|_| votes.len() > 2) {
            scored[worker].push((labelled, normalised(&sum(own, Some(place + 1)))));
        }
    }
    Reference { posteriors, kappas: scored.iter().map(|scored| kappa(scored, classes)).collect() }
}

fn kappa(scored: &[(usize, Vec<f64>)], classes: usize) -> f64 {
    let n = scored.len() as f64;
    let hit = scored.iter().map(|(labelled, posterior)| posterior[*labelled]).sum::<f64>() / n;
    let chance: f64 = (0..classes)
        .map(|class| {
            let answers = scored.iter().filter(|(labelled, _)| *labelled == class).count() as f64 / n;
            answers * scored.iter().map(|(_, posterior)| posterior[class]).sum::<f64>() / n
        })
        .sum();
    (hit - chance) / (1.0 - chance)
}

fn compare(job: &Job, gold: Gold) -> Model {
    let solved = job.solve(gold);
    let model = solved.outcome.model;
    // Workers whom the gate keeps out are cut out of the job.
    let basis = |worker: u32| solved.results[worker as usize].basis;
    let labels = job.labels.iter().copied().filter(|&(_, worker, _)| basis(worker) != Basis::Excluded).collect();
    let weights = if gold == Gold::Opened && !solved.outcome.gold.is_false() { weights(job) } else { vec![0.0; job.workers as usize] };
    let reference = reference(&Job { labels, ..job.clone() }, &weights, model, solved.outcome.passes);
    for (task, expected) in (0..).zip(&reference.posteriors) {
        let found = read_posterior(&solved.pages, &job.params(gold), model, task).unwrap();
        for (found, expected) in found.iter().zip(expected) {
            let found = f64::from(*found) / 65_535.0;
            assert!((found - expected).abs() < 2e-3, "task {task}: {found} against {expected}");
        }
    }
    for (worker, (result, expected)) in (0..).zip(solved.results.iter().zip(&reference.kappas)) {
        if basis(worker) != Basis::Kappa {
            continue;
        }
        let found = result.kappa as f64 / 4_294_967_296.0;
        assert!((found - expected).abs() < 1e-3, "worker {worker}: {found} against {expected}");
        let n = f64::from(result.scored);
        let share = (n * expected.max(0.0) / (n + 10.0) / 0.6).min(1.0);
        assert!((result.share as f64 / 4_294_967_296.0 - share).abs() < 2e-3, "worker {worker}");
    }
    model
}

#[test]
fn integers_agree_with_floating_point() {
    let crew = [Skill(50), Skill(65), Skill(80), Skill(90), Constant(1), Random, Skill(70)];
    for (seed, classes) in [(21, 2), (22, 3), (23, 5), (24, 10)] {
        let job = Job::draw(seed, 500, classes, 4, 2, &crew);
        assert_eq!(compare(&job, Gold::None), Model::DawidSkene);
        compare(&job, Gold::Opened);
    }
    // Too few labels a worker for a full matrix: gold chooses a coin.
    let job = Job::draw(14, 1_000, 12, 3, 2, &[Skill(65); 200]);
    assert_ne!(compare(&job, Gold::Opened), Model::DawidSkene);
}
