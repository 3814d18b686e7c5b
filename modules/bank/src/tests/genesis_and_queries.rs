//! What goes in by genesis and what queries tell of it.
use super::*;

fn cairn() -> Metadata {
    let unit = |denom: &str, exponent, alias: &str| DenomUnit { denom: denom.into(), exponent, aliases: vec![alias.into()] };
    Metadata {
        description: "The chain's own coin".into(),
        denom_units: vec![unit("ucairn", 0, "microcairn"), unit("cairn", 6, "CAIRN")],
        base: "ucairn".into(),
        display: "cairn".into(),
        name: "Cairn".into(),
        symbol: "CAIRN".into(),
        uri: String::new(),
        uri_hash: String::new(),
    }
}

#[test]
fn supply_is_computed_and_holders_get_accounts() {
    let mut chain = chain();
    assert_eq!(chain.run(|ctx| crate::supply(ctx, "ucairn")).unwrap(), 300);
    assert_eq!(chain.run(|ctx| crate::supply(ctx, "ibc/ABC")).unwrap(), 7);
    // After the accounts of the modules that are registered: fee_collector, rewards, pool.
    let account = chain.run(|ctx| cairn_auth::account(ctx, &user(1))).unwrap().unwrap();
    assert_eq!(account.account_number, 4);
    check(&mut chain);
}

#[test]
fn stated_supply_must_be_the_sum() {
    let stated = |supply: &[(&str, u128)]| GenesisState { supply: coins(supply), ..genesis(vec![balance_of(1, &[("ucairn", 5)])]) };
    let refusal = refused(&mut empty(), |ctx| Bank.init(ctx, stated(&[("ucairn", 6)])));
    assert_eq!(refusal.log, "genesis supply is incorrect, expected 6ucairn, got 5ucairn");
    assert_eq!(code(&refusal), ("bank", 16));
    assert_eq!(code(&refused(&mut empty(), |ctx| Bank.init(ctx, stated(&[("abc", 1), ("ucairn", 5)])))), ("bank", 16));
    empty().run(|ctx| Bank.init(ctx, stated(&[("ucairn", 5)]))).unwrap();
}

#[test]
fn malformed_genesis_is_refused() {
    let cases = [
        (GenesisState { params: None, ..genesis(vec![]) }, ("bank", 15)),
        (GenesisState { params: Some(params(true, vec![SendEnabled::default()])), ..genesis(vec![]) }, ("bank", 15)),
        (genesis(vec![balance_of(1, &[("ucairn", 1)]), balance_of(1, &[("ucairn", 1)])]), ("bank", 8)),
        (genesis(vec![balance_of(1, &[("ucairn", 0)])]), ("sdk", 10)),
        (genesis(vec![balance_of(1, &[("ucairn", u128::MAX)]), balance_of(2, &[("ucairn", 1)])]), ("sdk", 10)),
        (genesis(vec![Balance { address: "cairn1x".into(), coins: vec![] }]), ("sdk", 7)),
        (GenesisState { denom_metadata: vec![cairn(), cairn()], ..genesis(vec![]) }, ("bank", 8)),
        (GenesisState { denom_metadata: vec![Metadata::default()], ..genesis(vec![]) }, ("bank", 14)),
        (GenesisState { send_enabled: enable(&[("abc", true), ("abc", true)], &[]).send_enabled, ..genesis(vec![]) }, ("bank", 8)),
        (GenesisState { send_enabled: enable(&[("1bad", true)], &[]).send_enabled, ..genesis(vec![]) }, ("sdk", 10)),
    ];
    for (state, expected) in cases {
        assert_eq!(code(&refused(&mut empty(), |ctx| Bank.init(ctx, state.clone()))), expected, "{state:?}");
    }
}

