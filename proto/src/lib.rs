//! Wire types of Cairn and of the Cosmos packages it speaks, the traits of their services, and all descriptors.
//!
//! The modules are named as the protobuf packages: `cosmos::bank::v1beta1::MsgSend` is `cosmos.bank.v1beta1.MsgSend`.

#[allow(
    missing_docs,
    rustdoc::all,
    clippy::doc_lazy_continuation,
    clippy::doc_overindented_list_items,
    clippy::enum_variant_names,
    clippy::large_enum_variant,
    clippy::module_inception,
    deprecated,
    reason = "generated; comments and names are those of the .proto files"
)]
#[rustfmt::skip]
#[path = "gen/mod.rs"]
mod generated;

pub mod adr036;
mod any;
pub mod coin;
pub mod time;

pub use any::{pack, unpack};
pub use generated::*;
pub use prost_types::{Any, Duration, Timestamp};

/// A `google.protobuf.FileDescriptorSet` with every file of the Cosmos contract and of ours, options included; ours with
/// their comments. For JSON, REST, reflection, documentation and the clients' types.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/descriptors.binpb");
