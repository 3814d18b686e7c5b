//! The walker: descriptors and values in, text out.
use prost_reflect::{DynamicMessage, ReflectMessage, Value};

use super::{
    Amino, AminoError, Field, Form, Shape,
    known::{any_of, key_of, nanoseconds, seconds_nanos},
};
use crate::api::json::{encode_base64, unscale};

type Result<T = ()> = std::result::Result<T, AminoError>;

/// Seconds of the year 1 and of the end of the year 9999, the range of RFC 3339.
const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

impl Amino {
    /// A message with its type, as it stands where any type may stand.
    pub(super) fn write_packed(&self, type_url: &str, bytes: &[u8], out: &mut String) -> Result {
        let message = self.unpacked(type_url, bytes)?;
        out.push_str("{\"type\":");
        quote(&self.name(&message.descriptor()), out);
        out.push_str(",\"value\":");
        self.write_message(&message, out)?;
        out.push('}');
        Ok(())
    }

    fn write_message(&self, message: &DynamicMessage, out: &mut String) -> Result {
        let descriptor = message.descriptor();
        match descriptor.full_name() {
            "google.protobuf.Any" => return self.write_any(message, out),
            "google.protobuf.Timestamp" => return write_time(message, out),
            "google.protobuf.Duration" => return write_duration(message, out),
            _ => {}
        }
        let rule = self.rules.get(descriptor.full_name()).ok_or_else(|| AminoError::UnknownType(descriptor.full_name().to_owned()))?;
        match rule.shape {
            Shape::Key => write_key(message, out),
            Shape::Threshold => self.write_threshold(message, out),
            Shape::Object => self.write_object(message, &rule.fields, out),
        }
    }

    fn write_object(&self, message: &DynamicMessage, fields: &[Field], out: &mut String) -> Result {
        let mut before = '{';
        for field in fields.iter().filter(|f| f.keep_empty || message.has_field(&f.descriptor)) {
            let value = message.get_field(&field.descriptor);
            out.push(before);
            before = ',';
            match &field.one_of {
                Some((group, kind)) => {
                    quote(group, out);
                    out.push_str(":{\"type\":");
                    quote(kind, out);
                    out.push_str(",\"value\":{");
                    self.write_member(field, &value, out)?;
                    out.push_str("}}");
                }
                None if field.descriptor.containing_oneof().is_some() && !field.descriptor.field_descriptor_proto().proto3_optional() => {
                    return Err(AminoError::Inexpressible(field.descriptor.full_name().to_owned()));
                }
                None => self.write_member(field, &value, out)?,
            }
        }
        if before == '{' {
            out.push('{');
        }
        out.push('}');
        Ok(())
    }

    fn write_member(&self, field: &Field, value: &Value, out: &mut String) -> Result {
        quote(&field.name, out);
        out.push(':');
        self.write_value(field, value, out)
    }

    fn write_value(&self, field: &Field, value: &Value, out: &mut String) -> Result {
        match value {
            Value::Bool(v) => out.push_str(if *v { "true" } else { "false" }),
            Value::I32(v) | Value::EnumNumber(v) => out.push_str(&v.to_string()),
            Value::U32(v) => out.push_str(&v.to_string()),
            Value::I64(v) => quote(&v.to_string(), out),
            Value::U64(v) => quote(&v.to_string(), out),
            Value::String(v) => write_text(v, field, out)?,
            Value::Bytes(v) => write_bytes(v, field, out)?,
            Value::Message(v) => self.write_message(v, out)?,
            Value::List(items) => {
                let mut before = '[';
                for item in items {
                    out.push(before);
                    before = ',';
                    self.write_value(field, item, out)?;
                }
                if items.is_empty() {
                    out.push('[');
                }
                out.push(']');
            }
            Value::Map(_) | Value::F32(_) | Value::F64(_) => {
                return Err(AminoError::Inexpressible(field.descriptor.full_name().to_owned()));
            }
        }
        Ok(())
    }

    fn write_any(&self, any: &DynamicMessage, out: &mut String) -> Result {
        let (url, bytes) = any_of(any);
        self.write_packed(&url, &bytes, out)
    }

    fn write_threshold(&self, message: &DynamicMessage, out: &mut String) -> Result {
        let keys = message.get_field_by_name("public_keys");
        let threshold = message.get_field_by_name("threshold").and_then(|v| v.as_u32()).unwrap_or(0);
        let mut before = "{\"pubkeys\":[";
        for key in keys.as_ref().and_then(|v| v.as_list()).unwrap_or_default() {
            out.push_str(before);
            before = ",";
            let Value::Message(key) = key else { return Err(AminoError::Inexpressible("a threshold key".to_owned())) };
            self.write_message(key, out)?;
        }
        if before != "," {
            out.push_str(before);
        }
        out.push_str("],\"threshold\":");
        quote(&threshold.to_string(), out);
        out.push('}');
        Ok(())
    }
}

fn write_key(message: &DynamicMessage, out: &mut String) -> Result {
    match key_of(message) {
        key if key.is_empty() => out.push_str("null"),
        key => quote(&encode_base64(&key), out),
    }
    Ok(())
}

fn write_text(value: &str, field: &Field, out: &mut String) -> Result {
    match field.form {
        Form::Integer | Form::Decimal if value.is_empty() => quote("0", out),
        Form::Decimal => quote(&decimal(value, field)?, out),
        Form::Integer | Form::Plain => quote(value, out),
    }
    Ok(())
}

fn write_bytes(value: &[u8], field: &Field, out: &mut String) -> Result {
    match (field.form, std::str::from_utf8(value)) {
        (Form::Plain, _) => quote(&encode_base64(value), out),
        (_, Ok(digits)) => write_text(digits, field, out)?,
        (_, Err(_)) => return Err(AminoError::Inexpressible(field.descriptor.full_name().to_owned())),
    }
    Ok(())
}

fn decimal(scaled: &str, field: &Field) -> Result<String> {
    unscale(scaled).ok_or_else(|| AminoError::Inexpressible(format!("{} that is no scaled decimal", field.descriptor.full_name())))
}

/// RFC 3339 in UTC; the fraction without the zeros at its end.
fn write_time(message: &DynamicMessage, out: &mut String) -> Result {
    let (seconds, nanos) = seconds_nanos(message);
    if !TIMES.contains(&seconds) || !(0..1_000_000_000).contains(&nanos) {
        return Err(AminoError::Inexpressible("a time out of range".to_owned()));
    }
    let whole = prost_types::Timestamp { seconds, nanos: 0 }.to_string();
    let fraction = format!(".{nanos:09}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    quote(&format!("{}{fraction}Z", whole.trim_end_matches('Z')), out);
    Ok(())
}

fn write_duration(message: &DynamicMessage, out: &mut String) -> Result {
    quote(&nanoseconds(message)?.to_string(), out);
    Ok(())
}

/// Text as CosmJS serialises it: what JSON demands, and `&`, `<`, `>` as Go escapes them.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '&' | '<' | '>' | '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            other => out.push(other),
        }
    }
    out.push('"');
}
