//! Every query of every module, asked of two states: what one answers the other must answer.
//!
//! Questions are found, not written down: what answers hold (numbers, names, addresses) fills the fields of further questions, so a query that is
//! added later is asked as well, and one that could not be asked is told.
use std::collections::{BTreeMap, BTreeSet};

use cairn_app::{App, api::Chain};
use cairn_proto::DESCRIPTORS;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MethodDescriptor, ReflectMessage, Value};

/// How many values of one field are tried, and questions of one query asked.
const VALUES: usize = 4;
const QUESTIONS: usize = 24;
/// Answers to questions feed questions; after so many rounds nothing new is found.
const ROUNDS: usize = 4;

/// What came of it.
#[derive(Debug, Default)]
pub struct Compared {
    /// How many questions were asked.
    pub asked: usize,
    /// Queries with an answer that is not a refusal.
    pub answered: BTreeSet<String>,
    /// Queries that only refused, or for whose fields no value was found.
    pub silent: BTreeSet<String>,
    /// Questions with different answers.
    pub different: Vec<String>,
}

/// Asks both states every query that they serve.
///
/// # Panics
/// If the descriptors cannot be read.
#[must_use]
pub fn compare(one: &App, other: &App) -> Compared {
    let pool = DescriptorPool::decode(DESCRIPTORS).expect("descriptors");
    let methods: Vec<MethodDescriptor> = one.query_paths().iter().filter_map(|path| method(&pool, path)).collect();
    let (mut compared, mut seen, mut asked) = (Compared::default(), Seen::default(), BTreeSet::new());
    for _ in 0..ROUNDS {
        for method in &methods {
            for question in seen.questions(method) {
                let path = path(method);
                let bytes = question.encode_to_vec();
                if !asked.insert((path.clone(), bytes.clone())) {
                    continue;
                }
                let (first, second) = (one.query(&path, &bytes, None), other.query(&path, &bytes, None));
                let text = |answer: Result<Vec<u8>, cairn_kernel::Error>| answer.map_err(|e| (e.codespace, e.code, e.log));
                let (first, second) = (text(first.map(|a| a.value)), text(second.map(|a| a.value)));
                if first != second {
                    compared.different.push(format!("{path} {question}:\n  {}\n  {}", shown(method, &first), shown(method, &second)));
                }
                if let Ok(answer) = first.map(|bytes| DynamicMessage::decode(method.output(), &*bytes).expect("an answer")) {
                    compared.answered.insert(path);
                    seen.harvest(&answer);
                }
            }
        }
    }
    compared.asked = asked.len();
    compared.silent = methods.iter().map(path).filter(|path| !compared.answered.contains(path)).collect();
    compared
}

fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

fn method(pool: &DescriptorPool, path: &str) -> Option<MethodDescriptor> {
    let (service, name) = path.trim_start_matches('/').split_once('/')?;
    // Whoever simulates or encodes a transaction asks nothing of the state.
    (!service.starts_with("cosmos.tx."))
        .then(|| pool.get_service_by_name(service)?.methods().find(|method| method.name() == name))
        .flatten()
}

