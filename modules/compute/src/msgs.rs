//! Messages of `cairn.compute.v1`.
use cairn_auth as auth;
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::compute::v1::{
    JobOutcome, JobState, MsgAcceptJob, MsgAcceptJobResponse, MsgBondProvider, MsgBondProviderResponse, MsgCancelJob, MsgCancelJobResponse,
    MsgChallenge, MsgChallengeResponse, MsgCommitAudit, MsgCommitAuditResponse, MsgCommitBid, MsgCommitBidResponse, MsgCommitResult,
    MsgCommitResultResponse, MsgLeaveProvider, MsgLeaveProviderResponse, MsgPostJob, MsgPostJobResponse, MsgRegisterCircuit,
    MsgRegisterCircuitResponse, MsgRegisterEnclave, MsgRegisterEnclaveResponse, MsgRegisterProgram, MsgRegisterProgramResponse,
    MsgRetireCircuit, MsgRetireCircuitResponse, MsgRetireEnclave, MsgRetireEnclaveResponse, MsgRevealAudit, MsgRevealAuditResponse,
    MsgRevealBid, MsgRevealBidResponse, MsgRevealResult, MsgRevealResultResponse, MsgServer, MsgSetClass, MsgSetClassResponse,
    MsgSubmitResult, MsgSubmitResultResponse, MsgUpdateParams, MsgUpdateParamsResponse,
};

use crate::{Compute, Error, auction, audit, circuits, enclaves, jobs, programs, providers, redundant, rules, settle, state::PARAMS};

impl MsgServer for Compute {
    fn bond_provider(&self, ctx: &mut Ctx, m: MsgBondProvider) -> Result<MsgBondProviderResponse> {
        let provider = Address::parse(&m.provider)?;
        providers::bond(ctx, &provider, rules::base_amount(m.bond.as_ref())?)?;
        Ok(MsgBondProviderResponse {})
    }

    fn leave_provider(&self, ctx: &mut Ctx, m: MsgLeaveProvider) -> Result<MsgLeaveProviderResponse> {
        let provider = Address::parse(&m.provider)?;
        Ok(MsgLeaveProviderResponse { leaves: providers::leave(ctx, &provider)? })
    }

    fn register_program(&self, ctx: &mut Ctx, m: MsgRegisterProgram) -> Result<MsgRegisterProgramResponse> {
        let owner = Address::parse(&m.owner)?;
        Ok(MsgRegisterProgramResponse { program_id: programs::register(ctx, &owner, m)?.to_vec() })
    }

    fn register_circuit(&self, ctx: &mut Ctx, m: MsgRegisterCircuit) -> Result<MsgRegisterCircuitResponse> {
        Ok(MsgRegisterCircuitResponse { key_id: circuits::register(ctx, m)?.to_vec() })
    }

    fn register_enclave(&self, ctx: &mut Ctx, m: MsgRegisterEnclave) -> Result<MsgRegisterEnclaveResponse> {
        Ok(MsgRegisterEnclaveResponse { enclave_id: enclaves::register(ctx, m)?.to_vec() })
    }

    fn retire_enclave(&self, ctx: &mut Ctx, m: MsgRetireEnclave) -> Result<MsgRetireEnclaveResponse> {
        enclaves::retire(ctx, &m)?;
        Ok(MsgRetireEnclaveResponse {})
    }

    fn retire_circuit(&self, ctx: &mut Ctx, m: MsgRetireCircuit) -> Result<MsgRetireCircuitResponse> {
        circuits::retire(ctx, &m)?;
        Ok(MsgRetireCircuitResponse {})
    }

    fn post_job(&self, ctx: &mut Ctx, m: MsgPostJob) -> Result<MsgPostJobResponse> {
        let requester = Address::parse(&m.requester)?;
        Ok(MsgPostJobResponse { job_id: jobs::post(ctx, &requester, m)? })
    }

