//! `MsgRenewLease`: a live lease becomes longer, once.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{EventLeaseRenewed, MsgRenewLease, MsgRenewLeaseResponse};

use crate::{Error, leases, state::LEASES};

pub(super) fn renew_lease(ctx: &mut Ctx, msg: &MsgRenewLease) -> Result<MsgRenewLeaseResponse> {
    let annotator = Address::parse(&msg.annotator)?;
    let (run, mut lease) = leases::load_live(ctx, msg.lease, &annotator)?;
    if lease.renewed {
        return Err(Error::Renewed(lease.id).into());
    }
    let (end, deadline) = (lease.end_height.saturating_add(run.rules.lease_blocks), run.deadline(&lease));
    if end > deadline {
        return Err(Error::RenewalTooLong { end, deadline }.into());
    }
    // Its end in the queue finds the new height when the old one comes.
    (lease.end_height, lease.renewed) = (end, true);
    LEASES.set(ctx, &lease.id, &lease)?;
    let end_height = leases::commit_until(&run, &lease, ctx.block().height);
    ctx.emit(&EventLeaseRenewed { lease: lease.id, job: run.id, annotator: lease.annotator, end_height });
    Ok(MsgRenewLeaseResponse { end_height })
}
