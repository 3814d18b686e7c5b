//! Each message: what it does, and each refusal by its code.
use cairn_kernel::{Coin, Coins, Dec};
use cairn_proto::cosmos::{
    base::v1beta1::Coin as WireCoin,
    distribution::v1beta1::{
        MsgCommunityPoolSpend, MsgDepositValidatorRewardsPool, MsgFundCommunityPool, MsgServer, MsgSetWithdrawAddress, MsgUpdateParams,
        MsgWithdrawDelegatorReward, MsgWithdrawValidatorCommission, Params,
    },
};
use cairn_staking::operator_text;

use super::*;
use crate::{ACCOUNT, Distribution, withdraw_address};

fn authority() -> String {
    cairn_auth::authority().to_string()
}

#[test]
fn fees_go_to_validators_by_power_and_to_delegators_by_stake() {
    let mut world = World::of(&[20 * M, 10 * M]);
    world.delegate(3, 1, 10 * M).unwrap();
    world.block(0);
    let events = world.block(800);
    assert_eq!(world.earned(1, 1), base("400.000000000000000000"));
    assert_eq!(world.earned(3, 1), base("200.000000000000000000"));
    assert_eq!(world.earned(2, 2), base("200.000000000000000000"));
    let (one, two) = (operator_text(&user(1)), operator_text(&user(2)));
    let paid = |amount: &str, validator: &str| vec![format!("amount={amount}"), format!("validator={validator}")];
    assert_eq!(shown(&events, "rewards"), [paid("600.000000000000000000ucairn", &one), paid("200.000000000000000000ucairn", &two)]);
    assert_eq!(shown(&events, "commission"), [paid("", &one), paid("", &two)]);
    assert!(world.block(0).is_empty(), "where nothing came in nothing is said");
}

#[test]
fn commission_and_tax_come_first() {
    let mut world = World::new();
    world.create(1, 10 * M, 10).unwrap();
    let update = |tax: &str| MsgUpdateParams { authority: authority(), params: Some(params(tax)) };
    world.tx(|ctx| Distribution.update_params(ctx, update("20000000000000000"))).unwrap();
    world.block(0);
    let events = world.block(1_000);
    assert_eq!(world.pool().to_string(), base("20.000000000000000000"));
    assert_eq!(world.commission(1).to_string(), base("98.000000000000000000"));
    assert_eq!(world.earned(1, 1), base("882.000000000000000000"));
    assert_eq!(world.outstanding(1).to_string(), base("980.000000000000000000"));
    assert_eq!(shown(&events, "commission")[0][0], "amount=98.000000000000000000ucairn");
    let before = world.balance(&user(1));
    assert_eq!(world.withdraw_commission(1).unwrap(), 98);
    assert_eq!(world.withdraw(1, 1).unwrap(), 882);
    assert_eq!(world.balance(&user(1)), before + 980);
    assert_eq!(code(world.withdraw_commission(1)), ("distribution", 7));
    assert_eq!(world.withdraw(1, 1).unwrap(), 0);
    world.check();
}

fn params(tax: &str) -> Params {
    Params { community_tax: tax.into(), ..crate::default_params() }
}

#[test]
fn nothing_is_divided_at_the_first_block_and_without_votes_all_is_the_communitys() {
    let mut world = World::new();
    world.block(0);
    world.block(77);
    assert_eq!(world.pool().to_string(), base("77.000000000000000000"));
    let mut world = World::new();
    world.chain.run(|ctx| cairn_bank::send(ctx, &user(9), &cairn_auth::FEE_COLLECTOR.address(), &[Coin::base(5)])).unwrap();
    world.begin();
    assert_eq!((world.held(), world.pool().is_empty()), (0, true));
}

#[test]
fn the_part_of_a_validator_that_is_gone_is_the_communitys() {
    let mut world = World::of(&[30 * M, 10 * M]);
    world.chain.run(|ctx| cairn_bank::send(ctx, &user(9), &cairn_auth::FEE_COLLECTOR.address(), &[Coin::base(400)])).unwrap();
    world.chain.block.height += 1;
    world.chain.block.votes[0].validator = vec![9; 20];
    world.begin();
    let (pool, rest) = (world.pool(), world.outstanding(1).add(&world.outstanding(2)).unwrap());
    assert_eq!(pool.add(&rest).unwrap().amount_of("ucairn"), Dec::from_int(400));
    assert!(pool.amount_of("ucairn") >= Dec::from_int(100), "{pool}");
}

