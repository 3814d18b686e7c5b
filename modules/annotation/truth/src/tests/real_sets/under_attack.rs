//! Public label sets in which attackers took the place of three in ten labels: what they earn beside the others, and what is left right.
//!
//! One task in 20 is gold, at least ten. Whole workers are replaced, drawn by seed. Figures are means over sets and draws.

use std::collections::{BTreeMap, BTreeSet};

use super::{folder, load};
use crate::{
    Gold, Params,
    synthetic::{Habit, Job, Stream},
};

/// What attackers answer instead of looking.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Attack {
    /// The class of most labels.
    Constant,
    /// Any class, each attacker for itself.
    Random,
    /// Any class, the same of all attackers.
    Ring,
}

const SETS: [&str; 4] = ["rte", "temp", "dog", "product"];
const DRAWS: u64 = 5;

/// The most labelled class.
fn commonest(job: &Job) -> u16 {
    let mut counts = BTreeMap::<u16, usize>::new();
    job.labels.iter().for_each(|(_, _, class)| *counts.entry(*class).or_default() += 1);
    counts.into_iter().max_by_key(|(class, count)| (*count, std::cmp::Reverse(*class))).unwrap().0
}

/// Workers at random, until three tenths of the labels are theirs.
fn attackers(job: &Job, stream: &mut Stream) -> BTreeSet<u32> {
    let mut left = BTreeMap::<u32, usize>::new();
    job.labels.iter().for_each(|(_, worker, _)| *left.entry(*worker).or_default() += 1);
    let mut order: Vec<u32> = left.keys().copied().collect();
    stream.shuffle(&mut order);
    let (mut taken, mut chosen) = (0, BTreeSet::new());
    for worker in order {
        if (taken + left[&worker]) * 10 <= job.labels.len() * 3 {
            taken += left[&worker];
            chosen.insert(worker);
        }
    }
    chosen
}

/// A set under attack.
fn attacked(job: &Job, truths: &BTreeMap<u32, u16>, attack: Attack, seed: u64) -> (Job, BTreeSet<u32>) {
    let mut stream = Stream::new(seed);
    let chosen = attackers(job, &mut stream);
    let (common, classes) = (commonest(job), u64::from(job.classes));
    let shared: Vec<u16> = (0..job.tasks).map(|_| stream.below(classes) as u16).collect();
    let mut job = job.clone();
    for (task, worker, class) in &mut job.labels {
        if chosen.contains(worker) {
            *class = match attack {
                Attack::Constant => common,
                Attack::Random => stream.below(classes) as u16,
                Attack::Ring => shared[*task as usize],
            };
        }
    }
    let mut known: Vec<(u32, u16)> = truths.iter().map(|(task, truth)| (*task, *truth)).collect();
    stream.shuffle(&mut known);
    known.truncate((job.tasks as usize / 20).max(10));
    known.sort_unstable();
    job.gold = known;
    (job, chosen)
}

/// How the gate's verdict is found.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Gate {
    /// As in consensus, where a crowd that often contradicts honest gold has it judged false and the gate taken away.
    AsJudged,
    /// With gold that is trusted whatever the crowd says: what the gate alone does.
    Trusted,
}

/// The workers whose gold answers lie below `bits`: log2 of a worker of 70 % against chance.
fn left_out(job: &Job, bits: i32) -> BTreeSet<u32> {
    let gold: BTreeMap<u32, u16> = job.gold.iter().copied().collect();
    let classes = f64::from(job.classes);
    let mut evidence = BTreeMap::<u32, f64>::new();
    for (task, worker, class) in &job.labels {
        if let Some(truth) = gold.get(task) {
            let likelihood = if class == truth { 0.7 * classes } else { 0.3 * classes / (classes - 1.0) };
            *evidence.entry(*worker).or_default() += likelihood.log2();
        }
    }
    evidence.into_iter().filter(|(_, found)| *found < f64::from(bits)).map(|(worker, _)| worker).collect()
}

/// Of one set and draw: pay a label of attackers by that of the others, the share of tasks that are right, whether the gold was judged false.
fn draw(job: &Job, truths: &BTreeMap<u32, u16>, attack: Attack, bits: i32, gate: Gate, seed: u64) -> (f64, f64, bool) {
    let (job, chosen) = attacked(job, truths, attack, seed);
    let (solved, out) = match gate {
        Gate::AsJudged => (job.solve_with(Params { gate_bits: bits, ..job.params(Gold::Opened) }), BTreeSet::new()),
        Gate::Trusted => {
            let out = left_out(&job, bits);
            let labels = job.labels.iter().copied().filter(|(_, worker, _)| !out.contains(worker)).collect();
            (Job { labels, ..job.clone() }.solve(Gold::None), out)
        }
    };
    let mut done = vec![0.0; job.workers as usize];
    job.labels.iter().for_each(|(_, worker, _)| done[*worker as usize] += 1.0);
    let pay = |attackers: bool| {
        let (mut labels, mut earned) = (0.0, 0.0);
        for (worker, result) in (0..).zip(&solved.results).filter(|(worker, _)| chosen.contains(worker) == attackers) {
            labels += done[worker as usize];
            if !out.contains(&worker) {
                earned += done[worker as usize] * result.share as f64 / crate::ONE as f64;
            }
        }
        earned / labels
    };
    let right = truths.iter().filter(|(task, truth)| solved.labels[**task as usize] == **truth).count();
    ((pay(true) / pay(false)).min(9.0), right as f64 / truths.len() as f64, solved.outcome.gold.is_false())
}

