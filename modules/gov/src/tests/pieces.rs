//! Endings that are too much for one block.
use cairn_proto::cosmos::{
    gov::v1::{Deposit, MsgCancelProposal, QueryServer, QueryTallyResultRequest, TallyResult, Vote},
    staking::v1beta1::{MsgBeginRedelegate, MsgUndelegate},
};

use super::*;
use crate::state::{DEPOSITS, ENDINGS, FROZEN, POLLS, VOTES};

/// Gas that ending proposals may use in a block: that of two thousand votes, deletions or refunds.
const A_BLOCK: u64 = 60_000_000;

fn crowd(n: u32) -> Address {
    let mut bytes = [0xee; 20];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    Address::new(&bytes).unwrap()
}

/// Accounts that vote in turn for each option; every tenth has delegated to one or two validators.
fn crowd_votes(chain: &mut Chain, id: u64, voters: u32) {
    chain.run(|ctx| {
        for n in 0..voters {
            let (who, option) = (crowd(n), 1 + i32::try_from(n / 10 % 4).unwrap());
            if n % 10 == 0 {
                cairn_bank::send(ctx, &user(8), &who, &[Coin::base(5_000)]).unwrap();
                for to in 1..=1 + (n / 10 % 2) as u8 {
                    Staking.delegate(ctx, stake(&who, to, 1_003 + u128::from(n % 7))).unwrap();
                }
            }
            let vote = Vote { proposal_id: id, voter: who.to_string(), options: crate::votes::whole(option), metadata: String::new() };
            VOTES.set(ctx, &(id, who), &vote).unwrap();
        }
    });
}

fn stake(who: &Address, to: u8, tokens: u128) -> MsgDelegate {
    MsgDelegate { delegator_address: who.to_string(), validator_address: operator_text(&user(to)), amount: coins(tokens).pop() }
}

/// Ends a block; gives the gas that gov used for it.
fn block(chain: &mut Chain, seconds: u64) -> u64 {
    chain.block.height += 1;
    chain.block.time += seconds;
    chain.run(|ctx| {
        Staking.end_block(ctx).unwrap();
        let before = ctx.gas().used();
        Gov.end_block(ctx).unwrap();
        ctx.gas().used() - before
    })
}

/// Blocks until nothing is being ended, each bounded.
fn finish(chain: &mut Chain) -> usize {
    for blocks in 0..1_000 {
        if chain.run(|ctx| ENDINGS.range(ctx, &[]).next().is_none()) {
            check(chain);
            return blocks;
        }
        let used = block(chain, 1);
        assert!(used < A_BLOCK, "{used}");
    }
    panic!("it never ends");
}

fn asked(chain: &mut Chain, id: u64) -> TallyResult {
    chain.run(|ctx| QueryServer::tally_result(&Gov, ctx, QueryTallyResultRequest { proposal_id: id })).unwrap().tally.unwrap()
}

fn deposited(chain: &mut Chain, id: u64, depositors: u32) {
    chain.run(|ctx| {
        for n in 0..depositors {
            let who = crowd(n);
            cairn_bank::send(ctx, &user(7), &crate::ACCOUNT.address(), &[Coin::base(100)]).unwrap();
            let deposit = Deposit { proposal_id: id, depositor: who.to_string(), amount: coins(100) };
            DEPOSITS.set(ctx, &(id, who), &deposit).unwrap();
        }
    });
}

fn left(chain: &mut Chain, id: u64) -> [usize; 4] {
    chain.run(|ctx| {
        let prefix = cairn_kernel::key_prefix(&id);
        let (polls, frozen) = (POLLS.range(ctx, &[]).count(), FROZEN.range(ctx, &[]).count());
        [VOTES.range(ctx, &prefix).count(), DEPOSITS.range(ctx, &prefix).count(), polls, frozen]
    })
}

