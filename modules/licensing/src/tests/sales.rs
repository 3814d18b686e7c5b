//! Buying and renewing: money and time.
use cairn_proto::cairn::{
    asset::v1::QueryClaimableRequest,
    licensing::v1::{Genesis, LicenseStatus, MsgRenewLicense, Params},
    rewards::v1::{QueryAccountRequest, QueryPoolRequest, QueryServer as _},
};

use super::*;

fn renew(chain: &mut Chain, license_id: u64, payment: Option<proto::Coin>, periods: u32) -> Result<u64, Refusal> {
    let m = MsgRenewLicense { payer: name(BUYER), license_id, payment, periods };
    chain.tx(|ctx| Licensing.renew_license(ctx, m)).map(|response| response.expires)
}

fn claimable(chain: &mut Chain, n: u8) -> Vec<proto::Coin> {
    let q = QueryClaimableRequest { asset_id: 1, holder: name(n) };
    chain.run(|ctx| asset_v1::QueryServer::claimable(&Asset, ctx, q)).unwrap().holding.unwrap().claimable
}

#[test]
fn the_price_goes_to_the_fee_and_to_the_shareholders() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, one_off()).unwrap();
    let supply = chain.run(|ctx| bank::supply(ctx, BASE_DENOM)).unwrap();
    assert_eq!(buy(&mut chain, purchase(&id, Some(coin(BASE_DENOM, 1_000_000)))).unwrap(), 1);
    assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 999_000_000);
    // 1 % fee: 60 % of it burnt, the rest in the pool; 990,000 to two equal shareholders,
    // whose accumulator is floored: a fraction of a unit stays behind.
    assert_eq!(chain.run(|ctx| bank::supply(ctx, BASE_DENOM)).unwrap(), supply - 6_000);
    assert_eq!(chain.run(|ctx| Rewards.pool(ctx, QueryPoolRequest {})).unwrap().pool, [coin(BASE_DENOM, 4_000)]);
    for n in [OWNER, HOLDER] {
        assert_eq!(claimable(&mut chain, n), [coin(BASE_DENOM, 494_999)]);
    }
    let account = QueryAccountRequest { contributor: name(OWNER) };
    let account = chain.run(|ctx| Rewards.account(ctx, account)).unwrap().totals.unwrap();
    assert_eq!((account.kinds[0].count, account.kinds[0].weight.as_str()), (1, "6000"));
    let bought = license(&mut chain, 1);
    assert_eq!((bought.licensee, bought.starts, bought.expires), (name(BUYER), 10, 0));
    assert_eq!(bought.paid, [coin(BASE_DENOM, 1_000_000)]);
    assert_invariants(&mut chain);
}

#[test]
fn any_listed_denomination_pays_and_no_other() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, one_off()).unwrap();
    let payment = |found: &str| Error::Payment { expected: "500ibc/atom or 1000000ucairn".into(), found: found.into() };
    refused(buy(&mut chain, purchase(&id, None)), payment("nothing"));
    refused(buy(&mut chain, purchase(&id, Some(coin(BASE_DENOM, 999_999)))), payment("999999ucairn"));
    refused(buy(&mut chain, purchase(&id, Some(coin(BASE_DENOM, 1_000_001)))), payment("1000001ucairn"));
    refused(buy(&mut chain, purchase(&id, Some(coin("uother", 500)))), payment("500uother"));
    refused(buy(&mut chain, purchase("00", Some(coin(ATOM, 500)))), Error::NoTerms("00".into()));
    let malformed = purchase(&id, Some(coin("!", 500)));
    assert_eq!(buy(&mut chain, malformed).unwrap_err().code, 10);
    buy(&mut chain, purchase(&id, Some(coin(ATOM, 500)))).unwrap();
    assert_eq!(claimable(&mut chain, HOLDER), [coin(ATOM, 247)]);
    assert_eq!(chain.run(|ctx| Rewards.pool(ctx, QueryPoolRequest {})).unwrap().pool, [coin(ATOM, 5)]);
    let poor = MsgBuyLicense { buyer: name(9), ..purchase(&id, Some(coin(ATOM, 500))) };
    let poor = buy(&mut chain, poor).unwrap_err();
    assert_eq!((poor.codespace, poor.code), ("sdk", 5));
    assert_invariants(&mut chain);
}

#[test]
fn a_licence_can_be_free_of_charge() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, TermsContent { prices: vec![], ..one_off() }).unwrap();
    let error = Error::Payment { expected: "nothing".into(), found: "1ucairn".into() };
    refused(buy(&mut chain, purchase(&id, Some(coin(BASE_DENOM, 1)))), error);
    buy(&mut chain, purchase(&id, None)).unwrap();
    assert!(licensed(&mut chain, BUYER));
    assert!(license(&mut chain, 1).paid.is_empty());
    assert_invariants(&mut chain);
}

#[test]
fn a_period_ends_at_its_height_and_is_renewed_from_its_end() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, period()).unwrap();
    let bought = buy(&mut chain, purchase(&id, Some(coin(BASE_DENOM, 200)))).unwrap();
    assert_eq!(license(&mut chain, bought).expires, 110);
    chain.block.height = 50;
    assert_eq!(renew(&mut chain, bought, Some(coin(BASE_DENOM, 400)), 2).unwrap(), 310);
    assert_eq!(license(&mut chain, bought).paid, [coin(BASE_DENOM, 600)]);
    chain.block.height = 309;
    assert!(licensed(&mut chain, BUYER));
    chain.block.height = 310;
    assert!(!licensed(&mut chain, BUYER));
    // Renewed after its end: from now on.
    chain.block.height = 400;
    assert_eq!(renew(&mut chain, bought, Some(coin(BASE_DENOM, 200)), 0).unwrap(), 500);
    assert!(licensed(&mut chain, BUYER));
    let expected = |n: u128| Error::Payment { expected: format!("{n}ucairn"), found: "200ucairn".into() };
    refused(renew(&mut chain, bought, Some(coin(BASE_DENOM, 200)), 2), expected(400));
    refused(renew(&mut chain, bought, Some(coin(BASE_DENOM, 200)), 1_001), Error::Periods(1_001));
    refused(renew(&mut chain, 9, Some(coin(BASE_DENOM, 200)), 1), Error::NoLicense(9));
    // A deprecated asset's licences go on.
    deprecate(&mut chain);
    assert_eq!(renew(&mut chain, bought, Some(coin(BASE_DENOM, 200)), 1).unwrap(), 600);
    assert_invariants(&mut chain);
}

