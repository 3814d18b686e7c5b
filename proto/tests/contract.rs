//! Rules that every `.proto` file of ours keeps, read from the descriptors.
#![allow(clippy::unwrap_used, reason = "what a test cannot read, it fails on")]

use std::collections::{BTreeMap, BTreeSet};

use cairn_proto::DESCRIPTORS;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FileDescriptor, Kind, MessageDescriptor, MethodDescriptor, ReflectMessage, ServiceDescriptor, Value,
};

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTORS).unwrap()
}

fn is_ours(file: &FileDescriptor) -> bool {
    file.package_name().starts_with("cairn.")
}

fn own_services(pool: &DescriptorPool, name: &str) -> Vec<ServiceDescriptor> {
    pool.services().filter(|s| is_ours(&s.parent_file()) && s.name() == name).collect()
}

fn own_msgs(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    own_services(pool, "Msg").iter().flat_map(|s| s.methods().map(|m| m.input()).collect::<Vec<_>>()).collect()
}

fn text_option(options: &DynamicMessage, name: &str) -> Option<String> {
    let extension = options.descriptor().parent_pool().get_extension_by_name(name).unwrap();
    options.has_extension(&extension).then(|| options.get_extension(&extension).as_str().unwrap().to_owned())
}

/// The method and template of `google.api.http`.
fn http(method: &MethodDescriptor) -> Option<(String, String)> {
    let extension = method.parent_pool().get_extension_by_name("google.api.http").unwrap();
    let options = method.options();
    if !options.has_extension(&extension) {
        return None;
    }
    let rule = options.get_extension(&extension);
    let set = ["get", "put", "post", "delete", "patch"].map(|verb| (verb, rule.as_message().unwrap().get_field_by_name(verb)));
    set.into_iter().find_map(|(verb, value)| match value.as_deref() {
        Some(Value::String(path)) if !path.is_empty() => Some((verb.to_owned(), path.clone())),
        _ => None,
    })
}

#[test]
fn descriptors_hold_the_cosmos_contract_and_its_options() {
    let pool = pool();
    for service in [
        "cosmos.auth.v1beta1.Query",
        "cosmos.authz.v1beta1.Msg",
        "cosmos.autocli.v1.Query",
        "cosmos.bank.v1beta1.Msg",
        "cosmos.base.node.v1beta1.Service",
        "cosmos.base.reflection.v1beta1.ReflectionService",
        "cosmos.base.reflection.v2alpha1.ReflectionService",
        "cosmos.base.tendermint.v1beta1.Service",
        "cosmos.reflection.v1.ReflectionService",
        "cosmos.tx.v1beta1.Service",
        "ibc.applications.transfer.v1.Msg",
        "ibc.core.channel.v1.Query",
    ] {
        assert!(pool.get_service_by_name(service).is_some(), "{service}");
    }
    let send = pool.get_message_by_name("cosmos.bank.v1beta1.MsgSend").unwrap();
    assert_eq!(text_option(&send.options(), "amino.name").unwrap(), "cosmos-sdk/MsgSend");
    let amount = send.get_field_by_name("amount").unwrap().options();
    let nullable = pool.get_extension_by_name("gogoproto.nullable").unwrap();
    assert_eq!(*amount.get_extension(&nullable), Value::Bool(false));
    let from = send.get_field_by_name("from_address").unwrap().options();
    assert_eq!(text_option(&from, "cosmos_proto.scalar").unwrap(), "cosmos.AddressString");
    let balance = pool.get_service_by_name("cosmos.bank.v1beta1.Query").unwrap().methods().find(|m| m.name() == "Balance").unwrap();
    assert_eq!(http(&balance).unwrap().1, "/cosmos/bank/v1beta1/balances/{address}/by_denom");
}

/// The module `cosmossdk.io/api` is ahead of SDK 0.50; the contract is what 0.50 serves.
#[test]
fn bank_is_that_of_sdk_0_50() {
    let pool = pool();
    let methods =
        |service: &str| -> BTreeSet<String> { pool.get_service_by_name(service).unwrap().methods().map(|m| m.name().to_owned()).collect() };
    assert!(!methods("cosmos.bank.v1beta1.Msg").contains("Burn"));
    assert!(methods("cosmos.bank.v1beta1.Query").contains("DenomOwnersByQuery"));
}

