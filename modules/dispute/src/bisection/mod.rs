//! Bisection: which of several traces of a program is right. Two claims narrow their difference down a tree, level by level, until one chunk of one
//! operator's output is left, and that the chain computes itself.
mod bracket;
mod clocks;
mod close;
mod cost;
mod dissect;
mod entry;
mod genesis;
mod hooks;
mod invariants;
mod leaf;
mod position;
mod queries;
mod store;
#[cfg(test)]
mod tests;
mod timeouts;

use cairn_kernel::{Ctx, Result};

use crate::{cases, rules};

pub(crate) use bracket::go_on;
pub(crate) use dissect::dissect;
pub use entry::{MAX_BACKERS, MAX_CLAIMS, Terms, challenge};
pub(crate) use genesis::{export, init};
pub use hooks::{Circuits, Ending, Referee, SealedLeaf};
pub(crate) use invariants::{bonds, matches, queue};
pub(crate) use leaf::prove;
pub(crate) use queries::{contest, match_, matches as running};
pub(crate) use store::is_contest;
pub(crate) use timeouts::{MATCHES_A_BLOCK, run};

/// How a contest ended; `None` while it is open.
///
/// # Errors
/// [`Error::NoContest`](crate::Error::NoContest).
pub fn ending(ctx: &Ctx, case: u64) -> Result<Option<Ending>> {
    let contest = store::contest(ctx, case)?;
    close::told(&cases::load(ctx, case)?, &contest, &store::claims(ctx, case)?)
}

/// The longest that a contest opened now lasts after its window, in blocks.
///
/// # Errors
/// What reading the settings refuses.
pub fn longest_contest(ctx: &Ctx) -> Result<u64> {
    Ok(bracket::longest(rules::params(ctx)?.clock_blocks)?)
}
