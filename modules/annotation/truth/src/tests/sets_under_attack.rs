//! Jobs of sets in which attackers have three in ten seats: what they earn beside honest workers of every skill, and what stays right.
//!
//! 1,800 tasks, six labels of which the commonest is on in half of the tasks, five sets a task, one task in 20 gold, 20 workers.

use super::sets::{OFTEN, SetJob};
use crate::{
    Gold, ONE, SetParams,
    synthetic::{
        Habit::{self, Skill},
        Stream,
    },
};

/// Of the labels that are on, how many honest workers see: from careless to careful.
const HONEST: [u64; 14] = [60, 66, 72, 77, 81, 84, 87, 89, 91, 93, 95, 96, 97, 98];
const ATTACKERS: u32 = 6;
const SEEDS: u64 = 5;
const TASKS: u32 = 1_800;

/// What attackers answer instead of looking.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Attack {
    /// One set for every task.
    Constant(u64),
    /// Each label on as often as it is in the truths, each attacker for itself.
    Random,
    /// The same, one answer of all attackers.
    Ring,
}

/// Pay of attackers by that of the others, labels that are right, in a mean over seeds; in how many jobs the gold was judged false.
struct Measured {
    ratio: f64,
    right: f64,
    falses: usize,
}

fn guess(stream: &mut Stream) -> u64 {
    (0..).zip(OFTEN).fold(0, |set, (bit, often)| set | u64::from(stream.below(100) < often) << bit)
}

fn attacked(seed: u64, attack: Attack) -> SetJob {
    let crew: Vec<Habit> = HONEST.into_iter().map(Skill).chain([Habit::Random; ATTACKERS as usize]).collect();
    let mut job = SetJob::draw(seed, TASKS, &OFTEN, 5, 1, &crew);
    let mut stream = Stream::new(seed + 77);
    let shared: Vec<u64> = (0..TASKS).map(|_| guess(&mut stream)).collect();
    for (task, worker, set) in &mut job.sets {
        if *worker >= HONEST.len() as u32 {
            *set = match attack {
                Attack::Constant(set) => set,
                Attack::Random => guess(&mut stream),
                Attack::Ring => shared[*task as usize],
            };
        }
    }
    job
}

fn measure(attack: Attack, gate_bits: i32) -> Measured {
    let mut sum = Measured { ratio: 0.0, right: 0.0, falses: 0 };
    for seed in 1..=SEEDS {
        let job = attacked(seed, attack);
        let (pages, outcome, results) = job.solve_with(SetParams { gate_bits, ..job.params(Gold::Opened) });
        let mean = |results: &[crate::WorkerResult]| {
            let shares = results.iter().map(|result| result.share as f64 / ONE as f64);
            shares.sum::<f64>() / results.len() as f64
        };
        let (honest, attackers) = results.split_at(HONEST.len());
        sum.ratio += mean(attackers) / mean(honest) / SEEDS as f64;
        let inferred = job.inferred(&pages, &outcome);
        let wrong: u32 = inferred.iter().zip(&job.truths).map(|(found, truth)| (found ^ truth).count_ones()).sum();
        sum.right += (1.0 - f64::from(wrong) / f64::from(TASKS * OFTEN.len() as u32)) / SEEDS as f64;
        sum.falses += usize::from(outcome.is_gold_false());
    }
    sum
}

/// Measures, prints and bounds.
fn bounded(attack: Attack, gate_bits: i32, most: f64) {
    let Measured { ratio, right, falses } = measure(attack, gate_bits);
    println!(
        "sets, {attack:?} in three of ten seats, gate {gate_bits} bits: pay {ratio:.3} of honest (bound {most}), {:.1} % of labels right, gold \
         judged false in {falses} of {SEEDS}",
        right * 100.0
    );
    assert!(ratio <= most && right >= 0.80, "{attack:?}: pay {ratio}, {right} right");
}

#[test]
fn one_set_for_every_task_earns_nothing() {
    // Nothing, the commonest label, the two commonest, everything.
    for set in [0, 1, 3, 63] {
        bounded(Attack::Constant(set), -2, 0.02);
    }
}

#[test]
fn guessed_sets_earn_a_tenth_at_most() {
    bounded(Attack::Random, -2, 0.10);
}

#[test]
fn a_ring_of_guessed_sets_stays_within_its_bounds() {
    bounded(Attack::Ring, -2, 0.45);
    bounded(Attack::Ring, 0, 0.25);
}
