//! What must hold of allowances after every block.
use cairn_kernel::Ctx;

use crate::{
    allowance::Allowance,
    state::{BY_GRANTER, EXPIRIES, GRANTS},
};

/// Each allowance stands once in the index of granters and, if it ends, once in the queue.
pub(crate) fn indexed(ctx: &Ctx) -> Result<(), String> {
    let (mut all, mut ending) = (0_usize, 0_usize);
    for entry in GRANTS.range(ctx, &[]) {
        let ((grantee, granter), grant) = entry.map_err(|e| e.to_string())?;
        let allowance = Allowance::read(&grant.allowance.unwrap_or_default()).map_err(|e| e.to_string())?;
        if !BY_GRANTER.has(ctx, &(granter, grantee)).map_err(|e| e.to_string())? {
            return Err(format!("the allowance of {granter} to {grantee} is not indexed"));
        }
        all = all.saturating_add(1);
        if let Some(end) = allowance.expires() {
            ending = ending.saturating_add(1);
            if !EXPIRIES.has(ctx, &(end, grantee, granter)).map_err(|e| e.to_string())? {
                return Err(format!("the end of the allowance of {granter} to {grantee} is not queued"));
            }
        }
    }
    let (indexed, queued) = (BY_GRANTER.range(ctx, &[]).count(), EXPIRIES.range(ctx, &[]).count());
    if (indexed, queued) == (all, ending) {
        return Ok(());
    }
    Err(format!("{all} allowances, of which {ending} end, but {indexed} indexed and {queued} queued"))
}
