//! What disputes may ask about who wants to be a juror.
use cairn_dispute as dispute;
use cairn_kernel::{Address, Ctx, Result, key_prefix};

use crate::{
    standing::{self, Standing},
    state::STANDINGS,
};

/// Skills that are added up at the most for a record over all of them.
const SKILLS: usize = 256;

/// The standings, as records of jurors.
pub(crate) struct Standings;

impl dispute::Record for Standings {
    fn juror(&self, ctx: &mut Ctx, account: &Address, skill: &str) -> Result<Option<dispute::JurorRecord>> {
        let standing = if skill.is_empty() { over_all(ctx, account)? } else { standing::of(ctx, account, skill)? };
        let known = standing.settled_jobs > 0;
        let record = dispute::JurorRecord { settled_labels: standing.settled_labels, mean_kappa_ppm: standing::mean_kappa_ppm(&standing) };
        Ok(known.then_some(record))
    }
}

/// The sums of an account's standings.
fn over_all(ctx: &Ctx, account: &Address) -> Result<Standing> {
    let mut all = Standing::default();
    for entry in STANDINGS.range(ctx, &key_prefix(account)).take(SKILLS) {
        let (_, standing) = entry?;
        all.settled_labels = all.settled_labels.saturating_add(standing.settled_labels);
        all.settled_jobs = all.settled_jobs.saturating_add(standing.settled_jobs);
        all.labels_ppm = all.labels_ppm.saturating_add(standing.labels_ppm);
        all.kappa_labels_ppm = all.kappa_labels_ppm.saturating_add(standing.kappa_labels_ppm);
    }
    Ok(all)
}
