//! How many late labels a task wants: by the streaming update of `cairn_truth`, which goes on from what the blind round inferred and from the
//! late labels of earlier waves, as many as are expected to bring it over the job's bound, from annotators of the usual skill. So a task
//! that is nearly sure takes one or two and not all that the job may pay. Of a set each label is a question of its own; the one that wants
//! most decides.
use std::collections::BTreeMap;

use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{PayReason, Worker};
use cairn_truth::{Skill, Vote, is_below, streaming_update};

use crate::{
    Error,
    given::{Beliefs, Given, Value, of_task},
    job::Running,
    rules,
    state::WORKERS,
    types,
};

/// One, in parts per million.
const PPM: i64 = 1_000_000;

/// What is known of the tasks of a chunk and of those who labelled them.
pub(super) struct Judge<V> {
    beliefs: Beliefs,
    blind: Vec<Given<V>>,
    /// Of the waves before.
    late: Vec<Given<V>>,
    /// By worker.
    skills: BTreeMap<u32, Skill>,
    /// Classes of a question.
    classes: u16,
    /// Labels of a task at the most.
    most: u32,
    bound_bps: u32,
}

impl<V: Value> Judge<V> {
    pub(super) fn new(ctx: &Ctx, run: &Running, chunk: u32) -> Result<Self> {
        Ok(Self {
            beliefs: Beliefs::read(ctx, run, chunk)?,
            blind: V::blind(ctx, run, chunk)?,
            late: if run.status.late_labels > 0 { V::late(ctx, run, chunk)? } else { Vec::new() },
            skills: BTreeMap::new(),
            classes: if types::gives_sets(run.job.r#type()) { 2 } else { run.classes()? },
            most: run.job.overlap_max.saturating_add(rules::EXTRA_OVERLAP).max(1),
            bound_bps: run.job.posterior_bound_bps,
        })
    }
    /// How many more labels a task of the chunk wants, 0 where it is over the bound, and how many late ones it has.
    pub(super) fn wanted(&mut self, ctx: &Ctx, run: &Running, task: u16) -> Result<(u32, u32)> {
        let questions = self.beliefs.questions(task);
        let late = of_task(&self.late, task).to_vec();
        if late.is_empty() && !questions.iter().any(|shares| is_below(shares, self.bound_bps)) {
            return Ok((0, 0));
        }
        let usual = self.usual(ctx, run, task)?;
        let mut wanted = 0;
        for (question, shares) in (0_u16..).zip(&questions) {
            let mut votes = Vec::new();
            for given in &late {
                votes.push(Vote { class: given.value.class(question), skill: self.skill(ctx, run, given.worker)? });
            }
            let shares = streaming_update(shares, &votes).map_err(Error::Truth)?;
            if is_below(&shares, self.bound_bps) {
                wanted = wanted.max(self.missing(&shares, &usual)?);
            }
        }
        Ok((wanted, u32::try_from(late.len()).map_err(|_| Error::Overflow)?))
    }
    /// How many more labels a question below the bound wants, at least one.
    fn missing(&self, shares: &[u16], usual: &Skill) -> Result<u32> {
        let likeliest = likeliest(shares);
        let mut votes = Vec::new();
        for more in 1..self.most {
            votes.push(Vote { class: likeliest, skill: *usual });
            if !is_below(&streaming_update(shares, &votes).map_err(Error::Truth)?, self.bound_bps) {
                return Ok(expected(more, usual).min(self.most));
            }
        }
        Ok(self.most)
    }
    /// What is known of the blind voters of a task together.
    fn usual(&mut self, ctx: &Ctx, run: &Running, task: u16) -> Result<Skill> {
        let voters: Vec<u32> = of_task(&self.blind, task).iter().map(|given| given.worker).collect();
        let mut usual = Skill::default();
        for number in voters {
            let Skill { right, seen } = self.skill(ctx, run, number)?;
            usual.right = usual.right.saturating_add(right);
            usual.seen = usual.seen.saturating_add(seen);
        }
        Ok(usual)
    }
    /// What is known of a worker; nothing of whom the gate keeps out.
    fn skill(&mut self, ctx: &Ctx, run: &Running, number: u32) -> Result<Skill> {
        if let Some(known) = self.skills.get(&number) {
            return Ok(*known);
        }
        let worker = WORKERS.get(ctx, &(run.id, number))?.ok_or(Error::Broken("a worker is missing"))?;
        let skill = skill(&worker, self.classes)?;
        self.skills.insert(number, skill);
        Ok(skill)
    }
}

/// The class with the largest share, of equal ones the lowest.
fn likeliest(shares: &[u16]) -> u16 {
    let best = (0_u16..).zip(shares).max_by_key(|(class, share)| (**share, std::cmp::Reverse(*class)));
    best.map_or(0, |(class, _)| class)
}

/// Labels until `agreeing` more of them are right than wrong, where each is right as often as `usual`: every wrong one takes a right one away.
fn expected(agreeing: u32, usual: &Skill) -> u32 {
    let seen = u64::from(usual.seen).saturating_mul(cairn_truth::WHOLE.into());
    let gain = usual.right.saturating_mul(2).saturating_sub(seen);
    let labels = if gain == 0 { None } else { u64::from(agreeing).saturating_mul(seen).checked_add(gain.saturating_sub(1)) };
    let labels = labels.and_then(|scaled| scaled.checked_div(gain)).unwrap_or(u64::MAX);
    u32::try_from(labels).unwrap_or(u32::MAX).max(agreeing)
}

/// How often a worker was right, from its kappa as if all classes were equally frequent; nothing where the gate keeps it out.
fn skill(worker: &Worker, classes: u16) -> Result<Skill> {
    let result = worker.result.as_ref().filter(|result| result.reason() != PayReason::Gated);
    let Some(result) = result else { return Ok(Skill::default()) };
    let kappa = result.kappa_ppm.clamp(0, PPM);
    let chance = PPM.saturating_sub(kappa).checked_div(classes.into()).ok_or(Error::Overflow)?;
    let right = u128::try_from(kappa.saturating_add(chance).min(PPM)).map_err(|_| Error::Overflow)?;
    let whole = u128::from(result.scored).saturating_mul(cairn_truth::WHOLE.into());
    let right = whole.saturating_mul(right).checked_div(1_000_000).ok_or(Error::Overflow)?;
    Ok(Skill { right: u64::try_from(right).map_err(|_| Error::Overflow)?, seen: result.scored })
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
