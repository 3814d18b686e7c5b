//! Queries of `cosmos.gov.v1beta1`, answered from what v1 stores.
use cairn_kernel::{Ctx, Result, sdk};
use cairn_proto::{
    Duration,
    cosmos::gov::v1beta1::{
        DepositParams, QueryDepositRequest, QueryDepositResponse, QueryDepositsRequest, QueryDepositsResponse, QueryParamsRequest,
        QueryParamsResponse, QueryProposalRequest, QueryProposalResponse, QueryProposalsRequest, QueryProposalsResponse, QueryServer,
        QueryTallyResultRequest, QueryTallyResultResponse, QueryVoteRequest, QueryVoteResponse, QueryVotesRequest, QueryVotesResponse,
        TallyParams, VotingParams,
    },
};

use crate::{
    Gov, legacy,
    params::{decimal, params},
    queries,
};

/// A part that was not asked for holds zeros, which its types write.
fn zero() -> Vec<u8> {
    b"0".to_vec()
}

/// Decimals of v1beta1 are bytes that hold the digits of the scaled integer.
fn scaled(text: &str) -> Result<Vec<u8>> {
    Ok(decimal(text)?.to_wire().into_bytes())
}

impl QueryServer for Gov {
    fn proposal(&self, ctx: &Ctx, q: QueryProposalRequest) -> Result<QueryProposalResponse> {
        Ok(QueryProposalResponse { proposal: Some(legacy::proposal(queries::named(ctx, q.proposal_id)?)) })
    }

    fn proposals(&self, ctx: &Ctx, q: QueryProposalsRequest) -> Result<QueryProposalsResponse> {
        let (proposals, page) = queries::list(ctx, (q.proposal_status, &q.voter, &q.depositor), q.pagination)?;
        Ok(QueryProposalsResponse { proposals: proposals.into_iter().map(legacy::proposal).collect(), pagination: Some(page) })
    }

    fn vote(&self, ctx: &Ctx, q: QueryVoteRequest) -> Result<QueryVoteResponse> {
        Ok(QueryVoteResponse { vote: Some(legacy::vote(queries::vote(ctx, q.proposal_id, &q.voter)?)?) })
    }

    fn votes(&self, ctx: &Ctx, q: QueryVotesRequest) -> Result<QueryVotesResponse> {
        let (votes, page) = queries::votes(ctx, q.proposal_id, q.pagination)?;
        Ok(QueryVotesResponse { votes: votes.into_iter().map(legacy::vote).collect::<Result<_>>()?, pagination: Some(page) })
    }

    fn params(&self, ctx: &Ctx, q: QueryParamsRequest) -> Result<QueryParamsResponse> {
        let params = params(ctx)?;
        // The parts that were not asked for are empty, not absent, as the Cosmos SDK shows them.
        let mut response = QueryParamsResponse {
            voting_params: Some(VotingParams { voting_period: Some(Duration::default()) }),
            deposit_params: Some(DepositParams { max_deposit_period: Some(Duration::default()), ..DepositParams::default() }),
            tally_params: Some(TallyParams { quorum: zero(), threshold: zero(), veto_threshold: zero() }),
        };
        match q.params_type.as_str() {
            "deposit" => {
                let (min_deposit, max_deposit_period) = (params.min_deposit, params.max_deposit_period);
                response.deposit_params = Some(DepositParams { min_deposit, max_deposit_period });
            }
            "voting" => response.voting_params = Some(VotingParams { voting_period: params.voting_period }),
            "tallying" => {
                let (quorum, threshold) = (scaled(&params.quorum)?, scaled(&params.threshold)?);
                response.tally_params = Some(TallyParams { quorum, threshold, veto_threshold: scaled(&params.veto_threshold)? });
            }
            other => {
                let other: String = other.chars().take(60).collect();
                return Err(sdk::invalid_request(format!("unknown params type: {other}")));
            }
        }
        Ok(response)
    }

    fn deposit(&self, ctx: &Ctx, q: QueryDepositRequest) -> Result<QueryDepositResponse> {
        Ok(QueryDepositResponse { deposit: Some(legacy::deposit(queries::deposit(ctx, q.proposal_id, &q.depositor)?)) })
    }

    fn deposits(&self, ctx: &Ctx, q: QueryDepositsRequest) -> Result<QueryDepositsResponse> {
        let (deposits, page) = queries::deposits(ctx, q.proposal_id, q.pagination)?;
        Ok(QueryDepositsResponse { deposits: deposits.into_iter().map(legacy::deposit).collect(), pagination: Some(page) })
    }

    fn tally_result(&self, ctx: &Ctx, q: QueryTallyResultRequest) -> Result<QueryTallyResultResponse> {
        Ok(QueryTallyResultResponse { tally: Some(legacy::tally(queries::count(ctx, q.proposal_id)?)) })
    }
}
