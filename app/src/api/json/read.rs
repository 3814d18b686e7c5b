//! JSON to messages.
use std::collections::HashMap;

use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value as Wire};
use serde_json::{Map, Value};

use super::{Custom, Dialect, Field, JsonError, text, write::is_wrapper};

/// Characters of a refused value that are repeated in the error.
const SHOWN: usize = 64;

impl Dialect {
    pub(super) fn read_message(&self, descriptor: &MessageDescriptor, json: &Value) -> Result<DynamicMessage, JsonError> {
        if let Some(well_known) = self.read_well_known(descriptor, json) {
            return well_known;
        }
        let Value::Object(object) = json else { return Err(expected("an object", json)) };
        self.read_fields(descriptor, object, None)
    }

    fn read_fields(
        &self,
        descriptor: &MessageDescriptor,
        object: &Map<String, Value>,
        skip: Option<&str>,
    ) -> Result<DynamicMessage, JsonError> {
        let mut message = DynamicMessage::new(descriptor.clone());
        for (name, value) in object {
            if skip == Some(name.as_str()) {
                continue;
            }
            let field = self
                .named(descriptor, name)
                .ok_or_else(|| JsonError::new(format!("{} has no field {:?}", descriptor.full_name(), shorten(name))))?;
            if value.is_null() {
                continue;
            }
            let one_of = field.descriptor.containing_oneof();
            if message.has_field(&field.descriptor) || one_of.is_some_and(|o| o.fields().any(|f| message.has_field(&f))) {
                return Err(JsonError::new("given twice").inside(field.descriptor.name()));
            }
            let wire = self.read_field(field, value).map_err(|e| e.inside(field.descriptor.name()))?;
            message.set_field(&field.descriptor, wire);
        }
        Ok(message)
    }

    /// A field by the name in its declaration or by the lower camel case of that.
    fn named(&self, descriptor: &MessageDescriptor, name: &str) -> Option<&Field> {
        let found = descriptor.get_field_by_name(name).or_else(|| descriptor.get_field_by_json_name(name))?;
        self.field(&found)
    }

    fn read_field(&self, field: &Field, json: &Value) -> Result<Wire, JsonError> {
        let kind = field.descriptor.kind();
        if field.descriptor.is_map() {
            return self.read_map(&field.descriptor, json);
        }
        if !field.descriptor.is_list() {
            return self.read_value(field, &kind, json);
        }
        let Value::Array(items) = json else { return Err(expected("an array", json)) };
        let read = |(i, item)| self.read_value(field, &kind, item).map_err(|e| e.inside(&format!("[{i}]")));
        Ok(Wire::List(items.iter().enumerate().map(read).collect::<Result<_, _>>()?))
    }

    fn read_map(&self, descriptor: &FieldDescriptor, json: &Value) -> Result<Wire, JsonError> {
        let (Kind::Message(entry), Value::Object(object)) = (descriptor.kind(), json) else { return Err(expected("an object", json)) };
        let (key_kind, value_field) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field());
        let field = self.field(&value_field).ok_or_else(|| JsonError::new("a map without values"))?;
        let mut map = HashMap::new();
        for (key, value) in object {
            let wire = self.read_value(field, &value_field.kind(), value).map_err(|e| e.inside(&shorten(key)))?;
            map.insert(read_key(key, &key_kind).ok_or_else(|| JsonError::new(format!("{:?} is no key", shorten(key))))?, wire);
        }
        Ok(Wire::Map(map))
    }

    /// One value that is not absent, a list or a map.
    pub(in crate::api) fn read_text(&self, descriptor: &FieldDescriptor, text: &str) -> Result<Wire, JsonError> {
        let kind = descriptor.kind();
        let field = self.field(descriptor).ok_or_else(|| JsonError::new("unknown field"))?;
        match (&kind, text) {
            (Kind::Bool, "1" | "t" | "T" | "TRUE" | "True") => Ok(Wire::Bool(true)),
            (Kind::Bool, "0" | "f" | "F" | "FALSE" | "False") => Ok(Wire::Bool(false)),
            _ => self.read_value(field, &kind, &Value::from(text)),
        }
    }

    fn read_value(&self, field: &Field, kind: &Kind, json: &Value) -> Result<Wire, JsonError> {
        let missing = |what: &str| expected(what, json);
        match kind {
            Kind::Message(m) => self.read_message(m, json).map(Wire::Message),
            Kind::String => read_string(field, json),
            Kind::Bytes => read_bytes(field, json),
            Kind::Bool => match json {
                Value::Bool(v) => Ok(Wire::Bool(*v)),
                Value::String(s) if s == "true" || s == "false" => Ok(Wire::Bool(s == "true")),
                _ => Err(missing("true or false")),
            },
            Kind::Enum(e) => {
                let by_name = json.as_str().and_then(|s| e.get_value_by_name(s)).map(|v| v.number());
                by_name.or_else(|| number(json)).map(Wire::EnumNumber).ok_or_else(|| missing(&format!("a value of {}", e.full_name())))
            }
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => number(json).map(Wire::I32).ok_or_else(|| missing("an integer of 32 bits")),
            Kind::Uint32 | Kind::Fixed32 => {
                number(json).map(Wire::U32).ok_or_else(|| missing("a whole number of 32 bits, 0 or more, such as 100"))
            }
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => number(json).map(Wire::I64).ok_or_else(|| missing("an integer of 64 bits")),
            Kind::Uint64 | Kind::Fixed64 => {
                number(json).map(Wire::U64).ok_or_else(|| missing("a whole number of 64 bits, 0 or more, such as 100"))
            }
            Kind::Float => number::<f32>(json).map(Wire::F32).ok_or_else(|| missing("a number")),
            Kind::Double => number::<f64>(json).map(Wire::F64).ok_or_else(|| missing("a number")),
        }
    }

    /// `None` if the type has no JSON form of its own.
    fn read_well_known(&self, descriptor: &MessageDescriptor, json: &Value) -> Option<Result<DynamicMessage, JsonError>> {
        let name = descriptor.full_name().strip_prefix("google.protobuf.")?;
        let parts = |parsed: Option<(i64, i32)>, what: &str| {
            let (seconds, nanos) = parsed.ok_or_else(|| expected(what, json))?;
            let mut message = DynamicMessage::new(descriptor.clone());
            message.set_field_by_name("seconds", Wire::I64(seconds));
            message.set_field_by_name("nanos", Wire::I32(nanos));
            Ok(message)
        };
        match name {
            "Any" => Some(self.read_any(descriptor, json)),
            "Timestamp" if !json.is_object() => {
                Some(parts(json.as_str().and_then(text::parse_time), "a time such as 2026-01-31T12:00:00Z"))
            }
            "Duration" if !json.is_object() => Some(parts(json.as_str().and_then(text::parse_duration), "a duration such as 3600s")),
            _ if is_wrapper(name) => {
                let field = self.fields(descriptor).first()?;
                Some(self.read_value(field, &field.descriptor.kind(), json).map(|wire| {
                    let mut message = DynamicMessage::new(descriptor.clone());
                    message.set_field(&field.descriptor, wire);
                    message
                }))
            }
            _ => None,
        }
    }

    fn read_any(&self, any: &MessageDescriptor, json: &Value) -> Result<DynamicMessage, JsonError> {
        let Value::Object(object) = json else { return Err(expected("an object with \"@type\"", json)) };
        let url = object.get("@type").and_then(Value::as_str).ok_or_else(|| JsonError::new("\"@type\" is missing"))?;
        let bytes = match self.message(url) {
            Some(packed) if packed.full_name().starts_with("google.protobuf.") => {
                let value = object.get("value").ok_or_else(|| JsonError::new("\"value\" is missing"))?;
                self.read_message(&packed, value)?.encode_to_vec()
            }
            Some(packed) => self.read_fields(&packed, object, Some("@type"))?.encode_to_vec(),
            None => return Err(JsonError::new(format!("unable to resolve type URL {:?}", shorten(url))).inside("@type")),
        };
        let mut message = DynamicMessage::new(any.clone());
        message.set_field_by_name("type_url", Wire::String(url.to_owned()));
        message.set_field_by_name("value", Wire::Bytes(bytes.into()));
        Ok(message)
    }
}

