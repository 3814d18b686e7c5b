//! Messages to JSON.
use std::{borrow::Cow, collections::BTreeMap};

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value as Wire};
use serde_json::{Map, Number, Value, json};

use super::{Custom, Dialect, Field, text};

/// Messages inside messages that are unpacked from `Any`; what lies deeper is shown as base64. Bounds the stack, whatever a transaction holds.
const MAX_DEPTH: usize = 32;

impl Dialect {
    pub(super) fn write_message(&self, message: &DynamicMessage, depth: usize) -> Value {
        if let Some(value) = self.write_well_known(message, depth) {
            return value;
        }
        Value::Object(self.write_fields(message, depth))
    }

    fn write_fields(&self, message: &DynamicMessage, depth: usize) -> Map<String, Value> {
        let mut object = Map::new();
        for field in self.fields(&message.descriptor()) {
            if let Some(value) = self.write_field(message, field, depth) {
                object.insert(field.descriptor.name().to_owned(), value);
            }
        }
        object
    }

    /// `None` for an unset member of a `oneof`, which JSON leaves out.
    fn write_field(&self, message: &DynamicMessage, field: &Field, depth: usize) -> Option<Value> {
        let descriptor = &field.descriptor;
        if descriptor.supports_presence() && !message.has_field(descriptor) {
            let one_of = descriptor.containing_oneof().is_some_and(|o| !is_synthetic(&o));
            return (!one_of).then(|| self.absent(field, depth));
        }
        let value = message.get_field(descriptor);
        Some(match value.as_ref() {
            Wire::List(items) => items.iter().map(|item| self.write_value(item, field, &descriptor.kind(), true, depth)).collect(),
            Wire::Map(entries) => self.write_map(entries, descriptor, depth),
            one => self.write_value(one, field, &descriptor.kind(), false, depth),
        })
    }

    /// An absent message or `optional` field.
    fn absent(&self, field: &Field, depth: usize) -> Value {
        match field.descriptor.kind() {
            Kind::Message(m) if !field.nullable && m.full_name() == "google.protobuf.Timestamp" && field.std_time => {
                Value::from("0001-01-01T00:00:00Z")
            }
            Kind::Message(m) if !field.nullable && depth < MAX_DEPTH => {
                self.write_message(&DynamicMessage::new(m), depth.saturating_add(1))
            }
            _ => Value::Null,
        }
    }

    fn write_map(&self, entries: &std::collections::HashMap<MapKey, Wire>, descriptor: &FieldDescriptor, depth: usize) -> Value {
        let Kind::Message(entry) = descriptor.kind() else { return Value::Null };
        let value_field = entry.map_entry_value_field();
        let Some(field) = self.field(&value_field) else { return Value::Null };
        let sorted: BTreeMap<String, &Wire> = entries.iter().map(|(k, v)| (map_key(k), v)).collect();
        Value::Object(sorted.into_iter().map(|(k, v)| (k, self.write_value(v, field, &value_field.kind(), true, depth))).collect())
    }

    fn write_value(&self, value: &Wire, field: &Field, kind: &Kind, element: bool, depth: usize) -> Value {
        match value {
            Wire::Bool(v) => Value::Bool(*v),
            Wire::I32(v) => Value::from(*v),
            Wire::U32(v) => Value::from(*v),
            Wire::I64(v) => Value::from(v.to_string()),
            Wire::U64(v) => Value::from(v.to_string()),
            Wire::F32(v) => float(f64::from(*v)),
            Wire::F64(v) => float(*v),
            Wire::String(v) => write_text(v, field, element),
            Wire::Bytes(v) => write_bytes(v, field, element),
            Wire::EnumNumber(v) => match kind.as_enum().and_then(|e| e.get_value(*v)) {
                Some(known) => Value::from(known.name()),
                None => Value::from(*v),
            },
            Wire::Message(v) => self.write_message(v, depth.saturating_add(1)),
            // Lists and maps do not nest in protobuf.
            Wire::List(_) | Wire::Map(_) => Value::Null,
        }
    }

