//! Public crowdsourced label sets: at least as many tasks right as the bar says, by two numberings of tasks and workers.
//!
//! Their folder is named by `CAIRN_TRUTH_DATA`, default `shared/data/truth` beside the workspace; the sets are not part of it.

#[expect(clippy::float_arithmetic, reason = "figures of attacks are a report")]
mod under_attack;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use crate::{CHUNK, Gold, Memory, SetInference, SetParams, add_all_sets, majority_vote, read_set_posteriors, synthetic::Job};

fn folder() -> PathBuf {
    let beside = || PathBuf::from("../../../../shared/data/truth");
    std::env::var_os("CAIRN_TRUTH_DATA").map_or_else(beside, PathBuf::from)
}

/// The rows of a table below its heading, split at commas.
fn rows(name: &str) -> Option<Vec<Vec<String>>> {
    let text = std::fs::read_to_string(folder().join(name)).ok()?;
    Some(text.lines().skip(1).map(|line| line.split(',').map(|cell| cell.trim().to_owned()).collect()).collect())
}

/// The distinct values numbered in their order.
fn numbered<K: Ord>(values: impl Iterator<Item = K>) -> BTreeMap<K, u32> {
    values.collect::<BTreeSet<K>>().into_iter().zip(0..).collect()
}

/// A set as a job, and the truth of each task that has one.
fn load<K: Ord>(set: &str, key: impl Fn(&str) -> K) -> Option<(Job, BTreeMap<u32, u16>)> {
    let (labels, truths) = (rows(&format!("{set}.labels.csv"))?, rows(&format!("{set}.truth.csv"))?);
    let workers = numbered(labels.iter().map(|row| key(&row[0])));
    let tasks = numbered(labels.iter().map(|row| key(&row[1])));
    let classes = numbered(labels.iter().map(|row| &row[2]));
    let job = Job {
        tasks: tasks.len() as u32,
        classes: classes.len() as u16,
        workers: workers.len() as u32,
        truths: vec![],
        labels: labels.iter().map(|row| (tasks[&key(&row[1])], workers[&key(&row[0])], classes[&row[2]] as u16)).collect(),
        gold: vec![],
    };
    let truths = truths.iter().filter_map(|row| Some((*tasks.get(&key(&row[0]))?, *classes.get(&row[1])? as u16))).collect();
    Some((job, truths))
}

/// A set as a job of sets, each class a label that is on where the class was chosen: how many tasks have the true class as their
/// likeliest label.
fn right_as_labels(set: &str) -> Option<(usize, usize)> {
    let (job, truths) = load(set, |name| name.parse::<u32>().unwrap())?;
    let params = SetParams::new(job.tasks, job.classes, job.workers, Gold::None);
    let mut pages = Memory::default();
    let sets: Vec<_> = job.labels.iter().map(|&(task, worker, class)| (task, worker, 1u64 << class)).collect();
    add_all_sets(&mut pages, params.tasks, params.labels, &sets).unwrap();
    let mut inference = SetInference::open(params).unwrap();
    while !inference.step(&mut pages, u64::MAX).unwrap().done {}
    let models = inference.outcome().unwrap().models();
    let likeliest = |task: u32| {
        let found = read_set_posteriors(&pages, &params, &models, task / CHUNK).unwrap().task((task % CHUNK) as u16);
        (0..job.classes).max_by_key(|&class| (found[usize::from(class)], std::cmp::Reverse(class)))
    };
    Some((truths.iter().filter(|(task, truth)| likeliest(**task) == Some(**truth)).count(), truths.len()))
}

/// Infers a set under a numbering; returns the tasks that are right and those of a majority vote.
fn right<K: Ord>(set: &str, key: impl Fn(&str) -> K) -> Option<(usize, usize, usize)> {
    let (job, truths) = load(set, key)?;
    let solved = job.solve(Gold::None);
    let majority = majority_vote(&solved.pages, &job.params(Gold::None)).unwrap();
    let inferred = truths.iter().filter(|(task, truth)| solved.labels[**task as usize] == **truth).count();
    let voted = truths.iter().filter(|(task, truth)| majority[**task as usize] == Some(**truth)).count();
    println!("{set}: {inferred} of {} right in {} passes, majority vote {voted}", truths.len(), solved.outcome.passes);
    Some((inferred, voted, truths.len()))
}

fn check(set: &str, tasks: usize, bar: usize) {
    let by_number = right(set, |name| name.parse::<u32>().unwrap());
    let Some((inferred, _, all)) = by_number else {
        println!("{set}: not run, there are no label sets at {}", folder().display());
        return;
    };
    assert_eq!(all, tasks);
    assert!(inferred >= bar, "{set}: {inferred} of {tasks} right, expected {bar}");
    let (inferred, ..) = right(set, str::to_owned).unwrap();
    assert!(inferred >= bar, "{set} by sorted name: {inferred} of {tasks} right, expected {bar}");
}

#[test]
fn rte_is_inferred_as_well_as_by_the_reference() {
    check("rte", 800, 742);
}

#[test]
fn temp_is_inferred_as_well_as_by_the_reference() {
    check("temp", 462, 435);
}

#[test]
fn dog_is_inferred_nearly_as_well_as_by_the_reference() {
    check("dog", 807, 677);
}

#[test]
fn product_is_inferred_nearly_as_well_as_by_the_reference() {
    check("product", 8_315, 7_788);
}

#[test]
fn dogs_are_told_apart_by_one_label_a_breed() {
    let Some((right, all)) = right_as_labels("dog") else {
        println!("dog: not run, there are no label sets at {}", folder().display());
        return;
    };
    println!("dog as sets: {right} of {all} right");
    assert!(right * 100 >= all * 82);
}
