//! Queries of `cairn.rewards.v1`.
use cairn_kernel::{Address, Coin, Ctx, Result, key_prefix};
use cairn_proto::cairn::rewards::v1::*;

use crate::{
    Error, Rewards, amount,
    arena::{self, pots},
    epochs,
    state::{
        self, ARENA_EPOCHS, ARENA_REWARDS, ARENAS, BONDS, CONTRIBUTIONS, CURRENT, EPOCHS, LISTINGS, PARTICIPANTS, POOL, SCORERS, SCORES,
        UNBONDINGS,
    },
};

/// The values of a page, without their keys.
fn values<K, V>(entries: Vec<(K, V)>) -> Vec<V> {
    entries.into_iter().map(|(_, value)| value).collect()
}

impl QueryServer for Rewards {
    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(state::params(ctx)?) })
    }

    fn epoch(&self, ctx: &Ctx, q: QueryEpochRequest) -> Result<QueryEpochResponse> {
        let number = if q.number == 0 { CURRENT.get(ctx)?.unwrap_or(0) } else { q.number };
        Ok(QueryEpochResponse { epoch: Some(state::epoch(ctx, number)?) })
    }

    fn epochs(&self, ctx: &Ctx, q: QueryEpochsRequest) -> Result<QueryEpochsResponse> {
        let (entries, page) = EPOCHS.page(ctx, &[], &q.pagination.unwrap_or_default().into())?;
        Ok(QueryEpochsResponse { epochs: entries.into_iter().map(|(_, epoch)| epoch).collect(), pagination: Some(page.into()) })
    }

    fn contributions(&self, ctx: &Ctx, q: QueryContributionsRequest) -> Result<QueryContributionsResponse> {
        let address = Address::parse(&q.contributor)?;
        let (entries, page) = CONTRIBUTIONS.page(ctx, &key_prefix(&address), &q.pagination.unwrap_or_default().into())?;
        let named = |((_, epoch), stored)| Contribution { contributor: address.to_string(), epoch, ..stored };
        Ok(QueryContributionsResponse { contributions: entries.into_iter().map(named).collect(), pagination: Some(page.into()) })
    }

    fn account(&self, ctx: &Ctx, q: QueryAccountRequest) -> Result<QueryAccountResponse> {
        Ok(QueryAccountResponse { totals: Some(state::account(ctx, &Address::parse(&q.contributor)?)?) })
    }

    fn claimable(&self, ctx: &Ctx, q: QueryClaimableRequest) -> Result<QueryClaimableResponse> {
        let (total, epochs) = epochs::sum(&epochs::due(ctx, &Address::parse(&q.contributor)?)?)?;
        Ok(QueryClaimableResponse { amount: Some(Coin::base(total).into()), epochs })
    }

    fn totals(&self, ctx: &Ctx, _: QueryTotalsRequest) -> Result<QueryTotalsResponse> {
        Ok(QueryTotalsResponse { totals: Some(state::totals(ctx)?) })
    }

    fn pool(&self, ctx: &Ctx, _: QueryPoolRequest) -> Result<QueryPoolResponse> {
        let mut pool = Vec::new();
        for entry in POOL.range(ctx, &[]) {
            let (denom, held) = entry?;
            pool.push(Coin { denom, amount: amount::read(&held)? }.into());
        }
        Ok(QueryPoolResponse { pool })
    }

    fn history(&self, ctx: &Ctx, q: QueryHistoryRequest) -> Result<QueryHistoryResponse> {
        let address = Address::parse(&q.contributor)?;
        let settled = state::account(ctx, &address)?.settled_epoch;
        let (entries, page) = CONTRIBUTIONS.page(ctx, &key_prefix(&address), &q.pagination.unwrap_or_default().into())?;
        let mut rewards = Vec::with_capacity(entries.len());
        for ((_, number), stored) in entries {
            let epoch = state::epoch(ctx, number)?;
            let reward = epochs::reward(&epoch, amount::read(&stored.weight)?)?;
            rewards.push(ContributionReward {
                contribution: Some(Contribution { contributor: address.to_string(), epoch: number, ..stored }),
                epoch_weight: epoch.weight,
                epoch_budget: epoch.budget,
                reward: amount::text(reward),
                closed: epoch.closed,
                claimed: number <= settled,
            });
        }
        Ok(QueryHistoryResponse { rewards, pagination: Some(page.into()) })
    }

    fn arena(&self, ctx: &Ctx, q: QueryArenaRequest) -> Result<QueryArenaResponse> {
        Ok(QueryArenaResponse { arena: Some(arena::arena(ctx, q.arena)?), pots: pots::shown(ctx, q.arena)? })
    }

    fn arenas(&self, ctx: &Ctx, q: QueryArenasRequest) -> Result<QueryArenasResponse> {
        let (entries, page) = ARENAS.page(ctx, &[], &q.pagination.unwrap_or_default().into())?;
        Ok(QueryArenasResponse { arenas: values(entries), pagination: Some(page.into()) })
    }

    fn participants(&self, ctx: &Ctx, q: QueryParticipantsRequest) -> Result<QueryParticipantsResponse> {
        let (entries, page) = PARTICIPANTS.page(ctx, &key_prefix(&q.arena), &q.pagination.unwrap_or_default().into())?;
        Ok(QueryParticipantsResponse { participants: values(entries), pagination: Some(page.into()) })
    }

    fn participant(&self, ctx: &Ctx, q: QueryParticipantRequest) -> Result<QueryParticipantResponse> {
        let found = PARTICIPANTS.get(ctx, &(q.arena, q.registration))?;
        let found = found.ok_or(Error::NoParticipant { arena: q.arena, registration: q.registration })?;
        Ok(QueryParticipantResponse { participant: Some(found) })
    }

    fn scorers(&self, ctx: &Ctx, q: QueryScorersRequest) -> Result<QueryScorersResponse> {
        let (entries, page) = SCORERS.page(ctx, &key_prefix(&q.arena), &q.pagination.unwrap_or_default().into())?;
        Ok(QueryScorersResponse { scorers: values(entries), pagination: Some(page.into()) })
    }

    fn scorer(&self, ctx: &Ctx, q: QueryScorerRequest) -> Result<QueryScorerResponse> {
        let account = Address::parse(&q.account)?;
        let mut unbondings = Vec::new();
        for entry in UNBONDINGS.range(ctx, &key_prefix(&(account, q.arena))).take(100) {
            let ((_, arena, release_height), amount) = entry?;
            unbondings.push(Unbonding { arena, account: account.to_string(), release_height, amount });
        }
        let found = SCORERS.get(ctx, &(q.arena, account))?;
        if found.is_none() && unbondings.is_empty() {
            return Err(Error::NoScorer { account: account.to_string(), arena: q.arena }.into());
        }
        let none = || Scorer { arena: q.arena, account: account.to_string(), bond: amount::text(0), ..Scorer::default() };
        let bonds = BONDS.get(ctx, &(q.arena, account))?.unwrap_or_default();
        Ok(QueryScorerResponse { scorer: Some(found.unwrap_or_else(none)), unbondings, bonds: Some(bonds) })
    }

    fn scorer_listings(&self, ctx: &Ctx, q: QueryScorerListingsRequest) -> Result<QueryScorerListingsResponse> {
        let (entries, page) = LISTINGS.page(ctx, &key_prefix(&q.arena), &q.pagination.unwrap_or_default().into())?;
        let shown = entries.into_iter().map(|(arena, account)| ArenaScorerListing { arena, account: account.to_string() });
        Ok(QueryScorerListingsResponse { listings: shown.collect(), pagination: Some(page.into()) })
    }

    fn scores(&self, ctx: &Ctx, q: QueryScoresRequest) -> Result<QueryScoresResponse> {
        let (entries, page) = SCORES.page(ctx, &key_prefix(&q.arena), &q.pagination.unwrap_or_default().into())?;
        Ok(QueryScoresResponse { scores: values(entries), pagination: Some(page.into()) })
    }

    fn arena_epochs(&self, ctx: &Ctx, q: QueryArenaEpochsRequest) -> Result<QueryArenaEpochsResponse> {
        let (entries, page) = ARENA_EPOCHS.page(ctx, &key_prefix(&q.arena), &q.pagination.unwrap_or_default().into())?;
        Ok(QueryArenaEpochsResponse { epochs: values(entries), pagination: Some(page.into()) })
    }

    fn arena_rewards(&self, ctx: &Ctx, q: QueryArenaRewardsRequest) -> Result<QueryArenaRewardsResponse> {
        let account = Address::parse(&q.account)?;
        let (entries, page) = ARENA_REWARDS.page(ctx, &key_prefix(&account), &q.pagination.unwrap_or_default().into())?;
        Ok(QueryArenaRewardsResponse { rewards: values(entries), pagination: Some(page.into()) })
    }
}
