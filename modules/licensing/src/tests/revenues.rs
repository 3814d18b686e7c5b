//! Licences paid by a share of revenue.
use cairn_proto::cairn::licensing::v1::{MsgReportRevenue, MsgReportRevenueResponse, MsgRetireTerms};

use super::*;

fn report(chain: &mut Chain, n: u8, license_id: u64, revenue: Option<proto::Coin>) -> Result<MsgReportRevenueResponse, Refusal> {
    let m = MsgReportRevenue { licensee: name(n), license_id, revenue };
    chain.tx(|ctx| Licensing.report_revenue(ctx, m))
}

#[test]
fn a_share_of_what_is_reported_is_the_assets_income() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, revenue_share()).unwrap();
    buy(&mut chain, purchase(&id, None)).unwrap();
    assert_eq!(license(&mut chain, 1).expires, 110);
    chain.block.height = 50;
    let done = report(&mut chain, BUYER, 1, Some(coin(BASE_DENOM, 1_004))).unwrap();
    assert_eq!((done.paid, done.expires), (Some(coin(BASE_DENOM, 200)), 150));
    assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000 - 200);
    let found = license(&mut chain, 1);
    assert_eq!((found.revenue, found.paid), (vec![coin(BASE_DENOM, 1_004)], vec![coin(BASE_DENOM, 200)]));
    // Less than a unit is nothing, and nothing is a report too.
    chain.block.height = 60;
    assert_eq!(report(&mut chain, BUYER, 1, Some(coin(BASE_DENOM, 4))).unwrap().paid, None);
    chain.block.height = 70;
    assert_eq!(report(&mut chain, BUYER, 1, None).unwrap().expires, 170);
    assert_eq!(license(&mut chain, 1).revenue, [coin(BASE_DENOM, 1_008)]);
    assert_invariants(&mut chain);
}

#[test]
fn a_licence_without_reports_lapses_and_a_report_revives_it() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, TermsContent { prices: vec![coin(BASE_DENOM, 50)], ..revenue_share() }).unwrap();
    buy(&mut chain, purchase(&id, Some(coin(BASE_DENOM, 50)))).unwrap();
    chain.block.height = 109;
    assert!(licensed(&mut chain, BUYER));
    chain.block.height = 110;
    assert!(!licensed(&mut chain, BUYER));
    chain.block.height = 200;
    assert_eq!(report(&mut chain, BUYER, 1, None).unwrap().expires, 300);
    assert!(licensed(&mut chain, BUYER));
    // Under retired terms money is taken, but nothing goes on.
    let m = MsgRetireTerms { owner: name(OWNER), terms_id: id.clone() };
    chain.tx(|ctx| Licensing.retire_terms(ctx, m)).unwrap();
    chain.block.height = 250;
    refused(report(&mut chain, BUYER, 1, None), Error::Retired(id.clone()));
    refused(report(&mut chain, BUYER, 1, Some(coin(BASE_DENOM, 0))), Error::Retired(id));
    let done = report(&mut chain, BUYER, 1, Some(coin(BASE_DENOM, 10))).unwrap();
    assert_eq!((done.paid, done.expires), (Some(coin(BASE_DENOM, 2)), 300));
    assert_invariants(&mut chain);
}

#[test]
fn only_the_licensee_reports_and_only_what_the_asset_takes() {
    let mut chain = chain();
    let shared = offer(&mut chain, OWNER, revenue_share()).unwrap();
    let once = offer(&mut chain, OWNER, one_off()).unwrap();
    buy(&mut chain, purchase(&shared, None)).unwrap();
    buy(&mut chain, purchase(&once, Some(coin(ATOM, 500)))).unwrap();
    refused(report(&mut chain, 7, 1, None), Error::NotLicensee { license: 1, signer: name(7) });
    refused(report(&mut chain, BUYER, 3, None), Error::NoLicense(3));
    refused(report(&mut chain, BUYER, 2, None), Error::NotRevenueShare(2));
    assert_eq!(report(&mut chain, BUYER, 1, Some(coin("!", 100))).unwrap_err().codespace, "sdk");
    fund(&mut chain, BUYER, "unknown", 100);
    assert_eq!(report(&mut chain, BUYER, 1, Some(coin("unknown", 100))).unwrap_err().codespace, "asset");
    let m = cairn_proto::cairn::licensing::v1::MsgRenewLicense { payer: name(BUYER), license_id: 1, payment: None, periods: 1 };
    refused(chain.tx(|ctx| Licensing.renew_license(ctx, m)), Error::NotRenewable(1));
    refused(buy(&mut chain, MsgBuyLicense { periods: 2, ..purchase(&shared, None) }), Error::Periods(2));
    let waiting = offer(&mut chain, OWNER, TermsContent { needs_approval: true, ..revenue_share() }).unwrap();
    buy(&mut chain, purchase(&waiting, None)).unwrap();
    let state = Error::State { license: 3, expected: "LICENSE_STATUS_FINAL", found: "LICENSE_STATUS_PENDING" };
    refused(report(&mut chain, BUYER, 3, None), state);
    assert_invariants(&mut chain);
}
