//! Extremes: fewest and most classes, one class everywhere, silence, single labels, large numbers of workers, false gold.

use crate::{
    Basis, Gold, GoldVerdict, Memory, Model, ONE, Params, WorkerResult, add_all, infer, read_posterior, read_result,
    synthetic::{
        Habit::{Constant, Skill},
        Job, Solved, Stream,
    },
    write_gold,
};

fn solve(params: Params, labels: &[(u32, u32, u16)]) -> Solved {
    let mut pages = Memory::default();
    add_all(&mut pages, params.tasks, params.classes, labels).unwrap();
    let outcome = infer(&mut pages, params).unwrap();
    Solved::read(pages, &params, outcome)
}

#[test]
fn a_job_without_labels_ends() {
    let solved = solve(Params::new(1_025, 2, 0, Gold::None), &[]);
    assert_eq!((solved.outcome.labels, solved.outcome.passes), (0, 5));
    assert_eq!(read_posterior(&solved.pages, &Params::new(1_025, 2, 0, Gold::None), Model::DawidSkene, 1_024).unwrap(), [32_768, 32_767]);
    assert!(solved.results.is_empty());
    let idle = solve(Params::new(1, 64, 3, Gold::Opened), &[]);
    assert_eq!(idle.results, [WorkerResult { labels: 0, scored: 0, kappa: 0, share: 0, basis: Basis::Idle }; 3]);
}

#[test]
fn tasks_without_labels_keep_equal_shares_and_weigh_nothing() {
    let full = Job::draw(4, 600, 3, 3, 0, &[Skill(70), Skill(80), Skill(90), Skill(60)]);
    let sparse = Job { labels: full.labels.iter().copied().filter(|(task, ..)| task % 3 != 0).collect(), ..full.clone() };
    let solved = sparse.solve(Gold::None);
    let posterior = |task| read_posterior(&solved.pages, &sparse.params(Gold::None), solved.outcome.model, task).unwrap();
    assert!((0..600).step_by(3).all(|task| posterior(task) == [21_845; 3]));
    // The same labels with the empty tasks cut out: every number of a worker is the same.
    let dense: Vec<_> = sparse.labels.iter().map(|&(task, worker, class)| (task / 3 * 2 + task % 3 - 1, worker, class)).collect();
    assert_eq!(solve(Params::new(400, 3, 4, Gold::None), &dense).results, solved.results);
}

#[test]
fn silence_of_the_others_pays_one_half() {
    // Worker 0 alone; worker 1 and 2 share a task: each has one other.
    let solved = solve(Params::new(3, 2, 3, Gold::None), &[(0, 0, 1), (1, 1, 0), (1, 2, 0)]);
    let half = WorkerResult { labels: 1, scored: 0, kappa: 0, share: ONE / 2, basis: Basis::Silence };
    assert_eq!(solved.results, [half; 3]);
    assert_eq!(half.earned(1_001), Ok(500));
}

#[test]
fn a_single_label_among_many_is_scored() {
    let mut job = Job::draw(6, 400, 2, 3, 0, &[Skill(90); 6]);
    job.labels.push((0, 6, job.truths[0]));
    job.workers = 7;
    let single = job.solve(Gold::None).results[6];
    // One answer is the same answer everywhere, in a job where there is something to find.
    assert_eq!((single.labels, single.scored, single.basis, single.share), (1, 1, Basis::Kappa, 0));
}

#[test]
fn two_and_sixty_four_classes_are_inferred() {
    let crew = [Skill(80), Skill(85), Skill(90), Skill(75), Skill(95), Skill(70)];
    let two = Job::draw(7, 1_200, 2, 5, 1, &crew);
    let solved = two.solve(Gold::Opened);
    assert!(solved.right(&two.truths) * 100 >= 1_200 * 94);
    let most = Job::draw(8, 3_000, 64, 5, 1, &crew);
    let solved = most.solve(Gold::Opened);
    assert!(solved.right(&most.truths) * 100 >= 3_000 * 97);
    assert!(solved.results.iter().all(|result| result.share == ONE));
}

