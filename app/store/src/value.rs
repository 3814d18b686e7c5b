//! A value's two outer forms: the row on disk, and the bytes that its leaf commits to.
use std::borrow::Cow;

use crate::{Result, error::corrupt};

/// Goes before a value that ICS-23 could not carry as it is.
pub(crate) const MARKER: &[u8] = b"cairn/store/empty";

/// What the leaf of a value commits to. ICS-23 has no proof for an empty value, and none for the absence of its neighbours, so an empty value
/// is committed as the marker, and a value that begins with the marker with one more before it: no two values commit alike, and all others
/// (every value of IBC among them) are committed as they are.
pub(crate) fn committed(value: &[u8]) -> Cow<'_, [u8]> {
    if value.is_empty() || value.starts_with(MARKER) { Cow::Owned([MARKER, value].concat()) } else { Cow::Borrowed(value) }
}

/// The row of a value: the height that wrote it, then its bytes. The same in `flat` and in `history`.
pub(crate) fn row(since: u64, value: &[u8]) -> Vec<u8> {
    [since.to_be_bytes().as_slice(), value].concat()
}

/// Reads a row of `flat` or `history`.
pub(crate) fn parse(row: &[u8]) -> Result<(u64, &[u8])> {
    let (since, value) = row.split_first_chunk::<8>().ok_or_else(|| corrupt("a value"))?;
    Ok((u64::from_be_bytes(*since), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_empty_values_and_the_marker_itself_are_committed_otherwise() {
        let long = [MARKER, b"x"].concat();
        let values: [&[u8]; 7] = [b"", b"\0", b"x", &MARKER[1..], MARKER, &long, &[MARKER, MARKER].concat()];
        let all: std::collections::BTreeSet<Vec<u8>> = values.iter().map(|v| committed(v).into_owned()).collect();
        assert_eq!(all.len(), values.len());
        assert_eq!(committed(b"x"), b"x".as_slice());
        assert_eq!(committed(b""), MARKER);
        assert!(!all.contains(&Vec::new()));
    }
}
