//! Accounts whose coins come free over time, and what they can do until then.
use cairn_auth::vesting::locked;
use cairn_proto::{
    Any,
    cosmos::{
        auth::v1beta1::{QueryAccountRequest, QueryServer as _},
        vesting::v1beta1::{
            ContinuousVestingAccount, DelayedVestingAccount, MsgCreatePeriodicVestingAccount, MsgCreatePermanentLockedAccount,
            MsgCreateVestingAccount, MsgServer, Period, PeriodicVestingAccount, PermanentLockedAccount,
        },
    },
    unpack,
};

use super::*;

const NOW: i64 = 1_700_000_000;
const POOL_ADDRESS: u8 = 77;

fn msg(amount: u128, end_time: i64, delayed: bool) -> MsgCreateVestingAccount {
    MsgCreateVestingAccount {
        from_address: user(1).to_string(),
        to_address: user(9).to_string(),
        amount: coins(&[("ucairn", amount)]),
        end_time,
        delayed,
    }
}

fn create(chain: &mut Chain, m: MsgCreateVestingAccount) -> Result<()> {
    chain.tx(|ctx| Bank.create_vesting_account(ctx, m)).map(drop)
}

fn periodic(start_time: i64, periods: &[(i64, u128)]) -> MsgCreatePeriodicVestingAccount {
    let period = |(length, amount): &(i64, u128)| Period { length: *length, amount: coins(&[("ucairn", *amount)]) };
    MsgCreatePeriodicVestingAccount {
        from_address: user(1).to_string(),
        to_address: user(9).to_string(),
        start_time,
        vesting_periods: periods.iter().map(period).collect(),
    }
}

fn locked_now(chain: &mut Chain) -> u128 {
    chain.run(|ctx| locked(ctx, &user(9))).unwrap().amount_of("ucairn")
}

fn at(chain: &mut Chain, seconds: i64) -> u128 {
    chain.block.time = u64::try_from(NOW.checked_add(seconds).unwrap()).unwrap();
    locked_now(chain)
}

fn spend(chain: &mut Chain, amount: u128) -> Result<()> {
    chain.tx(|ctx| crate::send(ctx, &user(9), &user(2), &[Coin::new("ucairn", amount)]))
}

fn account(chain: &mut Chain) -> Any {
    let q = QueryAccountRequest { address: user(9).to_string() };
    chain.run(|ctx| Auth.account(ctx, q)).unwrap().account.unwrap()
}

#[test]
fn coins_come_free_second_by_second() {
    let mut chain = chain();
    create(&mut chain, msg(100, NOW + 1_000, false)).unwrap();
    check(&mut chain);
    assert_eq!(
        [0, 5, 14, 15, 500, 999, 1_000, 9_000].map(|s| at(&mut chain, s)),
        [100, 100, 99, 98, 50, 0, 0, 0],
        "rounded, halves to even"
    );
    at(&mut chain, 500);
    refused_code(spend(&mut chain, 51), 5);
    spend(&mut chain, 50).unwrap();
    refused_code(spend(&mut chain, 1), 5);
    let shown: ContinuousVestingAccount = unpack(&account(&mut chain)).unwrap();
    let base = shown.base_vesting_account.unwrap();
    assert_eq!((shown.start_time, base.end_time, base.base_account.unwrap().address), (NOW, NOW + 1_000, user(9).to_string()));
}

#[test]
fn delayed_coins_come_free_at_once_and_locked_ones_never() {
    let mut one = chain();
    create(&mut one, msg(100, NOW + 10, true)).unwrap();
    assert_eq!([0, 9, 10].map(|s| at(&mut one, s)), [100, 100, 0]);
    unpack::<DelayedVestingAccount>(&account(&mut one)).unwrap();
    let mut other = chain();
    let m = MsgCreatePermanentLockedAccount {
        from_address: user(1).to_string(),
        to_address: user(9).to_string(),
        amount: coins(&[("ucairn", 60)]),
    };
    other.tx(|ctx| Bank.create_permanent_locked_account(ctx, m)).unwrap();
    assert_eq!(at(&mut other, 1 << 40), 60);
    unpack::<PermanentLockedAccount>(&account(&mut other)).unwrap();
    other.tx(|ctx| crate::send(ctx, &user(2), &user(9), &[Coin::new("ucairn", 7)])).unwrap();
    refused_code(spend(&mut other, 8), 5);
    spend(&mut other, 7).unwrap();
}

