//! Each message: what it does, and each of its refusals by its code.
use cairn_auth::authority;
use cairn_bank::Bank;
use cairn_kernel::{Coin, Dec};
use cairn_proto::cosmos::{
    crypto::secp256k1::PubKey as Secp256k1,
    staking::v1beta1::{Description, MsgCreateValidator, MsgEditValidator, MsgServer, MsgUpdateParams, Params},
    vesting::v1beta1::{MsgCreateVestingAccount, MsgServer as _},
};
use cairn_proto::pack;

use super::*;
use crate::{Staking, operator_text};

#[test]
fn a_validator_is_created_with_what_its_operator_delegates() {
    let mut world = World::new();
    let events = world.tx(|ctx| Staking.create_validator(ctx, creation(1, 7 * M)).map(|_| ctx.take_events())).unwrap();
    assert_eq!(
        attributes(&events, "create_validator"),
        [("validator".to_owned(), operator_text(&user(1))), ("amount".to_owned(), Coin::base(7 * M).to_string())]
    );
    assert_eq!(world.heard(), ["created 1", "delegating 1 1", "changed 1 1"]);
    assert_eq!((world.tokens(1), world.shares(1, 1), world.balance(1)), (7 * M, Dec::from_int(7 * M), FUNDS - 7 * M));
    assert_eq!(world.end(), [(1, 7)]);
    assert_eq!(world.heard(), ["bonded 1", "set 1:7"]);
}

#[test]
fn a_validator_is_refused_by_the_codes_of_the_sdk() {
    let mut world = World::of(&[M]);
    let mut refused = |change: fn(&mut MsgCreateValidator)| {
        let mut m = creation(2, 10 * M);
        change(&mut m);
        code(world.tx(|ctx| Staking.create_validator(ctx, m)))
    };
    assert_eq!(refused(|m| m.validator_address = user(2).to_string()), ("sdk", 7));
    assert_eq!(refused(|m| m.validator_address = operator_text(&user(1))), ("staking", 4));
    assert_eq!(refused(|m| m.pubkey = Some(key(1))), ("staking", 5));
    assert_eq!(refused(|m| m.pubkey = None), ("staking", 6));
    assert_eq!(refused(|m| m.pubkey = Some(pack(&Secp256k1 { key: vec![2; 33] }))), ("staking", 6));
    assert_eq!(refused(|m| m.pubkey.as_mut().unwrap().value.truncate(20)), ("staking", 6));
    assert_eq!(refused(|m| m.value = coin(0)), ("sdk", 18));
    assert_eq!(refused(|m| m.value = None), ("sdk", 18));
    assert_eq!(refused(|m| m.value = Some(Coin::new("uatom", 5).into())), ("sdk", 18));
    assert_eq!(refused(|m| m.value = coin(FUNDS + 1)), ("sdk", 5));
    assert_eq!(refused(|m| m.min_self_delegation = "0".into()), ("sdk", 18));
    assert_eq!(refused(|m| m.min_self_delegation = "-1".into()), ("sdk", 18));
    assert_eq!(refused(|m| m.min_self_delegation = (10 * M + 1).to_string()), ("staking", 16));
    assert_eq!(refused(|m| m.description = None), ("sdk", 18));
    assert_eq!(refused(|m| m.description.as_mut().unwrap().moniker = "x".repeat(71)), ("sdk", 18));
    assert_eq!(refused(|m| m.description.as_mut().unwrap().details = "x".repeat(281)), ("sdk", 18));
    assert_eq!(refused(|m| m.commission = None), ("sdk", 18));
    assert_eq!(refused(|m| m.commission.as_mut().unwrap().rate = "-1".into()), ("staking", 9));
    assert_eq!(refused(|m| m.commission = rates("10", "101", "1")), ("staking", 10));
    assert_eq!(refused(|m| m.commission = rates("21", "20", "1")), ("staking", 11));
    assert_eq!(refused(|m| m.commission.as_mut().unwrap().max_change_rate = "-1".into()), ("staking", 13));
    assert_eq!(refused(|m| m.commission = rates("10", "20", "21")), ("staking", 14));
    *world.ear.refuses.lock().unwrap() = Some("created");
    assert_eq!(code(world.create(2, M)), ("sdk", 4));
    assert!(world.validator(2).is_none(), "a hook's refusal undoes everything");
}

#[test]
fn the_chain_may_ask_for_a_lowest_commission() {
    let mut world = World::new();
    set_params(&mut world, |p| p.min_commission_rate = "110000000000000000".into()).unwrap();
    assert_eq!(code(world.create(1, M)), ("staking", 40));
}

