//! What becomes of proposals.
use cairn_proto::cosmos::gov::v1::MsgCancelProposal;

use super::*;

fn cancel(chain: &mut Chain, id: u64, who: u8) -> Result<()> {
    let m = MsgCancelProposal { proposal_id: id, proposer: user(who).to_string() };
    chain.tx(|ctx| Gov.cancel_proposal(ctx, m)).map(drop)
}

#[test]
fn a_passed_proposal_changes_parameters_and_gives_deposits_back() {
    let mut chain = chain();
    let id = submit(&mut chain, proposal(ENOUGH / 2, vec![set_memo(100)])).unwrap();
    assert_eq!(status(&mut chain, id), ProposalStatus::DepositPeriod);
    refused(vote(&mut chain, id, 1, YES), "gov", 3);
    deposit(&mut chain, id, 8, ENOUGH / 2).unwrap();
    assert_eq!(status(&mut chain, id), ProposalStatus::VotingPeriod);
    vote(&mut chain, id, 1, YES).unwrap();
    vote(&mut chain, id, 2, NO).unwrap();
    pass(&mut chain, 2 * DAY - 1);
    assert_eq!(memo(&mut chain), 256, "not before its time");
    pass(&mut chain, 1);
    assert_eq!((status(&mut chain, id), memo(&mut chain)), (ProposalStatus::Passed, 100));
    let tally = find(&mut chain, id).unwrap().final_tally_result.unwrap();
    assert_eq!((tally.yes_count.as_str(), tally.no_count.as_str(), tally.abstain_count.as_str()), ("50000000", "30000000", "0"));
    assert_eq!((held(&mut chain, 9), held(&mut chain, 8)), (FUNDS, FUNDS));
    refused(vote(&mut chain, id, 3, NO), "gov", 3);
    refused(deposit(&mut chain, id, 8, ENOUGH), "gov", 3);
}

#[test]
fn a_proposal_without_enough_deposit_is_deleted_and_refunded() {
    let mut chain = chain();
    let id = submit(&mut chain, proposal(ENOUGH / 2, vec![set_memo(100)])).unwrap();
    pass(&mut chain, 2 * DAY);
    assert!(find(&mut chain, id).is_none());
    assert_eq!(held(&mut chain, 9), FUNDS);
    with_params(&mut chain, |p| p.burn_proposal_deposit_prevote = true);
    let before = supply(&mut chain);
    submit(&mut chain, proposal(ENOUGH / 2, vec![set_memo(100)])).unwrap();
    pass(&mut chain, 2 * DAY);
    assert_eq!(supply(&mut chain), before - ENOUGH / 2);
}

/// Votes of users 1 to 3 (power 50, 30, 20), the outcome, and whether deposits are burnt.
type Case = (&'static str, &'static [(u8, i32)], ProposalStatus, bool);

#[test]
fn quorum_veto_and_threshold_decide() {
    let cases: [Case; 8] = [
        ("no vote", &[], ProposalStatus::Rejected, false),
        ("below the quorum", &[(2, YES)], ProposalStatus::Rejected, false),
        ("half is not more than half", &[(1, YES), (2, NO), (3, NO)], ProposalStatus::Rejected, false),
        ("all abstain", &[(1, ABSTAIN), (2, ABSTAIN)], ProposalStatus::Rejected, false),
        ("who abstains counts for the quorum alone", &[(1, ABSTAIN), (3, YES)], ProposalStatus::Passed, false),
        ("a third vetoes", &[(1, YES), (2, VETO)], ProposalStatus::Rejected, true),
        ("less than a third vetoes", &[(1, YES), (2, YES), (3, VETO)], ProposalStatus::Passed, false),
        ("a user without power changes nothing", &[(7, NO), (1, YES)], ProposalStatus::Passed, false),
    ];
    for (name, votes, expected, burns) in cases {
        let mut chain = chain();
        let id = active(&mut chain, vec![set_memo(100)]);
        votes.iter().for_each(|(voter, option)| vote(&mut chain, id, *voter, *option).unwrap());
        let before = supply(&mut chain);
        pass(&mut chain, 2 * DAY);
        assert_eq!(status(&mut chain, id), expected, "{name}");
        assert_eq!(supply(&mut chain), if burns { before - ENOUGH } else { before }, "{name}");
        assert_eq!(held(&mut chain, 9), if burns { FUNDS - ENOUGH } else { FUNDS }, "{name}");
        assert_eq!(memo(&mut chain), if expected == ProposalStatus::Passed { 100 } else { 256 }, "{name}");
    }
}

