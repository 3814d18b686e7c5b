//! Protobuf messages as JSON, both ways, in the dialect of the Cosmos SDK's REST gateway. See the README beside `api/`.
//!
//! One walker over descriptors serves REST, genesis, events and the command line, so that they cannot disagree.
mod read;
mod text;
mod write;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::LazyLock};

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, MessageDescriptor};
use serde_json::Value;

pub(crate) use read::expected;
pub use text::{decode_base64, decode_base64_url_safe_too, to_go_string};
pub(crate) use text::{encode_base64, integer, parse_time, scale, unscale};

/// Why a JSON value is no message of the wanted type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", if .path.is_empty() { String::new() } else { format!("{}: ", .path) })]
pub struct JsonError {
    /// The field, with dots and indices, e.g. `pagination.limit` or `amount[1].denom`. Empty for the whole value.
    pub path: String,
    /// What was expected and what was found.
    pub what: String,
}

impl JsonError {
    fn new(what: impl Into<String>) -> Self {
        Self { path: String::new(), what: what.into() }
    }
    /// Puts the name of the enclosing field before the path.
    fn inside(mut self, outer: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{outer}{dot}{}", self.path);
        self
    }
}

/// A number that travels as text: how Go's `customtype` option changes a field's meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Custom {
    /// `cosmossdk.io/math.LegacyDec`: the wire holds the integer scaled by 10^18, JSON shows 18 decimals.
    Dec,
    /// `cosmossdk.io/math.Int`: decimal digits in both.
    Int,
}

/// What the walker must know of a field, read once from its options.
#[derive(Debug, Clone)]
struct Field {
    descriptor: FieldDescriptor,
    /// `gogoproto.nullable`: whether an absent value is `null` instead of its type's default.
    nullable: bool,
    /// `gogoproto.stdtime`: an absent time is Go's zero time.
    std_time: bool,
    /// Bytes that Go shows in upper-case hexadecimal.
    hex: bool,
    custom: Option<Custom>,
}

/// How JSON shows a value that travels as text or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As its protobuf type says.
    Plain,
    /// A decimal with 18 places.
    Decimal,
    /// Decimal digits.
    Integer,
    /// Upper-case hexadecimal.
    Hex,
}

/// The rules of the dialect, compiled from the options of every message in a pool.
#[derive(Debug)]
pub struct Dialect {
    pool: DescriptorPool,
    /// Fields in the order of their declaration, by full message name.
    messages: HashMap<String, Vec<Field>>,
}

/// The `gogoproto` options that change JSON, where the pool knows them.
struct GoOptions {
    nullable: Option<ExtensionDescriptor>,
    std_time: Option<ExtensionDescriptor>,
    custom_type: Option<ExtensionDescriptor>,
    cast_type: Option<ExtensionDescriptor>,
}

impl Dialect {
    /// Compiles the rules for all messages of `pool`.
    #[must_use]
    pub fn new(pool: DescriptorPool) -> Self {
        let options = GoOptions {
            nullable: pool.get_extension_by_name("gogoproto.nullable"),
            std_time: pool.get_extension_by_name("gogoproto.stdtime"),
            custom_type: pool.get_extension_by_name("gogoproto.customtype"),
            cast_type: pool.get_extension_by_name("gogoproto.casttype"),
        };
        let messages = pool.all_messages().map(|m| (m.full_name().to_owned(), fields(&m, &options))).collect();
        Self { pool, messages }
    }

