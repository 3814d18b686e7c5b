//! Reads a manifest while it arrives: JSON lines or one JSON array of items, each bounded before it is parsed.
use cairn_kernel::merkle::Hash;
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// Most bytes of one item's JSON.
const MAX_ITEM: usize = 4_096;
/// Most bytes of a media type.
const MAX_MEDIA_TYPE: usize = 128;
/// Most bytes of a name.
const MAX_NAME: usize = 512;

/// An item as clients write it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    #[serde(with = "hex::serde")]
    pub(crate) sha256: Hash,
    pub(crate) bytes: u64,
    #[serde(with = "hex::serde")]
    pub(crate) blind: Hash,
    pub(crate) media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

impl Entry {
    fn parse(json: &[u8]) -> Result<Self, String> {
        let entry: Self = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        if !is_media_type(&entry.media_type) {
            return Err(format!("media_type: expected one such as image/png, found {:?}", entry.media_type));
        }
        match &entry.name {
            Some(name) if name.len() > MAX_NAME || name.chars().any(char::is_control) => {
                Err(format!("name: expected at most {MAX_NAME} bytes without control characters"))
            }
            _ => Ok(entry),
        }
    }
}

/// `type/subtype` of RFC 6838's characters, without parameters: it becomes a header.
fn is_media_type(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    text.len() <= MAX_MEDIA_TYPE && text.split_once('/').is_some_and(|(kind, subtype)| part(kind) && part(subtype))
}

/// Where between items the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    /// Nothing has come yet.
    Start,
    /// One item a line, or at least with white space between.
    Lines,
    /// After `[`.
    ArrayStart,
    /// After an item of an array.
    AfterItem,
    /// After a comma.
    AfterComma,
    /// After `]`.
    End,
}