    fn cancel_job(&self, ctx: &mut Ctx, m: MsgCancelJob) -> Result<MsgCancelJobResponse> {
        let requester = Address::parse(&m.requester)?;
        let job = jobs::load(ctx, m.job_id)?;
        let waits = if job.class_id > 0 && job.state() == JobState::Auction { JobState::Auction } else { JobState::Open };
        let job = jobs::in_state(ctx, m.job_id, waits)?;
        if auction::bids(ctx, &job)? || !job.members.is_empty() {
            return Err(Error::State(job.id).into());
        }
        if job.requester != requester.to_string() {
            return Err(Error::NotYours { job: job.id, account: m.requester }.into());
        }
        settle::refund(ctx, job, JobOutcome::Cancelled)?;
        Ok(MsgCancelJobResponse {})
    }

    fn accept_job(&self, ctx: &mut Ctx, m: MsgAcceptJob) -> Result<MsgAcceptJobResponse> {
        let provider = Address::parse(&m.provider)?;
        Ok(MsgAcceptJobResponse { due: jobs::accept(ctx, &provider, m.job_id)? })
    }

    fn submit_result(&self, ctx: &mut Ctx, m: MsgSubmitResult) -> Result<MsgSubmitResultResponse> {
        let provider = Address::parse(&m.provider)?;
        jobs::submit(ctx, &provider, m)
    }

    fn challenge(&self, ctx: &mut Ctx, m: MsgChallenge) -> Result<MsgChallengeResponse> {
        let challenger = Address::parse(&m.challenger)?;
        Ok(MsgChallengeResponse { case_id: jobs::challenge(ctx, &challenger, m.job_id, &m.root)? })
    }

    fn set_class(&self, ctx: &mut Ctx, m: MsgSetClass) -> Result<MsgSetClassResponse> {
        auth::require_authority(&m.authority)?;
        Ok(MsgSetClassResponse { class_id: auction::set_class(ctx, m)? })
    }

    fn commit_bid(&self, ctx: &mut Ctx, m: MsgCommitBid) -> Result<MsgCommitBidResponse> {
        let bidder = Address::parse(&m.bidder)?;
        let (open_from, open_until) = auction::commit(ctx, &bidder, m)?;
        Ok(MsgCommitBidResponse { open_from, open_until })
    }

    fn reveal_bid(&self, ctx: &mut Ctx, m: MsgRevealBid) -> Result<MsgRevealBidResponse> {
        let bidder = Address::parse(&m.bidder)?;
        auction::reveal(ctx, &bidder, &m)?;
        Ok(MsgRevealBidResponse {})
    }

    fn commit_audit(&self, ctx: &mut Ctx, m: MsgCommitAudit) -> Result<MsgCommitAuditResponse> {
        let auditor = Address::parse(&m.auditor)?;
        audit::commit(ctx, &auditor, m)?;
        Ok(MsgCommitAuditResponse {})
    }

    fn reveal_audit(&self, ctx: &mut Ctx, m: MsgRevealAudit) -> Result<MsgRevealAuditResponse> {
        let auditor = Address::parse(&m.auditor)?;
        Ok(MsgRevealAuditResponse { case_id: audit::reveal(ctx, &auditor, &m)? })
    }

    fn commit_result(&self, ctx: &mut Ctx, m: MsgCommitResult) -> Result<MsgCommitResultResponse> {
        let provider = Address::parse(&m.provider)?;
        redundant::commit(ctx, &provider, m.job_id, m.commitment)?;
        Ok(MsgCommitResultResponse {})
    }

    fn reveal_result(&self, ctx: &mut Ctx, m: MsgRevealResult) -> Result<MsgRevealResultResponse> {
        let provider = Address::parse(&m.provider)?;
        redundant::reveal(ctx, &provider, m.job_id, &m.root, &m.salt)?;
        Ok(MsgRevealResultResponse {})
    }

    fn update_params(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        auth::require_authority(&m.authority)?;
        let params = m.params.ok_or(Error::NoParams)?;
        rules::check_params(&params)?;
        rules::check_fixed(&rules::params(ctx)?, &params)?;

        PARAMS.set(ctx, &params)?;
        Ok(MsgUpdateParamsResponse {})
    }
}
