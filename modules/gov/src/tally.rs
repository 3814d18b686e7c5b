//! Counting the votes on a proposal, in the arithmetic of the Cosmos SDK.
use std::collections::BTreeMap;

use cairn_kernel::{Address, Ctx, Dec, Result, key_prefix};
use cairn_proto::cosmos::gov::v1::{Params, Proposal, TallyResult, Vote, VoteOption, WeightedVoteOption};
use cairn_staking::Stake;

use crate::{
    electorate::{self, Validator},
    params::decimal,
    state::VOTES,
};

/// What the count says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tally {
    /// Whether the proposal is carried.
    pub(crate) passes: bool,
    /// Whether its deposits are burnt.
    pub(crate) burns: bool,
    /// Power for each option, cut to whole units.
    pub(crate) result: TallyResult,
}

/// Power for each option.
#[derive(Debug, Default)]
struct Count {
    options: BTreeMap<i32, Dec>,
    total: Dec,
}

impl Count {
    fn add(&mut self, power: &Dec, options: &[WeightedVoteOption]) -> Result<()> {
        for WeightedVoteOption { option, weight } in options {
            let sum = self.of(*option).add(&power.mul(&decimal(weight)?)?)?;
            self.options.insert(*option, sum);
        }
        self.total = self.total.add(power)?;
        Ok(())
    }
    fn of(&self, option: i32) -> Dec {
        self.options.get(&option).cloned().unwrap_or_default()
    }
    fn result(&self) -> Result<TallyResult> {
        let whole = |option: VoteOption| Ok::<_, cairn_kernel::Error>(self.of(option.into()).truncate()?.to_string());
        Ok(TallyResult {
            yes_count: whole(VoteOption::Yes)?,
            abstain_count: whole(VoteOption::Abstain)?,
            no_count: whole(VoteOption::No)?,
            no_with_veto_count: whole(VoteOption::NoWithVeto)?,
        })
    }
}

/// A validator's own vote, and the shares of those who vote themselves.
struct Delegate {
    validator: Validator,
    vote: Vec<WeightedVoteOption>,
    deducted: Dec,
}

/// Counts the votes as they stand.
pub(crate) fn tally(ctx: &Ctx, proposal: &Proposal, params: &Params) -> Result<Tally> {
    let count = count(ctx, proposal.id)?;
    let (passes, burns) = judge(&count, electorate::bonded(ctx)?, proposal.expedited, params)?;
    Ok(Tally { passes, burns, result: count.result()? })
}

fn count(ctx: &Ctx, id: u64) -> Result<Count> {
    let delegate = |validator: Validator| (validator.operator, Delegate { validator, vote: Vec::new(), deducted: Dec::zero() });
    let mut delegates: BTreeMap<Address, Delegate> = electorate::validators(ctx)?.into_iter().map(delegate).collect();
    let mut count = Count::default();
    for entry in VOTES.range(ctx, &key_prefix(&id)) {
        let ((_, voter), Vote { options, .. }) = entry?;
        if let Some(own) = delegates.get_mut(&voter) {
            own.vote.clone_from(&options);
        }
        for (operator, shares) in electorate::delegations(ctx, &voter)? {
            let Some(delegate) = delegates.get_mut(&operator) else { continue };
            delegate.deducted = delegate.deducted.add(&shares)?;
            count.add(&power(&shares, &delegate.validator)?, &options)?;
        }
    }
    for Delegate { validator, vote, deducted } in delegates.into_values().filter(|d| !d.vote.is_empty()) {
        count.add(&power(&validator.stake.shares.sub(&deducted)?, &validator)?, &vote)?;
    }
    Ok(count)
}

/// What `shares` of a validator are worth.
fn power(shares: &Dec, validator: &Validator) -> Result<Dec> {
    let Stake { tokens, shares: all } = &validator.stake;
    if all.is_zero() { Ok(Dec::zero()) } else { shares.mul_int(*tokens)?.quo(all) }
}

/// Whether the proposal is carried, and whether its deposits are burnt.
fn judge(count: &Count, bonded: u128, expedited: bool, params: &Params) -> Result<(bool, bool)> {
    if bonded == 0 {
        return Ok((false, false));
    }
    if count.total.quo(&Dec::from_int(bonded))? < decimal(&params.quorum)? {
        return Ok((false, params.burn_vote_quorum));
    }
    let decided = count.total.sub(&count.of(VoteOption::Abstain.into()))?;
    if decided.is_zero() {
        return Ok((false, false));
    }
    if count.of(VoteOption::NoWithVeto.into()).quo(&count.total)? > decimal(&params.veto_threshold)? {
        return Ok((false, params.burn_vote_veto));
    }
    let threshold = decimal(if expedited { &params.expedited_threshold } else { &params.threshold })?;
    Ok((count.of(VoteOption::Yes.into()).quo(&decided)? > threshold, false))
}
