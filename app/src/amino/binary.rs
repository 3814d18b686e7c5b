//! Messages in amino's binary form, which Cosmos chains spoke before protobuf. A field's number is its place in the declaration (members of
//! a `oneof` share one), a message that may be of several types begins with four bytes of its name's hash, durations are nanoseconds.
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor, ReflectMessage, Value};
use sha2::{Digest, Sha256};

use super::{
    Amino, AminoError, Field, Form, Shape, is_synthetic,
    known::{MAX_DEPTH, any, any_of, duration, key_of, nanoseconds, with},
    wire::{Part, cut, field_bytes, field_number, put_bytes, put_number, take_bytes, take_field, take_number},
};
use crate::api::json::Dialect;

type Result<T = ()> = std::result::Result<T, AminoError>;

/// The four bytes by which a type is known.
pub(super) type Prefix = [u8; 4];

/// The first bytes of the hash of a name that are not zero, after three others.
pub(super) fn prefix(name: &str) -> Prefix {
    let hash = Sha256::digest(name.as_bytes());
    let mut rest = hash.iter().copied().skip_while(|byte| *byte == 0).skip(3).skip_while(|byte| *byte == 0);
    [(); 4].map(|()| rest.next().unwrap_or(0))
}

/// A place of the declaration, and so a number in the binary form.
enum Place {
    One(FieldDescriptor),
    Group(OneofDescriptor),
}

/// What stands in which place, from 1.
fn places(message: &MessageDescriptor) -> Vec<(u32, Place)> {
    let mut places: Vec<Place> = Vec::new();
    for declared in &message.descriptor_proto().field {
        let Some(field) = u32::try_from(declared.number()).ok().and_then(|number| message.get_field(number)) else { continue };
        match field.containing_oneof().filter(|group| !is_synthetic(group)) {
            None => places.push(Place::One(field)),
            Some(group) if places.iter().any(|place| matches!(place, Place::Group(known) if *known == group)) => {}
            Some(group) => places.push(Place::Group(group)),
        }
    }
    (1..).zip(places).collect()
}

impl Amino {
    /// A packed message: the prefix of its type and its fields.
    pub(super) fn packed(&self, type_url: &str, bytes: &[u8]) -> Result<Vec<u8>> {
        let message = self.unpacked(type_url, bytes)?;
        let descriptor = message.descriptor();
        let named = self.rules.get(descriptor.full_name()).and_then(|rule| rule.name.as_deref());
        let name = named.ok_or_else(|| AminoError::Inexpressible(descriptor.full_name().to_owned()))?;
        let mut out = prefix(name).to_vec();
        if self.is_key(&descriptor) {
            put_bytes(&key_of(&message), &mut out);
        } else {
            self.put_fields(&message, &mut out)?;
        }
        Ok(out)
    }

    fn is_key(&self, descriptor: &MessageDescriptor) -> bool {
        self.rules.get(descriptor.full_name()).is_some_and(|rule| rule.shape == Shape::Key)
    }

    fn rule_of(&self, descriptor: &FieldDescriptor) -> Result<&Field> {
        let rule = self.rules.get(descriptor.parent_message().full_name());
        let field = rule.and_then(|rule| rule.fields.iter().find(|field| field.descriptor == *descriptor));
        field.ok_or_else(|| AminoError::UnknownType(descriptor.full_name().to_owned()))
    }

