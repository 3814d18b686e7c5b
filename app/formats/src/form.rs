//! One form of names that look the same: Unicode writes `\u{e9}` as one character or as `e` with an accent, and file systems differ in which.
use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// A name in Unicode's composed form (NFC), by which names are compared. Two names with equal forms are one name.
#[must_use]
pub fn composed(name: &str) -> Cow<'_, str> {
    if is_nfc(name) { Cow::Borrowed(name) } else { Cow::Owned(name.nfc().collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_are_one() {
        assert_eq!(composed("re\u{301}sume\u{301}"), "r\u{e9}sum\u{e9}");
        assert_eq!(composed("\u{212b}"), "\u{c5}");
        assert!(matches!(composed("r\u{e9}sum\u{e9}"), Cow::Borrowed(_)));
        assert_ne!(composed("\u{fb01}"), "fi", "what merely resembles stays apart");
    }
}