#[test]
fn export_starts_the_same_chain() {
    let mut first = chain();
    first.tx(|ctx| crate::set_metadata(ctx, &cairn())).unwrap();
    first.tx(|ctx| Bank.set_send_enabled(ctx, enable(&[("ibc/ABC", false), ("ucairn", true)], &[]))).unwrap();
    first.tx(|ctx| Bank.send(ctx, msg_send(&user(9), &[("ucairn", 100)]))).unwrap();
    let (accounts, exported) = first.run(|ctx| (Auth.export(ctx).unwrap(), Bank.export(ctx).unwrap()));
    let mut second = unstarted();
    second.run(|ctx| Auth.init(ctx, accounts)).unwrap();
    second.run(|ctx| Bank.init(ctx, exported)).unwrap();
    assert_eq!(first.store().entries(), second.store().entries());
}

#[test]
fn balance_is_told_even_when_it_is_zero() {
    let mut chain = chain();
    let mut ask = |address: String, denom: &str| chain.run(|ctx| Bank.balance(ctx, QueryBalanceRequest { address, denom: denom.into() }));
    assert_eq!(ask(user(1).to_string(), "ucairn").unwrap().balance, Some(coins(&[("ucairn", 100)])[0].clone()));
    assert_eq!(ask(user(8).to_string(), "ucairn").unwrap().balance, Some(coins(&[("ucairn", 0)])[0].clone()));
    assert_eq!(ask("cairn1x".into(), "ucairn").unwrap_err().status, Status::InvalidArgument);
    assert_eq!(ask(user(1).to_string(), "").unwrap_err().status, Status::InvalidArgument);
    let by_denom = QuerySpendableBalanceByDenomRequest { address: user(1).to_string(), denom: "ibc/ABC".into() };
    let answer = chain.run(|ctx| Bank.spendable_balance_by_denom(ctx, by_denom)).unwrap();
    assert_eq!(answer.balance, Some(coins(&[("ibc/ABC", 7)])[0].clone()));
}

#[test]
fn all_balances_come_in_pages_of_one_account() {
    let mut chain = chain();
    let address = user(1).to_string();
    let page = |key, limit| Some(PageRequest { key, limit, count_total: true, ..PageRequest::default() });
    let mut ask = |pagination, resolve_denom| {
        let request = QueryAllBalancesRequest { address: address.clone(), pagination, resolve_denom };
        chain.run(|ctx| {
            crate::set_metadata(ctx, &cairn()).unwrap();
            Bank.all_balances(ctx, request).unwrap()
        })
    };
    let first = ask(page(vec![], 1), false);
    assert_eq!(first.balances, coins(&[("ibc/ABC", 7)]));
    let first_page = first.pagination.unwrap();
    assert_eq!(first_page.total, 2);
    let second = ask(page(first_page.next_key, 1), false);
    assert_eq!(second.balances, coins(&[("ucairn", 100)]));
    assert!(second.pagination.unwrap().next_key.is_empty());
    assert_eq!(ask(None, true).balances, coins(&[("ibc/ABC", 7), ("cairn", 100)]));
    let spendable = QuerySpendableBalancesRequest { address, pagination: None };
    assert_eq!(chain.run(|ctx| Bank.spendable_balances(ctx, spendable)).unwrap().balances, coins(&[("ibc/ABC", 7), ("ucairn", 100)]));
    let broken = QueryAllBalancesRequest { address: "x".into(), ..QueryAllBalancesRequest::default() };
    assert_eq!(chain.run(|ctx| Bank.all_balances(ctx, broken)).unwrap_err().status, Status::InvalidArgument);
}

#[test]
fn supply_is_told_whole_and_by_denomination() {
    let mut chain = chain();
    let all = chain.run(|ctx| Bank.total_supply(ctx, QueryTotalSupplyRequest { pagination: None })).unwrap();
    assert_eq!(all.supply, coins(&[("ibc/ABC", 7), ("ucairn", 300)]));
    let mut ask = |denom: &str| chain.run(|ctx| Bank.supply_of(ctx, QuerySupplyOfRequest { denom: denom.into() }));
    assert_eq!(ask("ucairn").unwrap().amount, Some(coins(&[("ucairn", 300)])[0].clone()));
    assert_eq!(ask("unheard").unwrap().amount, Some(coins(&[("unheard", 0)])[0].clone()));
    assert_eq!(ask("!").unwrap_err().status, Status::InvalidArgument);
}

