//! An OpenAPI 3 document of the REST door, made from the descriptors: paths, parameters, and schemas as the dialect of `json` writes them.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use cairn_kernel::Address;
use prost_reflect::{DynamicMessage, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::{
    json::{Dialect, Shape},
    templates::{Body, Route, Routes},
};

/// How deep query parameters go into messages: `pagination.limit` is 2.
const MAX_PARAMETER_DEPTH: usize = 3;

/// Comments of `.proto` files, by file and by the path of the declaration in it.
#[derive(Default)]
struct Comments(HashMap<String, HashMap<Vec<i32>, String>>);

impl Comments {
    /// The comment before a declaration; empty where there is none.
    fn of(&mut self, file: &FileDescriptor, path: &[i32]) -> String {
        let known = self.0.entry(file.name().to_owned()).or_insert_with(|| comments(file));
        known.get(path).cloned().unwrap_or_default()
    }
}

fn comments(file: &FileDescriptor) -> HashMap<Vec<i32>, String> {
    let locations = file.file_descriptor_proto().source_code_info.iter().flat_map(|info| &info.location);
    let unindented = |text: &str| text.lines().map(|l| l.strip_prefix(' ').unwrap_or(l)).collect::<Vec<_>>().join("\n");
    locations.filter_map(|l| Some((l.path.clone(), unindented(l.leading_comments.as_deref()?).trim().to_owned()))).collect()
}

/// Builds the document.
struct Document<'a> {
    dialect: &'a Dialect,
    comments: Comments,
    schemas: BTreeMap<String, Value>,
    /// Messages that are referred to and have no schema yet.
    wanted: BTreeSet<String>,
}

/// The document of all `routes`.
pub(super) fn document(dialect: &Dialect, routes: &Routes) -> Value {
    let mut document = Document { dialect, comments: Comments::default(), schemas: BTreeMap::new(), wanted: BTreeSet::new() };
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut services = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for route in routes.iter() {
        // The names of variables do not tell paths apart: of two with one template the document has the one that is asked first.
        if !seen.insert((route.verb.clone(), nameless(&route.pattern))) {
            continue;
        }
        let service = route.method.parent_service();
        let about = document.comments.of(&service.parent_file(), service.path());
        services.insert(service.full_name().to_owned(), about);
        let operation = document.operation(route);
        paths.entry(plain_path(&route.pattern)).or_default().insert(route.verb.to_lowercase(), operation);
    }
    document.complete();
    let tags: Vec<Value> = services.into_iter().map(|(name, description)| json!({"name": name, "description": description})).collect();
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Cairn",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "State of the chain over REST, in the dialect of the Cosmos SDK. Every path is also a gRPC method and an ABCI query.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {"schemas": document.schemas, "responses": refusals()},
    })
}

/// `/m/{denom=**}` as `/m/{}`.
fn nameless(pattern: &str) -> String {
    plain_path(pattern).split('{').map(|part| part.split_once('}').map_or(part.to_owned(), |(_, rest)| format!("{{}}{rest}"))).collect()
}

/// HTTP status, name, what it means, and an example's gRPC status and text.
const REFUSALS: [(&str, &str, &str, u8, &str); 5] = [
    ("400", "BadRequest", "A parameter is missing, malformed or out of range.", 3, "invalid denom: !"),
    ("404", "NotFound", "What was asked for is not there.", 5, "account ... not found"),
    ("429", "Busy", "The node has as many requests as it bears.", 8, "the node is busy"),
    ("500", "Failed", "The handler failed; a simulated transaction would too.", 2, "out of gas in location: ... with gas used: '9'"),
    ("503", "Unavailable", "What the node depends on does not answer.", 14, "CometBFT does not answer"),
];

fn refusals() -> Value {
    let one = |(_, name, about, code, message): (&str, &str, &str, u8, &str)| {
        let example = json!({"code": code, "message": message, "details": []});
        (
            name.to_owned(),
            json!({"description": about, "content": {"application/json": {"schema": reference("Error"), "example": example}}}),
        )
    };
    Value::Object(REFUSALS.into_iter().map(one).collect())
}

