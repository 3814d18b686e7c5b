//! What happens when nobody does anything: every state that waits has a height at which it ends by itself.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::licensing::v1::{EventDeadlineDeferred, License, LicenseStatus, RefundReason, Session};

use crate::{
    Error, escrow, keys, sessions,
    state::{self, DEADLINES},
};

/// Most deadlines handled in one block; the rest carry over.
pub(crate) const PER_BLOCK: usize = 500;
/// Blocks until a deadline whose handling failed comes up again.
const RETRY_BLOCKS: u64 = 100;

/// Whose deadline it is, as the queue numbers it.
pub(crate) const LICENSE: u8 = 1;
/// See [`LICENSE`].
pub(crate) const SESSION: u8 = 2;

/// Handles what is due, earliest first.
pub(crate) fn end_block(ctx: &mut Ctx) -> Result<()> {
    let height = ctx.block().height;
    let mut due = Vec::new();
    for key in DEADLINES.range(ctx, &[]).take(PER_BLOCK) {
        let key = key?;
        if key.0 > height {
            break;
        }
        due.push(key);
    }
    for (_, kind, id) in due {
        if let Err(error) = ctx.atomic(|ctx| handle(ctx, kind, id)) {
            // Contained: one licence that cannot be handled must not hold up the others, nor the chain.
            defer(ctx, kind, id)?;
            ctx.emit(&EventDeadlineDeferred { kind: u32::from(kind), id, fault: error.to_string() });
        }
    }
    Ok(())
}

fn handle(ctx: &mut Ctx, kind: u8, id: u64) -> Result<()> {
    match kind {
        LICENSE => license(ctx, &state::license(ctx, id)?),
        SESSION => sessions::due(ctx, &state::session(ctx, id)?),
        _ => Err(Error::Genesis(format!("deadline of unknown kind {kind}")).into()),
    }
}

fn license(ctx: &mut Ctx, license: &License) -> Result<()> {
    match license.status() {
        LicenseStatus::Pending => {
            keys::cancel(ctx, license)?;
            escrow::refund(ctx, license, RefundReason::NotApproved)
        }
        LicenseStatus::Paid => keys::miss(ctx, license),
        LicenseStatus::Granted => keys::settle(ctx, license),
        found @ (LicenseStatus::Final | LicenseStatus::Refunded | LicenseStatus::Revoked) => {
            Err(Error::State { license: license.id, expected: "one that waits", found: found.as_str_name() }.into())
        }
    }
}

fn defer(ctx: &mut Ctx, kind: u8, id: u64) -> Result<()> {
    let deadline = ctx.block().height.checked_add(RETRY_BLOCKS).ok_or(Error::Overflow)?;
    match kind {
        LICENSE => {
            let before = state::license(ctx, id)?;
            state::replace(ctx, &before, &License { deadline, ..before.clone() })
        }
        SESSION => {
            let before = state::session(ctx, id)?;
            sessions::replace(ctx, &before, &Session { deadline, ..before.clone() })
        }
        _ => Err(Error::Genesis(format!("deadline of unknown kind {kind}")).into()),
    }
}
