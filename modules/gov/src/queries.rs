//! Queries of `cosmos.gov.v1` and, in the other file, of v1beta1.
use cairn_kernel::{Address, Ctx, Error as Refusal, Result, Status, key_prefix, sdk};
use cairn_proto::{
    cairn::gov::v1::Stage,
    cosmos::{
        base::query::v1beta1::{PageRequest, PageResponse},
        gov::v1::{
            Deposit, DepositParams, Proposal, ProposalStatus, QueryConstitutionRequest, QueryConstitutionResponse, QueryDepositRequest,
            QueryDepositResponse, QueryDepositsRequest, QueryDepositsResponse, QueryParamsRequest, QueryParamsResponse,
            QueryProposalRequest, QueryProposalResponse, QueryProposalsRequest, QueryProposalsResponse, QueryServer,
            QueryTallyResultRequest, QueryTallyResultResponse, QueryVoteRequest, QueryVoteResponse, QueryVotesRequest, QueryVotesResponse,
            TallyParams, TallyResult, Vote, VotingParams,
        },
    },
};

use crate::{
    Gov,
    params::params,
    poll, proposals,
    state::{CONSTITUTION, DEPOSITS, ENDINGS, PROPOSALS, VOTES},
};

/// What the front door tells as a text alone, with the status by which clients know it.
fn plain(status: Status, text: String) -> Refusal {
    Refusal { log: text, status, ..sdk::invalid_request("") }
}

/// The proposal that a query names.
pub(crate) fn named(ctx: &Ctx, id: u64) -> Result<Proposal> {
    check_id(id)?;
    let missing =
        |e: Refusal| if e.status == Status::NotFound { plain(Status::NotFound, format!("proposal {id} doesn't exist")) } else { e };
    proposals::find(ctx, id).map_err(missing)
}

fn check_id(id: u64) -> Result<()> {
    if id == 0 { Err(plain(Status::InvalidArgument, "proposal id can not be 0".into())) } else { Ok(()) }
}

/// A page of proposals of a status, on which an account voted, or to which it deposited.
pub(crate) fn list(
    ctx: &Ctx,
    (status, voter, depositor): (i32, &str, &str),
    page: Option<PageRequest>,
) -> Result<(Vec<Proposal>, PageResponse)> {
    let account = |text: &str| if text.is_empty() { Ok(None) } else { Address::parse(text).map(Some) };
    let (voter, depositor) = (account(voter)?, account(depositor)?);
    let status = ProposalStatus::try_from(status).ok().filter(|s| *s != ProposalStatus::Unspecified).map(i32::from);
    let keep = |id: &u64, proposal: &Proposal| {
        let voted = voter.map_or(Ok(true), |voter| VOTES.has(ctx, &(*id, voter)))?;
        let deposited = depositor.map_or(Ok(true), |depositor| DEPOSITS.has(ctx, &(*id, depositor)))?;
        Ok::<bool, Refusal>(voted && deposited && status.is_none_or(|status| proposal.status == status))
    };
    let (entries, page) = PROPOSALS.page_filtered(ctx, &[], &page.unwrap_or_default().into(), keep)?;
    Ok((entries.into_iter().map(|(_, proposal)| proposal).collect(), page.into()))
}

/// One vote.
pub(crate) fn vote(ctx: &Ctx, id: u64, voter: &str) -> Result<Vote> {
    check_id(id)?;
    if voter.is_empty() {
        return Err(plain(Status::InvalidArgument, "empty voter address".into()));
    }
    let found = VOTES.get(ctx, &(id, Address::parse(voter)?))?;
    found.ok_or_else(|| plain(Status::InvalidArgument, format!("voter: {voter} not found for proposal: {id}")))
}

/// A page of votes.
pub(crate) fn votes(ctx: &Ctx, id: u64, page: Option<PageRequest>) -> Result<(Vec<Vote>, PageResponse)> {
    check_id(id)?;
    let (entries, page) = VOTES.page(ctx, &key_prefix(&id), &page.unwrap_or_default().into())?;
    Ok((entries.into_iter().map(|(_, vote)| vote).collect(), page.into()))
}

/// One deposit.
pub(crate) fn deposit(ctx: &Ctx, id: u64, depositor: &str) -> Result<Deposit> {
    check_id(id)?;
    if depositor.is_empty() {
        return Err(plain(Status::InvalidArgument, "empty depositor address".into()));
    }
    let found = DEPOSITS.get(ctx, &(id, Address::parse(depositor)?))?;
    found.ok_or_else(|| plain(Status::NotFound, format!("depositer: {depositor} not found for proposal: {id}")))
}