/// Cuts the text into items without parsing it as a whole.
#[derive(Debug)]
pub(crate) struct Reader {
    between: Between,
    /// The item that is being read; empty between items.
    item: Vec<u8>,
    depth: u32,
    in_string: bool,
    escaped: bool,
    items: u64,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self { between: Between::Start, item: Vec::new(), depth: 0, in_string: false, escaped: false, items: 0 }
    }
    /// Reads more text and appends the items that end in it to `out`.
    pub(crate) fn read(&mut self, text: &[u8], out: &mut Vec<Entry>) -> Result<(), Refusal> {
        for byte in text {
            if self.item.is_empty() {
                self.between_items(*byte)?;
            } else if self.in_item(*byte)? {
                out.push(Entry::parse(&self.item).map_err(|reason| self.bad(reason))?);
                self.item.clear();
                self.items = self.items.saturating_add(1);
            }
        }
        Ok(())
    }
    /// The text is over; says how many items it held.
    pub(crate) fn finish(self) -> Result<u64, Refusal> {
        let ended = self.item.is_empty() && matches!(self.between, Between::Lines | Between::End);
        if !ended {
            return Err(self.bad("the text ends in the middle".to_owned()));
        }
        if self.items == 0 {
            return Err(self.bad("a manifest has at least one item".to_owned()));
        }
        Ok(self.items)
    }
    fn between_items(&mut self, byte: u8) -> Result<(), Refusal> {
        self.between = match (self.between, byte) {
            (same, b' ' | b'\t' | b'\r' | b'\n') => same,
            (Between::Start, b'[') => Between::ArrayStart,
            (Between::Start | Between::Lines, b'{') => self.open(Between::Lines),
            (Between::ArrayStart | Between::AfterComma, b'{') => self.open(Between::AfterItem),
            (Between::AfterItem, b',') => Between::AfterComma,
            (Between::ArrayStart | Between::AfterItem, b']') => Between::End,
            (_, other) => return Err(self.bad(format!("expected JSON lines or an array of objects, found {:?}", char::from(other)))),
        };
        Ok(())
    }
    fn open(&mut self, after: Between) -> Between {
        self.item.push(b'{');
        self.depth = 1;
        after
    }
    /// Whether the item ends with this byte.
    fn in_item(&mut self, byte: u8) -> Result<bool, Refusal> {
        if self.item.len() >= MAX_ITEM {
            return Err(self.bad(format!("expected at most {MAX_ITEM} bytes of JSON")));
        }
        self.item.push(byte);
        if self.in_string {
            self.in_string = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return Ok(false);
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' => self.depth = self.depth.saturating_add(1),
            b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        Ok(self.depth == 0)
    }
    fn bad(&self, reason: String) -> Refusal {
        Refusal::BadManifest { index: self.items, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str) -> String {
        let (hash, blind) = ("ab".repeat(32), "00".repeat(32));
        format!(r#"{{"sha256":"{hash}","bytes":5,"blind":"{blind}","media_type":"image/png"{name}}}"#)
    }

    fn read(text: &str, step: usize) -> Result<Vec<Entry>, Refusal> {
        let (mut reader, mut out) = (Reader::new(), Vec::new());
        for chunk in text.as_bytes().chunks(step) {
            reader.read(chunk, &mut out)?;
        }
        assert_eq!(reader.finish()?, out.len() as u64);
        Ok(out)
    }

    #[test]
    fn lines_and_arrays_are_read_however_they_are_cut() {
        let (plain, named) = (line(""), line(&format!(r#","name":"a \"b\" }} ] , {} \\""#, '\u{e9}')));
        let texts =
            [format!("{plain}\n{named}\n"), format!(" [ {plain} ,\n{named}]\n"), format!("{plain}{named}"), format!("[{plain},{named}]")];
        for text in texts {
            for step in [1, 7, 10_000] {
                let entries = read(&text, step).unwrap();
                assert_eq!(entries.len(), 2);
                assert_eq!((entries[0].sha256, entries[0].bytes, &entries[0].name), ([0xab; 32], 5, &None));
                assert_eq!(entries[1].name.as_deref(), Some("a \"b\" } ] , \u{e9} \\"));
            }
        }
        let entry = &read(&named, 3).unwrap()[0];
        assert_eq!(serde_json::to_string(entry).unwrap(), named);
    }

    #[test]
    fn anything_else_is_refused_at_its_item() {
        let good = line("");
        let long = line(&format!(r#","name":"{}""#, "x".repeat(MAX_ITEM)));
        let named = line(&format!(r#","name":"{}""#, "x".repeat(MAX_NAME + 1)));
        for (text, index) in [
            (String::new(), 0),
            ("[]".to_owned(), 0),
            ("x".to_owned(), 0),
            ("{}".to_owned(), 0),
            ("{".repeat(MAX_ITEM + 1), 0),
            (format!("{good}\nnull"), 1),
            (format!("[{good}"), 1),
            (format!("[{good},"), 1),
            (format!("[{good},]"), 1),
            (format!("[{good} {good}]"), 1),
            (format!("[{good}] {good}"), 1),
            (format!("{good},{good}"), 1),
            (good[..good.len() - 1].to_owned(), 0),
            (long, 0),
            (named, 0),
            (line(r#","name":"a\nb""#), 0),
            (line(r#","color":1"#), 0),
            (line(r#","bytes":6"#), 0),
            (good.replace("\"bytes\":5", "\"bytes\":-5"), 0),
            (good.replace("\"bytes\":5", "\"bytes\":1e99"), 0),
            (good.replace("abab", "xyzz"), 0),
            (good.replacen("ab", "", 1), 0),
            (good.replace("image/png", "png"), 0),
            (good.replace("image/png", "image/png; a=b"), 0),
            (good.replace("image/png", "image/p\\r\\nng"), 0),
        ] {
            match read(&text, 5).unwrap_err() {
                Refusal::BadManifest { index: found, .. } => assert_eq!(found, index, "{text}"),
                other => panic!("{text}: {other}"),
            }
        }
    }
}
