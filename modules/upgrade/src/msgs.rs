//! What governance may do.
use cairn_auth::require_authority;
use cairn_kernel::{Ctx, Result, sdk};
use cairn_proto::cosmos::upgrade::v1beta1::{
    MsgCancelUpgrade, MsgCancelUpgradeResponse, MsgServer, MsgSoftwareUpgrade, MsgSoftwareUpgradeResponse,
};

use crate::{
    Upgrade, plan,
    state::{APPLIED, PLAN},
};

impl MsgServer for Upgrade {
    fn software_upgrade(&self, ctx: &mut Ctx, m: MsgSoftwareUpgrade) -> Result<MsgSoftwareUpgradeResponse> {
        require_authority(&m.authority)?;
        let plan = m.plan.ok_or_else(|| sdk::invalid_request("a plan is missing"))?;
        let height = plan::check(&plan)?;
        if height <= ctx.block().height {
            return Err(sdk::invalid_request("upgrade cannot be scheduled in the past"));
        }
        if APPLIED.has(ctx, &plan.name)? {
            return Err(sdk::invalid_request(format!("upgrade with name {} has already been completed", plan.name)));
        }
        PLAN.set(ctx, &plan::timeless(plan))?;
        Ok(MsgSoftwareUpgradeResponse {})
    }

    fn cancel_upgrade(&self, ctx: &mut Ctx, m: MsgCancelUpgrade) -> Result<MsgCancelUpgradeResponse> {
        require_authority(&m.authority)?;
        PLAN.remove(ctx)?;
        Ok(MsgCancelUpgradeResponse {})
    }
}