fn set_params(world: &mut World, change: impl FnOnce(&mut Params)) -> cairn_kernel::Result<()> {
    let mut params = rules();
    change(&mut params);
    let m = MsgUpdateParams { authority: authority().to_string(), params: Some(params) };
    world.tx(|ctx| Staking.update_params(ctx, m).map(drop))
}

fn edit(world: &mut World, change: impl FnOnce(&mut MsgEditValidator)) -> cairn_kernel::Result<()> {
    let keep = || "[do-not-modify]".to_owned();
    let description = Description { moniker: keep(), identity: keep(), website: keep(), security_contact: keep(), details: keep() };
    let mut m =
        MsgEditValidator { description: Some(description), validator_address: operator_text(&user(1)), ..MsgEditValidator::default() };
    change(&mut m);
    world.tx(|ctx| Staking.edit_validator(ctx, m).map(drop))
}

#[test]
fn a_validator_changes_what_it_says_of_itself() {
    let mut world = World::of(&[5 * M]);
    edit(&mut world, |m| m.description.as_mut().unwrap().website = "https://cairn.example".into()).unwrap();
    let said = world.validator(1).unwrap().description.unwrap();
    assert_eq!((said.moniker.as_str(), said.website.as_str()), ("validator 1", "https://cairn.example"));
    edit(&mut world, |m| m.min_self_delegation = (5 * M).to_string()).unwrap();
    assert_eq!(world.validator(1).unwrap().min_self_delegation, (5 * M).to_string());
    world.heard();

    assert_eq!(code(edit(&mut world, |m| m.validator_address = operator_text(&user(2)))), ("staking", 3));
    assert_eq!(code(edit(&mut world, |m| m.description = None)), ("sdk", 18));
    assert_eq!(code(edit(&mut world, |m| m.description.as_mut().unwrap().identity = "x".repeat(3_001))), ("sdk", 18));
    assert_eq!(code(edit(&mut world, |m| m.min_self_delegation = "0".into())), ("sdk", 18));
    assert_eq!(code(edit(&mut world, |m| m.min_self_delegation = (5 * M).to_string())), ("staking", 17));
    assert_eq!(code(edit(&mut world, |m| m.min_self_delegation = (5 * M + 1).to_string())), ("staking", 16));
    assert!(world.heard().is_empty());
}

#[test]
fn a_commission_changes_once_a_day_and_by_promised_steps() {
    let mut world = World::of(&[5 * M]);
    let percent = |n: u64| Dec::with_places(n, 2).unwrap().to_wire();
    assert_eq!(code(edit(&mut world, |m| m.commission_rate = percent(11))), ("staking", 12));
    world.chain.block.time += 86_399 - 1;
    assert_eq!(code(edit(&mut world, |m| m.commission_rate = percent(11))), ("staking", 12));
    world.chain.block.time += 1;
    assert_eq!(code(edit(&mut world, |m| m.commission_rate = percent(101))), ("sdk", 18));
    assert_eq!(code(edit(&mut world, |m| m.commission_rate = "-1".into())), ("sdk", 18));
    assert_eq!(code(edit(&mut world, |m| m.commission_rate = percent(21))), ("staking", 11));
    assert_eq!(code(edit(&mut world, |m| m.commission_rate = percent(12))), ("staking", 15));
    edit(&mut world, |m| m.commission_rate = percent(11)).unwrap();
    assert_eq!(world.heard(), ["modified 1"]);
    world.chain.block.time += 86_400;
    edit(&mut world, |m| m.commission_rate = percent(0)).unwrap();
    let commission = world.validator(1).unwrap().commission.unwrap();
    assert_eq!(commission.commission_rates.unwrap().rate, "0");
    set_params(&mut world, |p| p.min_commission_rate = percent(1)).unwrap();
    world.chain.block.time += 86_400;
    assert_eq!(code(edit(&mut world, |m| m.commission_rate = percent(0))), ("sdk", 18));
}

#[test]
fn a_delegation_counts_at_the_end_of_the_block() {
    let mut world = World::of(&[M, 2 * M]);
    world.delegate(3, 1, 4 * M).unwrap();
    assert_eq!(world.heard(), ["delegating 3 1", "changed 3 1"]);
    assert_eq!(world.end(), [(1, 5)]);
    assert_eq!(world.heard(), ["set 1:5,2:2"]);
    world.delegate(3, 1, 999_999).unwrap();
    assert_eq!(world.heard(), ["changing 3 1", "changed 3 1"]);
    assert!(world.end().is_empty(), "less than a unit of power changes nothing");
    assert_eq!(world.balance(3), FUNDS - 4_999_999);

    assert_eq!(code(world.delegate(3, 9, 1)), ("staking", 3));
    assert_eq!(code(world.delegate(3, 1, 0)), ("sdk", 18));
    assert_eq!(code(world.delegate(3, 1, FUNDS)), ("sdk", 5));
}

