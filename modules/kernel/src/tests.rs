//! What the kernel promises its modules: order of keys, undo, gas, pages, routes, addresses, coins.
#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]
use std::{cell::RefCell, sync::Arc};

use prost::{Message, Name};

use crate::{testing::Chain, *};

crate::state! { "t";
    /// A value.
    SEEN: Item<u64> = 1;
    /// Values by two parts.
    PAIRS: Map<(String, u64), u64> = 2;
    /// Members.
    MEMBERS: Set<Address> = 3;
    /// Numbers.
    IDS: Sequence = 4;
    /// Raw bytes.
    BLOBS: Map<u64, Vec<u8>> = 5;
}

/// A message of one field, as generated code would declare it.
#[derive(Clone, PartialEq, Message)]
struct Note {
    #[prost(string, tag = "1")]
    by: String,
}
impl Name for Note {
    const NAME: &'static str = "Note";
    const PACKAGE: &'static str = "t.v1";
    fn full_name() -> String {
        "t.v1.Note".into()
    }
    fn type_url() -> String {
        "/t.v1.Note".into()
    }
}

fn address(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

fn pairs(ctx: &Ctx, prefix: &[u8]) -> Vec<(String, u64)> {
    PAIRS.range(ctx, prefix).map(|e| e.unwrap().0).collect()
}

#[test]
fn keys_sort_as_their_values_and_read_back() {
    fn check<K: Key + Ord + Clone + std::fmt::Debug>(mut keys: Vec<K>) {
        keys.sort();
        let bytes: Vec<Vec<u8>> = keys.iter().map(key_prefix).collect();
        for (i, (k, b)) in keys.iter().zip(&bytes).enumerate() {
            let mut rest = b.as_slice();
            assert_eq!(K::read(&mut rest).as_ref(), Some(k));
            assert!(rest.is_empty());
            for (j, c) in bytes.iter().enumerate() {
                assert_eq!(i.cmp(&j), b.cmp(c), "{k:?}");
                assert!(i == j || !c.starts_with(b), "{k:?} begins {:?}", keys[j]);
            }
        }
    }
    check(vec![0_u64, 1, 255, 256, u64::MAX]);
    check(["", "a", "a\0", "a\0b", "a\u{1}", "ab", "b"].map(String::from).to_vec());
    check(vec![vec![], vec![0], vec![0, 0], vec![0, 255], vec![0, 1], vec![1], vec![255]]);
    check(vec![("a".to_owned(), 2_u64), ("a".to_owned(), 1), ("b".to_owned(), 0), ("".to_owned(), 9)]);
    check(vec![address(1), address(2), Address::new(&[9; 32]).unwrap()]);
}

#[test]
fn the_list_of_collections_names_each_with_its_prefix() {
    let named: Vec<(&str, &[u8])> = TABLES.iter().map(|t| (t.name, t.prefix)).collect();
    assert_eq!(named.len(), 5);
    assert_eq!((named[1], named[4]), (("t/PAIRS", b"t/2/".as_slice()), ("t/BLOBS", b"t/5/".as_slice())));
}

#[test]
fn overlays_read_through_and_hide_what_they_delete() {
    let mut base = MemStore::default();
    for k in [b"a", b"b", b"c", b"d"] {
        base.put(k, Some(b"base".to_vec()));
    }
    let mut over = Overlay::new(&base);
    over.put(b"b", None);
    over.put(b"c", Some(b"over".to_vec()));
    over.put(b"bb", Some(b"over".to_vec()));
    over.put(b"d", None);
    let walk = |reverse: bool| {
        let (mut from, mut to, mut out) = (b"a".to_vec(), b"z".to_vec(), vec![]);
        while let Some((k, _)) = if reverse { over.prev(&from, &to) } else { over.next(&from, &to) } {
            out.push(String::from_utf8(k.clone()).unwrap());
            if reverse { to = k } else { from = [k.as_slice(), &[0]].concat() }
        }
        out
    };
    assert_eq!(walk(false), ["a", "bb", "c"]);
    assert_eq!(walk(true), ["c", "bb", "a"]);
    assert_eq!(over.get(b"c"), Some(b"over".to_vec()));
    assert_eq!(over.next(b"z", b"a"), None);
}

#[test]
fn a_failed_branch_leaves_neither_writes_nor_events() {
    let mut chain = Chain::default();
    chain.run(|ctx| {
        SEEN.set(ctx, &1).unwrap();
        let failed: Result<()> = ctx.atomic(|ctx| {
            SEEN.set(ctx, &2)?;
            ctx.emit(&Note { by: "x".into() });
            ctx.atomic(|ctx| {
                ctx.emit_raw("inner", &[("k", "v")]);
                Ok(())
            })?;
            Err(sdk::unauthorized("no"))
        });
        assert_eq!(failed.unwrap_err().code, 4);
        assert_eq!(SEEN.get(ctx).unwrap(), Some(1));
        assert!(ctx.events().is_empty());
    });
}

#[test]
fn default_values_are_stored_as_something_provable() {
    let mut chain = Chain::default();
    chain.run(|ctx| SEEN.set(ctx, &0)).unwrap();
    assert!(chain.store().entries().values().all(|v| !v.is_empty()));
    assert_eq!(chain.run(|ctx| SEEN.get(ctx)).unwrap(), Some(0));
}

#[test]
fn gas_is_charged_by_access_and_by_byte_and_stops_work() {
    let mut store = MemStore::default();
    let (block, router) = (BlockInfo::default(), Router::default());
    let free = Gas::unlimited();
    let mut ctx = Ctx::new(&mut store, &block, &free, &router);
    BLOBS.set(&mut ctx, &1, &vec![7; 100]).unwrap();
    let key = b"t/5/".len() as u64 + 8;
    assert_eq!(free.used(), gas::WRITE + gas::WRITE_BYTE * (key + 102));
    let tight = Gas::new(gas::READ + gas::READ_BYTE * (key + 102));
    assert!(BLOBS.get(&Ctx::new(&mut store, &block, &tight, &router), &1).is_ok());
    let short = Gas::new(tight.used() - 1);
    let err = BLOBS.get(&Ctx::new(&mut store, &block, &short, &router), &1).unwrap_err();
    assert_eq!((err.codespace, err.code), ("sdk", 11));
    assert!(err.log.starts_with("out of gas in location: ReadPerByte; gasWanted: "), "{}", err.log);
}

#[test]
fn an_iteration_stops_at_the_first_error() {
    let mut chain = Chain::default();
    chain.run(|ctx| (0..5).for_each(|n| PAIRS.set(ctx, &("a".into(), n), &n).unwrap()));
    let mut store = chain.store().clone();
    let (block, router, little) = (BlockInfo::default(), Router::default(), Gas::new(150));
    let ctx = Ctx::new(&mut store, &block, &little, &router);
    let results: Vec<_> = PAIRS.range(&ctx, &[]).collect();
    assert!(results.last().unwrap().is_err() && results.iter().filter(|r| r.is_err()).count() == 1);
}

#[test]
fn ranges_keep_to_their_prefix_in_both_directions() {
    let mut chain = Chain::default();
    chain.run(|ctx| {
        for (s, n) in [("a", 1), ("a", 2), ("ab", 1), ("b", 0)] {
            PAIRS.set(ctx, &(s.into(), n), &n).unwrap();
        }
        let a = key_prefix(&"a".to_owned());
        assert_eq!(pairs(ctx, &a), [("a".into(), 1), ("a".into(), 2)]);
        assert_eq!(pairs(ctx, &[]).len(), 4);
        let back: Vec<u64> = PAIRS.range_reverse(ctx, &a).map(|e| e.unwrap().1).collect();
        assert_eq!(back, [2, 1]);
        let from: Vec<u64> = PAIRS.range_from(ctx, &a, &key_prefix(&("a".to_owned(), 2_u64))).map(|e| e.unwrap().1).collect();
        assert_eq!(from, [2]);
        PAIRS.remove(ctx, &("a".into(), 1)).unwrap();
        assert_eq!(pairs(ctx, &a).len(), 1);
    });
}

#[test]
fn pages_join_to_the_whole_in_both_directions() {
    let mut chain = Chain::default();
    chain.run(|ctx| {
        (0..10).for_each(|n| PAIRS.set(ctx, &("a".into(), n), &n).unwrap());
        PAIRS.set(ctx, &("b".into(), 0), &0).unwrap();
        let a = key_prefix(&"a".to_owned());
        for reverse in [false, true] {
            let (mut key, mut all) = (vec![], vec![]);
            loop {
                let request = PageRequest { key, limit: 3, reverse, ..PageRequest::default() };
                let (entries, page) = PAIRS.page(ctx, &a, &request).unwrap();
                all.extend(entries.into_iter().map(|e| e.1));
                key = page.next_key;
                if key.is_empty() {
                    break;
                }
            }
            if reverse {
                all.reverse();
            }
            assert_eq!(all, (0..10).collect::<Vec<_>>());
        }
        let request = PageRequest { offset: 8, limit: 5, count_total: true, ..PageRequest::default() };
        let (entries, page) = PAIRS.page(ctx, &a, &request).unwrap();
        assert_eq!((entries.len(), page.total, page.next_key.len()), (2, 10, 0));
        assert_eq!(PageRequest { limit: u64::MAX, ..PageRequest::default() }.bounded_limit(), MAX_LIMIT);
        let both = PageRequest { key: vec![1], offset: 1, ..PageRequest::default() };
        let refused = PAIRS.page(ctx, &a, &both).unwrap_err();
        assert_eq!(refused.reason(), "invalid request, either offset or key is expected, got both");
    });
}

#[test]
fn a_page_without_a_limit_tells_the_total_unless_there_is_too_much_to_count() {
    let mut chain = Chain::default();
    chain.run(|ctx| {
        for i in 0..=MAX_UNASKED_COUNT {
            let total = |request: &PageRequest| PAIRS.page(ctx, &[], request).unwrap().1.total;
            match i {
                120 => assert_eq!((total(&PageRequest::default()), total(&PageRequest { limit: 1, ..PageRequest::default() })), (120, 0)),
                MAX_UNASKED_COUNT => assert_eq!(total(&PageRequest::default()), MAX_UNASKED_COUNT),
                _ => {}
            }
            PAIRS.set(ctx, &("a".into(), i), &i).unwrap();
        }
        let (entries, page) = PAIRS.page(ctx, &[], &PageRequest::default()).unwrap();
        assert_eq!((entries.len(), page.total, page.next_key.is_empty()), (100, 0, false));
        let asked = PageRequest { count_total: true, ..PageRequest::default() };
        assert_eq!(PAIRS.page(ctx, &[], &asked).unwrap().1.total, MAX_UNASKED_COUNT + 1);
    });
}

#[test]
fn sequences_never_repeat_and_end_with_an_error() {
    let mut chain = Chain::default();
    chain.run(|ctx| {
        assert_eq!((IDS.next(ctx).unwrap(), IDS.next(ctx).unwrap(), IDS.last(ctx).unwrap()), (1, 2, 2));
        IDS.set(ctx, u64::MAX).unwrap();
        assert_eq!(IDS.next(ctx).unwrap_err().code, 3);
        MEMBERS.insert(ctx, &address(1)).unwrap();
        assert!(MEMBERS.has(ctx, &address(1)).unwrap() && !MEMBERS.has(ctx, &address(2)).unwrap());
        MEMBERS.remove(ctx, &address(1)).unwrap();
        assert_eq!(MEMBERS.range(ctx, &[]).count(), 0);
    });
}

struct Notary;
fn signers(m: &Note) -> Result<Vec<Address>> {
    Ok(vec![Address::parse(&m.by)?])
}
fn nest(_: &Notary, ctx: &mut Ctx, m: Note) -> Result<Note> {
    let by = Address::parse(&m.by)?;
    SEEN.set(ctx, &(SEEN.get(ctx)?.unwrap_or(0) + 1))?;
    ctx.execute(&by, "/t.v1.Note", &m.encode_to_vec()).map(|_| m)
}

#[test]
fn a_message_runs_only_for_its_signer_and_nests_to_a_limit() {
    let mut chain = Chain::default();
    chain.router.msgs(vec![MsgRoute::new(&Arc::new(Notary), signers, nest)]);
    let note = Note { by: address(1).to_string() }.encode_to_vec();
    chain.run(|ctx| {
        assert_eq!(ctx.execute(&address(2), "/t.v1.Note", &note).unwrap_err().code, 4);
        assert_eq!(ctx.execute(&address(1), "/t.v1.Other", &note).unwrap_err().code, 6);
        assert_eq!(ctx.execute(&address(1), "/t.v1.Note", &[0xff]).unwrap_err().code, 18);
        let err = ctx.execute(&address(1), "/t.v1.Note", &note).unwrap_err();
        assert_eq!((err.codespace, err.code), ("kernel", 4));
        assert_eq!(SEEN.get(ctx).unwrap(), None);
    });
}

#[test]
#[should_panic(expected = "two handlers for /t.v1.Note")]
fn two_handlers_for_a_message_are_found_at_start_up() {
    let route = || MsgRoute::new(&Arc::new(Notary), signers, nest);
    Router::default().msgs(vec![route(), route()]);
}

#[test]
fn hooks_are_found_by_their_type() {
    trait Hook: Send + Sync {
        fn n(&self) -> u64;
    }
    struct Seven;
    impl Hook for Seven {
        fn n(&self) -> u64 {
            7
        }
    }
    let mut chain = Chain::default();
    chain.router.hook::<Arc<dyn Hook>>(Arc::new(Seven));
    let found = chain.run(|ctx| ctx.hooks::<Arc<dyn Hook>>().iter().map(|h| h.n()).sum::<u64>());
    assert_eq!(found, 7);
    assert!(chain.run(|ctx| ctx.hooks::<u8>().is_empty()));
}

#[test]
fn addresses_are_canonical_bech32() {
    // The public key and the module account of the CosmJS vectors, with the prefix of the Cosmos Hub.
    let key = [
        0x03, 0x81, 0x63, 0xd5, 0x8d, 0x64, 0xef, 0xb4, 0x2a, 0xc6, 0xec, 0xb8, 0xf7, 0xa0, 0x87, 0x62, 0xb6, 0x97, 0xf5, 0xa7, 0x0b, 0xdc,
        0xc2, 0xcd, 0xcb, 0xca, 0x55, 0x1e, 0xbc, 0x8d, 0xb2, 0x9e, 0xc7,
    ];
    let address = Address::from_secp256k1(&key);
    assert_eq!(Address::parse_with("cosmos", &address.to_bech32("cosmos")).unwrap(), address);
    assert_eq!(Address::module("fee_collector").to_bech32("cosmos"), "cosmos17xpfvakm2amg962yls6f84z3kell8c5lserqta");
    assert_eq!(Address::derive("asset", b"1").as_bytes().len(), 32);
    let text = address.to_string();
    assert!(text.starts_with("cairn1"));
    let upper = text.to_uppercase();
    for (bad, why) in [("", "empty"), (upper.as_str(), "upper case"), ("cairn1qqqq", "checksum"), (&text[..text.len() - 1], "short")] {
        let err = Address::parse(bad).expect_err(why);
        assert_eq!((err.codespace, err.code), ("sdk", 7), "{why}");
    }
    assert_eq!(Address::parse_with("cosmos", &text).unwrap_err().log, "invalid bech32 prefix; expected cosmos, got cairn: invalid address");
    assert!(Address::new(&[]).is_err() && Address::new(&[0; 33]).is_err());
}

#[test]
fn coins_are_parsed_strictly() {
    assert_eq!(Coin::parse("ucairn", "340282366920938463463374607431768211455").unwrap().amount, u128::MAX);
    for amount in ["", "-1", "+1", "01", "1.0", "340282366920938463463374607431768211456", " 1"] {
        assert_eq!(Coin::parse("ucairn", amount).unwrap_err().code, 10, "{amount}");
    }
    for denom in ["", "ab", "1ab", "a b", "uca\0irn", "a\nb", "share/é", &"a".repeat(129)] {
        let text = check_denom(denom).unwrap_err().log;
        assert!(!text.chars().any(char::is_control), "{text}");
    }
    for denom in ["abc", "share/1", "ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB2", &"a".repeat(128)] {
        assert!(check_denom(denom).is_ok(), "{denom}");
    }
    let coin = |d: &str, a| Coin::new(d, a);
    assert!(Coins::strict(vec![coin("aaa", 1), coin("bbb", 2)]).is_ok());
    for bad in [vec![coin("bbb", 1), coin("aaa", 1)], vec![coin("aaa", 1), coin("aaa", 1)], vec![coin("aaa", 0)]] {
        assert_eq!(Coins::strict(bad).unwrap_err().code, 10);
    }
    let mut sum = Coins::default();
    sum.add(&coin("aaa", u128::MAX)).unwrap();
    assert!(sum.add(&coin("aaa", 1)).is_err());
    assert_eq!(sum.to_string(), format!("{}aaa", u128::MAX));
}

/// The shape of a library that borrows its host and its router at once and shows a callback no context.
#[test]
fn a_context_can_be_shared_within_one_call() {
    struct Host<'a, 's>(&'a RefCell<&'a mut Ctx<'s>>);
    fn dispatch(host: &mut Host, port: &mut Host) -> Result<()> {
        SEEN.set(&mut host.0.borrow_mut(), &1)?;
        let n = SEEN.get(&port.0.borrow())?.unwrap_or(0);
        SEEN.set(&mut port.0.borrow_mut(), &(n + 1))
    }
    let seen = Chain::default().run(|ctx| {
        let cell = RefCell::new(&mut *ctx);
        dispatch(&mut Host(&cell), &mut Host(&cell)).unwrap();
        SEEN.get(ctx)
    });
    assert_eq!(seen.unwrap(), Some(2));
}
