//! What a vote came to, in the arithmetic of the Cosmos SDK.
use std::collections::BTreeMap;

use cairn_kernel::{Dec, Result};
use cairn_proto::{
    cairn::gov::v1::Sum,
    cosmos::gov::v1::{Params, TallyResult, VoteOption, WeightedVoteOption},
};

use crate::params::decimal;

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
pub(crate) struct Count {
    options: BTreeMap<i32, Dec>,
    total: Dec,
}

impl Count {
    /// Adds power that votes so.
    pub(crate) fn add(&mut self, power: &Dec, options: &[WeightedVoteOption]) -> Result<()> {
        for WeightedVoteOption { option, weight } in options {
            let sum = self.of(*option).add(&power.mul(&decimal(weight)?)?)?;
            self.options.insert(*option, sum);
        }
        self.total = self.total.add(power)?;
        Ok(())
    }
    /// As it is stored: the options, and the power of all.
    pub(crate) fn to_wire(&self) -> (Vec<Sum>, String) {
        let sums = self.options.iter().map(|(option, power)| Sum { option: *option, power: power.to_wire() });
        (sums.collect(), self.total.to_wire())
    }
    /// As it was stored.
    pub(crate) fn from_wire(sums: &[Sum], total: &str) -> Result<Self> {
        let options = sums.iter().map(|sum| Ok((sum.option, Dec::from_wire(&sum.power)?))).collect::<Result<_>>()?;
        Ok(Self { options, total: Dec::from_wire(total)? })
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
    /// What it means where so much is bonded.
    pub(crate) fn verdict(&self, bonded: u128, expedited: bool, params: &Params) -> Result<Tally> {
        let (passes, burns) = self.judge(bonded, expedited, params)?;
        Ok(Tally { passes, burns, result: self.result()? })
    }
    /// Whether the proposal is carried, and whether its deposits are burnt.
    fn judge(&self, bonded: u128, expedited: bool, params: &Params) -> Result<(bool, bool)> {
        if bonded == 0 {
            return Ok((false, false));
        }
        if self.total.quo(&Dec::from_int(bonded))? < decimal(&params.quorum)? {
            return Ok((false, params.burn_vote_quorum));
        }
        let decided = self.total.sub(&self.of(VoteOption::Abstain.into()))?;
        if decided.is_zero() {
            return Ok((false, false));
        }
        if self.of(VoteOption::NoWithVeto.into()).quo(&self.total)? > decimal(&params.veto_threshold)? {
            return Ok((false, params.burn_vote_veto));
        }
        let threshold = decimal(if expedited { &params.expedited_threshold } else { &params.threshold })?;
        Ok((self.of(VoteOption::Yes.into()).quo(&decided)? > threshold, false))
    }
}