/// `/m/{denom=**}` as `/m/{denom}`.
fn plain_path(pattern: &str) -> String {
    let mut plain = String::new();
    let mut in_pattern = false;
    for c in pattern.chars() {
        in_pattern = (in_pattern || c == '=') && c != '}';
        if !in_pattern {
            plain.push(c);
        }
    }
    plain
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

impl Document<'_> {
    fn operation(&mut self, route: &Route) -> Value {
        let method = &route.method;
        let (input, output) = (method.input(), method.output());
        let about = self.comments.of(&method.parent_file(), method.path());
        let mut operation = json!({
            "operationId": format!("{}_{}", route.path.trim_start_matches('/').replace('/', "."), route.verb.to_lowercase()),
            "tags": [method.parent_service().full_name()],
            "summary": method.name(),
            "description": about,
            "parameters": self.parameters(route, &input),
            "responses": responses(self.want(&output)),
        });
        let example = self.dialect.encode(&DynamicMessage::new(input.clone()));
        let body = match &route.body {
            Body::None => None,
            Body::Whole => Some((self.want(&input), example)),
            Body::Field(name) => input.get_field_by_name(name).map(|f| (self.field(&f), example.get(name).cloned().unwrap_or_default())),
        };
        if let (Some((schema, example)), Some(operation)) = (body, operation.as_object_mut()) {
            let content = json!({"application/json": {"schema": schema, "example": example}});
            operation.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
        }
        operation
    }

    fn parameters(&mut self, route: &Route, input: &MessageDescriptor) -> Vec<Value> {
        let in_path = route.variables();
        let mut found = Vec::new();
        for path in &in_path {
            let field = path.split('.').next().and_then(|name| input.get_field_by_name(name));
            let (about, schema) = match &field {
                Some(f) if f.name() == path => (self.about(f), self.field(f)),
                _ => (String::new(), json!({"type": "string"})),
            };
            let example = field.as_ref().map_or(json!("x"), example);
            found.push(json!({"name": path, "in": "path", "required": true, "description": about, "schema": schema, "example": example}));
        }
        if route.body == Body::None {
            self.query_parameters(input, "", 1, &in_path, &mut found);
        }
        found.push(json!({
            "name": super::doors::HEIGHT,
            "in": "header",
            "description": "The height of the state to read; the last one if absent.",
            "schema": {"type": "string", "format": "uint64"},
        }));
        found
    }

    fn query_parameters(&mut self, message: &MessageDescriptor, prefix: &str, depth: usize, taken: &[String], found: &mut Vec<Value>) {
        for field in message.fields() {
            let name = format!("{prefix}{}", field.name());
            if taken.contains(&name) || field.is_map() {
                continue;
            }
            match field.kind() {
                Kind::Message(inner) if has_fields(&inner) => {
                    if depth < MAX_PARAMETER_DEPTH && !field.is_list() {
                        self.query_parameters(&inner, &format!("{name}."), depth.saturating_add(1), taken, found);
                    }
                }
                _ => {
                    let (about, schema) = (self.about(&field), self.field(&field));
                    found.push(json!({"name": name, "in": "query", "description": about, "schema": schema}));
                }
            }
        }
    }

    fn about(&mut self, field: &FieldDescriptor) -> String {
        self.comments.of(&field.parent_file(), field.path())
    }

    /// A reference to a message's schema, which is made before the document is done.
    fn want(&mut self, message: &MessageDescriptor) -> Value {
        match message.full_name() {
            "google.protobuf.Timestamp" => json!({"type": "string", "format": "date-time"}),
            "google.protobuf.Duration" => json!({"type": "string", "example": "3600s"}),
            "google.protobuf.Any" => {
                json!({"type": "object", "properties": {"@type": {"type": "string"}}, "required": ["@type"], "additionalProperties": true})
            }
            name => {
                self.wanted.insert(name.to_owned());
                reference(name)
            }
        }
    }

    fn field(&mut self, field: &FieldDescriptor) -> Value {
        if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
            return json!({"type": "object", "additionalProperties": self.field(&entry.map_entry_value_field())});
        }
        let one = self.one(field);
        if field.is_list() {
            return json!({"type": "array", "items": one});
        }
        let nullable = match field.kind() {
            Kind::Message(_) => self.dialect.is_nullable(field),
            Kind::Bytes => self.dialect.shape(field) == Shape::Plain,
            _ => false,
        };
        match (nullable, one) {
            (true, Value::Object(mut schema)) if !schema.contains_key("$ref") => {
                schema.insert("nullable".to_owned(), json!(true));
                Value::Object(schema)
            }
            // What stands beside a reference is ignored, so it is wrapped.
            (true, reference) => json!({"allOf": [reference], "nullable": true}),
            (false, one) => one,
        }
    }

    fn one(&mut self, field: &FieldDescriptor) -> Value {
        match self.dialect.shape(field) {
            Shape::Decimal => return json!({"type": "string", "format": "decimal"}),
            Shape::Integer => return json!({"type": "string", "format": "integer"}),
            Shape::Hex => return json!({"type": "string", "format": "hex"}),
            Shape::Plain => {}
        }
        match field.kind() {
            Kind::Message(message) => self.want(&message),
            Kind::Enum(e) => json!({"type": "string", "enum": e.values().map(|v| v.name().to_owned()).collect::<Vec<_>>()}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::String => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "format": "byte"}),
            Kind::Double => json!({"type": "number", "format": "double"}),
            Kind::Float => json!({"type": "number", "format": "float"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({"type": "integer", "format": "int32"}),
            Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer", "format": "int64", "minimum": 0}),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => json!({"type": "string", "format": "int64"}),
            Kind::Uint64 | Kind::Fixed64 => json!({"type": "string", "format": "uint64"}),
        }
    }

    /// Makes the schemas of all wanted messages, and of those that these want.
    fn complete(&mut self) {
        while let Some(name) = self.wanted.pop_first() {
            let Some(message) = self.dialect.message(&name).filter(|_| !self.schemas.contains_key(&name)) else { continue };
            let mut properties = Map::new();
            for field in message.fields() {
                let mut schema = self.field(&field);
                let about = self.about(&field);
                if let (false, Some(schema)) = (about.is_empty() || schema.get("$ref").is_some(), schema.as_object_mut()) {
                    schema.insert("description".to_owned(), json!(about));
                }
                properties.insert(field.name().to_owned(), schema);
            }
            let about = self.comments.of(&message.parent_file(), message.path());
            self.schemas.insert(name, json!({"type": "object", "description": about, "properties": properties}));
        }
        self.schemas.insert("Error".to_owned(), error_schema());
    }
}