#[test]
fn a_weighted_vote_splits_power_and_a_new_vote_replaces_it() {
    let mut chain = chain();
    let id = active(&mut chain, vec![set_memo(100)]);
    vote(&mut chain, id, 1, NO).unwrap();
    vote_weighted(&mut chain, id, 1, &[(YES, "0.7"), (ABSTAIN, "0.3")]).unwrap();
    pass(&mut chain, 2 * DAY);
    let tally = find(&mut chain, id).unwrap().final_tally_result.unwrap();
    assert_eq!([tally.yes_count, tally.abstain_count, tally.no_count], ["35000000", "15000000", "0"]);
    assert_eq!(status(&mut chain, id), ProposalStatus::Passed);
}

#[test]
fn what_is_expedited_needs_more_and_falls_back_to_the_ordinary_way() {
    let mut chain = chain();
    let quick = |deposit| MsgSubmitProposal { expedited: true, ..proposal(deposit, vec![set_memo(100)]) };
    let waits = submit(&mut chain, quick(ENOUGH)).unwrap();
    assert_eq!(status(&mut chain, waits), ProposalStatus::DepositPeriod);
    let id = submit(&mut chain, quick(5 * ENOUGH)).unwrap();
    vote(&mut chain, id, 1, YES).unwrap();
    vote(&mut chain, id, 2, NO).unwrap();
    pass(&mut chain, DAY);
    let after = find(&mut chain, id).unwrap();
    assert!(!after.expedited && after.status == i32::from(ProposalStatus::VotingPeriod), "62.5 % is not two thirds");
    assert_eq!(held(&mut chain, 9), FUNDS - 6 * ENOUGH, "deposits stay");
    vote(&mut chain, id, 1, YES).unwrap();
    pass(&mut chain, DAY);
    assert_eq!((status(&mut chain, id), memo(&mut chain)), (ProposalStatus::Passed, 100));
    let id = submit(&mut chain, quick(5 * ENOUGH)).unwrap();
    [1, 2].iter().for_each(|voter| vote(&mut chain, id, *voter, YES).unwrap());
    pass(&mut chain, DAY);
    assert_eq!(status(&mut chain, id), ProposalStatus::Passed);
}

#[test]
fn messages_are_carried_out_all_or_none() {
    let mut chain = chain();
    let id = active(&mut chain, vec![set_memo(100), set_memo(0)]);
    vote(&mut chain, id, 1, YES).unwrap();
    pass(&mut chain, 2 * DAY);
    assert_eq!((status(&mut chain, id), memo(&mut chain)), (ProposalStatus::Failed, 256));
    assert!(find(&mut chain, id).unwrap().failed_reason.contains("max memo characters"));
    assert_eq!(held(&mut chain, 9), FUNDS, "the deposit goes back: the vote was carried");
}

#[test]
fn governance_changes_its_own_parameters() {
    let mut chain = chain();
    let params = cairn_proto::cosmos::gov::v1::Params { quorum: "0.1".into(), ..default_params() };
    let m = cairn_proto::cosmos::gov::v1::MsgUpdateParams { authority: authority().to_string(), params: Some(params) };
    let id = active(&mut chain, vec![pack(&m)]);
    vote(&mut chain, id, 1, YES).unwrap();
    pass(&mut chain, 2 * DAY);
    assert_eq!(status(&mut chain, id), ProposalStatus::Passed);
    let id = active(&mut chain, vec![set_memo(100)]);
    vote(&mut chain, id, 3, YES).unwrap();
    pass(&mut chain, 2 * DAY);
    assert_eq!(status(&mut chain, id), ProposalStatus::Passed, "20 % is a quorum now");
}

