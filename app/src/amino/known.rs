//! The parts of messages that amino treats in ways of its own: what is packed, durations, keys.
use prost_reflect::{DynamicMessage, MessageDescriptor, Value};

use super::AminoError;

/// How deep messages that are read may stand in each other.
pub(super) const MAX_DEPTH: u8 = 24;
const NANOS: i64 = 1_000_000_000;

/// A message with these fields; `None` if it does not have them.
pub(super) fn with<const N: usize>(descriptor: &MessageDescriptor, fields: [(&str, Value); N]) -> Option<DynamicMessage> {
    let mut message = DynamicMessage::new(descriptor.clone());
    fields.into_iter().try_for_each(|(name, value)| message.try_set_field_by_name(name, value)).ok()?;
    Some(message)
}

/// The bytes of a field.
fn bytes_of(message: &DynamicMessage, name: &str) -> Vec<u8> {
    let value = message.get_field_by_name(name);
    value.as_ref().and_then(|v| v.as_bytes()).map(|bytes| bytes.to_vec()).unwrap_or_default()
}

/// The bytes of a key.
pub(super) fn key_of(message: &DynamicMessage) -> Vec<u8> {
    bytes_of(message, "key")
}

/// The type URL and the bytes of an `Any`.
pub(super) fn any_of(any: &DynamicMessage) -> (String, Vec<u8>) {
    let url = any.get_field_by_name("type_url");
    (url.as_ref().and_then(|v| v.as_str()).unwrap_or_default().to_owned(), bytes_of(any, "value"))
}

/// The inverse of [`any_of`].
pub(super) fn any(descriptor: &MessageDescriptor, (url, bytes): (String, Vec<u8>)) -> Option<DynamicMessage> {
    with(descriptor, [("type_url", Value::String(url)), ("value", Value::Bytes(bytes.into()))])
}

/// Seconds and nanoseconds of a time or a duration.
pub(super) fn seconds_nanos(message: &DynamicMessage) -> (i64, i32) {
    let seconds = message.get_field_by_name("seconds").and_then(|v| v.as_i64()).unwrap_or(0);
    (seconds, message.get_field_by_name("nanos").and_then(|v| v.as_i32()).unwrap_or(0))
}

/// A time or a duration of so many seconds and nanoseconds.
pub(super) fn moment(descriptor: &MessageDescriptor, (seconds, nanos): (i64, i32)) -> Option<DynamicMessage> {
    with(descriptor, [("seconds", Value::I64(seconds)), ("nanos", Value::I32(nanos))])
}

/// The nanoseconds of a duration, as far as Go's 64 bits hold them.
pub(super) fn nanoseconds(duration: &DynamicMessage) -> Result<i64, AminoError> {
    let (seconds, nanos) = seconds_nanos(duration);
    let total = seconds.checked_mul(NANOS).and_then(|n| n.checked_add(i64::from(nanos)));
    total.ok_or_else(|| AminoError::Inexpressible("a duration of more than 292 years".to_owned()))
}

/// The inverse of [`nanoseconds`].
pub(super) fn duration(descriptor: &MessageDescriptor, nanos: i64) -> Option<DynamicMessage> {
    moment(descriptor, (nanos.wrapping_div(NANOS), i32::try_from(nanos.wrapping_rem(NANOS)).ok()?))
}
