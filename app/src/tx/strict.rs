//! Refuses what the descriptors do not know: a field that this node ignores may be the one the signer cared about (ADR-020).
use std::cell::Cell;

use cairn_kernel::{Result, sdk};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use super::wire::{Field, Fields, Value, Varints};

/// Messages within messages at the most. An `Any` and what it holds are two.
const MAX_DEPTH: u8 = 24;
/// A field number with this bit is declared by its author to be safe to ignore.
const NON_CRITICAL: u32 = 1 << 10;
const ANY: &str = "google.protobuf.Any";

/// What to do with unknown fields whose number has the non-critical bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NonCritical {
    /// Pass over them (within `TxBody`).
    Allow,
    /// Refuse them like any other (within `AuthInfo`).
    Refuse,
}

/// Walks through a message and everything in it, `Any` included.
pub(super) struct Strict<'p> {
    pool: &'p DescriptorPool,
    non_critical: NonCritical,
    passed_over: Cell<bool>,
}

impl<'p> Strict<'p> {
    pub(super) fn new(pool: &'p DescriptorPool, non_critical: NonCritical) -> Self {
        Self { pool, non_critical, passed_over: Cell::new(false) }
    }

    /// Refuses `bytes` as tx parse error (2) if any field in them is unknown, has another wire type than its descriptor
    /// says, holds a number that its type does not, or lies too deep. Gives whether unknown fields were passed over.
    pub(super) fn check(&self, message: &MessageDescriptor, bytes: &[u8]) -> Result<bool> {
        self.message(message, bytes, MAX_DEPTH)?;
        Ok(self.passed_over.get())
    }

    fn message(&self, message: &MessageDescriptor, bytes: &[u8], depth: u8) -> Result<()> {
        let deeper = depth.checked_sub(1).ok_or_else(|| sdk::tx_decode(format!("messages are nested deeper than {MAX_DEPTH}")))?;
        if message.full_name() == ANY {
            return self.any(bytes, deeper);
        }
        for field in Fields::of(bytes) {
            let field = field.map_err(|e| sdk::tx_decode(format!("{}: {e}", message.full_name())))?;
            match message.get_field(field.number) {
                Some(known) => self.known(&known, field, deeper)?,
                None if self.non_critical == NonCritical::Allow && field.number & NON_CRITICAL != 0 => self.passed_over.set(true),
                None => return Err(unknown(message, field)),
            }
        }
        Ok(())
    }

    fn known(&self, known: &FieldDescriptor, field: Field, depth: u8) -> Result<()> {
        match (known.kind(), field.value) {
            (Kind::Message(inner), Value::Bytes(bytes)) if !known.is_group() => self.message(&inner, bytes, depth),
            (kind, value) if fits(&kind, value, known.is_list()) => Ok(()),
            (_, value) => Err(sdk::tx_decode(format!(
                "{}: content of wire type {} does not fit field {}",
                known.full_name(),
                value.name(),
                field.number
            ))),
        }
    }

    fn any(&self, bytes: &[u8], depth: u8) -> Result<()> {
        let (mut url, mut value) = (None, None);
        for field in Fields::of(bytes) {
            let field = field.map_err(|e| sdk::tx_decode(format!("{ANY}: {e}")))?;
            let slot = match field.number {
                1 => &mut url,
                2 => &mut value,
                number => return Err(sdk::tx_decode(format!("{ANY}: unknown field {number}"))),
            };
            let Value::Bytes(content) = field.value else {
                return Err(sdk::tx_decode(format!("{ANY}: wire type {} does not fit", field.value.name())));
            };
            // Decoders disagree on what a repeated field means: one of them would see another message.
            if slot.replace(content).is_some() {
                return Err(sdk::tx_decode(format!("{ANY}: field {} is there twice", field.number)));
            }
        }
        let url = url.unwrap_or_default();
        let name = url.strip_prefix(b"/").and_then(|name| std::str::from_utf8(name).ok());
        let message = name.and_then(|name| self.pool.get_message_by_name(name));
        let message = message.ok_or_else(|| {
            let shown: String = String::from_utf8_lossy(url).chars().take(128).collect();
            sdk::tx_decode(format!("unable to resolve type URL {shown:?}"))
        })?;
        self.message(&message, value.unwrap_or_default(), depth)
    }
}

/// Whether `value` may be the content of a field that is no message: text is UTF-8, numbers in a list may be packed or not.
fn fits(kind: &Kind, value: Value, list: bool) -> bool {
    match kind {
        Kind::String => matches!(value, Value::Bytes(text) if std::str::from_utf8(text).is_ok()),
        Kind::Bytes => matches!(value, Value::Bytes(_)),
        Kind::Message(_) => false,
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => value == Value::Fixed64 || packed(value, list),
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => value == Value::Fixed32 || packed(value, list),
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 | Kind::Sint32 | Kind::Sint64 | Kind::Bool | Kind::Enum(_) => match value {
            Value::Varint(number) => holds(kind, number),
            Value::Bytes(packed) => list && Varints::of(packed).all(|number| number.is_ok_and(|n| holds(kind, n))),
            Value::Fixed64 | Value::Fixed32 => false,
        },
    }
}

/// Whether a number on the wire is one of the type and not cut to it: decoders would read the same value from different bytes.
fn holds(kind: &Kind, number: u64) -> bool {
    match kind {
        Kind::Bool => number <= 1,
        Kind::Uint32 | Kind::Sint32 => u32::try_from(number).is_ok(),
        Kind::Int32 | Kind::Enum(_) => i32::try_from(number.cast_signed()).is_ok(),
        _ => true,
    }
}

fn packed(value: Value, list: bool) -> bool {
    list && matches!(value, Value::Bytes(_))
}

fn unknown(message: &MessageDescriptor, field: Field) -> cairn_kernel::Error {
    let (number, kind) = (field.number, field.value.name());
    sdk::tx_decode(format!("errUnknownField \"{}\": {{TagNum: {number}, WireType:\"{kind}\"}}", message.full_name()))
}