#[test]
fn one_class_job_pays_without_division_by_zero() {
    // 49 tasks in 50 are of class 0; one worker never looks.
    let mut job = Job::draw(9, 2_000, 2, 5, 1, &[Skill(99), Skill(99), Skill(99), Skill(99), Skill(98), Constant(0)]);
    let mut stream = Stream::new(1);
    let rare: Vec<bool> = (0..2_000).map(|_| stream.below(100) < 2).collect();
    for (task, worker, class) in &mut job.labels {
        let truth = job.truths[*task as usize];
        let now = u16::from(rare[*task as usize]);
        *class = if *worker == 5 { 0 } else { now ^ *class ^ truth };
    }
    job.truths = rare.iter().map(|&rare| rare.into()).collect();
    job.gold = job.gold.iter().map(|&(task, _)| (task, job.truths[task as usize])).collect();
    let lazy = |solved: &Solved| solved.results[5];
    let with_gold = job.solve(Gold::Opened);
    assert_eq!((lazy(&with_gold).basis, lazy(&with_gold).share), (Basis::Gold, 0), "constant answers to gold of two classes");
    for gold in [Gold::None, Gold::Unopened] {
        let solved = job.solve(gold);
        assert_eq!(lazy(&solved).basis, Basis::OneClass);
        assert!(if gold == Gold::None { lazy(&solved).share < ONE / 2 } else { lazy(&solved).share == ONE });
    }
    // Gold of two classes that the worker did not meet: there is something to find, and the same answer everywhere did not find it.
    let met = |task: u32| job.labels.iter().any(|label| (label.0, label.1) == (task, 5));
    let found = (0..2_000).find(|&task| rare[task as usize] && !met(task)).unwrap();
    let zeros = job.gold.iter().copied().filter(|&(task, truth)| truth == 0 && task != found);
    let unmet = Job { gold: zeros.chain([(found, 1)]).collect(), ..job.clone() };
    let solved = unmet.solve(Gold::Opened);
    assert_eq!((lazy(&solved).basis, lazy(&solved).share), (Basis::Kappa, 0));
    // Where gold, too, is of one class, it cannot tell.
    let plain = Job { gold: job.gold.iter().copied().filter(|(_, truth)| *truth == 0).collect(), ..job.clone() };
    assert_eq!(lazy(&plain.solve(Gold::Opened)).basis, Basis::OneClass);
}

#[test]
fn all_labels_alike_pay_half_the_target() {
    let labels: Vec<_> = (0..100).flat_map(|task| (0..3).map(move |worker| (task, worker, 1))).collect();
    let solved = solve(Params::new(100, 2, 3, Gold::None), &labels);
    // s = n * (target / 2) / (n + 10) / target with n = 100.
    let expected = ONE * 100 / 110 / 2;
    for result in &solved.results {
        assert_eq!((result.basis, result.scored), (Basis::OneClass, 100));
        assert!(result.share.abs_diff(expected) <= 2, "{} against {expected}", result.share);
    }
}

#[test]
fn worker_numbers_may_pass_sixteen_bits() {
    let crew = [Skill(90), Skill(80), Skill(85), Skill(70)];
    let low = Job::draw(10, 300, 3, 3, 0, &crew);
    let numbers = [65_534, 65_535, 65_536, 65_537];
    let labels: Vec<_> = low.labels.iter().map(|&(task, worker, class)| (task, numbers[worker as usize], class)).collect();
    let high = solve(Params::new(300, 3, 65_538, Gold::None), &labels);
    assert_eq!(high.labels, low.solve(Gold::None).labels);
    assert_eq!(high.results[65_534..], low.solve(Gold::None).results);
    assert_eq!(high.results[65_533].basis, Basis::Idle);
    let params = Params::new(300, 3, 65_538, Gold::None);
    assert_eq!(read_result(&high.pages, &params, 65_536).unwrap(), high.results[65_536]);
}

