//! Payments, royalties, withdrawals, denominations.
use cairn_kernel::BASE_DENOM;
use cairn_proto::cairn::asset::v1::{IncomeTotals, QueryIncomeRequest};

use super::*;

fn totals(chain: &mut Chain, asset_id: u64, denom: &str) -> IncomeTotals {
    let all = chain.run(|ctx| QueryServer::income(&Asset, ctx, QueryIncomeRequest { asset_id })).unwrap().totals;
    all.into_iter().find(|t| t.denom == denom).unwrap()
}

#[test]
fn an_asset_without_shares_pays_its_owner_at_once() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    pay(&mut chain, 5, 1, BASE_DENOM, 1_000).unwrap();
    assert_eq!(balance(&mut chain, user(1), BASE_DENOM), 1_000);
    let totals = totals(&mut chain, 1, BASE_DENOM);
    assert_eq!((totals.paid.as_str(), totals.to_owner.as_str(), totals.shared.as_str()), ("1000", "1000", "0"));
    assert_invariants(&mut chain);
}

#[test]
fn holders_share_by_their_shares_and_withdraw_whole_units() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    tokenize(&mut chain, 1, 1, 1_000_000, &[(1, 1), (2, 1), (3, 1)]).unwrap();
    pay(&mut chain, 5, 1, BASE_DENOM, 100).unwrap();
    let due: Vec<_> = (1..=3).map(|n| claimable(&mut chain, 1, n)).collect();
    assert_eq!(due, [[Coin::base(33)], [Coin::base(33)], [Coin::base(33)]]);
    assert_eq!(withdraw(&mut chain, 1, 1).unwrap(), [Coin::base(33)]);
    assert_eq!(balance(&mut chain, user(1), BASE_DENOM), 33);
    let nothing = |n: u8| Error::NothingToWithdraw { asset: 1, holder: user(n).to_string() };
    refused(withdraw(&mut chain, 1, 1), nothing(1));
    refused(withdraw(&mut chain, 1, 9), nothing(9));
    refused(withdraw(&mut chain, 2, 1), Error::NoAsset(2));
    // The thirds that were left over are not lost: 200 more make it exactly 100 each, up to the last unit of dust.
    pay(&mut chain, 5, 1, BASE_DENOM, 200).unwrap();
    let paid = withdraw(&mut chain, 1, 1).unwrap()[0].amount;
    assert!((66..=67).contains(&paid), "{paid}");
    let totals = totals(&mut chain, 1, BASE_DENOM);
    assert_eq!((totals.shared.as_str(), totals.withdrawn), ("300", (33 + paid).to_string()));
    assert_invariants(&mut chain);
}

#[test]
fn ancestors_get_their_part_of_the_whole_payment_and_pay_no_second_royalty() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    register(&mut chain, new_asset(2, &[(1, 1_000)])).unwrap();
    register(&mut chain, new_asset(3, &[(2, 2_000)])).unwrap();
    tokenize(&mut chain, 2, 2, 1_000_000, &[(20, 1)]).unwrap();
    pay(&mut chain, 5, 3, BASE_DENOM, 10_009).unwrap();
    assert_eq!(balance(&mut chain, user(1), BASE_DENOM), 1_000);
    let due = claimable(&mut chain, 2, 20)[0].amount;
    assert!((2_000..=2_001).contains(&due), "{due}");
    assert_eq!(balance(&mut chain, user(3), BASE_DENOM), 10_009 - 1_000 - 2_001);
    let (own, above) = (totals(&mut chain, 3, BASE_DENOM), totals(&mut chain, 2, BASE_DENOM));
    assert_eq!((own.paid.as_str(), own.passed_on.as_str(), own.to_owner.as_str()), ("10009", "3001", "7008"));
    assert_eq!((above.paid.as_str(), above.royalties.as_str(), above.shared.as_str()), ("0", "2001", "2001"));
    // Too small for a royalty: it stays with the asset.
    pay(&mut chain, 5, 3, BASE_DENOM, 4).unwrap();
    assert_eq!(totals(&mut chain, 3, BASE_DENOM).passed_on, "3001");
    assert_invariants(&mut chain);
}

#[test]
fn income_before_tokenization_is_the_owners_and_after_it_the_holders() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    pay(&mut chain, 5, 1, BASE_DENOM, 500).unwrap();
    tokenize(&mut chain, 1, 1, 1_000_000, &[(2, 1)]).unwrap();
    assert_eq!(claimable(&mut chain, 1, 2), []);
    pay(&mut chain, 5, 1, BASE_DENOM, 1_000_000).unwrap();
    assert_eq!(claimable(&mut chain, 1, 2), [Coin::base(1_000_000)]);
    assert_eq!(balance(&mut chain, user(1), BASE_DENOM), 500);
    assert_invariants(&mut chain);
}

