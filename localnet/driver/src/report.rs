//! The closing table: inferred labels against the truth, pay against skill.
use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use cairn_proto::cairn::annotation::v1::Worker;
use serde::{Deserialize, Serialize};

use crate::crew::Member;

/// One task as `cairnd job export` writes it.
#[derive(Debug, Clone, Deserialize)]
pub struct ExportedTask {
    /// The item's file name.
    pub item: String,
    /// The inferred class; absent where nobody labelled it.
    pub class: Option<String>,
    /// Votes a class.
    pub votes: Vec<u32>,
}

/// One label as `cairnd job export --format labels` writes it; the other formats know annotators by pseudonyms.
#[derive(Debug, Clone, Deserialize)]
pub struct ExportedLabel {
    /// The annotator's number in the job.
    pub worker: u32,
    /// The task's number, which is its place in the export.
    pub task: usize,
    /// The class's number.
    pub label: usize,
}

/// One line of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// The annotator.
    pub name: String,
    /// Probability of a right answer.
    pub skill: f64,
    /// Part of its labels that are right.
    pub right: f64,
    /// Labels accepted.
    pub labels: u64,
    /// Agreement beyond chance, as the chain measured it.
    pub kappa: f64,
    /// Part of the price it was paid.
    pub score: f64,
    /// Pay in base units.
    pub pay: u128,
    /// Pay a label in base units.
    pub per_label: f64,
    /// Reason code of the pay.
    pub reason: String,
}

/// What came out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The job.
    pub job: u64,
    /// The published data set.
    pub asset: u64,
    /// Tasks.
    pub tasks: usize,
    /// Inferred labels that are right.
    pub inferred_right: usize,
    /// Majority votes that are right, ties to the class with most votes in the job.
    pub majority_right: usize,
    /// The annotators.
    pub rows: Vec<Row>,
    /// Checks by name, and whether they held.
    pub checks: Vec<(String, bool)>,
}

/// Item name to class, from `truth.csv`.
pub fn truths(path: &Path) -> Result<BTreeMap<String, String>> {
    let mut out = BTreeMap::new();
    for row in csv::Reader::from_path(path).with_context(|| format!("cannot read {}", path.display()))?.records() {
        let row = row?;
        let (item, class) = (row.get(0).context("no item")?, row.get(1).context("no class")?);
        out.insert(item.to_owned(), class.to_owned());
    }
    Ok(out)
}

/// How many inferred classes and how many majority votes are right.
#[must_use]
pub fn accuracy(tasks: &[ExportedTask], truths: &BTreeMap<String, String>, classes: &[String]) -> (usize, usize) {
    let mut whole = vec![0_u64; classes.len()];
    for task in tasks {
        whole.iter_mut().zip(&task.votes).for_each(|(sum, n)| *sum = sum.saturating_add(u64::from(*n)));
    }
    let right = |task: &ExportedTask, class: Option<&String>| class.is_some() && class == truths.get(&task.item);
    let majority = |task: &ExportedTask| {
        let ranked = task.votes.iter().zip(&whole).enumerate();
        let best = ranked.max_by_key(|(i, (n, all))| (**n, **all, std::cmp::Reverse(*i)));
        best.and_then(|(i, _)| classes.get(i))
    };
    let inferred = tasks.iter().filter(|t| right(t, t.class.as_ref())).count();
    (inferred, tasks.iter().filter(|t| right(t, majority(t))).count())
}

