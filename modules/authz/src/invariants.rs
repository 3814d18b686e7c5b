//! What must hold of grants after every block.
use cairn_kernel::Ctx;

use crate::{
    end,
    state::{BY_GRANTEE, EXPIRIES, GRANTS},
};

/// Each grant stands once in the index of grantees and, if it ends, once in the queue.
pub(crate) fn indexed(ctx: &Ctx) -> Result<(), String> {
    let (mut all, mut ending) = (0_usize, 0_usize);
    for entry in GRANTS.range(ctx, &[]) {
        let ((granter, grantee, url), grant) = entry.map_err(|e| e.to_string())?;
        if !BY_GRANTEE.has(ctx, &(grantee, granter, url.clone())).map_err(|e| e.to_string())? {
            return Err(format!("the grant of {granter} to {grantee} for {url} is not indexed"));
        }
        all = all.saturating_add(1);
        if let Some(end) = end(&grant).map_err(|e| e.to_string())? {
            ending = ending.saturating_add(1);
            if !EXPIRIES.has(ctx, &(end, granter, grantee, url.clone())).map_err(|e| e.to_string())? {
                return Err(format!("the end of the grant of {granter} to {grantee} for {url} is not queued"));
            }
        }
    }
    let (indexed, queued) = (BY_GRANTEE.range(ctx, &[]).count(), EXPIRIES.range(ctx, &[]).count());
    if (indexed, queued) == (all, ending) {
        return Ok(());
    }
    Err(format!("{all} grants, of which {ending} end, but {indexed} indexed and {queued} queued"))
}
