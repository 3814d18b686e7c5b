//! Job types: what a job of each type must be like when it is posted.
use cairn_kernel::{Coin, Result};
use cairn_proto::cairn::annotation::v1::{ItemKind, JobType, MsgPostJob, Params, Rules, Verification};
use cairn_truth::DraftKind;

use crate::{rules, stage};

mod error;
pub use error::Error;

/// Classes of a VERIFY job, in their order.
pub const VERDICTS: [&str; 2] = ["reject", "accept"];
/// Classes of a PAIRWISE job, in their order; the last one may be left out.
pub const PREFERENCES: [&str; 3] = ["left", "right", "tie"];

/// Refuses a job whose items, classes or ranking are not those of its type.
pub(crate) fn check(msg: &MsgPostJob) -> Result<()> {
    let kind = msg.item_kind();
    if kind == ItemKind::Unspecified {
        return Err(crate::Error::ItemKind(msg.item_kind).into());
    }
    match msg.r#type() {
        JobType::Unspecified => return Err(crate::Error::JobType(msg.r#type).into()),
        JobType::Classify | JobType::MultiLabel => {}
        JobType::Verify => check_classes("VERIFY", msg, &VERDICTS, VERDICTS.len())?,
        JobType::Pairwise => {
            if kind != ItemKind::Pair {
                return Err(Error::Items { job_type: "PAIRWISE", expected: "pairs (4)", found: msg.item_kind }.into());
            }
            check_classes("PAIRWISE", msg, &PREFERENCES, 2)?;
        }
        JobType::Box | JobType::Polygon if kind != ItemKind::Image => return Err(items("BOX or POLYGON", "pictures (1)", msg)),
        JobType::Span if kind != ItemKind::Text => return Err(items("SPAN", "texts (2)", msg)),
        JobType::Text | JobType::Audio if has_exam(msg) => return Err(Error::Exam.into()),
        JobType::Box | JobType::Polygon | JobType::Span | JobType::Text | JobType::Audio => {}
    }
    check_ranking(msg)
}

fn items(job_type: &'static str, expected: &'static str, msg: &MsgPostJob) -> cairn_kernel::Error {
    Error::Items { job_type, expected, found: msg.item_kind }.into()
}

/// Whether annotators of such a job make drafts, which are then verified.
#[must_use]
pub fn produces(job_type: JobType) -> bool {
    match job_type {
        JobType::Box | JobType::Polygon | JobType::Span | JobType::Text | JobType::Audio => true,
        JobType::Unspecified | JobType::Classify | JobType::MultiLabel | JobType::Pairwise | JobType::Verify => false,
    }
}

/// What the drafts of such a job consist of, where they are told in the clear.
#[must_use]
pub fn draws(job_type: JobType) -> Option<DraftKind> {
    match job_type {
        JobType::Box => Some(DraftKind::Boxes),
        JobType::Polygon => Some(DraftKind::Polygons),
        JobType::Span => Some(DraftKind::Spans),
        JobType::Unspecified
        | JobType::Classify
        | JobType::MultiLabel
        | JobType::Pairwise
        | JobType::Verify
        | JobType::Text
        | JobType::Audio => None,
    }
}

/// Whether annotators of such a job give sets of labels.
#[must_use]
pub fn gives_sets(job_type: JobType) -> bool {
    job_type == JobType::MultiLabel
}

/// What a label of such a job is, for texts.
pub(crate) fn answer(job_type: JobType) -> &'static str {
    match job_type {
        JobType::Unspecified | JobType::Classify | JobType::Pairwise | JobType::Verify => "a class, and neither draft nor set",
        JobType::MultiLabel => "a set, and neither class nor draft",
        JobType::Box | JobType::Polygon | JobType::Span | JobType::Text | JobType::Audio => "a draft, and neither class nor set",
    }
}

/// How many times longer than for a class a lease lasts.
#[must_use]
pub fn lease_factor(job_type: JobType) -> u64 {
    match job_type {
        JobType::Unspecified | JobType::Classify | JobType::MultiLabel | JobType::Pairwise | JobType::Verify => 1,
        JobType::Box | JobType::Polygon | JobType::Span | JobType::Text => 3,
        JobType::Audio => 8,
    }
}

/// How many classes a job may have.
pub(crate) fn class_limits(job_type: JobType) -> (usize, usize) {
    match job_type {
        JobType::Unspecified | JobType::Classify | JobType::MultiLabel | JobType::Pairwise | JobType::Verify => rules::CLASSES,
        JobType::Box | JobType::Polygon | JobType::Span => (1, rules::CLASSES.1),
        JobType::Text | JobType::Audio => (0, 0),
    }
}

/// Fewest labels a task: verdicts are compared with one another, one draft may be enough.
pub(crate) fn overlap_min(job_type: JobType, params: &Params) -> u32 {
    if produces(job_type) { 1 } else { params.overlap_min }
}

