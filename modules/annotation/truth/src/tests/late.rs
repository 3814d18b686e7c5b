//! Late labels: they move the posteriors of their tasks and nothing else, with the matrices that the blind labels gave.

use crate::{
    Basis, CHUNK, Gold, Inference, LateOutcome, LateRound, Memory, Model, Page, Posteriors, ReadPages, add_all_late, read_posteriors,
    read_results,
    synthetic::{
        Habit::{Constant, Random, Skill},
        Job, Stream,
    },
};

fn job() -> Job {
    let crew = [Skill(70), Skill(75), Skill(80), Skill(90), Skill(95), Skill(85), Constant(1), Random];
    Job::draw(31, 2_500, 3, 4, 1, &crew)
}

/// Runs the inference; returns it with its pages.
fn settled(job: &Job, gold: Gold) -> (Memory, Inference) {
    let mut pages = job.pages();
    let mut inference = Inference::open(job.params(gold)).unwrap();
    while !inference.step(&mut pages, u64::MAX).unwrap().done {}
    (pages, inference)
}

/// One late label for each fifth task by a worker that did not label it; so often right in 100.
fn late_labels(job: &Job, percent: u64) -> Vec<(u32, u32, u16)> {
    let mut stream = Stream::new(77);
    let known: std::collections::BTreeSet<(u32, u32)> = job.labels.iter().map(|&(task, worker, _)| (task, worker)).collect();
    let free = |task: u32| (0..job.workers).filter(|worker| !known.contains(&(task, *worker))).max();
    let labels = (0..job.tasks).step_by(5).filter_map(|task| Some((task, free(task)?)));
    let wrong = |truth: u16| (truth + 1) % job.classes;
    let class = |stream: &mut Stream, truth| if stream.below(100) < percent { truth } else { wrong(truth) };
    labels.map(|(task, worker)| (task, worker, class(&mut stream, job.truths[task as usize]))).collect()
}

fn run(pages: &mut Memory, inference: &Inference, mut budget: impl FnMut() -> u64) -> LateOutcome {
    let mut record = LateRound::open(inference).unwrap().encode();
    loop {
        let mut late = LateRound::decode(&record).unwrap();
        assert_eq!(late.outcome(), None);
        let progress = late.step(pages, budget()).unwrap();
        record = late.encode();
        if progress.done {
            return late.outcome().unwrap();
        }
    }
}

fn posteriors(pages: &Memory, inference: &Inference) -> Vec<Posteriors> {
    let (params, model) = (inference.params(), inference.outcome().unwrap().model);
    (0..params.chunks()).map(|chunk| read_posteriors(pages, params, model, chunk).unwrap()).collect()
}

#[test]
fn only_the_posteriors_of_tasks_with_late_labels_change() {
    let job = job();
    let (mut pages, inference) = settled(&job, Gold::Opened);
    let results = read_results(&pages, inference.params(), 0).unwrap();
    let late = late_labels(&job, 90);
    add_all_late(&mut pages, job.tasks, job.classes, &late).unwrap();
    let before = pages.clone();
    let outcome = run(&mut pages, &inference, || u64::MAX);
    let excluded = |worker: u32| results[worker as usize].basis == Basis::Excluded;
    assert!(results.iter().any(|result| result.basis == Basis::Excluded));
    let counted: Vec<u32> = late.iter().filter(|(_, worker, _)| !excluded(*worker)).map(|(task, ..)| *task).collect();
    assert!(counted.len() < late.len(), "some come from workers whom the gate keeps out");
    assert_eq!((outcome.labels, outcome.tasks), (counted.len() as u64, counted.len() as u32));
    let (old, new) = (posteriors(&before, &inference), posteriors(&pages, &inference));
    for task in 0..job.tasks {
        let of = |all: &[Posteriors]| all[(task / CHUNK) as usize].task((task % CHUNK) as u16).to_vec();
        assert!(counted.contains(&task) || of(&old) == of(&new), "task {task}");
    }
    let moved = |(page, bytes): (&Page, &Vec<u8>)| (before.read(*page).unwrap().as_ref() != Some(bytes)).then_some(page.parts().0);
    let kinds: std::collections::BTreeSet<u8> = pages.iter().filter_map(moved).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [3], "labels, gold and results stand");
    assert_eq!(pages.iter().count(), before.iter().count());
}

#[test]
fn good_late_labels_make_their_tasks_right_more_often() {
    let job = job();
    let (mut pages, inference) = settled(&job, Gold::Opened);
    let right = |pages: &Memory| {
        let all = posteriors(pages, &inference);
        let label = |task: u32| all[(task / CHUNK) as usize].label((task % CHUNK) as u16);
        (0..job.tasks).filter(|&task| label(task) == job.truths[task as usize]).count()
    };
    let before = right(&pages);
    let results = read_results(&pages, inference.params(), 0).unwrap();
    let honest = |(_, worker, _): &(u32, u32, u16)| results[*worker as usize].late_limit() > 0;
    let late: Vec<_> = late_labels(&job, 90).into_iter().filter(honest).collect();
    add_all_late(&mut pages, job.tasks, job.classes, &late).unwrap();
    run(&mut pages, &inference, || u64::MAX);
    println!("{before} right, {} with {} late labels", right(&pages), late.len());
    assert!(right(&pages) > before);
}

