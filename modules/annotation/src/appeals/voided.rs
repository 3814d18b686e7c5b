//! What a voided gold answer had done to those who labelled its task: some were kept out by it, some scored by it.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{GoldVerdict, PayReason, Worker, WorkerResult};
use cairn_truth::{Gold, GoldAnswers, Label, gold_share, is_gated};

use super::award::{owe, win};
use crate::{
    Error, formats, gold,
    job::Running,
    labels::{PagesView, failed},
    state::WORKERS,
};

/// The voters of a voided answer: whoever contradicted it and would not have been kept out without it has won; whose score rests on gold
/// answers is scored without it, and owed what is more.
pub(super) fn clear(ctx: &mut Ctx, run: &mut Running, task: u32) -> Result<()> {
    let chunk = task / formats::CHUNK;
    let Some(truth) = gold::opened(ctx, run.id, chunk)?.get(&task).copied() else { return Ok(()) };
    let (tasks, classes) = (run.job.tasks, run.classes()?);
    let labels = cairn_truth::read_labels(&PagesView::new(ctx, run.id), tasks, classes, chunk).map_err(failed)?;
    let local = task % formats::CHUNK;
    for label in labels.all().iter().filter(|label| u32::from(label.task) == local) {
        let mut worker = WORKERS.get(ctx, &(run.id, label.worker))?.ok_or(Error::Broken("a worker is missing"))?;
        let Some(result) = worker.result.as_mut() else { continue };
        let right = label.class == truth;
        let voided = if right { &mut result.gold_right_voided } else { &mut result.gold_voided };
        *voided = voided.saturating_add(1);
        match result.reason() {
            PayReason::Gated if !right => {
                let is_let_in = !is_kept_out(run, classes, result)?;
                WORKERS.set(ctx, &(run.id, label.worker), &worker)?;
                if is_let_in {
                    win(ctx, run, label.worker)?;
                }
            }
            PayReason::GoldSkill => {
                leave_out(result, label, truth);
                score_anew(ctx, run, &mut worker)?;
                WORKERS.set(ctx, &(run.id, label.worker), &worker)?;
            }
            _ => WORKERS.set(ctx, &(run.id, label.worker), &worker)?,
        }
    }
    Ok(())
}

/// Whether the gate keeps a worker out without the answers that it missed and a jury voided.
fn is_kept_out(run: &Running, classes: u16, result: &WorkerResult) -> Result<bool> {
    let seen = result.gold_seen.saturating_sub(result.gold_voided).max(result.gold_hits);
    Ok(is_gated(classes, run.job.gate_bits, result.gold_hits, seen).map_err(Error::Truth)?)
}

/// Takes a voided answer out of those that a score rests on.
fn leave_out(result: &mut WorkerResult, label: &Label, truth: u16) {
    for (counts, class) in [(&mut result.gold_answers, label.class), (&mut result.gold_truths, truth)] {
        if let Some(count) = counts.get_mut(usize::from(class)) {
            *count = count.saturating_sub(1);
        }
    }
}

/// Scores a worker by the gold answers that are left, or by none where the gold turned out to be false. It is never owed less than it has.
fn score_anew(ctx: &mut Ctx, run: &mut Running, worker: &mut Worker) -> Result<()> {
    let Some(result) = worker.result.as_ref() else { return Ok(()) };
    let is_false = run.settlement()?.gold() == GoldVerdict::False;
    let counts = |counts: &[u32]| counts.iter().map(|count| u64::from(*count)).collect::<Vec<_>>();
    let (answers, truths) = (counts(&result.gold_answers), counts(&result.gold_truths));
    let right = u64::from(result.gold_hits.saturating_sub(result.gold_right_voided));
    let left = Some(GoldAnswers { right, answers: &answers, truths: &truths }).filter(|_| !is_false);
    let share = gold_share(&run.truth_params(Gold::Opened)?, result.scored, left).map_err(Error::Truth)?;
    let owed = if share > result.score_q32 { share } else { 0 };
    if owed == result.won_share_q32 { Ok(()) } else { owe(ctx, run, worker, owed) }
}
