//! Queries, and what they refuse.
use cairn_proto::cosmos::{
    base::query::v1beta1::PageRequest,
    distribution::v1beta1::{
        QueryCommunityPoolRequest, QueryDelegationRewardsRequest, QueryDelegationTotalRewardsRequest, QueryDelegatorValidatorsRequest,
        QueryDelegatorWithdrawAddressRequest, QueryParamsRequest, QueryServer, QueryValidatorCommissionRequest,
        QueryValidatorDistributionInfoRequest, QueryValidatorOutstandingRewardsRequest, QueryValidatorSlashesRequest,
    },
};
use cairn_staking::operator_text;

use super::*;
use crate::{DecCoins, Distribution};

fn shown(coins: &[cairn_proto::cosmos::base::v1beta1::DecCoin]) -> String {
    DecCoins::from_wire(coins).unwrap().to_string()
}

#[test]
fn the_books_of_a_validator() {
    let mut world = World::new();
    world.create(1, 10 * M, 10).unwrap();
    world.block(0);
    world.block(100);
    let validator_address = operator_text(&user(1));
    world.chain.run(|ctx| {
        let q = QueryValidatorDistributionInfoRequest { validator_address: validator_address.clone() };
        let info = Distribution.validator_distribution_info(ctx, q).unwrap();
        assert_eq!(info.operator_address, user(1).to_string());
        assert_eq!(
            (shown(&info.self_bond_rewards), shown(&info.commission)),
            (base("90.000000000000000000"), base("10.000000000000000000"))
        );
        let q = QueryValidatorOutstandingRewardsRequest { validator_address: validator_address.clone() };
        let outstanding = Distribution.validator_outstanding_rewards(ctx, q).unwrap().rewards.unwrap();
        assert_eq!(shown(&outstanding.rewards), base("100.000000000000000000"));
        let q = QueryValidatorCommissionRequest { validator_address: validator_address.clone() };
        let commission = Distribution.validator_commission(ctx, q).unwrap().commission.unwrap();
        assert_eq!(shown(&commission.commission), base("10.000000000000000000"));
        let params = Distribution.params(ctx, QueryParamsRequest {}).unwrap().params.unwrap();
        assert!(params.withdraw_addr_enabled);
        assert!(Distribution.community_pool(ctx, QueryCommunityPoolRequest {}).unwrap().pool.is_empty());
    });
}

#[test]
fn the_books_of_a_delegator() {
    let mut world = World::of(&[10 * M, 10 * M]);
    world.delegate(3, 1, 10 * M).unwrap();
    world.delegate(3, 2, 10 * M).unwrap();
    world.block(0);
    world.block(80);
    let delegator_address = user(3).to_string();
    world.chain.run(|ctx| {
        let q = QueryDelegationTotalRewardsRequest { delegator_address: delegator_address.clone() };
        let all = Distribution.delegation_total_rewards(ctx, q).unwrap();
        let rewards: Vec<_> = all.rewards.iter().map(|r| (r.validator_address.clone(), shown(&r.reward))).collect();
        let of = |n: u8, amount: &str| (operator_text(&user(n)), base(amount));
        assert_eq!(rewards, [of(1, "20.000000000000000000"), of(2, "20.000000000000000000")]);
        assert_eq!(shown(&all.total), base("40.000000000000000000"));
        let q = QueryDelegatorValidatorsRequest { delegator_address: delegator_address.clone() };
        assert_eq!(Distribution.delegator_validators(ctx, q).unwrap().validators, [operator_text(&user(1)), operator_text(&user(2))]);
        let q = QueryDelegatorWithdrawAddressRequest { delegator_address: delegator_address.clone() };
        assert_eq!(Distribution.delegator_withdraw_address(ctx, q).unwrap().withdraw_address, delegator_address);
        let none = QueryDelegationTotalRewardsRequest { delegator_address: user(8).to_string() };
        assert!(Distribution.delegation_total_rewards(ctx, none).unwrap().total.is_empty());
    });
    let paid = (world.withdraw(3, 1).unwrap(), world.withdraw(3, 2).unwrap());
    assert_eq!(paid, (20, 20), "what was shown is what is paid");
}

#[test]
fn slashes_by_height() {
    let mut world = World::of(&[100 * M]);
    let first = world.chain.block.height;
    for _ in 0..3 {
        let height = world.chain.block.height;
        world.slash(1, height, 100).unwrap();
        world.block(0);
    }
    let q = |starting_height, ending_height, limit| QueryValidatorSlashesRequest {
        validator_address: operator_text(&user(1)),
        starting_height,
        ending_height,
        pagination: Some(PageRequest { limit, ..PageRequest::default() }),
    };
    let mut ask = |from, to, limit| {
        let answer = world.chain.run(|ctx| Distribution.validator_slashes(ctx, q(from, to, limit))).unwrap();
        (answer.slashes.iter().map(|s| s.fraction.clone()).collect::<Vec<_>>(), answer.pagination.unwrap().next_key.is_empty())
    };
    let tenth = "100000000000000000".to_owned();
    assert_eq!(ask(0, first + 9, 0), (vec![tenth.clone(); 3], true));
    assert_eq!(ask(first + 1, first + 1, 0), (vec![tenth.clone()], true));
    assert_eq!(ask(0, first + 9, 2), (vec![tenth; 2], false));
    assert_eq!(ask(first + 3, first + 9, 0), (vec![], true));
    assert_eq!(code(world.chain.run(|ctx| Distribution.validator_slashes(ctx, q(2, 1, 0)))), ("sdk", 18));
}

#[test]
fn questions_about_nobody_are_refused() {
    let mut world = World::of(&[10 * M]);
    world.chain.run(|ctx| {
        let (delegator, other) = (user(1).to_string(), operator_text(&user(2)));
        for (validator, refusal) in [(other.as_str(), ("distribution", 12)), ("", ("sdk", 18)), (delegator.as_str(), ("sdk", 7))] {
            let validator_address = validator.to_owned();
            let q = QueryValidatorCommissionRequest { validator_address: validator_address.clone() };
            assert_eq!(code(Distribution.validator_commission(ctx, q)), refusal);
            let q = QueryValidatorOutstandingRewardsRequest { validator_address: validator_address.clone() };
            assert_eq!(code(Distribution.validator_outstanding_rewards(ctx, q)), refusal);
            let q = QueryValidatorDistributionInfoRequest { validator_address: validator_address.clone() };
            assert_eq!(code(Distribution.validator_distribution_info(ctx, q)), refusal);
            let q = QueryDelegationRewardsRequest { delegator_address: delegator.clone(), validator_address };
            assert_eq!(code(Distribution.delegation_rewards(ctx, q)), refusal);
        }
        let q = QueryDelegationRewardsRequest { delegator_address: user(3).to_string(), validator_address: operator_text(&user(1)) };
        assert_eq!(code(Distribution.delegation_rewards(ctx, q)), ("distribution", 13));
        for (text, refusal) in [("", ("sdk", 18)), ("x", ("sdk", 7))] {
            let delegator_address = text.to_owned();
            let q = QueryDelegationTotalRewardsRequest { delegator_address: delegator_address.clone() };
            assert_eq!(code(Distribution.delegation_total_rewards(ctx, q)), refusal);
            let q = QueryDelegatorValidatorsRequest { delegator_address: delegator_address.clone() };
            assert_eq!(code(Distribution.delegator_validators(ctx, q)), refusal);
            let q = QueryDelegatorWithdrawAddressRequest { delegator_address };
            assert_eq!(code(Distribution.delegator_withdraw_address(ctx, q)), refusal);
        }
    });
}
