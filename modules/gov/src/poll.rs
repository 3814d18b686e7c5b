//! Counting votes in pieces. The count is that of the moment at which the vote ended: the set, its stakes and the parameters are noted then,
//! votes are refused from then on, and what a voter who is not counted yet delegates is noted before it changes.
use std::collections::BTreeMap;

use cairn_kernel::{Address, Ctx, Dec, Result, key_prefix};
use cairn_proto::{
    cairn::gov::v1::{self as wire, Stage},
    cosmos::gov::v1::{Params, Proposal, Vote, WeightedVoteOption},
};
use cairn_staking::Stake;

use crate::{
    electorate,
    params::params,
    state::{ENDINGS, FROZEN, POLLS, VOTES},
    tally::{Count, Tally},
    work::Work,
};

/// A validator's stake, its own vote, and the shares of those who vote themselves.
#[derive(Debug)]
pub(crate) struct Delegate {
    stake: Stake,
    vote: Vec<WeightedVoteOption>,
    deducted: Dec,
}

/// A count as far as it has come.
#[derive(Debug)]
pub(crate) struct Poll {
    delegates: BTreeMap<Address, Delegate>,
    count: Count,
    bonded: u128,
    params: Params,
}

impl Poll {
    /// One that begins now.
    pub(crate) fn open(ctx: &Ctx) -> Result<Self> {
        let delegate = |(operator, stake)| (operator, Delegate { stake, vote: Vec::new(), deducted: Dec::zero() });
        let delegates = electorate::validators(ctx)?.into_iter().map(delegate).collect();
        Ok(Self { delegates, count: Count::default(), bonded: electorate::bonded(ctx)?, params: params(ctx)? })
    }
    /// Goes on with the one that was left, or begins.
    pub(crate) fn resume(ctx: &Ctx, id: u64) -> Result<Self> {
        match POLLS.get(ctx, &id)? {
            Some(poll) => Self::from_wire(poll),
            None => Self::open(ctx),
        }
    }
    /// Counts votes after that of `last` as long as there is work left; gives whether these were all.
    pub(crate) fn advance(&mut self, ctx: &Ctx, id: u64, last: &mut Vec<u8>, work: &mut Work) -> Result<bool> {
        let from = match last.as_slice() {
            [] => key_prefix(&id),
            last => [key_prefix(&(id, Address::new(last)?)), vec![0]].concat(),
        };
        for entry in VOTES.range_from(ctx, &key_prefix(&id), &from) {
            if work.is_done() {
                return Ok(false);
            }
            let ((_, voter), vote) = entry?;
            self.add(ctx, id, &voter, &vote, work)?;
            *last = voter.as_bytes().to_vec();
        }
        Ok(true)
    }
    fn add(&mut self, ctx: &Ctx, id: u64, voter: &Address, vote: &Vote, work: &mut Work) -> Result<()> {
        work.spend(1);
        for (operator, shares) in electorate::holdings(ctx, id, voter, &self.delegates)? {
            work.spend(1);
            let Some(delegate) = self.delegates.get_mut(&operator) else { continue };
            delegate.deducted = delegate.deducted.add(&shares)?;
            self.count.add(&power(&shares, &delegate.stake)?, &vote.options)?;
        }
        if let Some(own) = self.delegates.get_mut(voter) {
            own.vote.clone_from(&vote.options);
        }
        Ok(())
    }
    /// What it says once every vote is counted: validators speak for who did not vote.
    pub(crate) fn verdict(mut self, expedited: bool) -> Result<Tally> {
        for Delegate { stake, vote, deducted } in self.delegates.into_values().filter(|d| !d.vote.is_empty()) {
            self.count.add(&power(&stake.shares.sub(&deducted)?, &stake)?, &vote)?;
        }
        self.count.verdict(self.bonded, expedited, &self.params)
    }
    /// As it is stored between blocks.
    pub(crate) fn to_wire(&self) -> wire::Poll {
        let delegate = |(operator, delegate): (&Address, &Delegate)| wire::Delegate {
            operator: operator.as_bytes().to_vec(),
            tokens: delegate.stake.tokens.to_string(),
            shares: delegate.stake.shares.to_wire(),
            deducted: delegate.deducted.to_wire(),
            vote: delegate.vote.clone(),
        };
        let (sums, total) = self.count.to_wire();
        let delegates = self.delegates.iter().map(delegate).collect();
        wire::Poll { delegates, sums, total, bonded: self.bonded.to_string(), params: Some(self.params.clone()) }
    }
    fn from_wire(poll: wire::Poll) -> Result<Self> {
        let delegate = |d: wire::Delegate| {
            let stake = Stake { tokens: electorate::amount(&d.tokens)?, shares: Dec::from_wire(&d.shares)? };
            Ok((Address::new(&d.operator)?, Delegate { stake, vote: d.vote, deducted: Dec::from_wire(&d.deducted)? }))
        };
        Ok(Self {
            delegates: poll.delegates.into_iter().map(delegate).collect::<Result<_>>()?,
            count: Count::from_wire(&poll.sums, &poll.total)?,
            bonded: electorate::amount(&poll.bonded)?,
            params: poll.params.unwrap_or_default(),
        })
    }
}

/// The count of an open vote as it stands, or of one that has ended, at once.
pub(crate) fn tally(ctx: &Ctx, proposal: &Proposal) -> Result<Tally> {
    let mut last = ENDINGS.get(ctx, &proposal.id)?.map(|ending| ending.counted).unwrap_or_default();
    let mut poll = Poll::resume(ctx, proposal.id)?;
    poll.advance(ctx, proposal.id, &mut last, &mut Work::unlimited())?;
    poll.verdict(proposal.expedited)
}

/// Notes what an account delegates to a validator before that changes, for every count that has not come to its vote.
pub(crate) fn remember(ctx: &mut Ctx, delegator: &Address, operator: &Address) -> Result<()> {
    let endings = ENDINGS.range(ctx, &[]).collect::<Result<Vec<_>>>()?;
    for (id, ending) in endings {
        let key = (id, *delegator, *operator);
        let counted = !ending.counted.is_empty() && key_prefix(delegator) <= key_prefix(&Address::new(&ending.counted)?);
        if ending.stage() != Stage::Count || counted || !VOTES.has(ctx, &(id, *delegator))? || FROZEN.has(ctx, &key)? {
            continue;
        }
        FROZEN.set(ctx, &key, &electorate::shares(ctx, delegator, operator)?.to_wire())?;
    }
    Ok(())
}

/// What `shares` of a stake are worth.
fn power(shares: &Dec, stake: &Stake) -> Result<Dec> {
    if stake.shares.is_zero() { Ok(Dec::zero()) } else { stake.worth(shares) }
}