/// The count of a hundred thousand votes is that of the moment at which the vote ended, whatever happens to stakes and rules while it goes
/// on, and no block does more than its part of it.
#[test]
fn a_hundred_thousand_votes_are_counted_in_bounded_pieces_as_at_once() {
    let mut chain = chain();
    let id = active(&mut chain, vec![set_memo(100)]);
    [(1, YES), (2, YES), (3, YES)].iter().for_each(|(voter, option)| vote(&mut chain, id, *voter, *option).unwrap());
    crowd_votes(&mut chain, id, 100_000);
    chain.run(|ctx| Staking.end_block(ctx)).unwrap();
    let expected = asked(&mut chain, id);
    assert!(expected.no_with_veto_count.parse::<u128>().unwrap() > 2_500_000, "{expected:?}");

    assert!(block(&mut chain, 2 * DAY) < A_BLOCK);
    refused(vote(&mut chain, id, 1, NO), "gov", 3);
    refused(deposit(&mut chain, id, 1, ENOUGH), "gov", 3);
    disturb(&mut chain);
    assert!(left(&mut chain, id)[3] > 0, "what changed was noted");
    assert_eq!(asked(&mut chain, id), expected, "while it goes on");
    let blocks = finish(&mut chain);
    assert!((50..200).contains(&blocks), "{blocks}");
    assert_eq!(find(&mut chain, id).unwrap().final_tally_result, Some(expected));
    assert_eq!((status(&mut chain, id), memo(&mut chain)), (ProposalStatus::Passed, 100));
    assert_eq!(left(&mut chain, id), [0; 4]);
}

/// Voters that are counted and voters that are not delegate, leave, move and are slashed; a validator leaves the set; the quorum rises.
fn disturb(chain: &mut Chain) {
    for n in [0, 10, 99_990, 99_980, 50_010] {
        chain.tx(|ctx| Staking.delegate(ctx, stake(&crowd(n), 3, 500))).unwrap();
    }
    let whole = |n: u32| coins(1_003 + u128::from(n % 7)).pop();
    let (from, to) = (operator_text(&user(1)), operator_text(&user(3)));
    for n in [20, 99_960] {
        let m = MsgUndelegate { delegator_address: crowd(n).to_string(), validator_address: from.clone(), amount: whole(n) };
        chain.tx(|ctx| Staking.undelegate(ctx, m)).unwrap();
    }
    let m = MsgBeginRedelegate {
        delegator_address: crowd(99_970).to_string(),
        validator_src_address: from,
        validator_dst_address: to,
        amount: whole(99_970),
    };
    chain.tx(|ctx| Staking.begin_redelegate(ctx, m)).unwrap();
    delegate(chain, 6, 2, 90 * M);
    let powers = chain.run(|ctx| cairn_staking::powers(ctx)).unwrap();
    let consensus = |n| powers.iter().find(|power| power.operator == user(n)).unwrap().consensus;
    let half = Dec::with_places(5, 1).unwrap();
    chain.run(|ctx| cairn_staking::slash(ctx, &consensus(1), 1, 60, &half)).unwrap();
    chain.run(|ctx| cairn_staking::jail(ctx, &consensus(2))).unwrap();
    chain.run(|ctx| Staking.end_block(ctx)).unwrap();
    with_params(chain, |p| p.quorum = "1".into());
}

#[test]
fn a_large_expedited_vote_that_fails_begins_again_without_votes() {
    let mut chain = chain();
    let id = submit(&mut chain, MsgSubmitProposal { expedited: true, ..proposal(5 * ENOUGH, vec![set_memo(100)]) }).unwrap();
    crowd_votes(&mut chain, id, 5_000);
    vote(&mut chain, id, 1, NO).unwrap();
    block(&mut chain, DAY);
    assert!(find(&mut chain, id).unwrap().expedited, "not counted yet");
    while find(&mut chain, id).unwrap().expedited {
        block(&mut chain, 1);
    }
    refused(vote(&mut chain, id, 1, YES), "gov", 3);
    assert!(left(&mut chain, id)[0] > 0, "old votes are being deleted");
    let exported = chain.run(|ctx| Gov.export(ctx)).unwrap();
    assert!(exported.votes.is_empty(), "they count no more");
    finish(&mut chain);
    assert_eq!(left(&mut chain, id)[..2], [0, 1], "the deposit stays");
    vote(&mut chain, id, 1, YES).unwrap();
    block(&mut chain, DAY);
    assert_eq!((status(&mut chain, id), memo(&mut chain)), (ProposalStatus::Passed, 100));
}

