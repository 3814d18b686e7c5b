//! Questions about upgrades.
use cairn_kernel::{Ctx, Result, sdk};
use cairn_proto::cosmos::upgrade::v1beta1::{
    ModuleVersion, QueryAppliedPlanRequest, QueryAppliedPlanResponse, QueryAuthorityRequest, QueryAuthorityResponse,
    QueryCurrentPlanRequest, QueryCurrentPlanResponse, QueryModuleVersionsRequest, QueryModuleVersionsResponse, QueryServer,
    QueryUpgradedConsensusStateRequest, QueryUpgradedConsensusStateResponse,
};

use crate::{
    Upgrade, plan,
    state::{APPLIED, PLAN},
    versions,
};

impl QueryServer for Upgrade {
    fn current_plan(&self, ctx: &Ctx, _: QueryCurrentPlanRequest) -> Result<QueryCurrentPlanResponse> {
        Ok(QueryCurrentPlanResponse { plan: PLAN.get(ctx)?.map(plan::told) })
    }

    /// Height 0 where no upgrade of that name was carried out, as in the Cosmos SDK.
    fn applied_plan(&self, ctx: &Ctx, q: QueryAppliedPlanRequest) -> Result<QueryAppliedPlanResponse> {
        let height = APPLIED.get(ctx, &q.name)?.unwrap_or(0);
        let height = i64::try_from(height).map_err(|_| sdk::invalid_request(format!("{height} exceeds 2^63-1")))?;
        Ok(QueryAppliedPlanResponse { height })
    }

    /// Empty, as in the Cosmos SDK where there is none: no light client of another chain is told of an upgrade.
    fn upgraded_consensus_state(&self, _: &Ctx, _: QueryUpgradedConsensusStateRequest) -> Result<QueryUpgradedConsensusStateResponse> {
        Ok(QueryUpgradedConsensusStateResponse::default())
    }

    fn module_versions(&self, ctx: &Ctx, q: QueryModuleVersionsRequest) -> Result<QueryModuleVersionsResponse> {
        let all = versions(ctx)?.into_iter().filter(|(name, _)| q.module_name.is_empty() || *name == q.module_name);
        let module_versions: Vec<_> = all.map(|(name, version)| ModuleVersion { name, version }).collect();
        if module_versions.is_empty() && !q.module_name.is_empty() {
            let asked: String = q.module_name.chars().take(100).collect();
            return Err(sdk::not_found(format!("x/upgrade: QueryModuleVersions module {asked} not found")));
        }
        Ok(QueryModuleVersionsResponse { module_versions })
    }

    fn authority(&self, _: &Ctx, _: QueryAuthorityRequest) -> Result<QueryAuthorityResponse> {
        Ok(QueryAuthorityResponse { address: cairn_auth::authority().to_string() })
    }
}