#[test]
fn what_leaves_is_paid_when_its_time_is_over() {
    let mut world = World::of(&[3 * M]);
    world.delegate(2, 1, 2 * M).unwrap();
    world.end();
    world.heard();
    assert_eq!(world.undelegate(2, 1, M).unwrap(), M);
    assert_eq!(world.heard(), ["changing 2 1", "changed 2 1"]);
    assert_eq!(world.undelegate(2, 1, M).unwrap(), M);
    assert_eq!(world.heard(), ["changing 2 1", "leaving 2 1"]);
    assert_eq!(world.end_after(UNBONDING - 1), [(1, 3)]);
    assert_eq!(world.balance(2), FUNDS - 2 * M);
    world.end();
    assert_eq!(world.balance(2), FUNDS - 2 * M, "one second is left");
    world.end();
    assert_eq!(world.balance(2), FUNDS);

    assert_eq!(code(world.undelegate(2, 1, M)), ("staking", 19));
    assert_eq!(code(world.undelegate(2, 9, M)), ("staking", 3));
    assert_eq!(code(world.undelegate(1, 1, 0)), ("sdk", 18));
    assert_eq!(code(world.undelegate(1, 1, 3 * M + 1)), ("sdk", 18));
}

#[test]
fn entries_of_one_block_are_one_and_there_are_at_most_seven() {
    let mut world = World::of(&[100 * M]);
    for _ in 0..7 {
        world.undelegate(1, 1, M).unwrap();
        // The second in the same block joins the first.
        world.undelegate(1, 1, M).ok();
        world.end();
    }
    assert_eq!(code(world.undelegate(1, 1, M)), ("staking", 27));
    world.end_after(UNBONDING);
    world.end();
    world.undelegate(1, 1, M).unwrap();
    assert!(world.balance(1) >= FUNDS - 100 * M + 13 * M);
}

#[test]
fn an_operator_that_breaks_its_promise_is_jailed() {
    let mut world = World::of(&[3 * M, M]);
    edit(&mut world, |m| m.min_self_delegation = (2 * M).to_string()).unwrap();
    world.undelegate(1, 1, M).unwrap();
    assert!(!world.validator(1).unwrap().jailed);
    world.undelegate(1, 1, 1).unwrap();
    assert!(world.validator(1).unwrap().jailed);
    assert_eq!(world.end(), [(1, 0)]);
}

#[test]
fn what_unbonds_can_stay_after_all() {
    let mut world = World::of(&[3 * M]);
    world.undelegate(1, 1, 2 * M).unwrap();
    let created = world.chain.block.height;
    world.end();
    assert_eq!(code(world.cancel(1, 1, 2 * M + 1, created)), ("sdk", 18));
    assert_eq!(code(world.cancel(1, 1, M, created + 1)), ("sdk", 38));
    assert_eq!(code(world.cancel(1, 1, M, 0)), ("sdk", 18));
    assert_eq!(code(world.cancel(2, 1, M, created)), ("sdk", 38));
    assert_eq!(code(world.cancel(1, 1, 0, created)), ("sdk", 18));
    assert_eq!(code(world.cancel(1, 9, M, created)), ("staking", 3));
    world.cancel(1, 1, M, created).unwrap();
    assert_eq!(world.tokens(1), 2 * M);
    assert_eq!(world.end(), [(1, 2)]);
    world.cancel(1, 1, M, created).unwrap();
    assert_eq!(code(world.cancel(1, 1, M, created)), ("sdk", 38));
    world.end_after(2 * UNBONDING);
    world.end();
    assert_eq!((world.balance(1), world.tokens(1)), (FUNDS - 3 * M, 3 * M));
}

#[test]
fn nothing_stays_at_a_jailed_validator() {
    let mut world = World::of(&[3 * M, M]);
    world.undelegate(1, 1, M).unwrap();
    let created = world.chain.block.height;
    world.jail(1);
    assert_eq!(code(world.cancel(1, 1, M, created)), ("staking", 7));
}

