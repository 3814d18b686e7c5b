//! One item, sealed in chunks, so that it is read in bounded memory and any part of it without the rest.
//!
//! STREAM (Hoang, Reyhanitabar, Rogaway, Vizar 2015) over ChaCha20-Poly1305: chunks of 65,536 bytes, 16 bytes of tag each, nonce = 7 zero
//! bytes | u32 number | u8 1 for the last chunk. The nonce starts at zero for each item, since each has a key of its own. A content of no
//! bytes is one empty chunk, and the last chunk of any other is not empty: a content has one sealed form.
use std::{
    io::{self, Read, Write},
    ops::Range,
};

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::stream::{NewStream, StreamBE32, StreamPrimitive},
};
use zeroize::Zeroizing;

use crate::Error;

/// Plain bytes of a chunk; the last may be shorter.
pub const CHUNK: usize = 65_536;
/// Sealed bytes of a chunk.
pub const SEALED_CHUNK: usize = CHUNK + TAG;

const TAG: usize = 16;

/// Seals and opens the chunks of one item.
pub struct ItemCipher(StreamBE32<ChaCha20Poly1305>);

impl ItemCipher {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(StreamBE32::from_aead(ChaCha20Poly1305::new(key.into()), &[0; 7].into()))
    }
    /// Seals chunk `number`.
    ///
    /// # Errors
    /// None for a chunk that fits memory.
    pub fn seal(&self, number: u32, last: bool, plain: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.encrypt(number, last, plain).map_err(|_| Error::Chunk(number))
    }
    /// Opens chunk `number`.
    ///
    /// # Errors
    /// [`Error::Chunk`] where it was changed, moved, cut, is the last and should not be, or was sealed under another key.
    pub fn open(&self, number: u32, last: bool, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.0.decrypt(number, last, sealed).map(Zeroizing::new).map_err(|_| Error::Chunk(number))
    }
}

impl std::fmt::Debug for ItemCipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ItemCipher(..)")
    }
}

/// Size of a content once sealed.
#[must_use]
pub fn sealed_bytes(plain: u64) -> u64 {
    let chunks = plain.div_ceil(CHUNK as u64).max(1);
    plain.saturating_add(chunks.saturating_mul(TAG as u64))
}

/// Size of the content that was sealed to `sealed` bytes; `None` where no content is.
#[must_use]
pub fn plain_bytes(sealed: u64) -> Option<u64> {
    let chunks = sealed.div_ceil(SEALED_CHUNK as u64);
    let plain = sealed.checked_sub(chunks.checked_mul(TAG as u64)?)?;
    (sealed_bytes(plain) == sealed).then_some(plain)
}

/// The sealed bytes that hold a range of plain ones, whole chunks of them, and the number of the first chunk: what to ask a gateway for.
/// The end is that of the last chunk or lies beyond the content.
#[must_use]
pub fn sealed_range(plain: &Range<u64>) -> (Range<u64>, u64) {
    let first = plain.start.checked_div(CHUNK as u64).unwrap_or(0);
    let end = plain.end.div_ceil(CHUNK as u64);
    let at = |chunk: u64| chunk.saturating_mul(SEALED_CHUNK as u64);
    (at(first)..at(end), first)
}

/// Seals everything that `from` has. Gives the plain bytes read.
///
/// # Errors
/// Those of reading and writing; a content of 2^32 chunks.
pub fn seal_stream(cipher: &ItemCipher, from: &mut impl Read, to: &mut impl Write) -> io::Result<u64> {
    chunks(from, CHUNK, &mut |number, last, plain| to.write_all(&cipher.seal(number, last, plain).map_err(io::Error::other)?))
}

/// Opens everything that `from` has. What was written before an error is authentic but not all: the caller throws it away.
///
/// # Errors
/// Those of reading and writing; [`io::ErrorKind::Other`] with an [`Error`] for a content that does not open.
pub fn open_stream(cipher: &ItemCipher, from: &mut impl Read, to: &mut impl Write) -> io::Result<u64> {
    chunks(from, SEALED_CHUNK, &mut |number, last, sealed| {
        let plain = cipher.open(number, last, sealed).map_err(io::Error::other)?;
        if last && plain.is_empty() && number > 0 {
            return Err(io::Error::other(Error::Chunk(number)));
        }
        to.write_all(&plain)
    })
}

