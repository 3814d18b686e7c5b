//! Messages as amino JSON, the text that Ledger devices, Keplr's own screens and multisignature members sign
//! (`SIGN_MODE_LEGACY_AMINO_JSON`). Every rule is read from the descriptors' options, so a new message needs no code here. Where the
//! Cosmos SDK's walker and CosmJS differ, this follows CosmJS: it is the signer.
mod binary;
mod document;
mod known;
mod read;
mod std_tx;
mod wire;
mod write;

#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::LazyLock};

pub use document::Signer;

use prost_reflect::{DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, MessageDescriptor, OneofDescriptor, Value};

use crate::api::json::Dialect;

/// Why a message has no amino JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AminoError {
    /// The type is not among the descriptors.
    #[error("unable to resolve type URL {0:?}")]
    UnknownType(String),
    /// The bytes are not of their type.
    #[error("{0} cannot be decoded")]
    Undecodable(String),
    /// The document cannot express this.
    #[error("{0} has no form in amino JSON")]
    Inexpressible(String),
}

/// How a single value of a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As its protobuf type says.
    Plain,
    /// The wire holds an integer scaled by 10^18, the document shows 18 decimals.
    Decimal,
    /// Decimal digits; an empty text is zero.
    Integer,
}

/// How a message that is no plain object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Its fields.
    Object,
    /// The bytes of its field `key`, alone.
    Key,
    /// A threshold key: `pubkeys` and `threshold`.
    Threshold,
}

/// What the walker must know of a field.
#[derive(Debug)]
struct Field {
    descriptor: FieldDescriptor,
    name: String,
    keep_empty: bool,
    form: Form,
    /// The name under which its `oneof` appears and the type by which this member is told apart.
    one_of: Option<(String, String)>,
}

/// What the walker must know of a message.
#[derive(Debug)]
struct Rule {
    /// The name that stands for its type URL.
    name: Option<String>,
    shape: Shape,
    /// By name, as the document lists them.
    fields: Vec<Field>,
}

/// The rules of amino JSON for every message of a pool.
#[derive(Debug)]
pub struct Amino {
    pool: DescriptorPool,
    rules: HashMap<String, Rule>,
    /// Messages by the names that stand for them.
    names: HashMap<String, String>,
    /// Messages by the beginning of their binary form.
    prefixes: HashMap<binary::Prefix, String>,
}

impl Amino {
    /// Compiles the rules for all messages of `pool`.
    #[must_use]
    pub fn new(pool: DescriptorPool) -> Self {
        let options = Options {
            name: pool.get_extension_by_name("amino.name"),
            message_encoding: pool.get_extension_by_name("amino.message_encoding"),
            field_name: pool.get_extension_by_name("amino.field_name"),
            keep_empty: pool.get_extension_by_name("amino.dont_omitempty"),
            one_of_name: pool.get_extension_by_name("amino.oneof_name"),
            scalar: pool.get_extension_by_name("cosmos_proto.scalar"),
        };
        let rules: HashMap<String, Rule> = pool.all_messages().map(|m| (m.full_name().to_owned(), options.rule(&m))).collect();
        // Where two have one name, the one that comes first in the alphabet is meant.
        let mut named: Vec<_> = rules.iter().filter_map(|(full, rule)| Some((rule.name.clone()?, full.clone()))).collect();
        named.sort_by(|a, b| b.cmp(a));
        let prefixes = named.iter().map(|(name, full)| (binary::prefix(name), full.clone())).collect();
        Self { pool, rules, names: named.into_iter().collect(), prefixes }
    }

