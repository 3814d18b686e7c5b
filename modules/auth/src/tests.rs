//! Accounts through the public functions, messages, queries and genesis.
use std::sync::Arc;

use cairn_kernel::{Address, Coded, Error as Refusal, Module, ModuleAccount, Status, testing::Chain};
use cairn_proto::{
    Any,
    cosmos::{
        auth::v1beta1::{
            AddressBytesToStringRequest, AddressStringToBytesRequest, BaseAccount, Bech32PrefixRequest, GenesisState,
            ModuleAccount as WireModuleAccount, MsgServer, MsgUpdateParams, Params, QueryAccountAddressByIdRequest,
            QueryAccountInfoRequest, QueryAccountRequest, QueryAccountsRequest, QueryModuleAccountByNameRequest,
            QueryModuleAccountsRequest, QueryParamsRequest, QueryServer,
        },
        base::query::v1beta1::PageRequest,
        crypto::{ed25519, secp256k1::PubKey},
    },
    pack, unpack,
};

use crate::{Auth, DEFAULT_PARAMS, Error, FEE_COLLECTOR, authority, invariants};

const MINTER: ModuleAccount = ModuleAccount::new("rewards").mints().burns();

fn chain() -> Chain {
    let mut chain = Chain::default();
    Arc::new(Auth).routes(&mut chain.router);
    chain.router.hook(MINTER);
    chain
}