/// The rules that a job copies, with the length of its type's leases.
pub(crate) fn rules(msg: &MsgPostJob, rules: Rules) -> Result<Rules> {
    let lease_blocks = rules.lease_blocks.checked_mul(lease_factor(msg.r#type())).ok_or(crate::Error::Overflow)?;
    Ok(Rules { lease_blocks, ..rules })
}

/// The gold root; `None` in a job whose gold is committed to when its drafts are in.
pub(crate) fn gold_root(msg: &MsgPostJob) -> Result<Option<[u8; 32]>> {
    let found = msg.gold_root.len();
    if produces(msg.r#type()) && draws(msg.r#type()).is_none() {
        return if found == 0 { Ok(None) } else { Err(Error::EarlyGold { found }.into()) };
    }
    let root = <[u8; 32]>::try_from(msg.gold_root.as_slice());
    Ok(Some(root.map_err(|_| crate::Error::HashLength { what: "gold_root", found })?))
}

/// Price, overlap, time and threshold of a producing job's verification; other jobs have none.
pub(crate) fn check_verification(msg: &MsgPostJob, price: &Coin, params: &Params) -> Result<()> {
    use crate::Error as Refusal;
    let Some(verification) = msg.verification.as_ref() else {
        return if produces(msg.r#type()) { Err(Refusal::Missing("verification").into()) } else { Ok(()) };
    };
    if !produces(msg.r#type()) {
        return Err(Error::Verification.into());
    }
    let verdict = Coin::try_from(verification.price.as_ref().ok_or(Refusal::Missing("verification.price"))?)?;
    if verdict.denom != price.denom {
        return Err(Refusal::Denomination { expected: price.denom.clone(), found: verdict.denom }.into());
    }
    if verdict.amount < rules::PRICE_MIN {
        return Err(Refusal::Price { least: rules::PRICE_MIN, found: verdict.amount }.into());
    }
    check_verdicts(verification, params)?;
    let Rules { lease_blocks, gold_window, .. } = params.rules.ok_or(Refusal::Broken("parameters have no rules"))?;
    let before = if verification.exam.is_some() { rules::EXAM_BLOCKS.saturating_add(gold_window) } else { 0 };
    let (least, most) = (before.saturating_add(lease_blocks).saturating_add(rules::CLAIM_BLOCKS), params.longest_job);
    if !(least..=most).contains(&verification.duration) {
        return Err(Refusal::Duration { least, most, found: verification.duration }.into());
    }
    let (least, most) = rules::ACCEPT;
    if !(least..=most).contains(&verification.accept_bps) {
        return Err(Error::Accept { least, most, found: verification.accept_bps }.into());
    }
    let (least, most) = if draws(msg.r#type()).is_some() { rules::IOU } else { (0, 0) };
    if !(least..=most).contains(&verification.iou_bps) {
        return Err(Error::Iou { least, most, found: verification.iou_bps }.into());
    }
    check_drafts(msg, params)
}

/// Verdicts a draft at the least and at the most, and the bound below which it gets more than the least.
fn check_verdicts(verification: &Verification, params: &Params) -> Result<()> {
    let (min, max, bound) = (verification.overlap, stage::verdicts(verification), verification.posterior_bound_bps);
    if min > max || (min < max && bound == 0) {
        return Err(crate::Error::OverlapNotFixed { min, max }.into());
    }
    let (least, most) = (params.overlap_min, params.overlap_max);
    for found in [min, max] {
        if !(least..=most).contains(&found) {
            return Err(crate::Error::Overlap { least, most, found }.into());
        }
    }
    let (least, most) = rules::POSTERIOR_BOUND;
    if bound > 0 && !(least..=most).contains(&bound) {
        return Err(crate::Error::PosteriorBound { least, most, found: bound }.into());
    }
    Ok(())
}

/// A draft is a task of the stage, and there is one rule for how many tasks a job has.
fn check_drafts(msg: &MsgPostJob, params: &Params) -> Result<()> {
    if msg.overlap_min != msg.overlap_max || msg.posterior_bound_bps > 0 {
        return Err(crate::Error::OverlapNotFixed { min: msg.overlap_min, max: msg.overlap_max }.into());
    }
    let drafts = u64::from(msg.tasks).saturating_mul(msg.overlap_max.into());
    if drafts > params.tasks_max.into() {
        return Err(Error::Drafts { most: params.tasks_max, found: drafts }.into());
    }
    Ok(())
}

/// Whether annotators are to pass an exam.
fn has_exam(msg: &MsgPostJob) -> bool {
    msg.qualification.as_ref().is_some_and(|asked| asked.exam.is_some())
}

/// The classes must be the first ones of `names`, at least `least` of them.
fn check_classes(job_type: &'static str, msg: &MsgPostJob, names: &[&str], least: usize) -> Result<()> {
    let known = names.iter().zip(&msg.classes).all(|(expected, found)| expected == found);
    if known && (least..=names.len()).contains(&msg.classes.len()) {
        return Ok(());
    }
    Err(Error::Classes { job_type, expected: names.join(", "), found: msg.classes.join(", ") }.into())
}

/// A ranking is of a PAIRWISE job; it needs contestants and the root of their pairs, or neither.
fn check_ranking(msg: &MsgPostJob) -> Result<()> {
    if msg.contestants == 0 && msg.pairs_root.is_empty() {
        return Ok(());
    }
    if msg.r#type() != JobType::Pairwise {
        return Err(Error::Ranking.into());
    }
    let (least, most) = rules::CONTESTANTS;
    if !(least..=most).contains(&msg.contestants) {
        return Err(Error::Contestants { least, most, found: msg.contestants }.into());
    }
    if msg.pairs_root.len() != 32 {
        return Err(crate::Error::HashLength { what: "pairs_root", found: msg.pairs_root.len() }.into());
    }
    Ok(())
}