    /// The rules of this build's own descriptors, compiled at the first use.
    #[must_use]
    pub fn cairn() -> &'static Self {
        static CAIRN: LazyLock<Amino> = LazyLock::new(|| Amino::new(Dialect::cairn().pool().clone()));
        &CAIRN
    }

    /// The name that stands for a type in documents; its type URL if it has none.
    #[must_use]
    pub fn name(&self, message: &MessageDescriptor) -> String {
        let named = self.rules.get(message.full_name()).and_then(|rule| rule.name.clone());
        named.unwrap_or_else(|| format!("/{}", message.full_name()))
    }

    /// A packed message as `{"type":..,"value":..}`, compact, keys sorted.
    ///
    /// # Errors
    /// If the type is not known, the bytes are none of it, or they hold something that has no form in amino JSON.
    pub fn encode(&self, type_url: &str, bytes: &[u8]) -> Result<String, AminoError> {
        let mut out = String::new();
        self.write_packed(type_url, bytes, &mut out)?;
        Ok(out)
    }

    fn unpacked(&self, type_url: &str, bytes: &[u8]) -> Result<DynamicMessage, AminoError> {
        let unknown = || AminoError::UnknownType(type_url.chars().take(128).collect());
        let name = type_url.strip_prefix('/').ok_or_else(unknown)?;
        let descriptor = self.pool.get_message_by_name(name).ok_or_else(unknown)?;
        DynamicMessage::decode(descriptor, bytes).map_err(|_| AminoError::Undecodable(name.to_owned()))
    }
}

/// The options that make the rules, where the pool knows them.
struct Options {
    name: Option<ExtensionDescriptor>,
    message_encoding: Option<ExtensionDescriptor>,
    field_name: Option<ExtensionDescriptor>,
    keep_empty: Option<ExtensionDescriptor>,
    one_of_name: Option<ExtensionDescriptor>,
    scalar: Option<ExtensionDescriptor>,
}

impl Options {
    fn rule(&self, message: &MessageDescriptor) -> Rule {
        let mut fields: Vec<_> = message.fields().map(|f| self.field(f)).collect();
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        if message.descriptor_proto().options.is_none() {
            return Rule { name: None, shape: Shape::Object, fields };
        }
        let options = message.options();
        let shape = match text(&options, self.message_encoding.as_ref()).as_deref() {
            Some("key_field") => Shape::Key,
            Some("threshold_string") => Shape::Threshold,
            _ => Shape::Object,
        };
        Rule { name: text(&options, self.name.as_ref()), shape, fields }
    }

    fn field(&self, descriptor: FieldDescriptor) -> Field {
        let name = descriptor.name().to_owned();
        let mut field = Field { descriptor, name, keep_empty: false, form: Form::Plain, one_of: None };
        if field.descriptor.field_descriptor_proto().options.is_none() {
            return field;
        }
        let options = field.descriptor.options();
        if let Some(name) = text(&options, self.field_name.as_ref()) {
            field.name = name;
        }
        field.keep_empty = set(&options, self.keep_empty.as_ref()).and_then(|v| v.as_bool()).unwrap_or(false);
        field.form = match text(&options, self.scalar.as_ref()).as_deref() {
            Some("cosmos.Dec") => Form::Decimal,
            Some("cosmos.Int") => Form::Integer,
            _ => Form::Plain,
        };
        let one_of = field.descriptor.containing_oneof().filter(|o| !is_synthetic(o));
        field.one_of = one_of.and_then(|o| Some((camel(o.name()), text(&options, self.one_of_name.as_ref())?)));
        field
    }
}

fn set(options: &DynamicMessage, extension: Option<&ExtensionDescriptor>) -> Option<Value> {
    extension.filter(|e| options.has_extension(e)).map(|e| options.get_extension(e).into_owned())
}

fn text(options: &DynamicMessage, extension: Option<&ExtensionDescriptor>) -> Option<String> {
    set(options, extension)?.as_str().map(str::to_owned)
}

/// Whether the `oneof` only records the presence of one `optional` field.
fn is_synthetic(one_of: &OneofDescriptor) -> bool {
    let mut fields = one_of.fields();
    fields.len() == 1 && fields.next().is_some_and(|f| f.field_descriptor_proto().proto3_optional())
}

/// `allow_list` as `AllowList`, the name of the Go field.
fn camel(name: &str) -> String {
    let word = |w: &str| w.chars().take(1).flat_map(char::to_uppercase).chain(w.chars().skip(1)).collect::<String>();
    name.split('_').map(word).collect()
}
