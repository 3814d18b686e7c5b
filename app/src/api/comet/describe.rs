//! What this program knows: `cosmos.reflection.v1`, `cosmos.base.reflection`, and `cosmos.params`, whose parameters no module of ours has.
use std::collections::{BTreeMap, BTreeSet};

use cairn_kernel::PREFIX;
use cairn_proto::cosmos::{
    base::reflection::{v1beta1 as interfaces, v2alpha1 as api},
    params::v1beta1 as params,
    tx::signing::v1beta1::SignMode,
};
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage};

use super::Node;
use crate::api::{doors::Refusal, json::Dialect};

/// What every message of a transaction implements; no descriptor says so.
const MESSAGE: &str = "cosmos.base.v1beta1.Msg";
/// How transactions may be signed here.
const SIGN_MODES: [SignMode; 2] = [SignMode::Direct, SignMode::LegacyAminoJson];

/// Every descriptor. `FileDescriptorsResponse` has the wire format of a `FileDescriptorSet`.
pub(super) fn files(_: &Node, _: &[u8]) -> Result<Vec<u8>, Refusal> {
    Ok(cairn_proto::DESCRIPTORS.to_vec())
}

/// Names of interfaces, each with the types that implement it.
fn implementations(node: &Node) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    for message in Dialect::cairn().pool().all_messages() {
        for interface in texts(&message.options(), "implements_interface") {
            found.entry(interface).or_default().insert(type_url(&message));
        }
    }
    found.entry(MESSAGE.to_owned()).or_default().extend(node.chain.message_urls());
    found
}

/// The values of one of the options that `cosmos_proto` adds.
fn texts(options: &DynamicMessage, name: &str) -> Vec<String> {
    let known = options.descriptor().parent_pool().get_extension_by_name(&format!("cosmos_proto.{name}"));
    let Some(extension) = known.filter(|e| options.has_extension(e)) else { return Vec::new() };
    let value = options.get_extension(&extension);
    let list = value.as_list().map(|l| l.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect());
    list.unwrap_or_else(|| value.as_str().map(str::to_owned).into_iter().collect())
}

fn type_url(message: &MessageDescriptor) -> String {
    format!("/{}", message.full_name())
}

pub(super) fn all_interfaces(
    node: &Node,
    _: interfaces::ListAllInterfacesRequest,
) -> Result<interfaces::ListAllInterfacesResponse, Refusal> {
    Ok(interfaces::ListAllInterfacesResponse { interface_names: implementations(node).into_keys().collect() })
}

pub(super) fn implementations_of(
    node: &Node,
    asked: interfaces::ListImplementationsRequest,
) -> Result<interfaces::ListImplementationsResponse, Refusal> {
    if asked.interface_name.is_empty() {
        return Err(Refusal::invalid("invalid interface name"));
    }
    let found = implementations(node).remove(&asked.interface_name).unwrap_or_default();
    Ok(interfaces::ListImplementationsResponse { implementation_message_names: found.into_iter().collect() })
}

pub(super) fn authn(_: &Node, _: api::GetAuthnDescriptorRequest) -> Result<api::GetAuthnDescriptorResponse, Refusal> {
    let mode = |m: SignMode| api::SigningModeDescriptor { name: m.as_str_name().to_owned(), number: m.into(), ..Default::default() };
    Ok(api::GetAuthnDescriptorResponse { authn: Some(api::AuthnDescriptor { sign_modes: SIGN_MODES.map(mode).into() }) })
}

pub(super) fn chain(node: &Node, _: api::GetChainDescriptorRequest) -> Result<api::GetChainDescriptorResponse, Refusal> {
    Ok(api::GetChainDescriptorResponse { chain: Some(api::ChainDescriptor { id: node.chain.chain_id() }) })
}