/// A number, bare or quoted. A fraction or an exponent is no integer.
fn number<N: std::str::FromStr>(json: &Value) -> Option<N> {
    match json {
        Value::Number(n) => n.to_string().parse().ok(),
        Value::String(s) if s.len() <= SHOWN => s.parse().ok(),
        _ => None,
    }
}

fn read_string(field: &Field, json: &Value) -> Result<Wire, JsonError> {
    let given = match (json, field.custom) {
        (Value::String(s), _) => s.clone(),
        (Value::Number(n), Some(_)) => n.to_string(),
        _ => return Err(expected("a string", json)),
    };
    Ok(Wire::String(read_custom(field, &given, json)?.unwrap_or(given)))
}

fn read_bytes(field: &Field, json: &Value) -> Result<Wire, JsonError> {
    let Value::String(given) = json else { return Err(expected("base64", json)) };
    if let Some(digits) = read_custom(field, given, json)? {
        return Ok(Wire::Bytes(digits.into_bytes().into()));
    }
    let bytes = if field.hex { hex::decode(given).ok() } else { text::decode_base64_url_safe_too(given) };
    bytes.map(|b| Wire::Bytes(b.into())).ok_or_else(|| expected(if field.hex { "hexadecimal" } else { "base64" }, json))
}

/// The wire text of a `Dec` or `Int`; `None` if the field is an ordinary one.
fn read_custom(field: &Field, given: &str, json: &Value) -> Result<Option<String>, JsonError> {
    match field.custom {
        Some(Custom::Dec) => text::scale(given).map(Some).ok_or_else(|| expected("a decimal with at most 18 places", json)),
        Some(Custom::Int) => text::integer(given).map(Some).ok_or_else(|| expected("an integer", json)),
        None => Ok(None),
    }
}

fn read_key(key: &str, kind: &Kind) -> Option<MapKey> {
    Some(match kind {
        Kind::String => MapKey::String(key.to_owned()),
        Kind::Bool => MapKey::Bool(key.parse().ok()?),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => MapKey::I32(key.parse().ok()?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => MapKey::I64(key.parse().ok()?),
        Kind::Uint32 | Kind::Fixed32 => MapKey::U32(key.parse().ok()?),
        Kind::Uint64 | Kind::Fixed64 => MapKey::U64(key.parse().ok()?),
        Kind::Float | Kind::Double | Kind::Bytes | Kind::Message(_) | Kind::Enum(_) => return None,
    })
}

/// That a value is not what was expected, with as much of it as an answer repeats.
pub(crate) fn expected(what: &str, found: &Value) -> JsonError {
    let found = match found {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        other => shorten(&other.to_string()),
    };
    JsonError::new(format!("expected {what}, found {found}"))
}

fn shorten(text: &str) -> String {
    let start: String = text.chars().take(SHOWN).collect();
    if start.len() < text.len() { format!("{start}...") } else { start }
}