#[test]
fn periods_end_one_after_the_other() {
    let mut chain = chain();
    let m = periodic(NOW + 100, &[(10, 30), (20, 50), (5, 20)]);
    chain.tx(|ctx| Bank.create_periodic_vesting_account(ctx, m)).unwrap();
    assert_eq!([0, 109, 110, 129, 130, 134, 135].map(|s| at(&mut chain, s)), [100, 100, 70, 70, 20, 20, 0]);
    let shown: PeriodicVestingAccount = unpack(&account(&mut chain)).unwrap();
    assert_eq!((shown.vesting_periods.len(), shown.base_vesting_account.unwrap().end_time), (3, NOW + 135));
}

#[test]
fn locked_coins_are_delegated_first_and_come_back_last() {
    let mut chain = chain();
    let pool = Address::new(&[POOL_ADDRESS; 20]).unwrap();
    create(&mut chain, msg(80, NOW + 10, true)).unwrap();
    chain.tx(|ctx| crate::send(ctx, &user(2), &user(9), &[Coin::new("ucairn", 50)])).unwrap();
    let delegate = |chain: &mut Chain, amount| chain.tx(|ctx| crate::delegate(ctx, &user(9), &pool, &[Coin::new("ucairn", amount)]));
    let undelegate = |chain: &mut Chain, amount| chain.tx(|ctx| crate::undelegate(ctx, &pool, &user(9), &[Coin::new("ucairn", amount)]));
    delegate(&mut chain, 60).unwrap();
    assert_eq!((locked_now(&mut chain), held(&mut chain, &user(9), "ucairn")), (20, 70));
    spend(&mut chain, 50).unwrap();
    refused_code(spend(&mut chain, 1), 5);
    delegate(&mut chain, 20).unwrap();
    refused_code(delegate(&mut chain, 1), 5);
    assert_eq!(locked_now(&mut chain), 0);
    undelegate(&mut chain, 30).unwrap();
    assert_eq!((locked_now(&mut chain), held(&mut chain, &user(9), "ucairn")), (30, 30));
    refused_code(spend(&mut chain, 1), 5);
    at(&mut chain, 10);
    spend(&mut chain, 30).unwrap();
    check(&mut chain);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut chain = chain();
    refused_code(create(&mut chain, msg(0, NOW + 10, false)), 10);
    refused_code(create(&mut chain, msg(10, 0, true)), 18);
    refused_code(create(&mut chain, msg(10, NOW, false)), 18);
    refused_code(create(&mut chain, msg(101, NOW + 10, false)), 5);
    refused_code(create(&mut chain, MsgCreateVestingAccount { to_address: user(2).to_string(), ..msg(10, NOW + 10, false) }), 18);
    refused_code(create(&mut chain, MsgCreateVestingAccount { to_address: MINTER.address().to_string(), ..msg(10, NOW + 10, false) }), 4);
    refused_code(create(&mut chain, MsgCreateVestingAccount { to_address: "nobody".into(), ..msg(10, NOW + 10, false) }), 7);
    let many = vec![(1, 1); 101];
    let cases: [(i64, &[(i64, u128)]); 5] =
        [(0, &[(1, 1)]), (NOW, &[]), (NOW, &[(0, 1)]), (NOW, &[(i64::MAX, 1), (i64::MAX, 1)]), (NOW, &many)];
    for (start, periods) in cases {
        let m = periodic(start, periods);
        refused_code(chain.tx(|ctx| Bank.create_periodic_vesting_account(ctx, m)), 18);
    }
    assert_eq!(held(&mut chain, &user(9), "ucairn"), 0);
}

#[test]
fn genesis_keeps_the_schedule_and_what_is_delegated() {
    let mut one = chain();
    create(&mut one, msg(80, NOW + 10, true)).unwrap();
    let pool = Address::new(&[POOL_ADDRESS; 20]).unwrap();
    one.tx(|ctx| crate::delegate(ctx, &user(9), &pool, &[Coin::new("ucairn", 30)])).unwrap();
    let accounts = one.run(|ctx| Auth.export(ctx)).unwrap();
    let mut other = unstarted();
    other.run(|ctx| Auth.init(ctx, accounts.clone())).unwrap();
    assert_eq!(locked_now(&mut other), 50);
    assert_eq!(other.run(|ctx| Auth.export(ctx)).unwrap(), accounts);
}

/// Refused with this code, whatever the codespace.
#[track_caller]
fn refused_code<T: std::fmt::Debug>(result: Result<T>, code: u32) {
    let error = result.unwrap_err();
    assert_eq!(error.code, code, "{}", error.log);
}
