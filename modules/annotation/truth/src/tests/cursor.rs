//! The result depends neither on the order in which labels came nor on how the work was cut into steps.

use crate::{
    Gold, Inference, Memory, Pages, Params, Phase, add_all, add_labels, infer,
    synthetic::{
        Habit::{Constant, Random, Skill},
        Job, Stream,
    },
    write_gold,
};

fn job() -> Job {
    let crew = [Skill(60), Skill(70), Skill(80), Skill(90), Skill(95), Skill(75), Constant(1), Random];
    Job::draw(11, 2_500, 3, 3, 1, &crew)
}

/// Runs an inference by steps of the given budgets, storing it as bytes in between; returns the steps taken.
fn by_steps(pages: &mut Memory, params: Params, mut budget: impl FnMut() -> u64) -> (Inference, usize) {
    let mut record = Inference::open(params).unwrap().encode();
    for steps in 1.. {
        let mut inference = Inference::decode(&record).unwrap();
        let progress = inference.step(pages, budget()).unwrap();
        record = inference.encode();
        if progress.done {
            return (Inference::decode(&record).unwrap(), steps);
        }
        assert!(progress.spent > 0);
    }
    unreachable!()
}

#[test]
fn every_budget_leads_to_the_same_pages_and_digest() {
    let job = job();
    for gold in [Gold::Opened, Gold::None, Gold::Unopened] {
        let params = job.params(gold);
        let mut whole = job.pages();
        let outcome = infer(&mut whole, params).unwrap();
        let mut random = Stream::new(3);
        let mut budgets: Vec<Box<dyn FnMut() -> u64>> =
            vec![Box::new(|| 0), Box::new(|| 1), Box::new(|| 20_000), Box::new(move || random.below(100_000))];
        for (place, budget) in budgets.iter_mut().enumerate() {
            let mut pages = job.pages();
            let (inference, steps) = by_steps(&mut pages, params, budget);
            assert_eq!(inference.outcome(), Some(outcome), "budget {place}");
            assert_eq!(pages, whole, "budget {place}");
            assert!(steps > 5);
        }
    }
}

#[test]
fn the_order_of_arrival_changes_nothing() {
    let job = job();
    let params = job.params(Gold::Opened);
    let mut ordered = job.pages();
    let outcome = infer(&mut ordered, params).unwrap();
    for seed in 0..5 {
        let mut shuffled = job.clone();
        Stream::new(seed).shuffle(&mut shuffled.labels);
        let mut pages = Memory::default();
        for labels in shuffled.labels.chunks(97) {
            add_all(&mut pages, job.tasks, job.classes, labels).unwrap();
        }
        for chunk in (0..params.chunks()).rev() {
            let of_chunk: Vec<_> = job.gold.iter().rev().copied().filter(|(task, _)| task / crate::CHUNK == chunk).collect();
            write_gold(&mut pages, job.tasks, job.classes, chunk, &of_chunk).unwrap();
        }
        assert_eq!(infer(&mut pages, params).unwrap(), outcome);
        assert_eq!(pages, ordered);
    }
}

#[test]
fn a_step_does_no_more_than_its_budget_and_one_chunk() {
    let job = Job::draw(5, 20_000, 4, 3, 0, &[Skill(80); 30]);
    let mut pages = job.pages();
    let mut inference = Inference::open(job.params(Gold::None)).unwrap();
    let mut most = 0;
    while inference.cursor().phase != Phase::Done {
        most = most.max(inference.step(&mut pages, 1).unwrap().spent);
    }
    let mut pages = job.pages();
    let (budget, mut total) = (50_000, 0);
    let mut inference = Inference::open(job.params(Gold::None)).unwrap();
    loop {
        let progress = inference.step(&mut pages, budget).unwrap();
        assert!(progress.spent <= budget + most, "{} visits", progress.spent);
        total += progress.spent;
        if progress.done {
            break;
        }
    }
    assert!(total > 60_000 * 2 * 5, "each label is visited twice in each pass");
}

#[test]
fn only_labels_gold_posteriors_and_results_stay() {
    let solved = job().solve(Gold::Opened);
    let kinds: std::collections::BTreeSet<u8> = solved.pages.iter().map(|(page, _)| page.parts().0).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [1, 2, 3, 7]);
    let posteriors = solved.pages.iter().filter(|(page, _)| page.parts().0 == 3);
    assert_eq!(posteriors.count(), 3, "one for each chunk, of the model that stands");
}

#[test]
fn a_finished_inference_does_nothing_more() {
    let job = job();
    let mut pages = job.pages();
    let (mut inference, _) = by_steps(&mut pages, job.params(Gold::None), || u64::MAX);
    let before = (inference.clone(), pages.clone());
    let progress = inference.step(&mut pages, u64::MAX).unwrap();
    assert_eq!((progress.spent, progress.done), (0, true));
    assert_eq!((inference, pages), before);
}

#[test]
fn damage_between_steps_is_noticed() {
    let job = job();
    let mut pages = job.pages();
    let mut inference = Inference::open(job.params(Gold::None)).unwrap();
    while inference.cursor().phase != Phase::Pass {
        inference.step(&mut pages, 0).unwrap();
    }
    assert_eq!(inference.outcome(), None);
    let page = crate::Page::Posteriors { model: crate::Model::DawidSkene, chunk: 0 };
    pages.remove(page).unwrap();
    let missing = crate::Error::Damaged { page, reason: "missing" };
    assert_eq!(inference.step(&mut pages, 0), Err(missing.into()));
}

#[test]
fn labels_of_unknown_workers_stop_the_inference() {
    let mut pages = Memory::default();
    add_labels(&mut pages, 10, 2, 5, &[(0, 1)]).unwrap();
    let unknown = crate::Error::NoSuchWorker { worker: 5, workers: 5 };
    assert_eq!(infer(&mut pages, Params::new(10, 2, 5, Gold::None)), Err(unknown.into()));
}
