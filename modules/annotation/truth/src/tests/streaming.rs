//! Dynamic overlap by the streaming posterior: fewer labels for nearly the same truth.

use crate::{
    Gold, Skill, Vote, needs_more, streaming_posterior,
    synthetic::{Habit, Job},
};

/// Asks for labels one by one, in the order of the workers' numbers of a full job, from 3 to 7 a task.
fn dynamic(full: &Job, bound_bps: u32) -> Job {
    let mut skills = vec![Skill::default(); full.workers as usize];
    let mut labels = vec![];
    for of_task in full.labels.chunk_by(|a, b| a.0 == b.0) {
        let mut votes: Vec<Vote> = vec![];
        for (place, &label) in of_task.iter().enumerate() {
            if place >= 3 && !needs_more(full.classes, &votes, bound_bps).unwrap() {
                break;
            }
            votes.push(Vote { class: label.2, skill: skills[label.1 as usize] });
            labels.push(label);
        }
        let posterior = streaming_posterior(full.classes, &votes).unwrap();
        for (vote, &(_, worker, _)) in votes.iter().zip(of_task) {
            skills[worker as usize].learn(&posterior, vote.class).unwrap();
        }
    }
    Job { labels, ..full.clone() }
}

#[test]
fn a_bound_saves_a_third_of_the_labels_at_the_same_accuracy() {
    let crew: Vec<Habit> = [60, 70, 75, 80, 85, 90, 65, 88, 92, 78].into_iter().map(Habit::Skill).collect();
    for (seed, classes) in [(41, 2), (42, 4), (43, 10)] {
        let full = Job::draw(seed, 1_500, classes, 7, 0, &crew);
        let saved = dynamic(&full, 9_500);
        let (of_full, of_saved) = (full.solve(Gold::None).right(&full.truths), saved.solve(Gold::None).right(&full.truths));
        println!("{classes} classes: {of_full} right of {} labels, {of_saved} of {}", full.labels.len(), saved.labels.len());
        assert!(saved.labels.len() * 3 <= full.labels.len() * 2, "{} labels", saved.labels.len());
        assert!((of_saved + 30) >= of_full, "{of_saved} right, with all labels {of_full}");
    }
}