/// Means over sets and draws, printed with the bounds; `None` where the sets are absent.
fn means(attack: Attack, bits: i32, gate: Gate, most: f64) -> Option<(f64, f64)> {
    let (mut ratio, mut accuracy, mut falses, mut each) = (0.0, 0.0, 0, Vec::new());
    for set in SETS {
        let Some((job, truths)) = load(set, |name| name.parse::<u32>().unwrap()) else {
            println!("not run, there are no label sets at {}", folder().display());
            return None;
        };
        let draws: Vec<_> = (1..=DRAWS).map(|seed| draw(&job, &truths, attack, bits, gate, seed)).collect();
        let mean = |pick: fn(&(f64, f64, bool)) -> f64| draws.iter().map(pick).sum::<f64>() / draws.len() as f64;
        falses += draws.iter().filter(|d| d.2).count();
        each.push(format!("{set} {:.2} and {:.1} %", mean(|d| d.0), mean(|d| d.1 * 100.0)));
        ratio += mean(|d| d.0) / SETS.len() as f64;
        accuracy += mean(|d| d.1) / SETS.len() as f64;
    }
    let met = if ratio <= most && accuracy >= 0.80 { "within" } else { "OUTSIDE" };
    let gold = if gate == Gate::AsJudged {
        format!("gold judged false in {falses} of {}", SETS.len() as u64 * DRAWS)
    } else {
        "gold trusted".into()
    };
    println!(
        "{attack:?}, 30 % of labels, gate {bits} bits, {gold}: pay {ratio:.3} of honest (bound {most}), {:.1} % right (bound 80): {met}; {}",
        accuracy * 100.0,
        each.join(", ")
    );
    Some((ratio, accuracy))
}

#[test]
fn random_answers_earn_a_tenth_at_most() {
    if let Some((ratio, accuracy)) = means(Attack::Random, -2, Gate::AsJudged, 0.10) {
        assert!(ratio <= 0.10 && accuracy >= 0.80, "{ratio} {accuracy}");
    }
}

/// The commonest class is the best constant. In a set with few labels a task of one class nearly everywhere it earns by the rule for such
/// sets (bases 2, 4 and 5), so over these sets the mean lies above the bound of 0.02 that jobs of balanced classes keep.
#[test]
fn the_commonest_class_as_the_only_answer_is_measured() {
    if let Some((_, accuracy)) = means(Attack::Constant, -2, Gate::AsJudged, 0.02) {
        assert!(accuracy >= 0.80, "{accuracy}");
    }
}

#[test]
fn a_ring_earns_within_its_bounds_where_gold_is_trusted() {
    for (bits, most) in [(-2, 0.45), (0, 0.25)] {
        if let Some((ratio, accuracy)) = means(Attack::Ring, bits, Gate::Trusted, most) {
            assert!(ratio <= most && accuracy >= 0.80, "{ratio} {accuracy}");
        }
    }
}

/// A ring can outvote honest gold until it counts as false, and then there is no gate. Honest workers must not.
#[test]
fn a_ring_that_may_have_gold_judged_false_leaves_the_tasks_right() {
    if let Some((ratio, accuracy)) = means(Attack::Ring, -2, Gate::AsJudged, 0.45) {
        assert!(ratio <= 0.45 && accuracy >= 0.80, "{ratio} {accuracy}");
    }
    if let Some((_, accuracy)) = means(Attack::Ring, 0, Gate::AsJudged, 0.25) {
        assert!(accuracy >= 0.80, "{accuracy}");
    }
    for (skill, classes, overlap) in [(80, 2, 3), (85, 2, 3), (70, 4, 3), (80, 4, 3), (70, 2, 5), (80, 2, 5)] {
        let judged = |seed: &u64| {
            let job = Job::draw(*seed, 2_000, classes, overlap, 1, &[Habit::Skill(skill); 20]);
            job.solve(Gold::Opened).outcome.gold.is_false()
        };
        let falses = (1..=20_u64).filter(judged).count();
        println!(
            "no attack, workers right in {skill} %, {classes} classes, {overlap} labels a task: honest gold judged false in {falses} of 20 jobs"
        );
        assert_eq!(falses, 0);
    }
}