fn user(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

fn listed(n: u8, account_number: u64) -> Any {
    pack(&BaseAccount { address: user(n).to_string(), pub_key: None, account_number, sequence: 0 })
}

fn genesis(accounts: Vec<Any>) -> GenesisState {
    GenesisState { params: Some(DEFAULT_PARAMS), accounts }
}

fn init(chain: &mut Chain, accounts: Vec<Any>) -> Result<(), Refusal> {
    chain.tx(|ctx| Auth.init(ctx, genesis(accounts)))
}

fn number(chain: &mut Chain, address: Address) -> u64 {
    chain.run(|ctx| crate::account(ctx, &address)).unwrap().unwrap().account_number
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, error: Error) {
    let found = result.unwrap_err();
    assert_eq!((found.codespace, found.code, found.log), ("auth", error.code(), error.to_string()));
}

#[test]
fn users_are_numbered_after_genesis_and_modules_and_never_zero() {
    let mut chain = chain();
    init(&mut chain, vec![listed(1, 0), listed(2, 0)]).unwrap();
    assert_eq!((number(&mut chain, user(1)), number(&mut chain, user(2))), (1, 2));
    assert_eq!((number(&mut chain, FEE_COLLECTOR.address()), number(&mut chain, MINTER.address())), (3, 4));
    let created = chain.run(|ctx| crate::get_or_create(ctx, &user(3))).unwrap();
    assert_eq!(created, BaseAccount { address: user(3).to_string(), pub_key: None, account_number: 5, sequence: 0 });
    assert_eq!(chain.run(|ctx| crate::get_or_create(ctx, &user(3))).unwrap(), created);
    chain.run(|ctx| invariants::numbers(ctx)).unwrap();
}

#[test]
fn explicit_numbers_of_genesis_are_kept_and_zeros_follow_the_highest() {
    let mut chain = chain();
    init(&mut chain, vec![listed(1, 0), listed(2, 7), listed(3, 0)]).unwrap();
    assert_eq!([1, 2, 3].map(|n| number(&mut chain, user(n))), [8, 7, 9]);
}

#[test]
fn first_user_of_a_chain_without_genesis_gets_number_one() {
    let mut chain = Chain::default();
    assert_eq!(chain.run(|ctx| crate::get_or_create(ctx, &user(1))).unwrap().account_number, 1);
}

#[test]
fn export_starts_the_same_chain() {
    let mut first = chain();
    let keyed = secp256k1_account();
    init(&mut first, vec![listed(9, 0), pack(&keyed), listed(1, 4)]).unwrap();
    first.run(|ctx| crate::bump_sequence(ctx, &user(9))).unwrap();
    let exported = first.run(|ctx| Auth.export(ctx)).unwrap();
    let mut second = chain();
    second.run(|ctx| Auth.init(ctx, exported)).unwrap();
    assert_eq!(first.store().entries(), second.store().entries());
}

fn secp256k1_account() -> BaseAccount {
    let key = [2; 33];
    let pub_key = Some(pack(&PubKey { key: key.to_vec() }));
    BaseAccount { address: Address::from_secp256k1(&key).to_string(), pub_key, account_number: 0, sequence: 3 }
}

#[test]
fn malformed_genesis_is_refused() {
    let mut chain = chain();
    refused(chain.tx(|ctx| Auth.init(ctx, GenesisState { params: None, accounts: vec![] })), Error::NoParameters);
    refused(init(&mut chain, vec![listed(1, 0), listed(1, 0)]), Error::DuplicateAddress(user(1).to_string()));
    refused(init(&mut chain, vec![listed(1, 5), listed(2, 5)]), Error::DuplicateNumber(5));
    let other = Any { type_url: "/ethermint.types.v1.EthAccount".into(), value: vec![] };
    refused(init(&mut chain, vec![other.clone()]), Error::AccountType(other.type_url));
    let vesting = Any { type_url: "/cosmos.vesting.v1beta1.DelayedVestingAccount".into(), value: vec![] };
    refused(init(&mut chain, vec![vesting]), Error::Schedule("there are no coins to vest"));
    refused(init(&mut chain, vec![listed(1, 0), Any { value: vec![0xff], ..listed(2, 0) }]), Error::Unreadable(1));
    refused(
        init(&mut chain, vec![pack(&WireModuleAccount { base_account: None, name: "rewards".into(), permissions: vec![] })]),
        Error::Unreadable(0),
    );
    let broken = BaseAccount { address: "cairn1nonsense".into(), ..BaseAccount::default() };
    assert_eq!(init(&mut chain, vec![pack(&broken)]).unwrap_err().code, 7);
    assert!(chain.store().entries().is_empty());
}

#[test]
fn genesis_key_of_another_address_is_refused() {
    let mut chain = chain();
    let good = secp256k1_account();
    let other = BaseAccount { address: user(1).to_string(), ..good.clone() };
    refused(init(&mut chain, vec![pack(&other)]), Error::KeyMismatch(user(1).to_string()));
    let short = BaseAccount { pub_key: Some(pack(&PubKey { key: vec![2; 32] })), ..good.clone() };
    refused(init(&mut chain, vec![pack(&short)]), Error::KeyMismatch(good.address.clone()));
    init(&mut chain, vec![pack(&good)]).unwrap();
}

#[test]
fn genesis_module_account_must_be_its_owners() {
    let mut chain = chain();
    let base = |address: Address| Some(BaseAccount { address: address.to_string(), account_number: 2, ..BaseAccount::default() });
    let account =
        |base_account, name: &str| pack(&WireModuleAccount { base_account, name: name.into(), permissions: vec!["minter".into()] });
    for (address, name) in [(user(1), "rewards"), (Address::module("nobody"), "nobody")] {
        let expected = Error::NotAModule { address: address.to_string(), name: name.into() };
        refused(init(&mut chain, vec![account(base(address), name)]), expected);
    }
    init(&mut chain, vec![account(base(MINTER.address()), "rewards")]).unwrap();
    assert_eq!(number(&mut chain, MINTER.address()), 2);
}

#[test]
fn key_and_sequence_are_noted_and_refused_for_nobody() {
    let mut chain = chain();
    init(&mut chain, vec![listed(1, 0)]).unwrap();
    let key = pack(&ed25519::PubKey { key: vec![1; 32] });
    chain.run(|ctx| crate::set_pub_key(ctx, &user(1), key.clone())).unwrap();
    assert_eq!(chain.run(|ctx| crate::bump_sequence(ctx, &user(1))).unwrap(), 1);
    assert_eq!(chain.run(|ctx| crate::bump_sequence(ctx, &user(1))).unwrap(), 2);
    let account = chain.run(|ctx| crate::account(ctx, &user(1))).unwrap().unwrap();
    assert_eq!((account.pub_key, account.sequence, account.account_number), (Some(key.clone()), 2, 1));

    assert_eq!(chain.run(|ctx| crate::set_pub_key(ctx, &user(2), key)).unwrap_err().code, 9);
    assert_eq!(chain.run(|ctx| crate::bump_sequence(ctx, &user(2))).unwrap_err().code, 9);
    assert_eq!(chain.run(|ctx| crate::account(ctx, &user(2))).unwrap(), None);
    assert!(!chain.run(|ctx| crate::has_account(ctx, &user(2))).unwrap());
}

#[test]
fn only_governance_changes_parameters_and_none_to_zero() {
    let mut chain = chain();
    init(&mut chain, vec![]).unwrap();
    let message = |authority: Address, params| MsgUpdateParams { authority: authority.to_string(), params };
    let wanted = Params { max_memo_characters: 512, ..DEFAULT_PARAMS };
    let stranger = chain.tx(|ctx| Auth.update_params(ctx, message(user(1), Some(wanted)))).unwrap_err();
    assert_eq!((stranger.codespace, stranger.code), ("sdk", 4));
    refused(chain.tx(|ctx| Auth.update_params(ctx, message(authority(), None))), Error::NoParameters);
    let zeros = [
        (Params { tx_sig_limit: 0, ..wanted }, "tx signature limit"),
        (Params { sig_verify_cost_ed25519: 0, ..wanted }, "ED25519 signature verification cost"),
        (Params { sig_verify_cost_secp256k1: 0, ..wanted }, "SECK256k1 signature verification cost"),
        (Params { max_memo_characters: 0, ..wanted }, "max memo characters"),
        (Params { tx_size_cost_per_byte: 0, ..wanted }, "tx size cost per byte"),
    ];
    for (params, name) in zeros {
        refused(chain.tx(|ctx| Auth.update_params(ctx, message(authority(), Some(params)))), Error::ZeroParameter(name));
    }
    assert_eq!(chain.run(|ctx| crate::params(ctx)).unwrap(), DEFAULT_PARAMS);
    chain.tx(|ctx| Auth.update_params(ctx, message(authority(), Some(wanted)))).unwrap();
    assert_eq!(chain.run(|ctx| Auth.params(ctx, QueryParamsRequest {})).unwrap().params, Some(wanted));
}

fn query_account(chain: &mut Chain, address: &str) -> Result<Any, Refusal> {
    let answer = chain.run(|ctx| Auth.account(ctx, QueryAccountRequest { address: address.into() }));
    answer.map(|a| a.account.unwrap())
}

#[test]
fn account_query_shows_users_and_modules_by_their_types() {
    let mut chain = chain();
    init(&mut chain, vec![listed(1, 0)]).unwrap();
    let account: BaseAccount = unpack(&query_account(&mut chain, &user(1).to_string()).unwrap()).unwrap();
    assert_eq!((account.account_number, account.sequence), (1, 0));
    let info = chain.run(|ctx| Auth.account_info(ctx, QueryAccountInfoRequest { address: user(1).to_string() })).unwrap().info;
    assert_eq!(info, Some(account));
    let module: WireModuleAccount = unpack(&query_account(&mut chain, &MINTER.address().to_string()).unwrap()).unwrap();
    assert_eq!((module.name.as_str(), module.permissions), ("rewards", vec!["minter".to_owned(), "burner".to_owned()]));
}

#[test]
fn missing_account_is_told_in_the_words_clients_look_for() {
    let mut chain = chain();
    init(&mut chain, vec![]).unwrap();
    let address = user(1).to_string();
    let missing = query_account(&mut chain, &address).unwrap_err();
    assert_eq!((missing.codespace, missing.code, missing.status), ("sdk", 22, Status::NotFound));
    assert_eq!(missing.log, format!("account {address} not found: key not found"));
    assert_eq!(query_account(&mut chain, "").unwrap_err().status, Status::InvalidArgument);
    assert_eq!(query_account(&mut chain, "cosmos1lsagfzrm4gz28he4wunt63sts5xzmczw8pkek3").unwrap_err().code, 7);
    let info = chain.run(|ctx| Auth.account_info(ctx, QueryAccountInfoRequest { address })).unwrap_err();
    assert_eq!(info.status, Status::NotFound);
}

#[test]
fn accounts_come_in_pages() {
    let mut chain = chain();
    init(&mut chain, (1..=3).map(|n| listed(n, 0)).collect()).unwrap();
    let mut seen = 0;
    let mut key = vec![];
    loop {
        let page = PageRequest { key, limit: 2, ..PageRequest::default() };
        let answer = chain.run(|ctx| Auth.accounts(ctx, QueryAccountsRequest { pagination: Some(page) })).unwrap();
        seen += answer.accounts.len();
        key = answer.pagination.unwrap().next_key;
        if key.is_empty() {
            break;
        }
    }
    assert_eq!(seen, 5);
    let all = chain.run(|ctx| Auth.accounts(ctx, QueryAccountsRequest { pagination: None })).unwrap();
    assert_eq!(all.accounts.len(), 5);
}

#[test]
fn numbers_lead_to_addresses() {
    let mut chain = chain();
    init(&mut chain, vec![listed(1, 0)]).unwrap();
    #[expect(deprecated, reason = "the old field is what the test is about")]
    let mut ask = |id, account_id| chain.run(|ctx| Auth.account_address_by_id(ctx, QueryAccountAddressByIdRequest { id, account_id }));
    assert_eq!(ask(0, 1).unwrap().account_address, user(1).to_string());
    assert_eq!(ask(0, 0).unwrap_err().status, Status::NotFound);
    assert_eq!(ask(0, 99).unwrap_err().status, Status::NotFound);
    assert_eq!(ask(1, 0).unwrap_err().status, Status::InvalidArgument);
}

#[test]
fn module_accounts_are_listed_by_name_with_their_rights() {
    let mut chain = chain();
    init(&mut chain, vec![]).unwrap();
    let all = chain.run(|ctx| Auth.module_accounts(ctx, QueryModuleAccountsRequest {})).unwrap().accounts;
    let names: Vec<String> = all.iter().map(|any| unpack::<WireModuleAccount>(any).unwrap().name).collect();
    assert_eq!(names, ["fee_collector", "rewards"]);
    let mut ask = |name: &str| chain.run(|ctx| Auth.module_account_by_name(ctx, QueryModuleAccountByNameRequest { name: name.into() }));
    assert_eq!(ask("rewards").unwrap().account, Some(all[1].clone()));
    assert_eq!(ask("nobody").unwrap_err().log, "account nobody not found: key not found");
    assert_eq!(ask("").unwrap_err().status, Status::InvalidArgument);
}

#[test]
fn addresses_are_translated_both_ways() {
    let mut chain = chain();
    let text = user(7).to_string();
    assert_eq!(chain.run(|ctx| Auth.bech32_prefix(ctx, Bech32PrefixRequest {})).unwrap().bech32_prefix, "cairn");
    let request = AddressBytesToStringRequest { address_bytes: vec![7; 20] };
    assert_eq!(chain.run(|ctx| Auth.address_bytes_to_string(ctx, request)).unwrap().address_string, text);
    let request = AddressStringToBytesRequest { address_string: text };
    assert_eq!(chain.run(|ctx| Auth.address_string_to_bytes(ctx, request)).unwrap().address_bytes, vec![7; 20]);
    for address_bytes in [vec![], vec![1; 33]] {
        let refusal = chain.run(|ctx| Auth.address_bytes_to_string(ctx, AddressBytesToStringRequest { address_bytes })).unwrap_err();
        assert_eq!(refusal.code, 7);
    }
    let request = AddressStringToBytesRequest { address_string: " ".into() };
    assert_eq!(chain.run(|ctx| Auth.address_string_to_bytes(ctx, request)).unwrap_err().code, 7);
}