#[test]
fn the_proposer_cancels_for_half_of_the_deposits() {
    let mut chain = chain();
    let id = active(&mut chain, vec![set_memo(100)]);
    deposit(&mut chain, id, 8, ENOUGH).unwrap();
    vote(&mut chain, id, 1, YES).unwrap();
    refused(cancel(&mut chain, id, 8), "gov", 18);
    refused(cancel(&mut chain, 99, 9), "sdk", 38);
    let before = supply(&mut chain);
    cancel(&mut chain, id, 9).unwrap();
    check(&mut chain);
    assert_eq!(supply(&mut chain), before - ENOUGH, "half of two deposits is burnt");
    assert_eq!((held(&mut chain, 8), held(&mut chain, 9)), (FUNDS - ENOUGH / 2, FUNDS - ENOUGH / 2));
    assert!(find(&mut chain, id).is_none());
    pass(&mut chain, 9 * DAY);
    with_params(&mut chain, |p| p.proposal_cancel_dest = user(7).to_string());
    let id = active(&mut chain, vec![set_memo(100)]);
    cancel(&mut chain, id, 9).unwrap();
    assert_eq!(held(&mut chain, 7), FUNDS + ENOUGH / 2);
    let ended = active(&mut chain, vec![set_memo(100)]);
    pass(&mut chain, 2 * DAY);
    refused(cancel(&mut chain, ended, 9), "gov", 21);
}

#[test]
fn at_most_twenty_proposals_end_in_a_block() {
    let mut chain = chain();
    let ids: Vec<u64> = (0..25).map(|_| active(&mut chain, vec![set_memo(100)])).collect();
    pass(&mut chain, 2 * DAY);
    let open = |chain: &mut Chain| ids.iter().filter(|id| status(chain, **id) == ProposalStatus::VotingPeriod).count();
    assert_eq!(open(&mut chain), 5);
    pass(&mut chain, 1);
    assert_eq!(open(&mut chain), 0);
}

/// A delegator's vote counts for its own shares, wherever they are, and no longer through its validators; of what was slashed since
/// only the worth is left.
#[test]
fn a_delegator_overrides_its_validators() {
    let mut chain = chain();
    delegate(&mut chain, 7, 1, 10 * M);
    delegate(&mut chain, 7, 3, 5 * M);
    chain.run(|ctx| Staking.end_block(ctx)).unwrap();
    let id = active(&mut chain, vec![set_memo(100)]);
    vote(&mut chain, id, 1, YES).unwrap();
    vote(&mut chain, id, 7, NO).unwrap();
    let consensus = chain.run(|ctx| cairn_staking::powers(ctx)).unwrap()[0].consensus;
    let half = Dec::with_places(5, 1).unwrap();
    chain.run(|ctx| cairn_staking::slash(ctx, &consensus, 1, 60, &half)).unwrap();
    pass(&mut chain, 2 * DAY);
    let tally = find(&mut chain, id).unwrap().final_tally_result.unwrap();
    assert_eq!([tally.yes_count, tally.no_count], ["25000000", "10000000"], "half of 50, half of 10 and 5");
    assert_eq!(status(&mut chain, id), ProposalStatus::Passed);
}

/// Who is not in the set has no say, and neither have those who staked with it.
#[test]
fn validators_outside_of_the_set_do_not_count() {
    let mut chain = chain();
    delegate(&mut chain, 7, 2, 40 * M);
    chain.run(|ctx| Staking.end_block(ctx)).unwrap();
    let id = active(&mut chain, vec![set_memo(100)]);
    [(1, YES), (2, NO), (7, NO)].iter().for_each(|(voter, option)| vote(&mut chain, id, *voter, *option).unwrap());
    let powers = chain.run(|ctx| cairn_staking::powers(ctx)).unwrap();
    let jailed = powers.iter().find(|power| power.operator == user(2)).unwrap().consensus;
    chain.run(|ctx| cairn_staking::jail(ctx, &jailed)).unwrap();
    chain.run(|ctx| Staking.end_block(ctx)).unwrap();
    pass(&mut chain, 2 * DAY);
    let tally = find(&mut chain, id).unwrap().final_tally_result.unwrap();
    assert_eq!([tally.yes_count, tally.no_count], ["50000000", "0"]);
}
