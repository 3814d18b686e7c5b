//! The keys of every column, and how a state key splits into store and key.
//!
//! Numbers are big-endian, so that rows sort by height.
use crate::{Error, Result, error::corrupt, node::Hash};

/// The longest store name.
const LONGEST_STORE: usize = 64;
/// Ends an escaped key; sorts below every continuation of it.
const END: [u8; 2] = [0, 0];
/// Just after [`END`]: the first bytes past all rows of an escaped key.
const PAST_END: [u8; 2] = [0, 1];
/// Stands for a zero byte inside an escaped key.
const ZERO: [u8; 2] = [0, 0xff];

/// Splits a state key at its first `/` into the ICS-23 store name and the key inside that store.
pub(crate) fn split(key: &[u8]) -> Result<(&str, &[u8])> {
    let refuse = || Error::Key(key.escape_ascii().to_string());
    let slash = key.iter().position(|b| *b == b'/').ok_or_else(refuse)?;
    let (store, rest) = key.split_at_checked(slash).ok_or_else(refuse)?;
    let inner = rest.get(1..).filter(|inner| !inner.is_empty()).ok_or_else(refuse)?;
    let name = std::str::from_utf8(store).map_err(|_| refuse())?;
    let fits = (1..=LONGEST_STORE).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok((name, inner)) } else { Err(refuse()) }
}

/// `store/`, and the first bytes past all keys of that store.
pub(crate) fn store_span(store: &str) -> (Vec<u8>, Vec<u8>) {
    let with = |end: u8| [store.as_bytes(), &[end]].concat();
    (with(b'/'), with(b'0'))
}

/// Appends `key` so that no escaped key is a prefix of another and order is kept.
fn escape(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len().saturating_add(16));
    for byte in key {
        match byte {
            0 => out.extend(ZERO),
            b => out.push(*b),
        }
    }
    out
}

/// The row of `history` that holds what `key` was until (not including) height `until`.
pub(crate) fn history(key: &[u8], until: u64) -> Vec<u8> {
    let mut out = escape(key);
    out.extend(END);
    out.extend(until.to_be_bytes());
    out
}

/// Where the rows of `key` in `history` begin; also the least row of any key at or after it.
pub(crate) fn history_start(key: &[u8]) -> Vec<u8> {
    let mut out = escape(key);
    out.extend(END);
    out
}

/// The first bytes past all rows of `key` in `history`.
pub(crate) fn history_end(key: &[u8]) -> Vec<u8> {
    let mut out = escape(key);
    out.extend(PAST_END);
    out
}

/// The state key and the height of a row of `history`.
pub(crate) fn parse_history(row: &[u8]) -> Result<(Vec<u8>, u64)> {
    let bad = || corrupt("a key of column history");
    let (escaped, until) = row.split_last_chunk::<8>().ok_or_else(bad)?;
    let escaped = escaped.strip_suffix(&END).ok_or_else(bad)?;
    let mut key = Vec::with_capacity(escaped.len());
    let mut bytes = escaped.iter();
    while let Some(byte) = bytes.next() {
        if *byte == 0 && bytes.next() != Some(&0xff) {
            return Err(bad());
        }
        key.push(*byte);
    }
    Ok((key, u64::from_be_bytes(*until)))
}

fn named(out: &mut Vec<u8>, store: &str) {
    out.push(u8::try_from(store.len()).unwrap_or(u8::MAX));
    out.extend(store.as_bytes());
}

/// The row of `nodes` that holds a tree node: height first, so that a block's nodes lie together and new rows come last.
pub(crate) fn node(version: u64, store: &str, path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len().saturating_add(store.len()).saturating_add(9));
    out.extend(version.to_be_bytes());
    named(&mut out, store);
    out.extend(path);
    out
}

/// The row of `preimages` that holds the key behind a key hash.
pub(crate) fn preimage(store: &str, hash: &Hash) -> Vec<u8> {
    let mut out = Vec::with_capacity(store.len().saturating_add(33));
    named(&mut out, store);
    out.extend(hash);
    out
}

/// The row of `journal` with chunk `chunk` of what height `height` made stale.
pub(crate) fn journal(height: u64, chunk: u32) -> Vec<u8> {
    [height.to_be_bytes().as_slice(), &chunk.to_be_bytes()].concat()
}

/// The height of a row of `journal`.
pub(crate) fn parse_journal(row: &[u8]) -> Result<u64> {
    row.first_chunk::<8>().map(|h| u64::from_be_bytes(*h)).ok_or_else(|| corrupt("a key of column journal"))
}

/// The rows of `meta`: layout version, newest height.
pub(crate) const SCHEMA: &[u8] = b"schema";
pub(crate) const HEAD: &[u8] = b"head";

/// The row of `meta` that holds the store roots at a height.
pub(crate) fn roots(height: u64) -> Vec<u8> {
    [b"roots/".as_slice(), &height.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_key_splits_at_its_first_slash() {
        assert_eq!(split(b"bank/\x01/x").unwrap(), ("bank", b"\x01/x".as_slice()));
        for bad in [b"bank".as_slice(), b"bank/", b"/x", b"", b"\xff/x", b"a b/x", &[&[b'a'; 65][..], b"/x"].concat()] {
            assert!(matches!(split(bad), Err(Error::Key(_))), "{bad:?}");
        }
        assert!(split(&[&[b'a'; 64][..], b"/x"].concat()).is_ok());
    }

    #[test]
    fn history_rows_of_a_key_lie_together_and_keep_key_order() {
        let keys: [&[u8]; 8] = [b"a", b"a\0", b"a\0\0", b"a\0\x01", b"a\0\xff", b"a\x01", b"aa", b"b"];
        let mut rows = Vec::new();
        for key in keys {
            for until in [0, 1, 255, 256, u64::MAX] {
                rows.push(history(key, until));
                assert_eq!(parse_history(&history(key, until)).unwrap(), (key.to_vec(), until));
                assert!(history_start(key) <= history(key, until) && history(key, until) < history_end(key));
            }
        }
        assert!(rows.is_sorted());
        assert!(parse_history(b"short").is_err() && parse_history(b"a\0\x01\0\0\0\0\0\0\0\0\0\0").is_err());
    }

    #[test]
    fn the_span_of_a_store_holds_its_keys_and_no_others() {
        let (from, to) = store_span("bank");
        let within = |key: &[u8]| from.as_slice() <= key && key < to.as_slice();
        assert!(within(b"bank/a") && within(b"bank/\xff\xff"));
        assert!(!within(b"bank-two/a") && !within(b"bank0/a") && !within(b"ban/z"));
    }
}