/// Gives `each` the chunks of `from`, knowing which is the last, and how many bytes there were.
fn chunks(from: &mut impl Read, size: usize, each: &mut impl FnMut(u32, bool, &[u8]) -> io::Result<()>) -> io::Result<u64> {
    let (mut chunk, mut next) = (Zeroizing::new(Vec::new()), Zeroizing::new(Vec::new()));
    let (mut number, mut total) = (0_u32, 0_u64);
    let limit = u64::try_from(size).map_err(io::Error::other)?;
    from.take(limit).read_to_end(&mut chunk)?;
    loop {
        next.clear();
        from.take(limit).read_to_end(&mut next)?;
        total = total.saturating_add(chunk.len() as u64);
        each(number, next.is_empty(), &chunk)?;
        if next.is_empty() {
            return Ok(total);
        }
        number = number.checked_add(1).ok_or_else(|| io::Error::other(Error::TooLong))?;
        std::mem::swap(&mut chunk, &mut next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ContentKey;

    fn content(bytes: usize) -> Vec<u8> {
        (0..bytes as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
    }

    fn seal_all(index: u32, plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::new();
        assert_eq!(seal_stream(&ContentKey::new([4; 32]).item(index), &mut &*plain, &mut sealed).unwrap(), plain.len() as u64);
        sealed
    }

    fn open_all(index: u32, sealed: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        open_stream(&ContentKey::new([4; 32]).item(index), &mut &*sealed, &mut plain)?;
        Ok(plain)
    }

    #[test]
    fn contents_of_every_length_come_back() {
        for bytes in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7] {
            let plain = content(bytes);
            let sealed = seal_all(0, &plain);
            assert_eq!(sealed.len() as u64, sealed_bytes(bytes as u64), "{bytes}");
            assert_eq!(plain_bytes(sealed.len() as u64), Some(bytes as u64));
            assert_eq!(open_all(0, &sealed).unwrap(), plain);
            assert!(open_all(1, &sealed).is_err(), "another item has another key");
        }
        for none in [0, 1, 15, SEALED_CHUNK as u64 + 1, SEALED_CHUNK as u64 + 16] {
            assert_eq!(plain_bytes(none), None, "{none}");
        }
    }

    #[test]
    fn what_was_cut_swapped_grown_or_changed_does_not_open() {
        let sealed = seal_all(0, &content(2 * CHUNK + 9));
        assert!(open_all(0, &[]).is_err());
        for cut in [1, SEALED_CHUNK, 2 * SEALED_CHUNK, sealed.len() - 1] {
            assert!(open_all(0, &sealed[..cut]).is_err(), "{cut}");
        }
        let swapped = [&sealed[SEALED_CHUNK..2 * SEALED_CHUNK], &sealed[..SEALED_CHUNK], &sealed[2 * SEALED_CHUNK..]].concat();
        assert!(open_all(0, &swapped).is_err());
        assert!(open_all(0, &[&*sealed, &[0]].concat()).is_err());
        for at in [0, SEALED_CHUNK - 1, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 0x80;
            assert!(open_all(0, &changed).is_err(), "byte {at}");
        }
        // A second form of the same content, with an empty last chunk, is no content.
        let cipher = ContentKey::new([4; 32]).item(0);
        let odd = [cipher.seal(0, false, &content(CHUNK)).unwrap(), cipher.seal(1, true, &[]).unwrap()].concat();
        assert!(open_all(0, &odd).is_err());
    }

    #[test]
    fn any_part_opens_without_the_rest() {
        let plain = content(5 * CHUNK);
        let sealed = seal_all(3, &plain);
        let cipher = ContentKey::new([4; 32]).item(3);
        let (range, first) = sealed_range(&(CHUNK as u64 + 5..3 * CHUNK as u64));
        assert_eq!((range.clone(), first), (SEALED_CHUNK as u64..3 * SEALED_CHUNK as u64, 1));
        let part = &sealed[range.start as usize..range.end as usize];
        let opened: Vec<u8> = (1..).zip(part.chunks(SEALED_CHUNK)).flat_map(|(i, c)| cipher.open(i, false, c).unwrap().to_vec()).collect();
        assert_eq!(opened, plain[CHUNK..3 * CHUNK]);
        assert_eq!(sealed_range(&(0..0)), (0..0, 0));
    }
}
