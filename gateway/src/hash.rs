//! SHA-256 hashes as they stand in paths and keys: 64 lower-case hexadecimal digits and nothing else.
use std::{fmt, str::FromStr};

use cairn_kernel::merkle;

use crate::refusal::Refusal;

/// A SHA-256 hash. Its text is safe in any path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Hash(pub(crate) merkle::Hash);

impl FromStr for Hash {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let plain = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let mut hash = [0; 32];
        if !plain || hex::decode_to_slice(text, &mut hash).is_err() {
            return Err(Refusal::BadHash(text.chars().take(80).collect()));
        }
        Ok(Self(hash))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_text_names_a_hash() {
        let text = "ab".repeat(32);
        assert_eq!(text.parse::<Hash>().unwrap().to_string(), text);
        for bad in [
            text.to_uppercase(),
            text[1..].to_owned(),
            format!("{text}0"),
            format!("../{}", &text[3..]),
            String::new(),
            "\u{e9}".repeat(32),
        ] {
            assert_eq!(bad.parse::<Hash>().unwrap_err().code(), "bad_hash");
        }
    }
}