pub(super) fn codec(node: &Node, _: api::GetCodecDescriptorRequest) -> Result<api::GetCodecDescriptorResponse, Refusal> {
    let accepting = accepting();
    let interface = |(fullname, types): (String, BTreeSet<String>)| {
        let one = |url: String| api::InterfaceImplementerDescriptor { fullname: url.trim_start_matches('/').to_owned(), type_url: url };
        let interface_accepting_messages = accepting.get(&fullname).cloned().unwrap_or_default();
        let interface_implementers = types.into_iter().map(one).collect();
        api::InterfaceDescriptor { fullname, interface_accepting_messages, interface_implementers }
    };
    let interfaces = implementations(node).into_iter().map(interface).collect();
    Ok(api::GetCodecDescriptorResponse { codec: Some(api::CodecDescriptor { interfaces }) })
}

/// Messages with fields that hold any type of an interface, by that interface.
fn accepting() -> BTreeMap<String, Vec<api::InterfaceAcceptingMessageDescriptor>> {
    let mut found = BTreeMap::<_, Vec<_>>::new();
    for message in Dialect::cairn().pool().all_messages() {
        let mut fields = BTreeMap::<String, Vec<String>>::new();
        for field in message.fields() {
            accepts(&field).into_iter().for_each(|i| fields.entry(i).or_default().push(field.name().to_owned()));
        }
        for (interface, field_descriptor_names) in fields {
            let fullname = message.full_name().to_owned();
            found.entry(interface).or_default().push(api::InterfaceAcceptingMessageDescriptor { fullname, field_descriptor_names });
        }
    }
    found
}

fn accepts(field: &FieldDescriptor) -> Vec<String> {
    texts(&field.options(), "accepts_interface").iter().flat_map(|names| names.split(',')).map(|name| name.trim().to_owned()).collect()
}

pub(super) fn configuration(
    _: &Node,
    _: api::GetConfigurationDescriptorRequest,
) -> Result<api::GetConfigurationDescriptorResponse, Refusal> {
    let config = api::ConfigurationDescriptor { bech32_account_address_prefix: PREFIX.to_owned() };
    Ok(api::GetConfigurationDescriptorResponse { config: Some(config) })
}

pub(super) fn queries(node: &Node, _: api::GetQueryServicesDescriptorRequest) -> Result<api::GetQueryServicesDescriptorResponse, Refusal> {
    let mut services = BTreeMap::<String, Vec<api::QueryMethodDescriptor>>::new();
    for path in node.chain.query_paths() {
        let Some((service, name)) = path.trim_start_matches('/').split_once('/') else { continue };
        let method = api::QueryMethodDescriptor { name: name.to_owned(), full_query_path: path.clone() };
        services.entry(service.to_owned()).or_default().push(method);
    }
    let one = |(fullname, methods)| api::QueryServiceDescriptor { fullname, is_module: false, methods };
    let queries = api::QueryServicesDescriptor { query_services: services.into_iter().map(one).collect() };
    Ok(api::GetQueryServicesDescriptorResponse { queries: Some(queries) })
}

pub(super) fn tx(node: &Node, _: api::GetTxDescriptorRequest) -> Result<api::GetTxDescriptorResponse, Refusal> {
    let msgs = node.chain.message_urls().into_iter().map(|msg_type_url| api::MsgDescriptor { msg_type_url }).collect();
    Ok(api::GetTxDescriptorResponse { tx: Some(api::TxDescriptor { fullname: "cosmos.tx.v1beta1.Tx".to_owned(), msgs }) })
}

/// A parameter in the store that modules of the SDK had before each kept its own.
pub(super) fn parameter(_: &Node, asked: params::QueryParamsRequest) -> Result<params::QueryParamsResponse, Refusal> {
    if asked.subspace.is_empty() || asked.key.is_empty() {
        return Err(Refusal::invalid("invalid request"));
    }
    let shown: String = asked.subspace.chars().take(64).collect();
    Err(Refusal::invalid(format!("unknown subspace: {shown}")))
}

/// None: every module answers for its own parameters.
pub(super) fn subspaces(_: &Node, _: params::QuerySubspacesRequest) -> Result<params::QuerySubspacesResponse, Refusal> {
    Ok(params::QuerySubspacesResponse { subspaces: Vec::new() })
}
