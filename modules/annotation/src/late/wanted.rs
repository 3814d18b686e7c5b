//! How many late labels a task wants: by the streaming update of `cairn_truth`, as many as are expected to bring it over the job's bound, from
//! annotators of the usual skill. So a task that is nearly sure takes one or two and not all that the job may pay.
use std::collections::BTreeMap;

use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{PayReason, Worker};
use cairn_truth::{Labels, Skill, Vote};

use crate::{
    Error,
    job::Running,
    labels::{PagesView, failed},
    rules,
    state::WORKERS,
};

/// One, in parts per million.
const PPM: i64 = 1_000_000;

/// The blind labels of a chunk, and what is known of those who gave them.
pub(super) struct Judge {
    labels: Labels,
    /// By worker; `None` for whom the gate keeps out.
    skills: BTreeMap<u32, Option<Skill>>,
}

impl Judge {
    pub(super) fn new(ctx: &Ctx, run: &Running, chunk: u32) -> Result<Self> {
        let (tasks, classes) = (run.job.tasks, run.classes()?);
        let labels = cairn_truth::read_labels(&PagesView::new(ctx, run.id), tasks, classes, chunk).map_err(failed)?;
        Ok(Self { labels, skills: BTreeMap::new() })
    }
    /// How many more labels a task of the chunk wants, at least one.
    pub(super) fn wanted(&mut self, ctx: &Ctx, run: &Running, task: u16, likeliest: u16) -> Result<u32> {
        let classes = run.classes()?;
        let (mut votes, mut usual) = (Vec::new(), Skill::default());
        let all = self.labels.all();
        let first = all.partition_point(|label| label.task < task);
        for label in all.iter().skip(first).take_while(|label| label.task == task) {
            let skill = match self.skills.get(&label.worker) {
                Some(known) => *known,
                None => {
                    let worker = WORKERS.get(ctx, &(run.id, label.worker))?.ok_or(Error::Broken("a worker is missing"))?;
                    let skill = skill(&worker, classes)?;
                    self.skills.insert(label.worker, skill);
                    skill
                }
            };
            if let Some(skill) = skill {
                votes.push(Vote { class: label.class, skill });
                usual.right = usual.right.saturating_add(skill.right);
                usual.seen = usual.seen.saturating_add(skill.seen);
            }
        }
        let most = run.job.overlap_max.saturating_add(rules::EXTRA_OVERLAP).max(1);
        for more in 1..most {
            votes.push(Vote { class: likeliest, skill: usual });
            if !cairn_truth::needs_more(classes, &votes, run.job.posterior_bound_bps).map_err(Error::Truth)? {
                return Ok(expected(more, &usual).min(most));
            }
        }
        Ok(most)
    }
}

/// Labels until `agreeing` more of them are right than wrong, where each is right as often as `usual`: every wrong one takes a right one away.
fn expected(agreeing: u32, usual: &Skill) -> u32 {
    let seen = u64::from(usual.seen).saturating_mul(cairn_truth::WHOLE.into());
    let gain = usual.right.saturating_mul(2).saturating_sub(seen);
    let labels = if gain == 0 { None } else { u64::from(agreeing).saturating_mul(seen).checked_add(gain.saturating_sub(1)) };
    let labels = labels.and_then(|scaled| scaled.checked_div(gain)).unwrap_or(u64::MAX);
    u32::try_from(labels).unwrap_or(u32::MAX).max(agreeing)
}

/// How often a worker was right, from its kappa as if all classes were equally frequent; `None` where the gate keeps it out.
fn skill(worker: &Worker, classes: u16) -> Result<Option<Skill>> {
    let Some(result) = worker.result.as_ref().filter(|result| result.reason() != PayReason::Gated) else { return Ok(None) };
    let kappa = result.kappa_ppm.clamp(0, PPM);
    let chance = PPM.saturating_sub(kappa).checked_div(classes.into()).ok_or(Error::Overflow)?;
    let right = u128::try_from(kappa.saturating_add(chance).min(PPM)).map_err(|_| Error::Overflow)?;
    let whole = u128::from(result.scored).saturating_mul(cairn_truth::WHOLE.into());
    let right = whole.saturating_mul(right).checked_div(1_000_000).ok_or(Error::Overflow)?;
    Ok(Some(Skill { right: u64::try_from(right).map_err(|_| Error::Overflow)?, seen: result.scored }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_labels_are_reckoned_with() {
        let skill = |right: u64| Skill { right: right * u64::from(cairn_truth::WHOLE), seen: 100 };
        // 100 right: one for one; 80: 0.6 a label; 75: two labels for one; half: never.
        let found: Vec<u32> = [100, 80, 75, 50, 20].iter().map(|right| expected(1, &skill(*right))).collect();
        assert_eq!(found, [1, 2, 2, u32::MAX, u32::MAX]);
        assert_eq!((expected(3, &skill(80)), expected(2, &skill(100))), (5, 2));
        assert_eq!(expected(1, &Skill::default()), u32::MAX, "nobody is known: as many as there may be");
    }
}