    fn write_well_known(&self, message: &DynamicMessage, depth: usize) -> Option<Value> {
        let descriptor = message.descriptor();
        let name = descriptor.full_name().strip_prefix("google.protobuf.")?;
        let seconds_nanos = || {
            let seconds = message.get_field_by_name("seconds")?.as_i64()?;
            Some((seconds, message.get_field_by_name("nanos")?.as_i32()?))
        };
        match name {
            "Any" => Some(self.write_any(message, depth)),
            // Parts out of range fall through and are shown as they are.
            "Timestamp" => seconds_nanos().and_then(|(s, n)| text::time(s, n)).map(Value::from),
            "Duration" => seconds_nanos().and_then(|(s, n)| text::duration(s, n)).map(Value::from),
            _ if is_wrapper(name) => {
                let field = self.fields(&descriptor).first()?;
                Some(self.write_value(&message.get_field(&field.descriptor), field, &field.descriptor.kind(), false, depth))
            }
            _ => None,
        }
    }

    /// The packed message with its type beside its fields. What this build does not know or cannot decode is shown as base64 in `value`, so
    /// that one strange transaction does not hide a page of good ones.
    fn write_any(&self, any: &DynamicMessage, depth: usize) -> Value {
        let url = any.get_field_by_name("type_url").unwrap_or(Cow::Owned(Wire::String(String::new())));
        let url = url.as_str().unwrap_or_default();
        let bytes = any.get_field_by_name("value").and_then(|v| v.as_bytes().cloned()).unwrap_or_default();
        let packed = (depth < MAX_DEPTH).then(|| self.message(url)).flatten().and_then(|d| DynamicMessage::decode(d, bytes.clone()).ok());
        let Some(packed) = packed else { return json!({"@type": url, "value": text::encode_base64(&bytes)}) };
        let depth = depth.saturating_add(1);
        if let Some(value) = self.write_well_known(&packed, depth) {
            return json!({"@type": url, "value": value});
        }
        let mut object = Map::from_iter([("@type".to_owned(), Value::from(url))]);
        object.extend(self.write_fields(&packed, depth));
        Value::Object(object)
    }
}

/// Whether the `oneof` only records the presence of one `optional` field.
fn is_synthetic(one_of: &prost_reflect::OneofDescriptor) -> bool {
    let mut fields = one_of.fields();
    fields.len() == 1 && fields.next().is_some_and(|f| f.field_descriptor_proto().proto3_optional())
}

/// Whether `google.protobuf.<name>` only makes a scalar absent or present.
pub(super) fn is_wrapper(name: &str) -> bool {
    matches!(
        name,
        "BoolValue"
            | "Int32Value"
            | "UInt32Value"
            | "Int64Value"
            | "UInt64Value"
            | "FloatValue"
            | "DoubleValue"
            | "StringValue"
            | "BytesValue"
    )
}

fn map_key(key: &MapKey) -> String {
    match key {
        MapKey::Bool(v) => v.to_string(),
        MapKey::I32(v) => v.to_string(),
        MapKey::I64(v) => v.to_string(),
        MapKey::U32(v) => v.to_string(),
        MapKey::U64(v) => v.to_string(),
        MapKey::String(v) => v.clone(),
    }
}

fn float(value: f64) -> Value {
    let special = if value.is_nan() {
        "NaN"
    } else if value.is_sign_negative() {
        "-Infinity"
    } else {
        "Infinity"
    };
    Number::from_f64(value).map_or_else(|| Value::from(special), Value::Number)
}

fn write_text(value: &str, field: &Field, element: bool) -> Value {
    match field.custom {
        None => Value::from(value),
        Some(_) if value.is_empty() && field.nullable && !element => Value::Null,
        Some(_) if value.is_empty() => Value::from("0"),
        Some(Custom::Dec) => text::unscale(value).map_or_else(|| Value::from(value), Value::from),
        Some(Custom::Int) => Value::from(value),
    }
}

fn write_bytes(value: &[u8], field: &Field, element: bool) -> Value {
    match (field.custom, std::str::from_utf8(value)) {
        (Some(_), Ok(digits)) => write_text(digits, field, element),
        _ if field.hex => Value::from(hex::encode_upper(value)),
        _ if value.is_empty() && !element => Value::Null,
        _ => Value::from(text::encode_base64(value)),
    }
}