fn shown(method: &MethodDescriptor, answer: &Result<Vec<u8>, (&'static str, u32, String)>) -> String {
    match answer {
        Ok(bytes) => DynamicMessage::decode(method.output(), &**bytes).map_or_else(|e| e.to_string(), |answer| answer.to_string()),
        Err(refused) => format!("{refused:?}"),
    }
}

/// Values that answers held.
#[derive(Debug, Default)]
struct Seen {
    /// By the name of the field, and by that of the message and its field `id`: `job` for the `id` of a `Job`.
    by_name: BTreeMap<String, Vec<Value>>,
    /// Texts by what they begin with: `cairn1`, `cairnvaloper1`, `cairnvalcons1`.
    addresses: BTreeMap<&'static str, Vec<Value>>,
}

const PREFIXES: [&str; 3] = ["cairn1", "cairnvaloper1", "cairnvalcons1"];

impl Seen {
    fn harvest(&mut self, message: &DynamicMessage) {
        let kind = message.descriptor().name().to_lowercase();
        for (field, value) in message.fields() {
            for value in each(value) {
                match value {
                    Value::Message(inner) => self.harvest(inner),
                    Value::String(text) if text.is_empty() => {}
                    Value::String(_) | Value::U64(_) | Value::U32(_) | Value::I64(_) | Value::Bytes(_) => {
                        if let Value::String(text) = value
                            && let Some(prefix) = PREFIXES.iter().find(|prefix| text.starts_with(**prefix))
                        {
                            keep(self.addresses.entry(prefix).or_default(), value);
                        }
                        keep(self.by_name.entry(field.name().to_owned()).or_default(), value);
                        if field.name() == "id" || field.name() == "number" {
                            keep(self.by_name.entry(kind.clone()).or_default(), value);
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// The questions of a query: its fields filled in turn with what was seen; the empty one where it needs nothing.
    fn questions(&self, method: &MethodDescriptor) -> Vec<DynamicMessage> {
        let mut questions = vec![DynamicMessage::new(method.input())];
        for field in method.input().fields() {
            let values = self.values(&field);
            if values.is_empty() {
                continue;
            }
            let filled = |question: &DynamicMessage| {
                let of = |value: &Value| {
                    let mut question = question.clone();
                    question.set_field(&field, value.clone());
                    question
                };
                values.iter().map(of).collect::<Vec<_>>()
            };
            questions = questions.iter().flat_map(filled).take(QUESTIONS).collect();
        }
        questions
    }

    fn values(&self, field: &FieldDescriptor) -> Vec<Value> {
        let name = field.name();
        if matches!(field.kind(), Kind::Message(_)) || field.is_list() {
            return vec![];
        }
        let named = [name, name.trim_end_matches("_id"), name.trim_end_matches("_number")];
        let mut found: Vec<Value> =
            named.iter().filter_map(|name| self.by_name.get(*name)).flatten().filter_map(|v| fitting(field, v)).collect();
        if matches!(field.kind(), Kind::String) {
            let prefix = if name.contains("val") && name.contains("addr") { "cairnvaloper1" } else { "cairn1" };
            let prefix = if name.contains("cons") { "cairnvalcons1" } else { prefix };
            let address =
                ["addr", "owner", "holder", "granter", "grantee", "voter", "depositor", "account", "annotator", "provider", "licensee"];
            if found.is_empty() && address.iter().any(|part| name.contains(part)) || name == "address" {
                found = self.addresses.get(prefix).cloned().unwrap_or_default();
            }
        }
        if found.is_empty() && matches!(field.kind(), Kind::Uint64 | Kind::Uint32 | Kind::Int64) {
            found.extend(fitting(field, &Value::U64(1)));
        }
        found.truncate(VALUES);
        found
    }
}

/// A value as one of the field's kind.
fn fitting(field: &FieldDescriptor, value: &Value) -> Option<Value> {
    let number = value.as_u64().or_else(|| value.as_u32().map(u64::from)).or_else(|| value.as_i64().and_then(|n| n.try_into().ok()));
    match field.kind() {
        Kind::String | Kind::Bytes => value.is_valid_for_field(field).then(|| value.clone()),
        Kind::Uint64 => number.map(Value::U64),
        Kind::Uint32 => number.and_then(|n| n.try_into().ok()).map(Value::U32),
        Kind::Int64 => number.and_then(|n| n.try_into().ok()).map(Value::I64),
        _ => None,
    }
}

fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::List(values) => values.iter().collect(),
        Value::Map(values) => values.values().collect(),
        other => vec![other],
    }
}

fn keep(values: &mut Vec<Value>, value: &Value) {
    if values.len() < 4 * VALUES && !values.contains(value) {
        values.push(value.clone());
    }
}
