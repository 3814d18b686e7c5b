//! What attackers earn beside honest workers, on jobs like the digits: 1,797 tasks, 10 classes, overlap 5, one gold task in 20.

use crate::{
    Basis, Gold, ONE, majority_vote,
    synthetic::{
        Habit::{self, Constant, Copy, Random, Skill},
        Job, Solved,
    },
};

const HONEST: [u64; 10] = [55, 65, 75, 82, 88, 92, 94, 96, 97, 98];
/// Worker numbers of the attackers in the crew.
const LAZY: usize = 10;
const CARELESS: usize = 11;
const PAIR: [usize; 2] = [12, 13];

fn crew() -> Vec<Habit> {
    let attackers = [Constant(3), Random, Skill(75), Copy(12, 75)];
    HONEST.into_iter().map(Skill).chain(attackers).collect()
}

fn job(seed: u64) -> Job {
    Job::draw(seed, 1_797, 10, 5, 1, &crew())
}

/// The mean share of the honest workers, Q32.
fn honest(solved: &Solved) -> u64 {
    let shares = solved.results[..HONEST.len()].iter().map(|result| result.share);
    shares.sum::<u64>() / HONEST.len() as u64
}

fn share(solved: &Solved, worker: usize) -> u64 {
    solved.results[worker].share
}

#[test]
fn digits_are_inferred_at_least_as_well_as_by_a_vote() {
    for seed in 1..=5 {
        let job = job(seed);
        let solved = job.solve(Gold::Opened);
        let vote = majority_vote(&solved.pages, &job.params(Gold::Opened)).unwrap();
        let voted = vote.iter().zip(&job.truths).filter(|(vote, truth)| **vote == Some(**truth)).count();
        let right = solved.right(&job.truths);
        println!("seed {seed}: {right} right, vote {voted}");
        assert!(right * 100 >= 1_797 * 97, "seed {seed}: {right} right");
        assert!(right >= voted, "seed {seed}: {right} right, by vote {voted}");
    }
}

#[test]
fn constant_and_random_answers_earn_nothing_behind_the_gate() {
    for seed in 1..=5 {
        let solved = job(seed).solve(Gold::Opened);
        for worker in [LAZY, CARELESS] {
            assert_eq!((share(&solved, worker), solved.results[worker].basis), (0, Basis::Excluded));
        }
        // Who is not far from chance may fail by bad luck, good workers do not.
        assert!(solved.results[2..HONEST.len()].iter().all(|result| result.basis == Basis::Kappa));
    }
}

#[test]
fn constant_and_random_answers_earn_next_to_nothing_without_gold() {
    for gold in [Gold::None, Gold::Unopened] {
        for seed in 1..=5 {
            let solved = job(seed).solve(gold);
            assert_eq!((share(&solved, LAZY), solved.results[LAZY].kappa), (0, 0), "constant answers have no kappa at all");
            if gold == Gold::None {
                println!("random: {} of {}", share(&solved, CARELESS), honest(&solved));
                assert!(share(&solved, CARELESS) * 10 <= honest(&solved));
            }
        }
    }
}

#[test]
fn a_pair_that_copies_each_other_earns_at_most_a_tenth_more_than_its_skill_alone() {
    for gold in [Gold::Opened, Gold::None] {
        for seed in 1..=5 {
            let solved = job(seed).solve(gold);
            let mut alone = crew();
            alone[PAIR[1]] = Skill(75);
            let independent = Job::draw(seed, 1_797, 10, 5, 1, &alone).solve(gold);
            for worker in PAIR {
                let (copied, own) = (share(&solved, worker), share(&independent, worker).min(share(&independent, 2)));
                assert!(copied * 10 <= own * 11, "seed {seed}: {copied} against {own}");
                let (copied, own) = (solved.results[worker].kappa, independent.results[worker].kappa);
                println!("kappa {copied} against {own}");
            }
        }
    }
}

#[test]
fn better_workers_earn_no_less() {
    let solved = job(1).solve(Gold::Opened);
    assert!(solved.results[0].share < ONE && solved.results[9].share == ONE);
    assert!(solved.results[..HONEST.len()].is_sorted_by_key(|result| result.share));
}

#[test]
fn a_ring_of_three_in_ten_seats_is_kept_out_by_gold() {
    for seed in 1..=3 {
        // The ring answers a shared function of the task instead of looking at it.
        let mut job = Job::draw(seed, 1_797, 4, 5, 1, &[Skill(80); 20]);
        for (task, worker, class) in &mut job.labels {
            if *worker < 6 {
                *class = (*task * 7 / 3 % 4) as u16;
            }
        }
        let solved = job.solve(Gold::Opened);
        let mean = |range: std::ops::Range<usize>| {
            let count = range.len() as u64;
            solved.results[range].iter().map(|result| result.share).sum::<u64>() / count
        };
        let (ring, honest) = (mean(0..6), mean(6..20));
        assert!(ring * 4 <= honest, "seed {seed}: {ring} against {honest}");
        let right = solved.right(&job.truths);
        assert!(right * 100 >= 1_797 * 80, "seed {seed}: {right} right");
    }
}

#[test]
fn throw_away_accounts_of_one_bucket_earn_little_by_random_answers() {
    // 60 accounts of one bucket each, one random account beside four honest workers in each bucket.
    let honest = vec![Skill(85); 20];
    let mut job = Job::draw(9, 1_200, 10, 4, 1, &honest);
    let mut stream = crate::synthetic::Stream::new(4);
    for task in 0..1_200 {
        job.labels.push((task, 20 + task / 20, stream.below(10) as u16));
    }
    job.workers = 80;
    let solved = job.solve(Gold::None);
    let mean: u64 = solved.results[20..].iter().map(|result| result.share).sum::<u64>() / 60;
    assert!(mean * 20 <= ONE, "{mean}");
    let newcomer = Job { labels: newcomers(&job), ..job.clone() }.solve(Gold::None);
    let mean: u64 = newcomer.results[20..].iter().map(|result| result.share).sum::<u64>() / 60;
    println!("newcomers of skill .85: {} %", mean * 100 / ONE);
    assert!(mean * 100 >= ONE * 85);
}

/// The same job with accounts of skill .85 in place of the random ones.
fn newcomers(job: &Job) -> Vec<(u32, u32, u16)> {
    let mut stream = crate::synthetic::Stream::new(5);
    let mut labels = job.labels.clone();
    for (task, worker, class) in &mut labels {
        if *worker >= 20 {
            let truth = job.truths[*task as usize];
            *class = if stream.below(100) < 85 { truth } else { (truth + 1 + stream.below(9) as u16) % 10 };
        }
    }
    labels
}
