//! When two JSON values are of one structure: the same names in the same order, the same types, and text of the same form.
use serde_json::Value;

/// The form of a text that clients read as something else than words.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    Empty,
    Integer,
    Decimal,
    Time,
    Duration,
    /// `ALL_CAPITALS` with at least one underscore.
    Enum,
    TypeUrl,
    /// Bech32, by what it names.
    Address(String),
    Words,
}

/// Adds to `found` where `ours` is not of the structure of `theirs`.
pub(super) fn compare(at: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let names = |o: &serde_json::Map<String, Value>| o.keys().cloned().collect::<Vec<_>>().join(", ");
            if names(a) != names(b) {
                found.push(format!("{at} holds {} and not {}", names(a), names(b)));
            }
            a.iter().filter_map(|(k, v)| Some((k, v, b.get(k)?))).for_each(|(k, v, w)| compare(&format!("{at}/{k}"), v, w, found));
        }
        (Value::Array(a), Value::Array(b)) => elements(at, a, b, found),
        (Value::String(a), Value::String(b)) => {
            let (a, b) = (form(a), form(b));
            if a != b && !interchangeable(&a, &b) {
                found.push(format!("{at} is {a:?} and not {b:?}"));
            }
        }
        (Value::Null, Value::Null) | (Value::Bool(_), Value::Bool(_)) | (Value::Number(_), Value::Number(_)) => {}
        _ => found.push(format!("{at} is {} and not {}", kind(ours), kind(theirs))),
    }
}

/// Each element is compared with the one of the same type that is most alike, since lists hold different things in different states.
fn elements(at: &str, ours: &[Value], theirs: &[Value], found: &mut Vec<String>) {
    let kind_of = |v: &Value| ["@type", "type", "key"].map(|name| v.get(name).filter(|v| v.is_string()).cloned());
    for own in ours {
        let mut least: Option<Vec<String>> = None;
        for other in theirs.iter().filter(|t| kind_of(t) == kind_of(own)) {
            let mut differing = Vec::new();
            compare(&format!("{at}/*"), own, other, &mut differing);
            if least.as_ref().is_none_or(|known| differing.len() < known.len()) {
                least = Some(differing);
            }
        }
        least.into_iter().flatten().filter(|d| !found.contains(d)).collect::<Vec<_>>().into_iter().for_each(|d| found.push(d));
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Words may be empty, and happen to look like anything.
fn interchangeable(a: &Form, b: &Form) -> bool {
    let free = |f: &Form| matches!(f, Form::Empty | Form::Words);
    (free(a) && free(b)) || (*a == Form::Empty && matches!(b, Form::Address(_))) || (*b == Form::Empty && matches!(a, Form::Address(_)))
}

fn form(text: &str) -> Form {
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let decimal = |t: &str| t.split_once('.').is_some_and(|(whole, part)| digits(whole) && digits(part) && part.len() == 18);
    let capitals = |t: &str| t.contains('_') && t.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    match text {
        "" => Form::Empty,
        _ if digits(unsigned) => Form::Integer,
        _ if decimal(unsigned) => Form::Decimal,
        _ if text.len() >= 20 && text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T') => Form::Time,
        _ if text.strip_suffix('s').is_some_and(|t| t.bytes().all(|b| b.is_ascii_digit() || b == b'.')) => Form::Duration,
        _ if capitals(text) => Form::Enum,
        _ if text.starts_with('/') && text.contains('.') => Form::TypeUrl,
        _ => address(text).map_or(Form::Words, Form::Address),
    }
}

/// What an address names: `valoper` of `cairnvaloper1...`, nothing of `cosmos1...`.
fn address(text: &str) -> Option<String> {
    let named = text.strip_prefix("cosmos").or_else(|| text.strip_prefix("cairn"))?;
    let (what, data) = named.split_once('1')?;
    (data.len() >= 38 && data.bytes().all(|b| b.is_ascii_alphanumeric())).then(|| what.to_owned())
}

/// Whether two refusals say the same, but for addresses and numbers of the chain.
pub(super) fn same_text(ours: &str, theirs: &str) -> bool {
    let plain = |text: &str| {
        let word = |w: &str| {
            let bare = w.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            let chain = address(bare).map_or_else(|| bare.to_owned(), |what| format!("<{what}>"));
            if !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()) { w.replace(bare, "<n>") } else { w.replace(bare, &chain) }
        };
        text.split(' ').map(word).collect::<Vec<_>>().join(" ")
    };
    // The SDK tells where in its source an error was made, and puts the code before the text where a handler returns a bare error.
    let (before, after) = theirs.split_once(" [cosmos/").unwrap_or((theirs, "]"));
    let theirs = format!("{before}{}", after.split_once(']').map_or("", |(_, rest)| rest));
    let bare = theirs.strip_prefix("codespace ").and_then(|t| t.splitn(3, ": ").nth(2)).unwrap_or(&theirs);
    plain(ours) == plain(&theirs) || plain(ours) == plain(bare)
}
