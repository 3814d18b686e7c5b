//! Messages of `cairn.rewards.v1`.
use cairn_auth as auth;
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::{
    cairn::rewards::v1::{
        MsgBondToScorer, MsgBondToScorerResponse, MsgClaimArenaReward, MsgClaimArenaRewardResponse, MsgClaimReward, MsgClaimRewardResponse,
        MsgCommitScores, MsgCommitScoresResponse, MsgCreateArena, MsgCreateArenaResponse, MsgFundArena, MsgFundArenaResponse, MsgListArena,
        MsgListArenaResponse, MsgRegister, MsgRegisterResponse, MsgRetryArena, MsgRetryArenaResponse, MsgRevealScores,
        MsgRevealScoresResponse, MsgServer, MsgUnbondFromScorer, MsgUnbondFromScorerResponse, MsgUpdateArena, MsgUpdateArenaResponse,
        MsgUpdateParams, MsgUpdateParamsResponse, MsgWithdrawBond, MsgWithdrawBondResponse,
    },
    coin,
};

use crate::{
    Error, Rewards,
    arena::{owner, participants, pots, scores, seats},
    check_params, epochs,
    state::PARAMS,
};

impl MsgServer for Rewards {
    fn claim_reward(&self, ctx: &mut Ctx, m: MsgClaimReward) -> Result<MsgClaimRewardResponse> {
        let contributor = Address::parse(&m.contributor)?;
        let (total, epochs) = epochs::claim(ctx, &contributor)?;
        Ok(MsgClaimRewardResponse { amount: Some(Coin::base(total).into()), epochs })
    }

    fn update_params(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        auth::require_authority(&m.authority)?;
        let params = m.params.ok_or(Error::NoParams)?;
        check_params(&params)?;

        PARAMS.set(ctx, &params)?;
        Ok(MsgUpdateParamsResponse {})
    }

    fn create_arena(&self, ctx: &mut Ctx, m: MsgCreateArena) -> Result<MsgCreateArenaResponse> {
        Ok(MsgCreateArenaResponse { arena: owner::create(ctx, m)? })
    }

    fn update_arena(&self, ctx: &mut Ctx, m: MsgUpdateArena) -> Result<MsgUpdateArenaResponse> {
        owner::update(ctx, m)?;
        Ok(MsgUpdateArenaResponse {})
    }

    fn register(&self, ctx: &mut Ctx, m: MsgRegister) -> Result<MsgRegisterResponse> {
        participants::register(ctx, m)
    }

    fn bond_to_scorer(&self, ctx: &mut Ctx, m: MsgBondToScorer) -> Result<MsgBondToScorerResponse> {
        let account = Address::parse(&m.scorer)?;
        let coin = Coin::try_from(&m.amount.unwrap_or_default())?;
        let unseated = seats::bond(ctx, &account, m.arena, &coin)?;
        Ok(MsgBondToScorerResponse { unseated: unseated.map(|account| account.to_string()).unwrap_or_default() })
    }

    fn unbond_from_scorer(&self, ctx: &mut Ctx, m: MsgUnbondFromScorer) -> Result<MsgUnbondFromScorerResponse> {
        let account = Address::parse(&m.scorer)?;
        let coin = Coin::try_from(&m.amount.unwrap_or_default())?;
        Ok(MsgUnbondFromScorerResponse { release_height: seats::unbond(ctx, &account, m.arena, &coin)? })
    }

    fn withdraw_bond(&self, ctx: &mut Ctx, m: MsgWithdrawBond) -> Result<MsgWithdrawBondResponse> {
        let total = seats::withdraw(ctx, &Address::parse(&m.scorer)?, m.arena)?;
        Ok(MsgWithdrawBondResponse { amount: Some(Coin::base(total).into()) })
    }

    fn commit_scores(&self, ctx: &mut Ctx, m: MsgCommitScores) -> Result<MsgCommitScoresResponse> {
        scores::commit(ctx, &m)?;
        Ok(MsgCommitScoresResponse {})
    }

    fn reveal_scores(&self, ctx: &mut Ctx, m: MsgRevealScores) -> Result<MsgRevealScoresResponse> {
        scores::reveal(ctx, m)?;
        Ok(MsgRevealScoresResponse {})
    }

    fn fund_arena(&self, ctx: &mut Ctx, m: MsgFundArena) -> Result<MsgFundArenaResponse> {
        pots::fund(ctx, &Address::parse(&m.funder)?, m.arena, &coin::coins(&m.amount)?)?;
        Ok(MsgFundArenaResponse {})
    }

    fn claim_arena_reward(&self, ctx: &mut Ctx, m: MsgClaimArenaReward) -> Result<MsgClaimArenaRewardResponse> {
        let paid = pots::claim(ctx, &Address::parse(&m.account)?, m.arena)?;
        Ok(MsgClaimArenaRewardResponse { amount: coin::to_proto(&paid) })
    }

    fn list_arena(&self, ctx: &mut Ctx, m: MsgListArena) -> Result<MsgListArenaResponse> {
        owner::list(ctx, &m)?;
        Ok(MsgListArenaResponse {})
    }

    fn retry_arena(&self, ctx: &mut Ctx, m: MsgRetryArena) -> Result<MsgRetryArenaResponse> {
        owner::retry(ctx, &m)?;
        Ok(MsgRetryArenaResponse {})
    }
}