#[test]
fn rewards_are_paid_where_an_account_wants_them() {
    let mut world = World::of(&[10 * M]);
    let set = |to: String| MsgSetWithdrawAddress { delegator_address: user(1).to_string(), withdraw_address: to };
    let events = world
        .tx(|ctx| {
            Distribution.set_withdraw_address(ctx, set(user(5).to_string()))?;
            Ok(ctx.events().to_vec())
        })
        .unwrap();
    assert_eq!(shown(&events, "set_withdraw_address"), [[format!("withdraw_address={}", user(5))]]);
    world.block(100);
    let (own, other) = (world.balance(&user(1)), world.balance(&user(5)));
    assert_eq!(world.withdraw(1, 1).unwrap(), 100);
    assert_eq!((world.balance(&user(1)), world.balance(&user(5))), (own, other + 100));
    assert_eq!(world.chain.run(|ctx| withdraw_address(ctx, &user(2))).unwrap(), user(2));

    let mut refused = |m| code(world.tx(|ctx| Distribution.set_withdraw_address(ctx, m)));
    assert_eq!(refused(set(ACCOUNT.address().to_string())), ("sdk", 4));
    assert_eq!(refused(set("cairn1".into())), ("sdk", 7));
    assert_eq!(refused(MsgSetWithdrawAddress { delegator_address: String::new(), ..set(user(5).to_string()) }), ("sdk", 7));
    let closed = Params { withdraw_addr_enabled: false, ..params("0") };
    let update = MsgUpdateParams { authority: authority(), params: Some(closed) };
    world.tx(|ctx| Distribution.update_params(ctx, update)).unwrap();
    assert_eq!(code(world.tx(|ctx| Distribution.set_withdraw_address(ctx, set(user(5).to_string())))), ("distribution", 8));
}

#[test]
fn withdrawals_that_are_none_are_refused() {
    let mut world = World::of(&[10 * M]);
    assert_eq!(code(world.withdraw(2, 1)), ("distribution", 5));
    assert_eq!(code(world.withdraw(1, 2)), ("distribution", 6));
    assert_eq!(code(world.withdraw_commission(2)), ("distribution", 7));
    let m = |delegator: &str, validator: &str| MsgWithdrawDelegatorReward {
        delegator_address: delegator.into(),
        validator_address: validator.into(),
    };
    let (user_text, operator) = (user(1).to_string(), operator_text(&user(1)));
    for (delegator, validator) in [("", operator.as_str()), (&user_text, ""), (&user_text, &user_text)] {
        assert_eq!(code(world.tx(|ctx| Distribution.withdraw_delegator_reward(ctx, m(delegator, validator)))), ("sdk", 7));
    }
    let m = MsgWithdrawValidatorCommission { validator_address: user_text };
    assert_eq!(code(world.tx(|ctx| Distribution.withdraw_validator_commission(ctx, m))), ("sdk", 7));
}

#[test]
fn a_withdrawal_says_what_it_paid_and_leaves_less_than_a_unit() {
    let mut world = World::of(&[10 * M]);
    world.delegate(2, 1, 20 * M).unwrap();
    world.block(100);
    assert_eq!(world.earned(2, 1), base("66.666666666660000000"));
    let m = MsgWithdrawDelegatorReward { delegator_address: user(2).to_string(), validator_address: operator_text(&user(1)) };
    let events = world
        .tx(|ctx| {
            Distribution.withdraw_delegator_reward(ctx, m)?;
            Ok(ctx.events().to_vec())
        })
        .unwrap();
    let said = [format!("amount={}", base("66")), format!("validator={}", operator_text(&user(1))), format!("delegator={}", user(2))];
    assert_eq!(shown(&events, "withdraw_rewards"), [said]);
    assert_eq!(world.pool().to_string(), base("0.666666666660000000"));
    assert_eq!(world.earned(2, 1), "");
    world.check();
}

#[test]
fn the_community_pool_is_filled_by_anyone_and_spent_by_governance() {
    let mut world = World::of(&[10 * M]);
    let fund = |amount: Vec<WireCoin>| MsgFundCommunityPool { depositor: user(2).to_string(), amount };
    let junk: WireCoin = Coin::new("junk", 7).into();
    world.tx(|ctx| Distribution.fund_community_pool(ctx, fund(vec![junk.clone(), coin(500)]))).unwrap();
    assert_eq!(world.pool().to_string(), "7.000000000000000000junk,500.000000000000000000ucairn");
    let mut refused = |m| code(world.tx(|ctx| Distribution.fund_community_pool(ctx, m)));
    assert_eq!(refused(fund(vec![])), ("sdk", 10));
    assert_eq!(refused(fund(vec![coin(0)])), ("sdk", 10));
    assert_eq!(refused(fund(vec![coin(1), junk.clone()])), ("sdk", 10));
    assert_eq!(refused(fund(vec![coin(FUNDS)])), ("sdk", 5));
    assert_eq!(refused(MsgFundCommunityPool { depositor: "x".into(), ..fund(vec![coin(1)]) }), ("sdk", 7));

    let spend = |amount: Vec<WireCoin>| MsgCommunityPoolSpend { authority: authority(), recipient: user(3).to_string(), amount };
    let before = world.balance(&user(3));
    world.tx(|ctx| Distribution.community_pool_spend(ctx, spend(vec![coin(499)]))).unwrap();
    assert_eq!(
        (world.balance(&user(3)), world.pool().to_string()),
        (before + 499, "7.000000000000000000junk,1.000000000000000000ucairn".into())
    );
    let mut refused = |m| code(world.tx(|ctx| Distribution.community_pool_spend(ctx, m)));
    assert_eq!(refused(spend(vec![coin(2)])), ("distribution", 9));
    assert_eq!(refused(spend(vec![Coin::new("other", 1).into()])), ("distribution", 9));
    assert_eq!(refused(spend(vec![])), ("sdk", 10));
    assert_eq!(refused(MsgCommunityPoolSpend { authority: user(1).to_string(), ..spend(vec![coin(1)]) }), ("sdk", 4));
    assert_eq!(refused(MsgCommunityPoolSpend { recipient: ACCOUNT.address().to_string(), ..spend(vec![coin(1)]) }), ("sdk", 4));
    assert_eq!(refused(MsgCommunityPoolSpend { recipient: String::new(), ..spend(vec![coin(1)]) }), ("sdk", 7));
    world.tx(|ctx| Distribution.community_pool_spend(ctx, spend(vec![junk, coin(1)]))).unwrap();
    assert!(world.pool().is_empty());
    assert_eq!(world.chain.run(|ctx| crate::spendable(ctx, "ucairn")).unwrap(), 0);
    world.check();
}