#[test]
fn false_gold_gates_nobody_and_keeps_the_money_from_the_requester() {
    let mut job = Job::draw(12, 1_000, 4, 4, 1, &[Skill(90), Skill(85), Skill(80), Skill(75), Constant(2)]);
    assert_eq!(job.solve(Gold::Opened).results[4].basis, Basis::Excluded);
    let honest = job.solve(Gold::Opened).outcome;
    assert!(honest.refund_unearned && honest.gold.opened == 50 && honest.gold.void < 5);
    for (_, truth) in job.gold.iter_mut().take(15) {
        *truth = (*truth + 1) % 4;
    }
    let solved = job.solve(Gold::Opened);
    let GoldVerdict { opened, void } = solved.outcome.gold;
    assert!(opened == 50 && (8..=17).contains(&void), "{void} void");
    assert!(!solved.outcome.refund_unearned);
    assert_eq!(solved.outcome.gold.slash(1_000).unwrap(), u128::from(void) * 40);
    assert_eq!((solved.results[4].basis, solved.results[4].share), (Basis::Kappa, 0), "no gate, but no kappa either");
    assert_eq!(solved.results, job.solve(Gold::None).results, "false gold decides nothing");
}

#[test]
fn unopened_gold_pays_workers_not_constants() {
    let job = Job::draw(13, 1_000, 4, 4, 1, &[Skill(90), Skill(45), Skill(80), Skill(75), Constant(2)]);
    let solved = job.solve(Gold::Unopened);
    assert!(solved.results[..4].iter().all(|result| result.share == ONE && result.basis == Basis::Kappa));
    assert_eq!(solved.results[4].share, 0);
    assert!(!solved.outcome.refund_unearned);
    assert_eq!(solved.outcome.gold, GoldVerdict::default());
}

#[test]
fn gold_chooses_the_model_but_does_not_fit_it() {
    // Few labels a worker and many classes: a full matrix has more cells than labels.
    let mut crew = vec![];
    crew.resize(200, Skill(65));
    let job = Job::draw(14, 1_000, 12, 3, 2, &crew);
    let (with, without) = (job.solve(Gold::Opened), job.solve(Gold::None));
    assert_eq!(without.outcome.model, Model::DawidSkene);
    assert_ne!(with.outcome.model, Model::DawidSkene);
    assert!(with.right(&job.truths) > without.right(&job.truths));
    // Gold that agrees with the model in use changes nothing but the gate.
    let mut pages = job.pages();
    write_gold(&mut pages, job.tasks, job.classes, 0, &[]).unwrap();
    let outcome = infer(&mut pages, job.params(Gold::Opened)).unwrap();
    assert_eq!(outcome.digest, without.outcome.digest);
}

#[test]
fn targets_scale_pay() {
    let job = Job::draw(15, 400, 4, 4, 0, &[Skill(55), Skill(60), Skill(90), Skill(90), Skill(90)]);
    let share = |target_bps| job.solve_with(Params { target_bps, ..job.params(Gold::None) }).results[0].share;
    assert!(share(8_000) < share(6_000) && share(6_000) < share(4_000));
    assert!((share(8_000) * 2).abs_diff(share(4_000)) <= 2);
}

/// About a million labels; slow without optimisation, hence by name: `cargo test -p cairn-truth -- --ignored`.
#[test]
#[ignore = "a million labels"]
fn a_million_labels_are_inferred_slow() {
    let crew: Vec<_> = (0..5_000).map(|worker| Skill(45 + worker % 50)).collect();
    let job = Job::draw(16, 200_000, 4, 5, 1, &crew);
    assert_eq!(job.labels.len(), 1_000_000);
    let solved = job.solve(Gold::None);
    println!("{} right in {} passes", solved.right(&job.truths), solved.outcome.passes);
    assert!(solved.right(&job.truths) * 100 >= 200_000 * 85);
}
