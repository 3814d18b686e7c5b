//! Values that JSON carries as text: scaled decimals, times, durations, base64, and Go's way of quoting.
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Serialize;
use serde_json::{Serializer, Value, ser::CompactFormatter, ser::Formatter};

/// Decimals of a `LegacyDec`.
const DECIMALS: usize = 18;
/// Digits of the largest `LegacyDec` (315 bits) and of the largest `Int` (256 bits), with room for neither more.
const MAX_DIGITS: usize = 95;
/// The longest text of a time or duration that is looked at.
const MAX_TIME: usize = 48;
/// Seconds of the year 1 and of the end of the year 9999, the range of RFC 3339.
const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// Seconds of the longest duration: 10,000 years, as protobuf rules.
const MAX_DURATION: i64 = 315_576_000_000;
const NANOS: i32 = 1_000_000_000;

const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// Standard base64, padded, as the SDK writes bytes.
pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    LENIENT.encode(bytes)
}

/// Standard base64, with or without padding.
#[must_use]
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    LENIENT.decode(text.as_bytes()).ok()
}

/// Base64 of the standard or the URL-safe alphabet, with or without padding; a space counts as the `+` it was before a query string lost it.
#[must_use]
pub fn decode_base64_url_safe_too(text: &str) -> Option<Vec<u8>> {
    let standard = |c: char| match c {
        '-' | ' ' => '+',
        '_' => '/',
        other => other,
    };
    decode_base64(&text.chars().map(standard).collect::<String>())
}

/// The integer of a `LegacyDec` as the decimal it stands for: `5` is `0.000000000000000005`. `None` if it is no integer.
pub(crate) fn unscale(integer: &str) -> Option<String> {
    let (sign, digits) = signed_digits(integer)?;
    let padded = format!("{digits:0>width$}", width = DECIMALS.saturating_add(1));
    let (whole, fraction) = padded.split_at_checked(padded.len().checked_sub(DECIMALS)?)?;
    let whole = whole.trim_start_matches('0');
    Some(format!("{sign}{}.{fraction}", if whole.is_empty() { "0" } else { whole }))
}

/// A decimal as the integer of a `LegacyDec`: `0.5` is `500000000000000000`. `None` with more than 18 decimals or too many digits.
pub(crate) fn scale(decimal: &str) -> Option<String> {
    let (sign, unsigned) = decimal.strip_prefix('-').map_or(("", decimal), |rest| ("-", rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let ok = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let complete = !whole.is_empty() && (!fraction.is_empty() || !unsigned.contains('.'));
    if !complete || !ok(whole) || !ok(fraction) || fraction.len() > DECIMALS || whole.len() > MAX_DIGITS.saturating_sub(DECIMALS) {
        return None;
    }
    let digits = format!("{whole}{fraction:0<DECIMALS$}");
    let digits = digits.trim_start_matches('0');
    Some(if digits.is_empty() { "0".to_owned() } else { format!("{sign}{digits}") })
}

/// An `Int` in its canonical spelling. `None` if it is no integer or too long.
pub(crate) fn integer(text: &str) -> Option<String> {
    let (sign, digits) = signed_digits(text)?;
    let digits = digits.trim_start_matches('0');
    Some(if digits.is_empty() { "0".to_owned() } else { format!("{sign}{digits}") })
}

fn signed_digits(text: &str) -> Option<(&str, &str)> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let ok = !digits.is_empty() && digits.len() <= MAX_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    ok.then_some((sign, digits))
}

/// RFC 3339 in UTC with 0, 3, 6 or 9 decimals. `None` outside the years 1 to 9999.
pub(super) fn time(seconds: i64, nanos: i32) -> Option<String> {
    (TIMES.contains(&seconds) && (0..NANOS).contains(&nanos)).then(|| prost_types::Timestamp { seconds, nanos }.to_string())
}

/// Seconds and nanoseconds of an RFC 3339 time.
pub(crate) fn parse_time(text: &str) -> Option<(i64, i32)> {
    let time = (text.len() <= MAX_TIME).then(|| text.parse::<prost_types::Timestamp>().ok()).flatten()?;
    TIMES.contains(&time.seconds).then_some((time.seconds, time.nanos))
}

/// Seconds with 0, 3, 6 or 9 decimals and an `s`. `None` if the parts disagree in sign or are out of range.
pub(super) fn duration(seconds: i64, nanos: i32) -> Option<String> {
    let signs_agree = !(seconds > 0 && nanos < 0 || seconds < 0 && nanos > 0);
    let in_range = (-MAX_DURATION..=MAX_DURATION).contains(&seconds) && nanos > NANOS.saturating_neg() && nanos < NANOS;
    (signs_agree && in_range).then(|| prost_types::Duration { seconds, nanos }.to_string())
}

/// Seconds and nanoseconds of a duration such as `1814400s` or `-0.5s`.
pub(super) fn parse_duration(text: &str) -> Option<(i64, i32)> {
    let duration = (text.len() <= MAX_TIME).then(|| text.parse::<prost_types::Duration>().ok()).flatten()?;
    (-MAX_DURATION..=MAX_DURATION).contains(&duration.seconds).then_some((duration.seconds, duration.nanos))
}

/// Compact JSON as Go writes it: `<`, `>`, `&` and the two Unicode line separators are escaped, so that no browser takes a value for markup.
#[must_use]
pub fn to_go_string(value: &Value) -> String {
    let mut out = Vec::new();
    // Writing a `Value` into memory cannot fail: its keys are strings and a `Vec` grows.
    let written = value.serialize(&mut Serializer::with_formatter(&mut out, GoFormatter));
    debug_assert!(written.is_ok(), "{written:?}");
    String::from_utf8(out).unwrap_or_default()
}

struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: ?Sized + std::io::Write>(&mut self, out: &mut W, fragment: &str) -> std::io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, special) = rest.split_at(at);
            let mut special = special.chars();
            CompactFormatter.write_string_fragment(out, plain)?;
            if let Some(c) = special.next() {
                write!(out, "\\u{:04x}", u32::from(c))?;
            }
            rest = special.as_str();
        }
        CompactFormatter.write_string_fragment(out, rest)
    }
}