#[test]
fn every_budget_leads_to_the_same_posteriors_and_digest() {
    let job = job();
    for gold in [Gold::Opened, Gold::None, Gold::Unopened] {
        let (mut whole, inference) = settled(&job, gold);
        add_all_late(&mut whole, job.tasks, job.classes, &late_labels(&job, 80)).unwrap();
        let fresh = whole.clone();
        let outcome = run(&mut whole, &inference, || u64::MAX);
        let mut random = Stream::new(5);
        let mut budgets: Vec<Box<dyn FnMut() -> u64>> = vec![Box::new(|| 0), Box::new(move || random.below(9_000))];
        for budget in &mut budgets {
            let mut pages = fresh.clone();
            assert_eq!(run(&mut pages, &inference, budget), outcome);
            assert_eq!(pages, whole);
        }
    }
}

#[test]
fn the_digest_of_a_seeded_late_round_stays() {
    let job = job();
    let (mut pages, inference) = settled(&job, Gold::Opened);
    add_all_late(&mut pages, job.tasks, job.classes, &late_labels(&job, 80)).unwrap();
    let digest = run(&mut pages, &inference, || u64::MAX).digest;
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "ea425e2f3d0e41ec14cc06fc088ecd65b32db1ebcea4a462e4c0a0c625f8bb13");
}

#[test]
fn a_late_label_weighs_what_the_blind_labels_of_its_worker_say() {
    let job = job();
    let (mut pages, inference) = settled(&job, Gold::None);
    assert_eq!(inference.outcome().unwrap().model, Model::DawidSkene);
    let before = posteriors(&pages, &inference);
    let late = late_labels(&job, 80);
    add_all_late(&mut pages, job.tasks, job.classes, &late).unwrap();
    run(&mut pages, &inference, || u64::MAX);
    let after = posteriors(&pages, &inference);
    // Counts and class sums of the blind labels, in plain floating point.
    let (classes, workers) = (usize::from(job.classes), job.workers as usize);
    let posterior =
        |all: &[Posteriors], task: u32, class: usize| f64::from(all[(task / CHUNK) as usize].task((task % CHUNK) as u16)[class]) / 65_535.0;
    let mut counts = vec![vec![vec![0.0; classes]; classes]; workers];
    for &(task, worker, class) in &job.labels {
        (0..classes).for_each(|k| counts[worker as usize][usize::from(class)][k] += posterior(&before, task, k));
    }
    let says = |worker: u32, label: u16, class: usize| -> f64 {
        let smooth = |l: usize| counts[worker as usize][l][class] + if l == class { 1.5 } else { 0.5 };
        smooth(label.into()) / (0..classes).map(smooth).sum::<f64>()
    };
    for &(task, worker, label) in &late {
        let blind: Vec<_> = job.labels.iter().filter(|of| of.0 == task).collect();
        let weigh = |class: usize| {
            let prior: f64 = (0..job.tasks).map(|task| posterior(&before, task, class)).sum();
            blind.iter().fold(prior * says(worker, label, class), |weight, of| weight * says(of.1, of.2, class))
        };
        let weights: Vec<f64> = (0..classes).map(weigh).collect();
        let sum: f64 = weights.iter().sum();
        for (class, weight) in weights.iter().enumerate() {
            let found = posterior(&after, task, class);
            assert!((found - weight / sum).abs() < 2e-3, "task {task}: {found} against {}", weight / sum);
        }
    }
}

#[test]
fn a_late_copier_earns_no_more_than_its_blind_skill() {
    // The copier answers late what the posterior of all others says; its share is the one of its blind labels.
    let job = Job::draw(32, 1_000, 4, 4, 1, &[Skill(90), Skill(85), Skill(80), Skill(92), Skill(60)]);
    let (mut pages, inference) = settled(&job, Gold::None);
    let before = read_results(&pages, inference.params(), 0).unwrap();
    let known = posteriors(&pages, &inference);
    let free = (0..job.tasks).filter(|task| !job.labels.iter().any(|label| label.0 == *task && label.1 == 4));
    let copied: Vec<_> = free.take(before[4].late_limit() as usize).map(|task| (task, 4, known[0].label(task as u16))).collect();
    add_all_late(&mut pages, job.tasks, job.classes, &copied).unwrap();
    run(&mut pages, &inference, || u64::MAX);
    let after = read_results(&pages, inference.params(), 0).unwrap();
    assert_eq!(after, before);
    let late = u32::try_from(copied.len()).unwrap();
    assert!(late <= before[4].labels / 4);
    let a_label = |pay: u128, labels: u32| pay / u128::from(labels.max(1));
    let (blind, late) = (before[4].earned(1_000_000).unwrap(), (before[4].late_pay(1_000_000, late).unwrap(), late));
    assert!(a_label(late.0, late.1) <= a_label(blind, before[4].labels) + 1);
}
