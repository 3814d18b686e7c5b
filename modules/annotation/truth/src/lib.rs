//! Integer truth inference and pay by measured contribution.
//!
//! The library keeps no state: labels, posteriors and counts live in [`Pages`] that the caller owns, an [`Inference`] is a small
//! record that walks over them a bounded step at a time. The same code runs in consensus and in `cairnd truth replay`. The README
//! is the specification.

mod basis;
mod bytes;
mod drafts;
mod error;
mod exact;
mod fixed;
mod gold;
mod inference;
mod labels;
mod late;
mod ledger;
mod majority;
mod model;
mod page;
mod params;
mod pay;
mod posterior;
mod ranking;
mod record;
mod regrade;
mod results;
mod roster;
mod score;
mod sets;
mod stream;
mod sweep;
mod tally;
mod visits;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may panic")]
mod synthetic;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may panic")]
mod tests;

pub use basis::Basis;
pub use drafts::{
    Draft, DraftError, DraftKind, MAX_COORDINATE, MAX_DRAFT_BYTES, MAX_DRAFT_VERTICES, MAX_DRAFTS, MAX_SHAPES, MAX_VERTICES, Polygon,
    Ratio, Rect, Shapes, Span, agreement, agrees, cost, medoid, span_f1,
};
pub use error::{Error, Failure};
pub use fixed::{LOG_BITS, ONE, log2, normalise, power};
pub use gold::{GoldVerdict, is_gated, is_void, write_gold};
pub use inference::{Cursor, Inference, LEAST_PASSES, MOST_PASSES, Outcome, Phase, Progress};
pub use labels::{Label, Labels, add_all, add_all_late, add_labels, add_late_labels, read_labels, read_late_labels};
pub use late::{LateOutcome, LateRound};
pub use majority::majority_vote;
pub use model::Model;
pub use page::{CHUNK, Memory, Page, Pages, ReadPages};
pub use params::{Gold, MAX_CLASSES, MAX_TASKS, MAX_WORKERS, Params};
pub use pay::WorkerResult;
pub use posterior::{Posteriors, WHOLE, read_posterior, read_posteriors};
pub use ranking::{MAX_ITEMS, MOST_RANKING_PASSES, Ranking, RankingOutcome, RankingParams, Strength, elo, read_strengths, write_pairs};
pub use regrade::{GoldAnswers, gold_share};
pub use results::{read_result, read_results};
pub use sets::{
    LabelOutcome, SetAnswer, SetInference, SetLateRound, SetOutcome, SetParams, SetPosteriors, Sets, add_all_late_sets, add_all_sets,
    add_sets, read_late_sets, read_set_posteriors, read_set_result, read_set_results, read_sets, set_from_bytes, set_to_bytes,
    write_gold_sets,
};
pub use stream::{Skill, Vote, is_below, needs_more, streaming_posterior, streaming_update};

/// Runs an inference to its end, for use off the chain.
///
/// # Errors
/// As [`Inference::open`] and [`Inference::step`].
pub fn infer<P: Pages>(pages: &mut P, params: Params) -> Result<Outcome, Failure<P::Error>> {
    let mut inference = Inference::open(params)?;
    while !inference.step(pages, u64::MAX)?.done {}
    Ok(inference.outcome().ok_or(Error::Unfinished)?)
}
