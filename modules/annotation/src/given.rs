//! What annotators of a job give to its tasks, whatever its type: classes or sets. A set answers a question of two classes (off, on) for
//! each label, a class the one question that there is; what follows from answers is written once, over both.
use std::collections::BTreeMap;

use cairn_kernel::{Ctx, Result};
use cairn_truth::{Gold, Posteriors, SetPosteriors, WHOLE};

use crate::{
    Error, formats, gold,
    job::Running,
    labels::{PagesView, failed},
    sets, settle, types,
};

/// An answer to a task of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Given<V> {
    /// Number of the task within its chunk.
    pub(crate) task: u16,
    pub(crate) worker: u32,
    pub(crate) value: V,
}

/// One class of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Class(pub(crate) u16);

/// A set of labels: bit l tells whether label l is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Set(pub(crate) u64);

/// A class or a set.
pub(crate) trait Value: Copy + Ord {
    /// The blind answers of a chunk, by task and worker.
    fn blind(ctx: &Ctx, run: &Running, chunk: u32) -> Result<Vec<Given<Self>>>;
    /// Its late answers, by task and worker.
    fn late(ctx: &Ctx, run: &Running, chunk: u32) -> Result<Vec<Given<Self>>>;
    /// Its opened gold by task of the job.
    fn truths(ctx: &Ctx, run: &Running, chunk: u32) -> Result<BTreeMap<u32, Self>>;
    /// What is committed to and hashed.
    fn payload(self, run: &Running) -> Result<Vec<u8>>;
    /// The class with which it answers a question.
    fn class(self, question: u16) -> u16;
}

impl Value for Class {
    fn blind(ctx: &Ctx, run: &Running, chunk: u32) -> Result<Vec<Given<Self>>> {
        let found = cairn_truth::read_labels(&PagesView::new(ctx, run.id), run.job.tasks, run.classes()?, chunk).map_err(failed)?;
        Ok(found.all().iter().map(|label| Given { task: label.task, worker: label.worker, value: Self(label.class) }).collect())
    }
    fn late(ctx: &Ctx, run: &Running, chunk: u32) -> Result<Vec<Given<Self>>> {
        let found = cairn_truth::read_late_labels(&PagesView::new(ctx, run.id), run.job.tasks, run.classes()?, chunk).map_err(failed)?;
        Ok(found.all().iter().map(|label| Given { task: label.task, worker: label.worker, value: Self(label.class) }).collect())
    }
    fn truths(ctx: &Ctx, run: &Running, chunk: u32) -> Result<BTreeMap<u32, Self>> {
        Ok(gold::opened(ctx, run.id, chunk)?.into_iter().map(|(task, class)| (task, Self(class))).collect())
    }
    fn payload(self, _: &Running) -> Result<Vec<u8>> {
        Ok(formats::class_payload(self.0).to_vec())
    }
    fn class(self, _: u16) -> u16 {
        self.0
    }
}

impl Value for Set {
    fn blind(ctx: &Ctx, run: &Running, chunk: u32) -> Result<Vec<Given<Self>>> {
        let found = cairn_truth::read_sets(&PagesView::new(ctx, run.id), run.job.tasks, run.classes()?, chunk).map_err(failed)?;
        Ok(found.all().iter().map(|answer| Given { task: answer.task, worker: answer.worker, value: Self(answer.set) }).collect())
    }
    fn late(ctx: &Ctx, run: &Running, chunk: u32) -> Result<Vec<Given<Self>>> {
        let found = cairn_truth::read_late_sets(&PagesView::new(ctx, run.id), run.job.tasks, run.classes()?, chunk).map_err(failed)?;
        Ok(found.all().iter().map(|answer| Given { task: answer.task, worker: answer.worker, value: Self(answer.set) }).collect())
    }
    fn truths(ctx: &Ctx, run: &Running, chunk: u32) -> Result<BTreeMap<u32, Self>> {
        Ok(gold::opened_sets(ctx, run, chunk)?.into_iter().map(|(task, set)| (task, Self(set))).collect())
    }
    fn payload(self, run: &Running) -> Result<Vec<u8>> {
        sets::bytes(run, self.0)
    }
    fn class(self, question: u16) -> u16 {
        u16::from(self.0.checked_shr(question.into()).unwrap_or(0) & 1 == 1)
    }
}

/// The answers of one task of a chunk, out of sorted ones.
pub(crate) fn of_task<V>(answers: &[Given<V>], task: u16) -> &[Given<V>] {
    let (first, end) = (answers.partition_point(|given| given.task < task), answers.partition_point(|given| given.task <= task));
    answers.get(first..end).unwrap_or(&[])
}

/// What was inferred of the tasks of a chunk.
pub(crate) enum Beliefs {
    Classes(Posteriors),
    Sets(SetPosteriors),
}

impl Beliefs {
    /// Reads those of a chunk, once the inference has ended.
    pub(crate) fn read(ctx: &Ctx, run: &Running, chunk: u32) -> Result<Self> {
        let model = &run.status.settlement.as_ref().ok_or(Error::Broken("a job in settlement has none"))?.model;
        let pages = PagesView::new(ctx, run.id);
        if types::gives_sets(run.job.r#type()) {
            let (params, models) = (sets::params(run, Gold::None)?, settle::models(model)?);
            return cairn_truth::read_set_posteriors(&pages, &params, &models, chunk).map(Self::Sets).map_err(failed);
        }
        let (params, model) = (run.truth_params(Gold::None)?, settle::model(model)?);
        cairn_truth::read_posteriors(&pages, &params, model, chunk).map(Self::Classes).map_err(failed)
    }
    /// The posteriors of a task's questions, shares of 65,535.
    pub(crate) fn questions(&self, task: u16) -> Vec<Vec<u16>> {
        match self {
            Self::Classes(posteriors) => vec![posteriors.task(task).to_vec()],
            Self::Sets(posteriors) => posteriors.task(task).into_iter().map(|on| vec![WHOLE.saturating_sub(on), on]).collect(),
        }
    }
    /// How probable the result of a task is: its most probable class; of a set, that of the label of which least is known.
    pub(crate) fn certainty(&self, task: u16) -> u16 {
        self.questions(task).iter().filter_map(|shares| shares.iter().copied().max()).min().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_a_task_stand_together_and_sets_answer_each_label() {
        let given = |task, worker| Given { task, worker, value: Set(0b101) };
        let all = [given(0, 1), given(2, 0), given(2, 4), given(5, 1)];
        assert_eq!(of_task(&all, 2), &all[1..3]);
        assert!(of_task(&all, 1).is_empty() && of_task(&all, 9).is_empty() && of_task::<Set>(&[], 0).is_empty());
        let classes: Vec<u16> = (0..65).map(|label| Set(0b101).class(label)).collect();
        assert_eq!((classes[0], classes[1], classes[2], classes[64]), (1, 0, 1, 0));
        assert_eq!(Class(3).class(0), 3);
    }
}