#[test]
fn a_delegation_moves_at_once() {
    let mut world = World::of(&[3 * M, M]);
    world.delegate(3, 1, 2 * M).unwrap();
    world.end();
    world.redelegate(3, 1, 2, M).unwrap();
    assert_eq!((world.tokens(1), world.tokens(2)), (4 * M, 2 * M));
    assert_eq!(world.end(), [(1, 4), (2, 2)]);

    assert_eq!(code(world.redelegate(3, 1, 1, M)), ("staking", 29));
    assert_eq!(code(world.redelegate(3, 1, 9, M)), ("staking", 31));
    assert_eq!(code(world.redelegate(3, 9, 1, M)), ("staking", 3));
    assert_eq!(code(world.redelegate(3, 2, 1, M)), ("staking", 32), "what just arrived cannot go on");
    assert_eq!(code(world.redelegate(4, 1, 2, M)), ("staking", 19));
    assert_eq!(code(world.redelegate(3, 1, 2, 0)), ("sdk", 18));
    world.end_after(UNBONDING);
    world.end();
    world.redelegate(3, 2, 1, M).unwrap();
}

#[test]
fn at_most_seven_redelegations_are_on_their_way() {
    let mut world = World::of(&[100 * M, M]);
    for _ in 0..7 {
        world.redelegate(1, 1, 2, M).unwrap();
    }
    assert_eq!(code(world.redelegate(1, 1, 2, M)), ("staking", 33));
}

#[test]
fn what_is_worth_nothing_does_not_move() {
    let mut world = World::of(&[3 * M, M]);
    let half = Dec::with_places(9, 1).unwrap();
    world.slash(1, 1, 3, &half).unwrap();
    // 0.3 M tokens are left for 3 M shares: one token is ten shares, so that one share is no token.
    let key = (user(1), user(1), user(2));
    let tiny = world.tx(|ctx| crate::redelegations::begin(ctx, &key, &Dec::one()));
    assert_eq!(code(tiny), ("staking", 30));
}

#[test]
fn rules_are_governances_and_within_bounds() {
    let mut world = World::new();
    let m = MsgUpdateParams { authority: user(1).to_string(), params: Some(rules()) };
    assert_eq!(code(world.tx(|ctx| Staking.update_params(ctx, m))), ("sdk", 4));
    let m = MsgUpdateParams { authority: authority().to_string(), params: None };
    assert_eq!(code(world.tx(|ctx| Staking.update_params(ctx, m))), ("staking", 60));
    let breaks: [fn(&mut Params); 6] = [
        |p| p.unbonding_time = None,
        |p| p.max_validators = 0,
        |p| p.max_entries = 0,
        |p| p.bond_denom = "uatom".into(),
        |p| p.min_commission_rate = "1000000000000000001".into(),
        |p| p.min_commission_rate = String::new(),
    ];
    for change in breaks {
        assert_eq!(code(set_params(&mut world, change)), ("staking", 60));
    }
    assert_eq!(code(set_params(&mut world, |p| p.bond_denom = "!".into())), ("sdk", 10));
    set_params(&mut world, |p| p.max_validators = 1).unwrap();
    assert_eq!(world.chain.run(|ctx| crate::params(ctx)).unwrap().max_validators, 1);
}

/// Coins that come free later can be staked at once, and are locked again when they come back.
#[test]
fn locked_coins_can_be_staked() {
    let mut world = World::of(&[3 * M]);
    let end = i64::try_from(world.chain.block.time).unwrap() + 10 * i64::try_from(UNBONDING).unwrap();
    let give = MsgCreateVestingAccount {
        from_address: user(2).to_string(),
        to_address: user(77).to_string(),
        amount: coin(5 * M).into_iter().collect(),
        end_time: end,
        delayed: true,
    };
    world.tx(|ctx| Bank.create_vesting_account(ctx, give)).unwrap();
    let spend = |world: &mut World| world.tx(|ctx| cairn_bank::send(ctx, &user(77), &user(2), &[Coin::new("ucairn", 1)]));
    assert_eq!(code(spend(&mut world)), ("sdk", 5));
    world.delegate(77, 1, 4 * M).unwrap();
    assert_eq!(code(world.delegate(77, 1, 2 * M)), ("sdk", 5));
    world.undelegate(77, 1, 3 * M).unwrap();
    world.end_after(UNBONDING);
    world.end();
    assert_eq!(world.chain.run(|ctx| cairn_bank::balance(ctx, &user(77), "ucairn")).unwrap(), 4 * M);
    assert_eq!(code(spend(&mut world)), ("sdk", 5));
    world.end_after(10 * UNBONDING);
    spend(&mut world).unwrap();
    world.check();
}