/// Ledger shows names of fewer than 40 characters; CosmJS refuses two types of one name.
#[test]
fn amino_names_are_unique_and_short() {
    let pool = pool();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for message in pool.all_messages() {
        let Some(name) = text_option(&message.options(), "amino.name") else { continue };
        if is_ours(&message.parent_file()) {
            assert!(name.starts_with("cairn/") && name.len() < 40, "{}: {name}", message.full_name());
            assert_eq!(names.get(&name), None, "{} takes {name} again", message.full_name());
        }
        names.insert(name, message.full_name().to_owned());
    }
    for message in own_msgs(&pool) {
        assert!(text_option(&message.options(), "amino.name").is_some(), "{} has no amino.name", message.full_name());
    }
}

/// Amino JSON has no certain form for these, so a hardware wallet could not sign them.
#[test]
fn messages_hold_only_what_every_wallet_signs_alike() {
    let pool = pool();
    let mut open = own_msgs(&pool);
    let mut seen = BTreeSet::new();
    while let Some(message) = open.pop() {
        if !seen.insert(message.full_name().to_owned()) {
            continue;
        }
        for field in message.fields() {
            let name = field.full_name();
            assert!(field.containing_oneof().is_none() || field.field_descriptor_proto().proto3_optional(), "{name} is in a oneof");
            assert!(!field.is_map(), "{name} is a map");
            assert!(!matches!(field.kind(), Kind::Float | Kind::Double), "{name} is a float");
            assert_ne!(text_option(&field.options(), "cosmos_proto.scalar").as_deref(), Some("cosmos.Dec"), "{name} is a Dec");
            open.extend(field.kind().as_message().filter(|m| is_ours(&m.parent_file())).cloned());
        }
    }
}

#[test]
fn every_query_has_a_rest_path_of_its_own() {
    let pool = pool();
    let mut paths = BTreeMap::new();
    for method in pool.services().flat_map(|s| s.methods().collect::<Vec<_>>()) {
        let Some(rule) = http(&method) else { continue };
        if is_ours(&method.parent_file()) || method.parent_service().package_name().starts_with("cairn.") {
            assert_eq!(paths.get(&rule), None, "{} takes {rule:?} again", method.full_name());
        }
        paths.insert(rule, method.full_name().to_owned());
    }
    for service in own_services(&pool, "Query") {
        for method in service.methods() {
            let (verb, path) = http(&method).unwrap_or_else(|| panic!("{} has no google.api.http", method.full_name()));
            let home = format!("/{}/", service.package_name().replace('.', "/"));
            assert!(verb == "get" && path.starts_with(&home), "{}: {verb} {path} is not below {home}", method.full_name());
            for part in path.split('/').filter_map(|p| p.strip_prefix('{')) {
                let field = part.trim_end_matches('}').trim_end_matches("=**");
                assert!(method.input().get_field_by_name(field).is_some(), "{}: no field {field}", method.full_name());
            }
        }
    }
}

/// What the documentation of the interfaces is made of. A field whose name says it all may stand alone, and so may the frame
/// of a call (`...Request`, `...Response`): its rpc explains it.
#[test]
fn every_definition_of_ours_is_explained() {
    let pool = pool();
    let mut silent: Vec<String> = vec![];
    for file in pool.files().filter(is_ours) {
        let info = file.file_descriptor_proto().source_code_info.clone().expect("ours keep their comments");
        let said: BTreeSet<Vec<i32>> =
            info.location.into_iter().filter(|l| l.leading_comments.is_some() || l.trailing_comments.is_some()).map(|l| l.path).collect();
        let mut check = |path: &[i32], name: &str| {
            if !said.contains(path) {
                silent.push(name.to_owned());
            }
        };
        for message in file.messages().filter(|m| !m.name().ends_with("Request") && !m.name().ends_with("Response")) {
            check(message.path(), message.full_name());
        }
        for declared in file.enums() {
            check(declared.path(), declared.full_name());
        }
        for service in file.services() {
            check(service.path(), service.full_name());
            service.methods().for_each(|m| check(m.path(), m.full_name()));
        }
    }
    assert!(silent.is_empty(), "without a comment: {silent:#?}");
}