fn responses(answer: Value) -> Value {
    let mut responses =
        Map::from_iter([("200".to_owned(), json!({"description": "The answer.", "content": {"application/json": {"schema": answer}}}))]);
    for (status, name, ..) in REFUSALS {
        responses.insert(status.to_owned(), json!({"$ref": format!("#/components/responses/{name}")}));
    }
    Value::Object(responses)
}

/// A value that a field may have, as it stands in a path. Addresses are those of the account of fees, which every chain has.
fn example(field: &FieldDescriptor) -> Value {
    let fees = Address::module("fee_collector");
    match (field.kind(), field.name()) {
        (Kind::String, "denom") => json!("ucairn"),
        (Kind::String, "hash") => json!("0".repeat(64)),
        (Kind::String, "name") => json!("fee_collector"),
        (Kind::String, "params_type") => json!("voting"),
        (Kind::String, "interface_name") => json!("cosmos.auth.v1beta1.AccountI"),
        (Kind::String, name) if name.starts_with("validator") => json!(fees.to_bech32("cairnvaloper")),
        (Kind::String, "cons_address") => json!(fees.to_bech32("cairnvalcons")),
        (Kind::String, _) => json!(fees.to_string()),
        (Kind::Bytes, _) => json!("AQIDBA=="),
        (Kind::Bool, _) => json!("false"),
        _ => json!("1"),
    }
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "description": "Why a request was refused.",
        "properties": {
            "code": {"type": "integer", "format": "int32", "description": "A gRPC status."},
            "message": {"type": "string"},
            "details": {"type": "array", "items": {"type": "object"}},
        },
    })
}

