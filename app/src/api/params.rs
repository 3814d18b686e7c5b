//! The fields of a request from a REST path, query string and body.
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value};

use super::{
    doors::Refusal,
    json::Dialect,
    templates::{Body, Route},
};

/// Names in a field path such as `pagination.limit`; no message of ours is deeper.
const MAX_PATH: usize = 8;

/// The request of `route`: the query string's fields, then the body's, then the path's.
pub(super) fn request(
    dialect: &Dialect,
    route: &Route,
    variables: &[(String, String)],
    query: &[(String, String)],
    body: &[u8],
) -> Result<DynamicMessage, Refusal> {
    let input = route.method.input();
    let mut message = match (&route.body, body.is_empty()) {
        (Body::Whole, false) => dialect.decode(&input, &known(&input, parse(body)?)).map_err(|e| Refusal::invalid(e.to_string()))?,
        _ => DynamicMessage::new(input.clone()),
    };
    if let (Body::Field(name), false) = (&route.body, body.is_empty()) {
        message = dialect.decode(&input, &serde_json::json!({name: parse(body)?})).map_err(|e| Refusal::invalid(e.to_string()))?;
    }
    if route.body != Body::Whole {
        set_query(dialect, &mut message, variables, query)?;
    }
    for (path, text) in variables {
        let Some(field) = resolve(&input, path) else { return Err(Refusal::internal(format!("no field {path}"))) };
        set(dialect, &mut message, &field, path, &[text.as_str()])?;
    }
    Ok(message)
}

fn parse(body: &[u8]) -> Result<serde_json::Value, Refusal> {
    serde_json::from_slice(body).map_err(|e| Refusal::invalid(format!("the body is no JSON: {e}")))
}

/// The body without what the request has no field for, as the SDK's gateway takes it. What lies deeper is refused: dropped from the messages
/// of a transaction it would change what is signed.
fn known(input: &MessageDescriptor, mut body: serde_json::Value) -> serde_json::Value {
    if let Some(object) = body.as_object_mut() {
        object.retain(|name, _| input.get_field_by_name(name).or_else(|| input.get_field_by_json_name(name)).is_some());
    }
    body
}

/// Sets what the query string names. A name that is no field is ignored, as in the SDK's gateway: clients add such to get around caches.
fn set_query(
    dialect: &Dialect,
    message: &mut DynamicMessage,
    variables: &[(String, String)],
    query: &[(String, String)],
) -> Result<(), Refusal> {
    let input = message.descriptor();
    let mut done: Vec<&str> = Vec::new();
    for (name, _) in query {
        let of_path = variables.iter().any(|(path, _)| path == name);
        let (false, false, Some(field)) = (of_path, done.contains(&name.as_str()), resolve(&input, name)) else { continue };
        let texts: Vec<&str> = query.iter().filter(|(n, _)| n == name).map(|(_, text)| text.as_str()).collect();
        set(dialect, message, &field, name, &texts)?;
        done.push(name);
    }
    Ok(())
}

/// The fields from the request down to the one that `path` names.
fn resolve(descriptor: &MessageDescriptor, path: &str) -> Option<Vec<FieldDescriptor>> {
    let mut descriptor = Some(descriptor.clone());
    let mut fields = Vec::new();
    for name in path.split('.') {
        let within = descriptor.take().filter(|_| fields.len() < MAX_PATH)?;
        let field = within.get_field_by_name(name).or_else(|| within.get_field_by_json_name(name))?;
        if let (Kind::Message(inner), false) = (field.kind(), field.is_list()) {
            descriptor = Some(inner);
        }
        fields.push(field);
    }
    Some(fields)
}

/// Sets a field from its texts: a list takes all, anything else the first.
fn set(dialect: &Dialect, message: &mut DynamicMessage, fields: &[FieldDescriptor], path: &str, texts: &[&str]) -> Result<(), Refusal> {
    let Some((field, outer)) = fields.split_last() else { return Ok(()) };
    let mismatch = |e: &dyn std::fmt::Display| Refusal::invalid(format!("type mismatch, parameter: {path}, error: {e}"));
    let mut target = message;
    for step in outer {
        if target.descriptor() != *step.parent_message() {
            return Err(mismatch(&"not a field of this message"));
        }
        target = target.get_field_mut(step).as_message_mut().ok_or_else(|| mismatch(&"not a message"))?;
    }
    if field.is_map() {
        return Err(mismatch(&"a map cannot be given here"));
    }
    let values = texts.iter().map(|t| dialect.read_text(field, t)).collect::<Result<Vec<_>, _>>().map_err(|e| mismatch(&e))?;
    let value = if field.is_list() { Some(Value::List(values)) } else { values.into_iter().next() };
    if let Some(value) = value {
        target.set_field(field, value);
    }
    Ok(())
}
