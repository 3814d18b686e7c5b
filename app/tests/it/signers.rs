//! Whose signature each message needs: every message of the chain, from the descriptors, so that a new one is tested by itself.
use cairn_app::api::json::Dialect;
use cairn_kernel::Address;
use cairn_proto::Any;
use prost::Message;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, Value};

use crate::support::*;

/// What a proposer alone may include: it names no signer.
const UNSIGNED: &str = "/cairn.beacon.v1.MsgRevealBeacon";

/// The fields that name a message's signers, by `cosmos.msg.v1.signer`.
fn signer_fields(message: &MessageDescriptor) -> Vec<String> {
    let option = Dialect::cairn().pool().get_extension_by_name("cosmos.msg.v1.signer").unwrap();
    let options = message.options();
    let names = options.get_extension(&option);
    names.as_list().unwrap_or_default().iter().filter_map(|v| Some(v.as_str()?.to_owned())).collect()
}

/// The message with `signer` wherever it names one, also within the messages that it points to.
fn signed_by(message: &MessageDescriptor, signer: &Address) -> DynamicMessage {
    let scalar = Dialect::cairn().pool().get_extension_by_name("cosmos_proto.scalar").unwrap();
    let mut out = DynamicMessage::new(message.clone());
    for name in signer_fields(message) {
        let field = message.get_field_by_name(&name).unwrap();
        let value = match field.kind() {
            Kind::String if field.options().get_extension(&scalar).as_str() == Some("cosmos.ValidatorAddressString") => {
                Value::String(signer.to_bech32("cairnvaloper"))
            }
            Kind::String => Value::String(signer.to_string()),
            Kind::Message(inner) => Value::Message(signed_by(&inner, signer)),
            other => panic!("{}: {other:?}", field.full_name()),
        };
        out.set_field(&field, if field.is_list() { Value::List(vec![value]) } else { value });
    }
    out
}

fn messages(net: &Net) -> Vec<(String, MessageDescriptor)> {
    let urls = net.app.router().msg_urls().filter(|url| *url != UNSIGNED);
    urls.map(|url| (url.to_owned(), Dialect::cairn().message(url).unwrap())).collect()
}

fn message_of(net: &Net, url: &str, message: &MessageDescriptor, wallet: usize) -> Any {
    Any { type_url: url.to_owned(), value: signed_by(message, &net.wallets[wallet].address).encode_to_vec() }
}

fn check(net: &Net, draft: &Draft, signers: &[&Wallet]) -> u32 {
    let outcome = net.app.check_tx(&draft.sign(signers)).unwrap();
    assert!(outcome.result.as_ref().err().is_none_or(|e| e.codespace == "sdk"), "{:?}", outcome.result);
    outcome.code()
}

#[test]
fn every_message_needs_the_signature_that_it_names() {
    let net = Net::new();
    assert!(messages(&net).len() > 20);
    for ((url, message), sequence) in messages(&net).into_iter().zip(0..) {
        assert!(!signer_fields(&message).is_empty(), "{url} names no signer");
        let [named, thief] = [0, 1].map(|i| net.wallets[i].clone());
        let named = Wallet { sequence, ..named };
        let draft = Draft::of(vec![message_of(&net, &url, &message, 0)]);
        let posing = Wallet { address: named.address, number: named.number, sequence, ..thief.clone() };
        let elsewhere = Draft { chain_id: "cairn-it-2".into(), ..draft.clone() };
        let other_number = Wallet { number: 9, ..named.clone() };
        for (name, code, got) in [
            ("of another", 8, check(&net, &draft, &[&thief])),
            ("of another in its name", 8, check(&net, &draft, &[&posing])),
            ("one too many", 4, check(&net, &draft, &[&named, &thief])),
            ("of another chain", 4, check(&net, &elsewhere, &[&named])),
            ("of another account number", 4, check(&net, &draft, &[&other_number])),
            ("none", 15, check(&net, &draft, &[])),
            ("its own", 0, check(&net, &draft, &[&named])),
        ] {
            assert_eq!(got, code, "{url}: {name}");
        }
    }
}

#[test]
fn messages_of_two_signers_need_both_in_their_order() {
    let net = Net::new();
    for ((url, message), sequence) in messages(&net).into_iter().zip(0..) {
        let [a, b] = [0, 1].map(|i| Wallet { sequence, ..net.wallets[i].clone() });
        let draft = Draft::of(vec![message_of(&net, &url, &message, 1), message_of(&net, &url, &message, 0)]).gas(400_000);
        assert_eq!(check(&net, &draft, &[&a, &b]), 8, "{url}: wrong order");
        assert_eq!(check(&net, &draft, &[&b]), 4, "{url}: one missing");
        assert_eq!(check(&net, &draft, &[&b, &a]), 0, "{url}");
    }
}

#[test]
fn an_empty_message_of_every_kind_fails_without_a_trace() {
    // Not so many in one chain that an epoch of rewards ends meanwhile.
    for some in messages(&Net::new()).chunks(60) {
        let mut net = Net::new();
        net.run(vec![]);
        let mut signer = net.wallets[0].clone();
        for (url, message) in some {
            fails_without_a_trace(&mut net, &signer, url, message);
            signer.sequence += 1;
        }
    }
}

fn fails_without_a_trace(net: &mut Net, signer: &Wallet, url: &str, message: &MessageDescriptor) {
    let tx = Draft::of(vec![message_of(net, url, message, 0)]).sign(&[signer]);
    let before = net.app.export().unwrap();
    let outcome = net.run(vec![tx]).remove(0);
    if outcome.result.is_err() {
        let events = shown(&outcome.events);
        assert!(outcome.events.iter().all(|e| e.origin == cairn_app::Origin::Ante), "{url}: {events:?}");
        let after = net.app.export().unwrap();
        for module in ["asset", "licensing", "rewards", "dispute", "annotation", "compute"] {
            assert_eq!(before[module], after[module], "{url} changed {module}");
        }
    }
}
