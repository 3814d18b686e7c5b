//! `MsgLeaveCluster`: an account pays to stand alone.
use cairn_kernel::{Address, BPS, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{EventClusterLeft, MsgLeaveCluster, MsgLeaveClusterResponse};
use cairn_rewards as rewards;

use crate::{Unqualified, clusters, rules, state};

pub(super) fn leave_cluster(ctx: &mut Ctx, msg: &MsgLeaveCluster) -> Result<MsgLeaveClusterResponse> {
    let account = Address::parse(&msg.account)?;
    let head = clusters::head(ctx, &account)?;
    if head == account {
        return Err(Unqualified::NotInCluster(msg.account.clone()).into());
    }
    let price = rules::identity_price(&state::params(ctx)?)?;
    rewards::forfeit(ctx, &account, &price, BPS)?;
    clusters::settle(ctx, &account, &account)?;
    ctx.emit(&EventClusterLeft { account: msg.account.clone(), head: head.to_string(), burnt: Some(price.into()) });
    Ok(MsgLeaveClusterResponse { head: head.to_string() })
}
