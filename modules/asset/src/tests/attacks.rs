//! Attacks on the income of assets: each prints what the attacker gained and what others lost.
#![allow(clippy::print_stdout, reason = "the figures are the report")]
use cairn_kernel::BASE_DENOM;

use super::*;

/// Income of the victim (user 1, all but the attacker's shares) after `rounds` payments, with or without dust sent to it in between.
fn victim_income(dust: bool) -> (u128, u128) {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    tokenize(&mut chain, 1, 1, 3_000_000, &[(1, 2_999_000), (66, 1_000)]).unwrap();
    for _ in 0..300 {
        pay(&mut chain, 5, 1, BASE_DENOM, 7).unwrap();
        if dust {
            chain.tx(|ctx| bank::send(ctx, &user(66), &user(1), &[Coin::new("share/1", 1)])).unwrap();
        }
    }
    assert_invariants(&mut chain);
    let amount = |coins: Vec<Coin>| coins.first().map_or(0, |c| c.amount);
    (amount(claimable(&mut chain, 1, 1)), amount(claimable(&mut chain, 1, 66)))
}

#[test]
fn dust_share_transfers_lose_no_income() {
    let ((alone, _), (dusted, attacker)) = (victim_income(false), victim_income(true));
    println!("victim: {alone} alone, {dusted} under 300 dust transfers; attacker: {attacker}");
    assert!(dusted >= alone);
    // 7 units on 3,000,000 shares are far below one unit a share: a rounding accumulator would lose all of it.
    assert!(dusted >= 2_099 - 2);
}

#[test]
fn diamond_lineage_stays_under_the_cap() {
    let mut chain = chain();
    let root = register(&mut chain, new_asset(1, &[])).unwrap();
    let mut layer = vec![root];
    let (mut registered, mut refusals) = (0, 0);
    for _ in 0..6 {
        let parents: Vec<_> = layer.iter().map(|id| (*id, 250)).collect();
        let next: Vec<_> = (0..2).map(|_| register(&mut chain, new_asset(1, &parents))).collect();
        refusals += next.iter().filter(|r| r.is_err()).count();
        let made: Vec<u64> = next.into_iter().flatten().collect();
        registered += made.len();
        if !made.is_empty() {
            layer = made;
        }
    }
    let stack = stored(&mut chain, *layer.last().unwrap()).stack;
    let total: u32 = stack.iter().map(|r| r.bps).sum();
    println!("{registered} assets in diamonds, {refusals} refused; the lowest passes on {total} bps to {} ancestors", stack.len());
    assert!(total <= 5_000 && refusals > 0);
    // The payer's asset keeps at least half, whatever the graph.
    pay(&mut chain, 5, *layer.last().unwrap(), BASE_DENOM, 1_000_000).unwrap();
    assert_invariants(&mut chain);
}

#[test]
fn junk_denominations_cannot_block_transfers() {
    let mut chain = chain();
    register(&mut chain, MsgRegisterAsset { income_denoms: (1..8).map(|i| format!("coin{i}")).collect(), ..new_asset(1, &[]) }).unwrap();
    tokenize(&mut chain, 1, 1, 1_000_000, &[(1, 1)]).unwrap();
    let mut accepted = 0;
    for i in 0..50 {
        accepted += usize::from(pay(&mut chain, 66, 1, &format!("junk{i}"), u128::MAX).is_ok());
    }
    // A stranger cannot spend the ancestors' places either: a child's junk needs their consent.
    let child = MsgRegisterAsset { income_denoms: vec!["junk0".into()], ..new_asset(66, &[(1, 0)]) };
    refused(register(&mut chain, child), Error::AncestorDenom { ancestor: 1, denom: "junk0".into() });
    let gas = cairn_kernel::Gas::new(150_000);
    let moved = chain.run(|ctx| ctx.metered(&gas, |ctx| bank::send(ctx, &user(1), &user(2), &[Coin::new("share/1", 1)])));
    println!("{accepted} of 50 junk denominations accepted; a transfer with 8 of 8 places taken: {:?}, {} gas", moved.is_ok(), gas.used());
    assert_eq!(accepted, 0);
    moved.unwrap();
}