#[test]
fn owners_are_listed_until_they_hold_nothing() {
    let mut chain = chain();
    chain.tx(|ctx| Bank.send(ctx, msg_send(&user(9), &[("ibc/ABC", 7)]))).unwrap();
    let request = QueryDenomOwnersRequest { denom: "ibc/ABC".into(), pagination: None };
    let owners = chain.run(|ctx| Bank.denom_owners(ctx, request)).unwrap().denom_owners;
    let listed: Vec<_> = owners.iter().map(|o| (o.address.clone(), o.balance.clone().unwrap())).collect();
    assert_eq!(listed, [(user(9).to_string(), coins(&[("ibc/ABC", 7)])[0].clone())]);
    let page = Some(PageRequest { limit: 2, ..PageRequest::default() });
    let request = QueryDenomOwnersByQueryRequest { denom: "ucairn".into(), pagination: page };
    let answer = chain.run(|ctx| Bank.denom_owners_by_query(ctx, request)).unwrap();
    assert_eq!(answer.denom_owners.len(), 2);
    assert!(!answer.pagination.unwrap().next_key.is_empty());
}

#[test]
fn metadata_is_told_by_its_base() {
    let mut chain = chain();
    chain.tx(|ctx| crate::set_metadata(ctx, &cairn())).unwrap();
    let mut ask = |denom: &str| chain.run(|ctx| Bank.denom_metadata(ctx, QueryDenomMetadataRequest { denom: denom.into() }));
    assert_eq!(ask("ucairn").unwrap().metadata, Some(cairn()));
    assert_eq!(ask("ibc/ABC").unwrap_err().status, Status::NotFound);
    let request = QueryDenomMetadataByQueryStringRequest { denom: "ucairn".into() };
    assert_eq!(chain.run(|ctx| Bank.denom_metadata_by_query_string(ctx, request)).unwrap().metadata, Some(cairn()));
    let all = chain.run(|ctx| Bank.denoms_metadata(ctx, QueryDenomsMetadataRequest { pagination: None })).unwrap();
    assert_eq!(all.metadatas, [cairn()]);
}

#[test]
fn metadata_that_contradicts_itself_is_refused() {
    let breaks: [fn(&mut Metadata); 11] = [
        |m| m.name = " ".into(),
        |m| m.symbol = String::new(),
        |m| m.base = "1".into(),
        |m| m.display = "x".into(),
        |m| m.display = "megacairn".into(),
        |m| m.denom_units.reverse(),
        |m| m.denom_units[0].exponent = 1,
        |m| m.denom_units[1].exponent = 0,
        |m| m.denom_units[1].denom = "ucairn".into(),
        |m| m.denom_units[1].aliases = vec!["a".into(), "a".into()],
        |m| m.denom_units[1].aliases = vec![" ".into()],
    ];
    for (i, broken) in breaks.iter().enumerate() {
        let mut described = cairn();
        broken(&mut described);
        let refusal = refused(&mut empty(), |ctx| crate::set_metadata(ctx, &described));
        assert_eq!(code(&refusal), ("bank", 14), "case {i}");
    }
    let refusal = crate::metadata::check(&Metadata { denom_units: vec![], ..cairn() }).unwrap_err();
    assert_eq!(refusal.code(), 14);
}

#[test]
fn send_enabled_entries_are_told_all_or_by_name() {
    let mut chain = chain();
    chain.tx(|ctx| Bank.set_send_enabled(ctx, enable(&[("ibc/ABC", false), ("ucairn", true)], &[]))).unwrap();
    let mut ask = |denoms: Vec<String>| chain.run(|ctx| Bank.send_enabled(ctx, QuerySendEnabledRequest { denoms, pagination: None }));
    let all = ask(vec![]).unwrap();
    assert_eq!(all.send_enabled, enable(&[("ibc/ABC", false), ("ucairn", true)], &[]).send_enabled);
    let some = ask(vec!["ucairn".into(), "unheard".into()]).unwrap();
    assert_eq!(some.send_enabled, enable(&[("ucairn", true)], &[]).send_enabled);
    assert_eq!(ask(vec!["ucairn".into(); 100]).unwrap().send_enabled.len(), 100);
    assert_eq!(ask(vec!["ucairn".into(); 101]).unwrap_err().code, 18);
}
