//! Casting votes.
use cairn_kernel::{Address, Ctx, Dec, Result, sdk};
use cairn_proto::cosmos::gov::v1::{ProposalStatus, Vote, VoteOption, WeightedVoteOption};

use crate::{
    Error,
    params::decimal,
    proposals::check_length,
    state::{ENDINGS, PROPOSALS, VOTES},
};

/// One option with the whole weight.
pub(crate) fn whole(option: i32) -> Vec<WeightedVoteOption> {
    vec![WeightedVoteOption { option, weight: Dec::one().to_string() }]
}

/// Casts a vote or replaces one.
pub(crate) fn cast(ctx: &mut Ctx, id: u64, voter: &Address, options: Vec<WeightedVoteOption>, metadata: String) -> Result<()> {
    check(&options)?;
    check_length("metadata", &metadata)?;
    let active = PROPOSALS.get(ctx, &id)?.is_some_and(|p| p.status == i32::from(ProposalStatus::VotingPeriod));
    if !active || ENDINGS.has(ctx, &id)? {
        return Err(Error::Inactive(id).into());
    }

    let (who, number) = (voter.to_string(), id.to_string());
    let shown: Vec<String> = options.iter().map(|o| format!("option:{} weight:\"{}\" ", name(o.option), o.weight)).collect();
    ctx.emit_raw("proposal_vote", &[("voter", &who), ("option", &shown.join("\n")), ("proposal_id", &number)]);
    VOTES.set(ctx, &(id, *voter), &Vote { proposal_id: id, voter: who, options, metadata })
}

fn name(option: i32) -> &'static str {
    VoteOption::try_from(option).map_or("unknown", |o| o.as_str_name())
}

/// Refuses options that are unknown or repeated, and weights that are not one together.
fn check(options: &[WeightedVoteOption]) -> Result<()> {
    if options.is_empty() {
        return Err(sdk::invalid_request("a vote has at least one option"));
    }
    let refuse = |what: String| Err(Error::Vote(what).into());
    let (mut seen, mut total) = (Vec::new(), Dec::zero());
    for WeightedVoteOption { option, weight } in options {
        let known = VoteOption::try_from(*option).is_ok_and(|o| o != VoteOption::Unspecified);
        if !known {
            return refuse(option.to_string());
        }
        if seen.contains(option) {
            return refuse("duplicated vote option".into());
        }
        seen.push(*option);
        let weight = decimal(weight).map_err(|e| Error::Vote(format!("invalid weight: {}", e.log)))?;
        if weight.is_zero() {
            return refuse(format!("{} without weight", name(*option)));
        }
        total = total.add(&weight)?;
    }
    match total.cmp(&Dec::one()) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => refuse("total weight overflow 1.00".into()),
        std::cmp::Ordering::Less => refuse("total weight lower than 1.00".into()),
    }
}
