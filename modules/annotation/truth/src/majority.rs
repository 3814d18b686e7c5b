//! Majority vote, only to compare with: nobody is paid by it and nothing is published by it.

use crate::{
    Error, Failure, Params, ReadPages,
    exact::raise,
    labels::{first_task, read_labels},
};

/// The class with most votes of each task. A tie goes to the tied class with most votes in the whole job, then to the lowest; a
/// task without votes has none. Reads every page of labels twice: not for use in a block.
///
/// # Errors
/// [`Error::Damaged`] where a page does not follow its format.
pub fn majority_vote<P: ReadPages>(pages: &P, params: &Params) -> Result<Vec<Option<u16>>, Failure<P::Error>> {
    params.validate()?;
    let mut job = vec![0u64; params.classes.into()];
    for chunk in 0..params.chunks() {
        for label in read_labels(pages, params.tasks, params.classes, chunk)?.all() {
            raise(job.get_mut(usize::from(label.class)).ok_or(Error::Inconsistent)?, 1)?;
        }
    }
    let mut chosen = vec![None; usize::try_from(params.tasks).map_err(|_| Error::Overflow)?];
    for chunk in 0..params.chunks() {
        for labels in read_labels(pages, params.tasks, params.classes, chunk)?.by_task() {
            let mut votes = vec![0u64; params.classes.into()];
            for label in labels {
                raise(votes.get_mut(usize::from(label.class)).ok_or(Error::Inconsistent)?, 1)?;
            }
            let Some(label) = labels.first() else { continue };
            let task = first_task(chunk).checked_add(label.task.into()).and_then(|task| usize::try_from(task).ok());
            *task.and_then(|task| chosen.get_mut(task)).ok_or(Error::Inconsistent)? = winner(&votes, &job);
        }
    }
    Ok(chosen)
}

fn winner(votes: &[u64], job: &[u64]) -> Option<u16> {
    let mut best = None;
    for ((class, votes), job) in (0..).zip(votes).zip(job) {
        if best.is_none_or(|(_, most)| (votes, job) > most) {
            best = Some((class, (votes, job)));
        }
    }
    best.map(|(class, _)| class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Memory, add_all, params::Gold};

    #[test]
    fn ties_go_to_the_class_with_most_votes_in_the_job_then_to_the_lowest() {
        let mut pages = Memory::default();
        // Class 2 has three votes in the job, class 0 two, class 1 two.
        let labels = [(0, 0, 0), (0, 1, 2), (1_024, 0, 1), (1_024, 1, 0), (2, 0, 2), (3, 0, 1), (3, 1, 2)];
        add_all(&mut pages, 1_025, 4, &labels).unwrap();
        let chosen = majority_vote(&pages, &Params::new(1_025, 4, 2, Gold::None)).unwrap();
        assert_eq!((chosen[0], chosen[1], chosen[2], chosen[3], chosen[1_024]), (Some(2), None, Some(2), Some(2), Some(0)));
    }
}
