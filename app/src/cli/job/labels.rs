//! What the chain saw, by numbers: labels and opened gold as `cairnd truth replay` reads them.
use std::path::PathBuf;

use cairn_proto::cairn::annotation::v1::{GoldVerdict, Job, JobStatus, TaskLabels, TaskResult};

/// A list of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// `worker,task,label` of the blind round, of which the settlement's digest is.
    Labels,
    /// `task,truth`: the opened gold, void answers included.
    Gold,
}

impl Numbers {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Labels, Self::Gold];
    /// As the command line names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Gold => "gold",
        }
    }
    /// The first line.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Labels => "worker,task,label\n",
            Self::Gold => "task,truth\n",
        }
    }
    /// The lines of a task.
    pub(crate) fn lines(self, task: &TaskResult, labels: &TaskLabels) -> String {
        match self {
            Self::Labels => labels.labels.iter().filter(|l| !l.late).map(|l| format!("{},{},{}\n", l.worker, task.task, l.class)).collect(),
            Self::Gold if task.gold => format!("{},{}\n", task.task, task.truth),
            Self::Gold => String::new(),
        }
    }
}

/// The command that infers truth and pay again from the exported labels and gold and fails unless it finds the chain's digest.
pub(crate) fn replay_command(job: &Job, status: &JobStatus, labels: Option<&PathBuf>) -> Option<String> {
    let settlement = status.settlement.as_ref().filter(|s| !s.digest.is_empty())?;
    let gold = match settlement.gold() {
        GoldVerdict::Unopened => "--unopened",
        _ => "--gold gold.csv",
    };
    let labels = labels.map_or("labels.csv".to_owned(), |p| p.display().to_string());
    Some(format!(
        "cairnd truth replay {labels} {gold} --tasks {} --workers {} --classes {} --target {}.{:04} --gate {} --digest {}",
        job.tasks,
        status.workers,
        job.classes.len(),
        job.kappa_target_bps / 10_000,
        job.kappa_target_bps % 10_000,
        job.gate_bits,
        hex::encode(&settlement.digest)
    ))
}

#[cfg(test)]
mod tests {
    use cairn_proto::cairn::annotation::v1::{Settlement, TaskLabel};

    use super::*;

    #[test]
    fn only_a_job_with_a_digest_can_be_replayed() {
        let job = Job { tasks: 9, classes: vec!["a".into(), "b".into()], kappa_target_bps: 6_000, gate_bits: -2, ..Job::default() };
        let mut status = JobStatus { workers: 3, ..JobStatus::default() };
        assert_eq!(replay_command(&job, &status, None), None);
        status.settlement = Some(Settlement { digest: vec![0xab; 2], ..Settlement::default() });
        let expected =
            "cairnd truth replay labels.csv --gold gold.csv --tasks 9 --workers 3 --classes 2 --target 0.6000 --gate -2 --digest abab";
        assert_eq!(replay_command(&job, &status, None).unwrap(), expected);
    }

    #[test]
    fn a_task_has_a_line_a_label_and_one_if_it_is_gold() {
        let label = |worker, class| TaskLabel { worker, class, ..TaskLabel::default() };
        let labels = TaskLabels { task: 4, labels: vec![label(0, 1), label(2, 0), TaskLabel { late: true, ..label(3, 0) }] };
        let task = TaskResult { task: 4, gold: true, truth: 1, ..TaskResult::default() };
        assert_eq!(Numbers::Labels.lines(&task, &labels), "0,4,1\n2,4,0\n");
        assert_eq!(Numbers::Gold.lines(&task, &labels), "4,1\n");
        assert_eq!(Numbers::Gold.lines(&TaskResult { gold: false, ..task }, &labels), "");
    }
}