#[test]
fn many_deposits_go_back_burn_and_are_charged_in_pieces() {
    for (name, burns) in [("dropped", false), ("dropped and burnt", true)] {
        let mut chain = chain();
        with_params(&mut chain, |p| p.burn_proposal_deposit_prevote = burns);
        let id = submit(&mut chain, proposal(ENOUGH / 2, vec![set_memo(100)])).unwrap();
        deposited(&mut chain, id, 5_000);
        let before = supply(&mut chain);
        assert!(block(&mut chain, 2 * DAY) < A_BLOCK);
        assert!(find(&mut chain, id).is_some() && left(&mut chain, id)[1] > 0, "{name}");
        refused(deposit(&mut chain, id, 1, ENOUGH), "gov", 3);
        finish(&mut chain);
        assert!(find(&mut chain, id).is_none() && left(&mut chain, id) == [0; 4], "{name}");
        assert_eq!(before - supply(&mut chain), if burns { ENOUGH / 2 + 500_000 } else { 0 }, "{name}");
    }
    let mut chain = chain();
    let id = active(&mut chain, vec![set_memo(100)]);
    deposited(&mut chain, id, 5_000);
    let before = supply(&mut chain);
    let m = || MsgCancelProposal { proposal_id: id, proposer: user(9).to_string() };
    chain.tx(|ctx| Gov.cancel_proposal(ctx, m())).unwrap();
    assert_eq!(left(&mut chain, id)[1], 4_901, "the first hundred at once");
    refused(chain.tx(|ctx| Gov.cancel_proposal(ctx, m())), "gov", 21);
    check(&mut chain);
    let exported = chain.run(|ctx| Gov.export(ctx)).unwrap();
    let mut other = super::chain();
    other.run(|ctx| Gov.init(ctx, exported.clone())).unwrap();
    assert_eq!(other.run(|ctx| Gov.export(ctx)).unwrap(), exported);
    other.run(|ctx| cairn_bank::send(ctx, &user(9), &crate::ACCOUNT.address(), &[Coin::base(ENOUGH + 500_000)])).unwrap();
    for chain in [&mut chain, &mut other] {
        finish(chain);
        assert!(find(chain, id).is_none() && left(chain, id) == [0; 4]);
    }
    assert_eq!(before - supply(&mut chain), (ENOUGH + 500_000) / 2);
}

/// What is exported in the middle of a count is counted from its beginning elsewhere.
#[test]
fn a_count_goes_over_an_export() {
    let mut one = chain();
    let id = active(&mut one, vec![set_memo(100)]);
    crowd_votes(&mut one, id, 3_000);
    vote(&mut one, id, 1, YES).unwrap();
    block(&mut one, 2 * DAY);
    let exported = one.run(|ctx| Gov.export(ctx)).unwrap();
    assert_eq!(exported.votes.len(), 3_001);
    let mut other = chain();
    other.run(|ctx| cairn_bank::send(ctx, &user(9), &crate::ACCOUNT.address(), &[Coin::base(ENOUGH)])).unwrap();
    other.run(|ctx| Gov.init(ctx, exported)).unwrap();
    block(&mut other, 2 * DAY);
    for chain in [&mut one, &mut other] {
        finish(chain);
        assert_eq!((status(chain, id), memo(chain)), (ProposalStatus::Passed, 100));
    }
}

/// An account that delegates to more validators than the set has costs no more than the set.
#[test]
fn who_delegates_to_many_outside_of_the_set_counts_for_what_is_in_it() {
    let mut chain = chain();
    let rules = cairn_proto::cosmos::staking::v1beta1::Params { max_validators: 3, ..cairn_staking::default_params() };
    let m = cairn_proto::cosmos::staking::v1beta1::MsgUpdateParams { authority: authority().to_string(), params: Some(rules) };
    chain.tx(|ctx| Staking.update_params(ctx, m)).unwrap();
    for n in 4..=9 {
        chain.run(|ctx| Staking.create_validator(ctx, creation(n, M))).unwrap();
    }
    (1..=9).filter(|to| *to != 7).for_each(|to| delegate(&mut chain, 7, to, 2 * M));
    let id = active(&mut chain, vec![set_memo(100)]);
    vote(&mut chain, id, 7, YES).unwrap();
    crowd_votes(&mut chain, id, 2_500);
    chain.run(|ctx| Staking.end_block(ctx)).unwrap();
    let expected = asked(&mut chain, id);
    block(&mut chain, 2 * DAY);
    (1..=9).filter(|to| *to != 7).for_each(|to| delegate(&mut chain, 7, to, M));
    chain.run(|ctx| Staking.end_block(ctx)).unwrap();
    finish(&mut chain);
    assert_eq!(find(&mut chain, id).unwrap().final_tally_result, Some(expected));
}
