//! Every query of every module, asked of two states: what one answers the other must answer.
//!
//! Questions are found, not written down: what answers hold (numbers, names, addresses) fills the fields of further questions, so a query that is
//! added later is asked as well, and one that could not be asked is told.
use std::collections::{BTreeMap, BTreeSet};

use cairn_app::{App, api::Chain};
use cairn_proto::DESCRIPTORS;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MethodDescriptor, ReflectMessage, Value};

/// How many values of one field are kept, and questions of one query asked.
const VALUES: usize = 16;
const QUESTIONS: usize = 24;
/// How many values of each field are tried, where a query has so many fields with values.
const TRIED: [usize; 4] = [1, VALUES, 5, 3];
/// Words that no answer holds.
const WORDS: [(&str, &str); 3] = [("params_type", "voting"), ("params_type", "tallying"), ("params_type", "deposit")];
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
    /// By what the field is of ([`subject`]), and by the name of the message for its field `id`: `job` for the `id` of a `Job`.
    by_name: BTreeMap<String, Vec<Value>>,
    /// Texts by what they begin with: `cairn1`, `cairnvaloper1`, `cairnvalcons1`.
    addresses: BTreeMap<&'static str, Vec<Value>>,
    /// Values that stood in one message, by what they are of, and the message's name: they belong together.
    records: BTreeMap<String, Vec<BTreeMap<String, Value>>>,
}

const PREFIXES: [&str; 3] = ["cairn1", "cairnvaloper1", "cairnvalcons1"];

/// What a field names, however it is spelt: `delegator` for `delegator_addr` and `delegator_address`.
fn subject(name: &str) -> &str {
    ["_address", "_addr", "_id", "_number"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

impl Seen {
    fn harvest(&mut self, message: &DynamicMessage) {
        let kind = message.descriptor().name().to_lowercase();
        let mut record = BTreeMap::new();
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
                        let mut names = vec![subject(field.name()).to_owned()];
                        if field.name() == "id" || field.name() == "number" {
                            names.push(kind.clone());
                        }
                        for name in names {
                            keep(self.by_name.entry(name.clone()).or_default(), value);
                            record.entry(name).or_insert_with(|| value.clone());
                        }
                    }
                    _ => {}
                }
            }
        }
        let records = self.records.entry(message.descriptor().full_name().to_owned()).or_default();
        if record.len() > 1 && records.len() < VALUES && !records.contains(&record) {
            records.push(record);
        }
    }

    /// The questions of a query: its fields filled with what stood together, and in turn with what was seen; the empty one where it needs nothing.
    fn questions(&self, method: &MethodDescriptor) -> Vec<DynamicMessage> {
        let values: Vec<_> = method.input().fields().map(|field| (self.values(&field), field)).filter(|(v, _)| !v.is_empty()).collect();
        let tried = TRIED.get(values.len()).copied().unwrap_or(2);
        let mut questions = vec![DynamicMessage::new(method.input())];
        for (values, field) in &values {
            let filled = |question: &DynamicMessage| {
                let of = |value: &Value| with(question, field, value);
                values.iter().take(tried).map(of).collect::<Vec<_>>()
            };
            questions = questions.iter().flat_map(filled).take(QUESTIONS).collect();
        }
        for (values, field) in &values {
            let alone = DynamicMessage::new(method.input());
            questions.extend(values.iter().map(|value| with(&alone, field, value)));
        }
        questions.extend(self.together(method));
        questions
    }

    /// Questions with two fields or more from one message that was seen.
    fn together(&self, method: &MethodDescriptor) -> Vec<DynamicMessage> {
        let mut questions = vec![];
        for record in self.records.values().flatten() {
            let mut question = DynamicMessage::new(method.input());
            let mut filled = 0;
            for field in method.input().fields().filter(is_plain) {
                if let Some(value) = record.get(subject(field.name())).and_then(|value| fitting(&field, value)) {
                    question.set_field(&field, value);
                    filled += 1;
                }
            }
            if filled > 1 {
                questions.push(question);
            }
        }
        questions
    }

    fn values(&self, field: &FieldDescriptor) -> Vec<Value> {
        let name = field.name();
        if !is_plain(field) {
            return vec![];
        }
        let mut found: Vec<Value> = self.by_name.get(subject(name)).into_iter().flatten().filter_map(|v| fitting(field, v)).collect();
        found.extend(WORDS.iter().filter(|(of, _)| *of == name).map(|(_, word)| Value::String((*word).to_owned())));
        if matches!(field.kind(), Kind::String) {
            let prefix = if name.contains("val") && name.contains("addr") { "cairnvaloper1" } else { "cairn1" };
            let prefix = if name.contains("cons") { "cairnvalcons1" } else { prefix };
            let address =
                ["addr", "owner", "holder", "granter", "grantee", "voter", "depositor", "account", "annotator", "provider", "licensee"];
            if found.is_empty() && address.iter().any(|part| name.contains(part)) || ["address", "account", "operator"].contains(&name) {
                found = self.addresses.get(prefix).cloned().unwrap_or_default();
            }
        }
        if found.is_empty() && matches!(field.kind(), Kind::Uint64 | Kind::Uint32 | Kind::Int64) {
            found.extend((1..=3).filter_map(|number| fitting(field, &Value::U64(number))));
        }
        if let Kind::Enum(kind) = field.kind() {
            found.extend(kind.values().map(|value| Value::EnumNumber(value.number())).filter(|value| *value != Value::EnumNumber(0)));
        }
        found.truncate(VALUES);
        found
    }
}

/// Whether the field holds one value that is no message.
fn is_plain(field: &FieldDescriptor) -> bool {
    !matches!(field.kind(), Kind::Message(_)) && !field.is_list()
}

fn with(question: &DynamicMessage, field: &FieldDescriptor, value: &Value) -> DynamicMessage {
    let mut question = question.clone();
    question.set_field(field, value.clone());
    question
}

/// A value as one of the field's kind.
fn fitting(field: &FieldDescriptor, value: &Value) -> Option<Value> {
    let number = value.as_u64().or_else(|| value.as_u32().map(u64::from)).or_else(|| value.as_i64().and_then(|n| n.try_into().ok()));
    match field.kind() {
        // Names of programs and the like: bytes in answers, hexadecimal in questions.
        Kind::String if value.as_bytes().is_some() => value.as_bytes().map(|bytes| Value::String(hex::encode(bytes))),
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
