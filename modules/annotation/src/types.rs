//! Job types: what a job of each type must be like when it is posted.
use cairn_kernel::Result;
use cairn_proto::cairn::annotation::v1::{ItemKind, JobType, MsgPostJob};

use crate::rules;

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
        JobType::Classify => {}
        JobType::Verify => check_classes("VERIFY", msg, &VERDICTS, VERDICTS.len())?,
        JobType::Pairwise => {
            if kind != ItemKind::Pair {
                return Err(Error::Items { job_type: "PAIRWISE", expected: "pairs (4)", found: msg.item_kind }.into());
            }
            check_classes("PAIRWISE", msg, &PREFERENCES, 2)?;
        }
    }
    check_ranking(msg)
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