/// A page of deposits.
pub(crate) fn deposits(ctx: &Ctx, id: u64, page: Option<PageRequest>) -> Result<(Vec<Deposit>, PageResponse)> {
    check_id(id)?;
    let (entries, page) = DEPOSITS.page(ctx, &key_prefix(&id), &page.unwrap_or_default().into())?;
    Ok((entries.into_iter().map(|(_, deposit)| deposit).collect(), page.into()))
}

/// The count of a proposal: as it stands while it is voted on, as it was when that ended.
pub(crate) fn count(ctx: &Ctx, id: u64) -> Result<TallyResult> {
    let proposal = named(ctx, id)?;
    let counted = ENDINGS.get(ctx, &id)?.is_some_and(|ending| ending.stage() != Stage::Count);
    if proposal.status == i32::from(ProposalStatus::VotingPeriod) && !counted {
        return Ok(poll::tally(ctx, &proposal)?.result);
    }
    Ok(proposal.final_tally_result.unwrap_or_default())
}

impl QueryServer for Gov {
    fn constitution(&self, ctx: &Ctx, _: QueryConstitutionRequest) -> Result<QueryConstitutionResponse> {
        Ok(QueryConstitutionResponse { constitution: CONSTITUTION.get(ctx)?.unwrap_or_default() })
    }

    fn proposal(&self, ctx: &Ctx, q: QueryProposalRequest) -> Result<QueryProposalResponse> {
        Ok(QueryProposalResponse { proposal: Some(named(ctx, q.proposal_id)?) })
    }

    fn proposals(&self, ctx: &Ctx, q: QueryProposalsRequest) -> Result<QueryProposalsResponse> {
        let (proposals, page) = list(ctx, (q.proposal_status, &q.voter, &q.depositor), q.pagination)?;
        Ok(QueryProposalsResponse { proposals, pagination: Some(page) })
    }

    fn vote(&self, ctx: &Ctx, q: QueryVoteRequest) -> Result<QueryVoteResponse> {
        Ok(QueryVoteResponse { vote: Some(vote(ctx, q.proposal_id, &q.voter)?) })
    }

    fn votes(&self, ctx: &Ctx, q: QueryVotesRequest) -> Result<QueryVotesResponse> {
        let (votes, page) = votes(ctx, q.proposal_id, q.pagination)?;
        Ok(QueryVotesResponse { votes, pagination: Some(page) })
    }

    #[expect(deprecated, reason = "older clients ask for one part by name")]
    fn params(&self, ctx: &Ctx, q: QueryParamsRequest) -> Result<QueryParamsResponse> {
        let params = params(ctx)?;
        let mut response = QueryParamsResponse::default();
        match q.params_type.as_str() {
            "" => {}
            "deposit" => {
                let (min_deposit, max_deposit_period) = (params.min_deposit.clone(), params.max_deposit_period);
                response.deposit_params = Some(DepositParams { min_deposit, max_deposit_period });
            }
            "voting" => response.voting_params = Some(VotingParams { voting_period: params.voting_period }),
            "tallying" => {
                let (quorum, threshold, veto_threshold) = (params.quorum.clone(), params.threshold.clone(), params.veto_threshold.clone());
                response.tally_params = Some(TallyParams { quorum, threshold, veto_threshold });
            }
            other => {
                let other: String = other.chars().take(60).collect();
                return Err(plain(Status::InvalidArgument, format!("unknown params type: {other}")));
            }
        }
        Ok(QueryParamsResponse { params: Some(params), ..response })
    }

    fn deposit(&self, ctx: &Ctx, q: QueryDepositRequest) -> Result<QueryDepositResponse> {
        Ok(QueryDepositResponse { deposit: Some(deposit(ctx, q.proposal_id, &q.depositor)?) })
    }

    fn deposits(&self, ctx: &Ctx, q: QueryDepositsRequest) -> Result<QueryDepositsResponse> {
        let (deposits, page) = deposits(ctx, q.proposal_id, q.pagination)?;
        Ok(QueryDepositsResponse { deposits, pagination: Some(page) })
    }

    fn tally_result(&self, ctx: &Ctx, q: QueryTallyResultRequest) -> Result<QueryTallyResultResponse> {
        Ok(QueryTallyResultResponse { tally: Some(count(ctx, q.proposal_id)?) })
    }
}
