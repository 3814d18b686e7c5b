//! What consensus and the chain tell each other, kept as state: the parameters of consensus and the last block. Serves
//! `cosmos.consensus.v1`.
use std::sync::Arc;

use cairn_auth::require_authority;
use cairn_kernel::{BlockInfo, Ctx, Gas, Item, Overlay, Result, Router, sdk};
use cairn_proto::{
    Timestamp,
    cosmos::consensus::v1::{
        MsgServer, MsgUpdateParams, MsgUpdateParamsResponse, QueryParamsRequest, QueryParamsResponse, QueryServer, msg_routes, query_routes,
    },
    tendermint::types::{ConsensusParams, Header},
};

use super::{Fault, Inner, Tip, committed::Committed, params};

cairn_kernel::state! { "consensus";
    /// The parameters in force for the next block.
    PARAMS: Item<ConsensusParams> = 1;
    /// The block after which the state stands, as far as the state machine knows it.
    LAST: Item<Header> = 2;
}

/// What the parameters bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Bytes of all transactions; `None` where only CometBFT's own limit holds.
    pub(super) bytes: Option<u64>,
    /// Sum of the transactions' gas limits.
    pub(super) gas: Option<u64>,
    /// Evidence is taken about so many blocks; 0: all.
    pub(super) evidence: u64,
}

impl Limits {
    pub(super) fn of(params: &ConsensusParams) -> Self {
        // CometBFT writes -1 for no limit.
        let bound = |n: i64| u64::try_from(n).ok();
        let block = params.block.as_ref();
        Self {
            bytes: block.and_then(|b| bound(b.max_bytes)),
            gas: block.and_then(|b| bound(b.max_gas)),
            evidence: params.evidence.as_ref().and_then(|e| bound(e.max_age_num_blocks)).unwrap_or(0),
        }
    }
}

/// Notes the parameters at genesis, which CometBFT has checked.
///
/// # Errors
/// `sdk/18` where votes shall be extended.
pub(super) fn set_params(ctx: &mut Ctx, params: &ConsensusParams) -> Result<()> {
    params::check_extensions(params.abci.as_ref())?;
    PARAMS.set(ctx, params)
}

/// What is in force for the block after the state in `ctx`.
pub(super) fn params(ctx: &Ctx) -> Result<ConsensusParams> {
    Ok(PARAMS.get(ctx)?.unwrap_or_default())
}

/// Notes the block being run as the last one.
pub(super) fn set_last(ctx: &mut Ctx) -> Result<()> {
    let block = ctx.block();
    let number = |n: u64| i64::try_from(n).map_err(|_| sdk::invalid_request(format!("{n} exceeds 2^63-1")));
    let header = Header {
        chain_id: block.chain_id.clone(),
        height: number(block.height)?,
        time: Some(Timestamp { seconds: number(block.time)?, nanos: i32::try_from(block.nanos).unwrap_or(0) }),
        app_hash: block.app_hash.clone(),
        next_validators_hash: block.next_validators_hash.clone(),
        proposer_address: block.proposer.clone(),
        ..Header::default()
    };
    LAST.set(ctx, &header)
}

/// The block after which the state in `ctx` stands.
pub(super) fn last(ctx: &Ctx) -> Result<BlockInfo> {
    let header = LAST.get(ctx)?.ok_or_else(|| sdk::not_found("the last block"))?;
    let time = header.time.unwrap_or_default();
    Ok(BlockInfo {
        height: u64::try_from(header.height).unwrap_or(0),
        time: u64::try_from(time.seconds).unwrap_or(0),
        nanos: u32::try_from(time.nanos).unwrap_or(0),
        chain_id: header.chain_id,
        proposer: header.proposer_address,
        app_hash: header.app_hash,
        next_validators_hash: header.next_validators_hash,
        ..BlockInfo::default()
    })
}

impl Inner {
    /// Reads what the newest state says of itself.
    pub(super) fn load_tip(&self) -> Result<Tip, Fault> {
        let base = Committed::new(self.store.view()?);
        let version = base.view().version()?.ok_or(Fault::NoGenesis)?;
        let (gas, none) = (Gas::unlimited(), BlockInfo::default());
        let (block, params) = {
            let mut overlay = Overlay::new(&base);
            let ctx = Ctx::new(&mut overlay, &none, &gas, &self.router);
            (last(&ctx)?, params(&ctx)?)
        };
        base.check()?;
        Ok(Tip { block, app_hash: version.app_hash.to_vec(), limits: Limits::of(&params), params })
    }
}

/// Answers for the parameters, and changes them.
struct Consensus;

impl MsgServer for Consensus {
    fn update_params(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        require_authority(&m.authority)?;
        let old = params(ctx)?;
        let new = ConsensusParams { block: m.block, evidence: m.evidence, validator: m.validator, abci: m.abci.or(old.abci), ..old };
        params::check(&new)?;

        PARAMS.set(ctx, &new)?;
        ctx.emit_raw("update_consensus_params", &[("authority", &m.authority)]);
        Ok(MsgUpdateParamsResponse {})
    }
}

impl QueryServer for Consensus {
    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: PARAMS.get(ctx)? })
    }
}

/// Adds the message and the query.
pub(super) fn routes(router: &mut Router) {
    let consensus = Arc::new(Consensus);
    router.msgs(msg_routes(&consensus)).queries(query_routes(&consensus));
}