/// The table's lines, best skill last.
pub fn rows(
    crew: &[(Member, Worker)],
    (tasks, labels): (&[ExportedTask], &[ExportedLabel]),
    truths: &BTreeMap<String, String>,
    classes: &[String],
) -> Result<Vec<Row>> {
    let mut hits: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    for label in labels {
        let task = tasks.get(label.task).context("a label of a task that was not exported")?;
        let class = classes.get(label.label).context("a label of no class")?;
        let (right, all) = hits.entry(label.worker).or_default();
        *all = all.saturating_add(1);
        *right = right.saturating_add(u64::from(truths.get(&task.item) == Some(class)));
    }
    let classes = u16::try_from(classes.len())?;
    let mut rows = Vec::new();
    for (member, worker) in crew {
        let result = worker.result.clone().unwrap_or_default();
        let pay: u128 = result.pay.as_ref().map_or(Ok(0), |c| c.amount.parse()).context("pay is no number")?;
        let (right, all) = hits.get(&worker.number).copied().unwrap_or_default();
        rows.push(Row {
            name: member.name.clone(),
            skill: member.habit.skill(classes),
            right: ratio(right as f64, all as f64),
            labels: worker.labels,
            kappa: result.kappa_ppm as f64 / 1e6,
            score: result.score_q32 as f64 / 2_f64.powi(32),
            pay,
            per_label: ratio(pay as f64, worker.labels as f64),
            reason: result.reason().as_str_name().trim_start_matches("PAY_REASON_").to_lowercase(),
        });
    }
    rows.sort_by(|a, b| a.skill.total_cmp(&b.skill).then_with(|| a.name.cmp(&b.name)));
    Ok(rows)
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

impl Report {
    /// Mean pay a label of the members for whom `pick` holds.
    #[must_use]
    pub fn pay_per_label(&self, pick: impl Fn(&Row) -> bool) -> f64 {
        let picked: Vec<&Row> = self.rows.iter().filter(|r| pick(r)).collect();
        let pay: f64 = picked.iter().map(|r| r.pay as f64).sum();
        ratio(pay, picked.iter().map(|r| r.labels as f64).sum())
    }

    /// The checks that every run must pass, from the rows alone.
    #[must_use]
    pub fn judged(&self) -> Vec<(String, bool)> {
        let honest = self.pay_per_label(|r| r.name.starts_with("honest"));
        let part = |name: &str| ratio(self.pay_per_label(|r| r.name == name), honest);
        let peer = self.pay_per_label(|r| r.name == "honest-75");
        let copiers = self.pay_per_label(|r| r.name.starts_with("copier"));
        let share = ratio(self.inferred_right as f64, self.tasks as f64);
        vec![
            (format!("inferred labels are at least 97 % right ({:.2} %)", share * 100.0), share >= 0.97),
            (
                format!(
                    "and at least as good as majority vote ({} against {} of {})",
                    self.inferred_right, self.majority_right, self.tasks
                ),
                self.inferred_right >= self.majority_right,
            ),
            (format!("constant answers earn under 10 % of honest pay a label ({:.1} %)", part("lazy") * 100.0), part("lazy") < 0.10),
            (format!("random answers earn under 10 % of honest pay a label ({:.1} %)", part("random") * 100.0), part("random") < 0.10),
            (
                format!(
                    "copiers earn at most 10 % more a label than independent work of their skill ({:+.1} %)",
                    (ratio(copiers, peer) - 1.0) * 100.0
                ),
                copiers <= peer * 1.10,
            ),
        ]
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = format!(
            "\n  {:<10} {:>6} {:>7} {:>7} {:>7} {:>6} {:>12} {:>10}  {}\n",
            "annotator", "skill", "right", "labels", "kappa", "score", "pay CAIRN", "a label", "reason"
        );
        for r in &self.rows {
            out.push_str(&format!(
                "  {:<10} {:>6.2} {:>6.1}% {:>7} {:>7.3} {:>6.3} {:>12.6} {:>10.6}  {}\n",
                r.name,
                r.skill,
                r.right * 100.0,
                r.labels,
                r.kappa,
                r.score,
                r.pay as f64 / 1e6,
                r.per_label / 1e6,
                r.reason
            ));
        }
        let percent = |n: usize| ratio(n as f64, self.tasks as f64) * 100.0;
        out.push_str(&format!(
            "\n  labels right: inferred by the chain {} of {} ({:.2} %), majority vote {} ({:.2} %)\n\n",
            self.inferred_right,
            self.tasks,
            percent(self.inferred_right),
            self.majority_right,
            percent(self.majority_right)
        ));
        for (name, held) in &self.checks {
            out.push_str(&format!("  {} {name}\n", if *held { "ok   " } else { "FAULT" }));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn majority_breaks_ties_by_the_whole_job() {
        let classes = ["a".to_owned(), "b".to_owned()];
        let task =
            |item: &str, class: &str, votes: [u32; 2]| ExportedTask { item: item.into(), class: Some(class.into()), votes: votes.into() };
        let tasks = [task("x", "a", [1, 1]), task("y", "b", [0, 2]), task("z", "b", [2, 0])];
        let truths = [("x", "b"), ("y", "b"), ("z", "a")].map(|(i, c)| (i.to_owned(), c.to_owned())).into();
        // Both classes have three votes, so the tie goes to the first class and is wrong.
        assert_eq!(accuracy(&tasks, &truths, &classes), (1, 2));
    }
}
