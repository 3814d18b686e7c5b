//! What higher modules give to disputes: courts, which know what a decision is about, and records of what jurors have done.
use std::sync::Arc;

use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::cairn::dispute::v1::{Case, Outcome, Subject};

use crate::Error;

/// What a case came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The decision stands.
    Upheld,
    /// The decision was wrong.
    Overturned,
    /// The gold that the decision rests on is wrong. A court whose subjects have no gold takes it as [`Verdict::Overturned`].
    VoidGold,
    /// No jury came together: the decision stands, and nobody lost.
    NoQuorum,
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Upheld => Self::Upheld,
            Verdict::Overturned => Self::Overturned,
            Verdict::VoidGold => Self::VoidGold,
            Verdict::NoQuorum => Self::NoQuorum,
        }
    }
}

/// A module whose decisions are disputed. Register with `router.hook::<Arc<dyn dispute::Court>>(..)`. What a court refuses undoes the step
/// that asked it; the step is tried again, and after five failures the case goes on without its court.
pub trait Court: Send + Sync {
    /// The name that its subjects bear.
    fn module(&self) -> &'static str;
    /// Whether `account` is a party of the subject, of a party's cluster, or holds a lease in the job: it is no juror then, and may appeal a
    /// verdict for the appellants.
    fn is_party(&self, ctx: &mut Ctx, subject: &Subject, account: &Address) -> Result<bool>;
    /// Carries the final verdict out. Called once a case; the case is closed already.
    fn verdict(&self, ctx: &mut Ctx, case: &Case, verdict: Verdict) -> Result<()>;
    /// Where the appellants won: moves at most `fee` into this module's account towards the jurors' fees, out of what the losing side or the
    /// subject left, and says how much. Called before [`Court::verdict`]; of the rest rewards' pool pays at most half of all fees, bonds what is missing.
    fn jury_fee(&self, ctx: &mut Ctx, case: &Case, verdict: Verdict, fee: &Coin) -> Result<Coin>;
}

/// What a juror has done in a skill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JurorRecord {
    /// Blind labels settled.
    pub settled_labels: u64,
    /// Mean of its kappa, in millionths; negative where it agreed less than by chance.
    pub mean_kappa_ppm: i64,
}

/// A module that knows what accounts have done. Register with `router.hook::<Arc<dyn dispute::Record>>(..)`.
pub trait Record: Send + Sync {
    /// The record of `account` in `skill` (no name: over all skills); `None` where there is none.
    fn juror(&self, ctx: &mut Ctx, account: &Address, skill: &str) -> Result<Option<JurorRecord>>;
}

/// The court of a module.
///
/// # Errors
/// [`Error::NoCourt`].
pub(crate) fn court(ctx: &Ctx, module: &str) -> Result<Arc<dyn Court>> {
    let found = ctx.hooks::<Arc<dyn Court>>().iter().find(|court| court.module() == module);
    Ok(found.cloned().ok_or_else(|| Error::NoCourt(module.chars().take(64).collect()))?)
}

/// The first record that any module has of `account`.
pub(crate) fn record(ctx: &mut Ctx, account: &Address, skill: &str) -> Result<Option<JurorRecord>> {
    for keeper in ctx.hooks::<Arc<dyn Record>>() {
        if let Some(record) = keeper.juror(ctx, account, skill)? {
            return Ok(Some(record));
        }
    }
    Ok(None)
}