#[test]
fn a_deposit_is_a_reward_of_one_validator() {
    let mut world = World::new();
    world.create(1, 10 * M, 50).unwrap();
    world.block(0);
    let deposit = |n: u8, amount: Vec<WireCoin>| MsgDepositValidatorRewardsPool {
        depositor: user(2).to_string(),
        validator_address: operator_text(&user(n)),
        amount,
    };
    world.tx(|ctx| Distribution.deposit_validator_rewards_pool(ctx, deposit(1, vec![coin(10)]))).unwrap();
    world.block(0);
    assert_eq!((world.earned(1, 1), world.commission(1).to_string()), (base("5.000000000000000000"), base("5.000000000000000000")));
    let mut refused = |m| code(world.tx(|ctx| Distribution.deposit_validator_rewards_pool(ctx, m)));
    assert_eq!(refused(deposit(2, vec![coin(10)])), ("distribution", 12));
    assert_eq!(refused(deposit(1, vec![])), ("sdk", 10));
    assert_eq!(refused(deposit(1, vec![Coin::new("junk", 1).into()])), ("distribution", 62));
    assert_eq!(refused(deposit(1, vec![coin(FUNDS)])), ("sdk", 5));
    assert_eq!(refused(MsgDepositValidatorRewardsPool { depositor: "x".into(), ..deposit(1, vec![coin(1)]) }), ("sdk", 7));
    let named = MsgDepositValidatorRewardsPool { validator_address: user(1).to_string(), ..deposit(1, vec![coin(1)]) };
    assert_eq!(refused(named), ("sdk", 7));
}

#[test]
#[expect(deprecated, reason = "the retired fields are part of the message")]
fn parameters_have_bounds() {
    let mut world = World::new();
    let mut update = |m| world.tx(|ctx| Distribution.update_params(ctx, m).map(drop));
    let of = |params| MsgUpdateParams { authority: authority(), params: Some(params) };
    update(of(params("1000000000000000000"))).unwrap();
    update(of(Params { base_proposer_reward: String::new(), ..params("0") })).unwrap();
    for tax in ["", "-1", "1000000000000000001", "0.5"] {
        assert_eq!(code(update(of(params(tax)))), ("distribution", 60), "{tax}");
    }
    assert_eq!(code(update(MsgUpdateParams { authority: authority(), params: None })), ("distribution", 60));
    assert_eq!(code(update(MsgUpdateParams { authority: user(1).to_string(), params: Some(params("0")) })), ("sdk", 4));
    for retired in ["1", "x"] {
        assert_eq!(code(update(of(Params { base_proposer_reward: retired.into(), ..params("0") }))), ("sdk", 18));
        assert_eq!(code(update(of(Params { bonus_proposer_reward: retired.into(), ..params("0") }))), ("sdk", 18));
    }
}

#[test]
fn whoever_leaves_is_paid_and_a_removed_validator_leaves_nothing() {
    let mut world = World::new();
    world.create(1, 10 * M, 10).unwrap();
    world.create(2, 10 * M, 10).unwrap();
    world.block(0);
    world.delegate(3, 1, 7 * M).unwrap();
    world.block(1_001);
    let (delegator, operator) = (world.balance(&user(3)), world.balance(&user(1)));
    world.undelegate(3, 1, 7 * M).unwrap();
    assert_eq!(world.balance(&user(3)) - delegator, 233, "7/27 of 1,001, less a tenth");
    world.undelegate(1, 1, 10 * M).unwrap();
    world.block_after(UNBONDING, 0);
    world.block_after(UNBONDING, 0);
    assert!(world.validator(1).is_none());
    assert!(world.outstanding(1).is_empty());
    // Own rewards of 10/27, and a tenth of 17/27 as commission.
    assert_eq!(world.balance(&user(1)) - operator, 10 * M + 333 + 63);
    world.block(0);
    let left = Coins::strict(vec![Coin::base(world.held())]).unwrap();
    assert!(left.amount_of("ucairn") < 1_001 - 233 - 396 + 1);
}