    fn put_fields(&self, message: &DynamicMessage, out: &mut Vec<u8>) -> Result {
        for (number, place) in places(&message.descriptor()) {
            match place {
                Place::One(field) => self.put_field(message, number, &field, out)?,
                Place::Group(group) => {
                    for field in group.fields().filter(|field| message.has_field(field)) {
                        self.put_member(message, number, &field, out)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The member of a `oneof`, which amino knows as a type with one field.
    fn put_member(&self, message: &DynamicMessage, number: u32, field: &FieldDescriptor, out: &mut Vec<u8>) -> Result {
        let inexpressible = || AminoError::Inexpressible(field.full_name().to_owned());
        let (_, kind) = self.rule_of(field)?.one_of.as_ref().ok_or_else(inexpressible)?;
        let mut member = prefix(kind).to_vec();
        self.put_field(message, 1, field, &mut member)?;
        field_bytes(number, &member, out);
        Ok(())
    }

    fn put_field(&self, message: &DynamicMessage, number: u32, field: &FieldDescriptor, out: &mut Vec<u8>) -> Result {
        let value = message.get_field(field);
        match value.as_ref() {
            Value::List(items) if items.is_empty() => Ok(()),
            Value::List(items) if is_number(&field.kind()) => {
                let mut packed = Vec::new();
                items.iter().filter_map(number_of).for_each(|item| put_number(item, &mut packed));
                field_bytes(number, &packed, out);
                Ok(())
            }
            Value::List(items) => items.iter().try_for_each(|item| self.put_value(number, field, item, true, out)),
            single => {
                let pointer = matches!(single, Value::Message(_)) && Dialect::cairn().is_nullable(field);
                if matches!(single, Value::Message(_)) && pointer && !message.has_field(field) {
                    return Ok(());
                }
                self.put_value(number, field, single, pointer, out)
            }
        }
    }

    /// A value that is no list; one without bytes only where amino keeps it.
    fn put_value(&self, number: u32, field: &FieldDescriptor, value: &Value, keep: bool, out: &mut Vec<u8>) -> Result {
        let zero = !matches!(self.rule_of(field)?.form, Form::Plain) && !Dialect::cairn().is_nullable(field);
        let body = match value {
            Value::String(text) if text.is_empty() && zero => b"0".to_vec(),
            Value::Bytes(bytes) if bytes.is_empty() && zero => b"0".to_vec(),
            Value::String(text) => text.as_bytes().to_vec(),
            Value::Bytes(bytes) => bytes.to_vec(),
            Value::Message(inner) => match inner.descriptor().full_name() {
                "google.protobuf.Duration" => {
                    field_number(number, nanoseconds(inner)?.cast_unsigned(), out);
                    return Ok(());
                }
                "google.protobuf.Timestamp" => inner.encode_to_vec(),
                "google.protobuf.Any" => {
                    let (url, bytes) = any_of(inner);
                    if url.is_empty() { Vec::new() } else { self.packed(&url, &bytes)? }
                }
                _ => {
                    let mut body = Vec::new();
                    self.put_fields(inner, &mut body)?;
                    body
                }
            },
            Value::Map(_) | Value::F32(_) | Value::F64(_) | Value::List(_) => {
                return Err(AminoError::Inexpressible(field.full_name().to_owned()));
            }
            number_like => {
                field_number(number, number_of(number_like).unwrap_or(0), out);
                return Ok(());
            }
        };
        if keep || !body.is_empty() {
            field_bytes(number, &body, out);
        }
        Ok(())
    }

    /// A packed message read from its binary form: its type URL and its protobuf bytes.
    pub(super) fn unpack(&self, mut bytes: &[u8]) -> Result<(String, Vec<u8>)> {
        self.take_packed(&mut bytes, MAX_DEPTH)
    }

    fn take_packed(&self, bytes: &mut &[u8], depth: u8) -> Result<(String, Vec<u8>)> {
        let (head, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
        *bytes = rest;
        let unknown = || AminoError::UnknownType(format!("prefix {}", hex::encode(head)));
        let descriptor = self.prefixes.get(head).and_then(|name| self.pool.get_message_by_name(name)).ok_or_else(unknown)?;
        let message = if self.is_key(&descriptor) {
            with(&descriptor, [("key", Value::Bytes(take_bytes(bytes)?.to_vec().into()))]).ok_or_else(cut)?
        } else {
            self.take_fields(&descriptor, bytes, depth)?
        };
        if bytes.is_empty() { Ok((format!("/{}", descriptor.full_name()), message.encode_to_vec())) } else { Err(cut()) }
    }

    fn take_fields(&self, descriptor: &MessageDescriptor, bytes: &mut &[u8], depth: u8) -> Result<DynamicMessage> {
        let depth = depth.checked_sub(1).ok_or_else(cut)?;
        let (mut message, places) = (DynamicMessage::new(descriptor.clone()), places(descriptor));
        while !bytes.is_empty() {
            let (number, part) = take_field(bytes)?;
            match places.iter().find(|(place, _)| *place == number) {
                Some((_, Place::One(field))) => self.take_value(&mut message, field, part, depth)?,
                Some((_, Place::Group(group))) => self.take_member(&mut message, group, part.bytes()?, depth)?,
                None => return Err(cut()),
            }
        }
        Ok(message)
    }

    fn take_member(&self, message: &mut DynamicMessage, group: &OneofDescriptor, bytes: &[u8], depth: u8) -> Result {
        let (head, mut rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
        let known = |field: &FieldDescriptor| {
            self.rule_of(field).ok().and_then(|rule| rule.one_of.as_ref()).is_some_and(|(_, kind)| prefix(kind) == *head)
        };
        let field = group.fields().find(known).ok_or_else(cut)?;
        let (_, part) = take_field(&mut rest)?;
        if rest.is_empty() { self.take_value(message, &field, part, depth) } else { Err(cut()) }
    }

    fn take_value(&self, message: &mut DynamicMessage, field: &FieldDescriptor, part: Part, depth: u8) -> Result {
        if field.is_map() {
            return Err(AminoError::Inexpressible(field.full_name().to_owned()));
        }
        if !field.is_list() {
            let value = self.value_of(field, part, depth)?;
            return message.try_set_field(field, value).map_err(|_| cut());
        }
        let mut added = Vec::new();
        if is_number(&field.kind()) {
            let mut packed = part.bytes()?;
            while !packed.is_empty() {
                added.push(self.value_of(field, Part::Number(take_number(&mut packed)?), depth)?);
            }
        } else {
            added.push(self.value_of(field, part, depth)?);
        }
        match message.get_field_mut(field) {
            Value::List(list) => list.extend(added),
            _ => return Err(cut()),
        }
        Ok(())
    }

    fn value_of(&self, field: &FieldDescriptor, part: Part, depth: u8) -> Result<Value> {
        let narrow = |n: u64| i32::try_from(n.cast_signed()).map_err(|_| cut());
        Ok(match field.kind() {
            Kind::Bool => Value::Bool(part.number()? != 0),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(narrow(part.number()?)?),
            Kind::Enum(_) => Value::EnumNumber(narrow(part.number()?)?),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(u32::try_from(part.number()?).map_err(|_| cut())?),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(part.number()?.cast_signed()),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(part.number()?),
            Kind::String => Value::String(part.text()?),
            Kind::Bytes => Value::Bytes(part.bytes()?.to_vec().into()),
            Kind::Message(inner) => Value::Message(self.message_of(&inner, part, depth)?),
            Kind::Float | Kind::Double => return Err(AminoError::Inexpressible(field.full_name().to_owned())),
        })
    }

    fn message_of(&self, descriptor: &MessageDescriptor, part: Part, depth: u8) -> Result<DynamicMessage> {
        match descriptor.full_name() {
            "google.protobuf.Duration" => duration(descriptor, part.number()?.cast_signed()).ok_or_else(cut),
            "google.protobuf.Any" => match part.bytes()? {
                [] => Ok(DynamicMessage::new(descriptor.clone())),
                mut bytes => any(descriptor, self.take_packed(&mut bytes, depth)?).ok_or_else(cut),
            },
            _ => self.take_fields(descriptor, &mut part.bytes()?, depth),
        }
    }
}

fn is_number(kind: &Kind) -> bool {
    !matches!(kind, Kind::String | Kind::Bytes | Kind::Message(_))
}

/// A whole number as the 64 bits that are written.
fn number_of(value: &Value) -> Option<u64> {
    match value {
        Value::Bool(v) => Some(u64::from(*v)),
        Value::I32(v) | Value::EnumNumber(v) => Some(i64::from(*v).cast_unsigned()),
        Value::U32(v) => Some(u64::from(*v)),
        Value::I64(v) => Some(v.cast_unsigned()),
        Value::U64(v) => Some(*v),
        _ => None,
    }
}
