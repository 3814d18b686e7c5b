//! Amino JSON back to messages. As in the SDK, fields that a message does not have are passed over.
use prost::Message;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, Value as Wire};
use serde_json::{Map, Value};

use super::{
    Amino, AminoError, Field, Form, Shape,
    known::{MAX_DEPTH, any, duration, moment, with},
};
use crate::api::json::{decode_base64, integer, parse_time, scale};

type Result<T> = std::result::Result<T, AminoError>;

impl Amino {
    /// `{"type":..,"value":..}` as a type URL and protobuf bytes.
    pub(super) fn read_packed(&self, json: &Value) -> Result<(String, Vec<u8>)> {
        self.read_any(json, MAX_DEPTH)
    }

    fn read_any(&self, json: &Value, depth: u8) -> Result<(String, Vec<u8>)> {
        let name = json.get("type").and_then(Value::as_str).ok_or_else(|| wrong("a message", "has no type"))?;
        let known = self.names.get(name).and_then(|full| self.pool.get_message_by_name(full));
        let descriptor = known.ok_or_else(|| AminoError::UnknownType(name.chars().take(128).collect()))?;
        let message = self.read_message(&descriptor, json.get("value").unwrap_or(&Value::Null), depth)?;
        Ok((format!("/{}", descriptor.full_name()), message.encode_to_vec()))
    }

    fn read_message(&self, descriptor: &MessageDescriptor, json: &Value, depth: u8) -> Result<DynamicMessage> {
        let depth = depth.checked_sub(1).ok_or_else(|| wrong(descriptor.full_name(), "stands too deep"))?;
        let refuse = || wrong(descriptor.full_name(), "does not fit");
        match descriptor.full_name() {
            "google.protobuf.Any" => return any(descriptor, self.read_any(json, depth)?).ok_or_else(refuse),
            "google.protobuf.Timestamp" => {
                return json.as_str().and_then(parse_time).and_then(|time| moment(descriptor, time)).ok_or_else(refuse);
            }
            "google.protobuf.Duration" => {
                let nanos = json.as_str().and_then(|text| text.parse().ok());
                return nanos.and_then(|nanos| duration(descriptor, nanos)).ok_or_else(refuse);
            }
            _ => {}
        }
        let rule = self.rules.get(descriptor.full_name()).ok_or_else(refuse)?;
        match (rule.shape, json) {
            (Shape::Key, key) => {
                let key = key.as_str().and_then(decode_base64).ok_or_else(refuse)?;
                with(descriptor, [("key", Wire::Bytes(key.into()))]).ok_or_else(refuse)
            }
            (Shape::Threshold, Value::Object(object)) => {
                let threshold = object.get("threshold").and_then(Value::as_str).and_then(|text| text.parse().ok()).ok_or_else(refuse)?;
                let keys = object.get("pubkeys").and_then(Value::as_array).ok_or_else(refuse)?;
                let field = descriptor.get_field_by_name("public_keys").ok_or_else(refuse)?;
                let Kind::Message(any) = field.kind() else { return Err(refuse()) };
                let keys = keys.iter().map(|key| self.read_message(&any, key, depth).map(Wire::Message)).collect::<Result<_>>()?;
                with(descriptor, [("threshold", Wire::U32(threshold)), ("public_keys", Wire::List(keys))]).ok_or_else(refuse)
            }
            (Shape::Object, Value::Object(object)) => {
                let mut message = DynamicMessage::new(descriptor.clone());
                self.read_fields(&mut message, &rule.fields, object, depth)?;
                Ok(message)
            }
            _ => Err(refuse()),
        }
    }

    fn read_fields(&self, message: &mut DynamicMessage, fields: &[Field], object: &Map<String, Value>, depth: u8) -> Result<()> {
        for field in fields {
            let found = match &field.one_of {
                None => object.get(&field.name),
                Some((group, kind)) => {
                    let of_kind = |member: &&Value| member.get("type").and_then(Value::as_str) == Some(kind.as_str());
                    object.get(group).filter(of_kind).and_then(|member| member.get("value")?.get(&field.name))
                }
            };
            let Some(json) = found.filter(|json| !json.is_null()) else { continue };
            let refuse = || wrong(field.descriptor.full_name(), "does not fit");
            let value = match json {
                Value::Array(items) if field.descriptor.is_list() => {
                    Wire::List(items.iter().map(|item| self.read_value(field, item, depth)).collect::<Result<_>>()?)
                }
                _ if field.descriptor.is_list() || field.descriptor.is_map() => return Err(refuse()),
                single => self.read_value(field, single, depth)?,
            };
            message.try_set_field(&field.descriptor, value).map_err(|_| refuse())?;
        }
        Ok(())
    }

    /// 64 bits are quoted, fewer are not.
    fn read_value(&self, field: &Field, json: &Value, depth: u8) -> Result<Wire> {
        let text = || json.as_str();
        let narrow = || json.as_i64().and_then(|n| i32::try_from(n).ok());
        let value = match field.descriptor.kind() {
            Kind::Bool => json.as_bool().map(Wire::Bool),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => narrow().map(Wire::I32),
            Kind::Enum(_) => narrow().map(Wire::EnumNumber),
            Kind::Uint32 | Kind::Fixed32 => json.as_u64().and_then(|n| u32::try_from(n).ok()).map(Wire::U32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => text().and_then(|t| t.parse().ok()).map(Wire::I64),
            Kind::Uint64 | Kind::Fixed64 => text().and_then(|t| t.parse().ok()).map(Wire::U64),
            Kind::String => text().and_then(|t| read_text(field.form, t)).map(Wire::String),
            Kind::Bytes if field.form == Form::Plain => text().and_then(decode_base64).map(|b| Wire::Bytes(b.into())),
            Kind::Bytes => text().and_then(|t| read_text(field.form, t)).map(|t| Wire::Bytes(t.into_bytes().into())),
            Kind::Message(inner) => Some(Wire::Message(self.read_message(&inner, json, depth)?)),
            Kind::Float | Kind::Double => None,
        };
        value.ok_or_else(|| wrong(field.descriptor.full_name(), "does not fit"))
    }
}

fn read_text(form: Form, text: &str) -> Option<String> {
    match form {
        Form::Plain => Some(text.to_owned()),
        Form::Integer => integer(text),
        Form::Decimal => scale(text),
    }
}

fn wrong(what: &str, why: &str) -> AminoError {
    AminoError::Undecodable(format!("{what}: it {why}, and so"))
}