#[test]
fn several_periods_may_be_bought_at_once_but_only_of_a_period() {
    let mut chain = chain();
    let by_period = offer(&mut chain, OWNER, period()).unwrap();
    let once = offer(&mut chain, OWNER, TermsContent { term_blocks: 30, ..one_off() }).unwrap();
    let m = MsgBuyLicense { periods: 1_000, ..purchase(&by_period, Some(coin(BASE_DENOM, 200_000))) };
    let bought = buy(&mut chain, m).unwrap();
    assert_eq!(license(&mut chain, bought).expires, 10 + 100_000);
    let too_many = MsgBuyLicense { periods: 1_001, ..purchase(&by_period, Some(coin(BASE_DENOM, 200_200))) };
    refused(buy(&mut chain, too_many), Error::Periods(1_001));
    let twice = MsgBuyLicense { periods: 2, ..purchase(&once, Some(coin(ATOM, 1_000))) };
    refused(buy(&mut chain, twice), Error::Periods(2));
    let bought = buy(&mut chain, MsgBuyLicense { periods: 1, ..purchase(&once, Some(coin(ATOM, 500))) }).unwrap();
    assert_eq!(license(&mut chain, bought).expires, 40);
    refused(renew(&mut chain, bought, Some(coin(ATOM, 500)), 1), Error::NotRenewable(bought));
}

#[test]
fn retired_terms_renew_nothing() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, period()).unwrap();
    let bought = buy(&mut chain, purchase(&id, Some(coin(BASE_DENOM, 200)))).unwrap();
    let m = cairn_proto::cairn::licensing::v1::MsgRetireTerms { owner: name(OWNER), terms_id: id.clone() };
    chain.tx(|ctx| Licensing.retire_terms(ctx, m)).unwrap();
    refused(renew(&mut chain, bought, Some(coin(BASE_DENOM, 200)), 1), Error::Retired(id));
}

#[test]
fn nothing_is_sold_that_cannot_be_delivered() {
    let mut chain = chain();
    let open = offer(&mut chain, OWNER, one_off()).unwrap();
    let first = offer(&mut chain, OWNER, TermsContent { versions: vec![1], ..one_off() }).unwrap();
    publish(&mut chain, 1, true);
    refused(buy(&mut chain, purchase(&open, Some(coin(ATOM, 500)))), Error::Encrypted(1));
    buy(&mut chain, purchase(&first, Some(coin(ATOM, 500)))).unwrap();
    deprecate(&mut chain);
    refused(buy(&mut chain, purchase(&first, Some(coin(ATOM, 500)))), Error::Deprecated(1));
    assert!(licensed(&mut chain, BUYER));
}

#[test]
fn the_fee_of_a_price_below_its_unit_is_nothing() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, TermsContent { prices: vec![coin(BASE_DENOM, 99)], ..one_off() }).unwrap();
    buy(&mut chain, purchase(&id, Some(coin(BASE_DENOM, 99)))).unwrap();
    assert!(chain.run(|ctx| Rewards.pool(ctx, QueryPoolRequest {})).unwrap().pool.is_empty());
    assert_eq!(claimable(&mut chain, HOLDER), [coin(BASE_DENOM, 49)]);
    assert_invariants(&mut chain);
}

#[test]
fn export_and_import_are_inverse() {
    let mut before = chain();
    let id = offer(&mut before, OWNER, period()).unwrap();
    offer(&mut before, OWNER, one_off()).unwrap();
    buy(&mut before, MsgBuyLicense { users: vec![name(8)], ..purchase(&id, Some(coin(BASE_DENOM, 200))) }).unwrap();
    let exported = before.run(|ctx| Licensing.export(ctx)).unwrap();
    let mut after = chain();
    after.tx(|ctx| Licensing.init(ctx, exported.clone())).unwrap();
    assert_eq!(after.run(|ctx| Licensing.export(ctx)).unwrap(), exported);
    assert!(licensed(&mut after, 8));
    assert_invariants(&mut after);

    let cases: [fn(&mut Genesis); 9] = [
        |g| g.terms[0].id = "00".into(),
        |g| g.terms[0].content = None,
        |g| g.licenses[0].id = 2,
        |g| g.licenses[0].asset_id = 2,
        |g| g.params = Some(Params { fee_bps: 9_999, ..crate::test_params() }),
        |g| g.licenses[0].deadline = 5,
        |g| g.licenses[0].escrow = Some(coin(BASE_DENOM, 1)),
        |g| g.licenses[0].set_status(LicenseStatus::Pending),
        |g| g.licenses[0].status = 99,
    ];
    for (i, spoil) in cases.iter().enumerate() {
        let mut genesis = exported.clone();
        spoil(&mut genesis);
        assert_eq!(chain().tx(|ctx| Licensing.init(ctx, genesis)).unwrap_err().codespace, "licensing", "case {i}");
    }
}