#[test]
fn moving_shares_settles_both_sides_first() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    tokenize(&mut chain, 1, 1, 1_000_000, &[(1, 3), (2, 1)]).unwrap();
    pay(&mut chain, 5, 1, BASE_DENOM, 1_000_000).unwrap();
    chain.tx(|ctx| bank::send(ctx, &user(1), &user(2), &[Coin::new("share/1", 750_000)])).unwrap();
    pay(&mut chain, 5, 1, BASE_DENOM, 1_000_000).unwrap();
    assert_eq!(claimable(&mut chain, 1, 1), [Coin::base(750_000)]);
    assert_eq!(claimable(&mut chain, 1, 2), [Coin::base(1_250_000)]);
    // To oneself, all of it: nothing changes.
    chain.tx(|ctx| bank::send(ctx, &user(2), &user(2), &[Coin::new("share/1", 1_000_000)])).unwrap();
    assert_eq!(claimable(&mut chain, 1, 2), [Coin::base(1_250_000)]);
    assert_eq!(withdraw(&mut chain, 1, 1).unwrap(), [Coin::base(750_000)]);
    assert_invariants(&mut chain);
}

#[test]
fn each_denomination_is_kept_apart() {
    let mut chain = chain();
    register(&mut chain, MsgRegisterAsset { income_denoms: vec![ATOM.into()], ..new_asset(1, &[]) }).unwrap();
    tokenize(&mut chain, 1, 1, 1_000_000, &[(1, 1), (2, 1)]).unwrap();
    pay(&mut chain, 5, 1, BASE_DENOM, 1_000_000).unwrap();
    pay(&mut chain, 5, 1, ATOM, 3_000_000).unwrap();
    let expected = [Coin::new(ATOM, 1_500_000), Coin::base(500_000)];
    assert_eq!(claimable(&mut chain, 1, 1), expected);
    assert_eq!(withdraw(&mut chain, 1, 1).unwrap(), expected);
    let error = Error::IncomeDenom { asset: 1, denom: "uother".into() };
    refused(pay(&mut chain, 5, 1, "uother", 1), error);
    assert_eq!(pay(&mut chain, 5, 1, BASE_DENOM, 0).unwrap_err().code, 10);
    let poor = chain.tx(|ctx| crate::pay(ctx, 1, &user(77), &[Coin::base(1)]));
    assert_eq!((poor.clone().unwrap_err().codespace, poor.unwrap_err().code), ("sdk", 5));
    refused(pay(&mut chain, 5, 9, BASE_DENOM, 1), Error::NoAsset(9));
    assert_invariants(&mut chain);
}

#[test]
fn a_denomination_is_accepted_only_where_every_ancestor_accepts_it() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    register(&mut chain, new_asset(1, &[(1, 100)])).unwrap();
    let lonely = Error::AncestorDenom { ancestor: 1, denom: ATOM.into() };
    refused(register(&mut chain, MsgRegisterAsset { income_denoms: vec![ATOM.into()], ..new_asset(1, &[(2, 0)]) }), lonely.clone());
    refused(chain.tx(|ctx| crate::allow_income(ctx, 2, ATOM)), lonely);
    chain.tx(|ctx| crate::allow_income(ctx, 1, ATOM)).unwrap();
    chain.tx(|ctx| crate::allow_income(ctx, 2, ATOM)).unwrap();
    chain.tx(|ctx| crate::allow_income(ctx, 2, ATOM)).unwrap();
    refused(chain.tx(|ctx| crate::allow_income(ctx, 2, "share/9")), Error::ShareIncome("share/9".into()));
    refused(chain.tx(|ctx| crate::allow_income(ctx, 9, ATOM)), Error::NoAsset(9));
    pay(&mut chain, 5, 2, ATOM, 1_000).unwrap();
    assert_eq!(totals(&mut chain, 1, ATOM).royalties, "10");
    for i in 3..=8 {
        chain.tx(|ctx| crate::allow_income(ctx, 1, &format!("coin{i}"))).unwrap();
    }
    refused(chain.tx(|ctx| crate::allow_income(ctx, 1, "coin9")), Error::TooManyDenoms { max: 8 });
}

#[test]
fn the_largest_payments_do_not_overflow() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    register(&mut chain, new_asset(2, &[(1, 5_000)])).unwrap();
    tokenize(&mut chain, 1, 1, 1_000_000, &[(1, 1)]).unwrap();
    tokenize(&mut chain, 2, 2, 1_000_000_000_000_000, &[(2, 1)]).unwrap();
    pay(&mut chain, 5, 2, BASE_DENOM, u128::MAX).unwrap();
    assert_invariants(&mut chain);
    for round in 0..4 {
        let got: u128 = [(1, 1), (2, 2)].map(|(asset, holder)| withdraw(&mut chain, asset, holder).unwrap()[0].amount).iter().sum();
        assert!(u128::MAX - got <= 8, "round {round}: {got}");
        for n in [1, 2] {
            let coins = [Coin::base(balance(&mut chain, user(n), BASE_DENOM))];
            chain.tx(|ctx| bank::send(ctx, &user(n), &user(5), &coins)).unwrap();
        }
        let coins = [Coin::base(balance(&mut chain, user(5), BASE_DENOM))];
        chain.tx(|ctx| crate::pay(ctx, 2, &user(5), &coins)).unwrap();
        assert_invariants(&mut chain);
    }
}