/// Whether JSON shows the message as an object of its fields.
fn has_fields(message: &MessageDescriptor) -> bool {
    !matches!(message.full_name(), "google.protobuf.Timestamp" | "google.protobuf.Duration")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::templates::method_path;

    fn everything() -> Value {
        let dialect = Dialect::cairn();
        let served = dialect.pool().services().flat_map(|s| s.methods().map(|m| method_path(&m)).collect::<Vec<_>>()).collect();
        document(dialect, &Routes::new(dialect.pool(), &served))
    }

    #[test]
    fn names_paths_parameters_and_shapes() {
        let document = everything();
        let get = &document["paths"]["/cosmos/bank/v1beta1/balances/{address}"]["get"];
        assert_eq!(get["operationId"], "cosmos.bank.v1beta1.Query.AllBalances_get");
        let names: Vec<&str> = get["parameters"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(names[0], "address");
        assert!(names.contains(&"pagination.limit") && names.contains(&"x-cosmos-block-height"), "{names:?}");
        assert_eq!(names.iter().filter(|n| **n == "address").count(), 1);
        assert!(document["paths"]["/cosmos/bank/v1beta1/denoms_metadata/{denom}"].is_object());
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["cosmos.base.query.v1beta1.PageResponse"]["properties"]["next_key"]["nullable"], true);
        assert_eq!(schemas["cosmos.base.query.v1beta1.PageResponse"]["properties"]["total"]["format"], "uint64");
        assert_eq!(schemas["cosmos.slashing.v1beta1.Params"]["properties"]["min_signed_per_window"]["format"], "decimal");
        let page = &schemas["cosmos.bank.v1beta1.QueryAllBalancesResponse"]["properties"]["pagination"];
        assert_eq!(page["allOf"][0]["$ref"], "#/components/schemas/cosmos.base.query.v1beta1.PageResponse");
        let body = &document["paths"]["/cosmos/tx/v1beta1/txs"]["post"]["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body["$ref"], "#/components/schemas/cosmos.tx.v1beta1.BroadcastTxRequest");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = everything();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
    }

    #[test]
    fn our_own_comments_become_descriptions() {
        let document = everything();
        let ours = document["tags"].as_array().unwrap().iter().filter(|t| t["name"].as_str().unwrap().starts_with("cairn."));
        let operations = document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/cairn/"));
        assert!(ours.count() > 0);
        for (path, verbs) in operations {
            assert!(verbs.as_object().unwrap().values().all(|o| !o["description"].as_str().unwrap().is_empty()), "{path} has no comment");
        }
    }

    #[test]
    fn paths_have_examples_and_are_told_apart_by_more_than_names() {
        let document = everything();
        let paths = document["paths"].as_object().unwrap();
        let names: BTreeSet<String> = paths.keys().map(|path| nameless(path)).collect();
        assert_eq!(names.len(), paths.len());
        let operations = paths.iter().flat_map(|(path, verbs)| verbs.as_object().unwrap().values().map(move |o| (path, o)));
        for (path, operation) in operations {
            assert!(operation["requestBody"].is_null() || !operation["requestBody"]["content"]["application/json"]["example"].is_null());
            let required = operation["parameters"].as_array().unwrap().iter().filter(|p| p["required"] == true);
            assert!(required.into_iter().all(|p| p["example"].is_string()), "{path}");
            assert_eq!(operation["responses"]["404"]["$ref"], "#/components/responses/NotFound");
        }
        assert_eq!(document["components"]["responses"]["NotFound"]["content"]["application/json"]["example"]["code"], 5);
    }

    #[test]
    fn paths_lose_their_patterns() {
        assert_eq!(plain_path("/a/{b=x/*}/c/{d=**}"), "/a/{b}/c/{d}");
        assert_eq!(plain_path("/a/{b}"), "/a/{b}");
        assert_eq!(nameless("/a/{b=x/*}/c/{d=**}"), "/a/{}/c/{}");
    }
}