    /// The dialect of this build's own descriptors, compiled at the first use.
    ///
    /// # Panics
    /// If the embedded descriptors are damaged: a fault of the build, which any test finds.
    #[must_use]
    pub fn cairn() -> &'static Self {
        static CAIRN: LazyLock<Dialect> = LazyLock::new(|| {
            #[allow(clippy::expect_used, reason = "the bytes are part of the binary; nothing can run without them")]
            let pool = DescriptorPool::decode(cairn_proto::DESCRIPTORS).expect("embedded descriptors decode");
            Dialect::new(pool)
        });
        &CAIRN
    }

    /// The descriptors the rules were compiled from.
    #[must_use]
    pub fn pool(&self) -> &DescriptorPool {
        &self.pool
    }

    /// The descriptor of a type, by full name (`cosmos.bank.v1beta1.MsgSend`) or type URL.
    #[must_use]
    pub fn message(&self, name_or_url: &str) -> Option<MessageDescriptor> {
        self.pool.get_message_by_name(name_or_url.rsplit('/').next()?)
    }

    /// A message as JSON. Every field is shown, in the order of its declaration.
    #[must_use]
    pub fn encode(&self, message: &DynamicMessage) -> Value {
        self.write_message(message, 0)
    }

    /// Encoded bytes of a message as JSON.
    ///
    /// # Errors
    /// If the type is not known or the bytes are none of it.
    pub fn encode_bytes(&self, name_or_url: &str, bytes: &[u8]) -> Result<Value, JsonError> {
        let descriptor = self.known(name_or_url)?;
        let message = DynamicMessage::decode(descriptor, bytes).map_err(|e| JsonError::new(e.to_string()))?;
        Ok(self.encode(&message))
    }

    /// JSON as a message. Accepts both spellings of field names (`next_key`, `nextKey`), enums by name or number, numbers bare or quoted,
    /// base64 of both alphabets, and `null` for absent.
    ///
    /// # Errors
    /// At the first field that is unknown or whose value does not fit, with its path.
    pub fn decode(&self, descriptor: &MessageDescriptor, json: &Value) -> Result<DynamicMessage, JsonError> {
        self.read_message(descriptor, json)
    }

    /// JSON as the encoded bytes of a message.
    ///
    /// # Errors
    /// If the type is not known, or as [`Dialect::decode`].
    pub fn decode_bytes(&self, name_or_url: &str, json: &Value) -> Result<Vec<u8>, JsonError> {
        Ok(self.decode(&self.known(name_or_url)?, json)?.encode_to_vec())
    }

    /// How a single value of the field looks.
    #[must_use]
    pub fn shape(&self, field: &FieldDescriptor) -> Shape {
        match self.field(field) {
            Some(Field { custom: Some(Custom::Dec), .. }) => Shape::Decimal,
            Some(Field { custom: Some(Custom::Int), .. }) => Shape::Integer,
            Some(Field { hex: true, .. }) => Shape::Hex,
            _ => Shape::Plain,
        }
    }

    /// Whether an absent message in this field is shown as `null` and not as its default.
    #[must_use]
    pub fn is_nullable(&self, field: &FieldDescriptor) -> bool {
        self.field(field).is_none_or(|f| f.nullable)
    }

    fn known(&self, name_or_url: &str) -> Result<MessageDescriptor, JsonError> {
        self.message(name_or_url).ok_or_else(|| JsonError::new(format!("unknown message type {name_or_url:?}")))
    }

    fn fields(&self, descriptor: &MessageDescriptor) -> &[Field] {
        self.messages.get(descriptor.full_name()).map_or(&[], Vec::as_slice)
    }

    fn field(&self, descriptor: &FieldDescriptor) -> Option<&Field> {
        self.fields(descriptor.parent_message()).iter().find(|f| f.descriptor.number() == descriptor.number())
    }
}

fn fields(message: &MessageDescriptor, known: &GoOptions) -> Vec<Field> {
    let declared = message.descriptor_proto().field.iter().filter_map(|f| message.get_field(u32::try_from(f.number()).ok()?));
    declared.map(|descriptor| field(descriptor, known)).collect()
}

fn field(descriptor: FieldDescriptor, known: &GoOptions) -> Field {
    let mut field = Field { descriptor, nullable: true, std_time: false, hex: false, custom: None };
    if field.descriptor.field_descriptor_proto().options.is_none() {
        return field;
    }
    let options = field.descriptor.options();
    let set = |extension: &Option<ExtensionDescriptor>| {
        extension.as_ref().filter(|e| options.has_extension(e)).map(|e| options.get_extension(e).into_owned())
    };
    field.nullable = set(&known.nullable).and_then(|v| v.as_bool()).unwrap_or(true);
    field.std_time = set(&known.std_time).and_then(|v| v.as_bool()).unwrap_or(false);
    field.hex = set(&known.cast_type).is_some_and(|v| v.as_str().is_some_and(|s| s.ends_with(".HexBytes")));
    field.custom = set(&known.custom_type).and_then(|v| match v.as_str()?.rsplit('.').next()? {
        "LegacyDec" | "Dec" => Some(Custom::Dec),
        "Int" | "Uint" => Some(Custom::Int),
        _ => None,
    });
    field
}
