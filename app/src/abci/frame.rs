//! The framing of ABCI: each message is preceded by its length as a protobuf varint.
use bytes::{Buf, Bytes, BytesMut};

/// Bytes of a length prefix at the most: 2^35 is above every limit that makes sense.
const MAX_PREFIX: usize = 5;
/// Room that is made before each read.
const READ_AHEAD: usize = 64 * 1024;

/// Why the stream cannot be split further: where the next frame begins is unknown from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    /// The length is not a varint of at most five bytes.
    #[error("a frame's length must be a varint of at most {MAX_PREFIX} bytes")]
    Prefix,
    /// The frame is longer than the limit.
    #[error("a frame may have at most {limit} bytes, found {found}")]
    TooLong {
        /// Bytes allowed.
        limit: usize,
        /// Bytes announced.
        found: u64,
    },
}

/// Splits a byte stream into frames. A frame is handed out without being copied, and no byte is looked at twice.
#[derive(Debug)]
pub(crate) struct Frames {
    buffer: BytesMut,
    limit: usize,
}

impl Frames {
    /// Frames of at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), limit }
    }
    /// Where to read the next bytes into. It grows with what arrives, not with what a length announces.
    pub(crate) fn room(&mut self) -> &mut BytesMut {
        self.buffer.reserve(READ_AHEAD);
        &mut self.buffer
    }
    /// The next frame, if all of it has arrived.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some((prefix, length)) = length(&self.buffer)? else { return Ok(None) };
        let bytes = usize::try_from(length).ok().filter(|l| *l <= self.limit);
        let bytes = bytes.ok_or(FrameError::TooLong { limit: self.limit, found: length })?;
        if self.buffer.len().saturating_sub(prefix) < bytes {
            return Ok(None);
        }
        self.buffer.advance(prefix);
        Ok(Some(self.buffer.split_to(bytes).freeze()))
    }
}

/// The length that `bytes` begin with and how many bytes it takes; `None` if more must arrive.
fn length(bytes: &[u8]) -> Result<Option<(usize, u64)>, FrameError> {
    let mut value = 0_u64;
    for (prefix, (byte, shift)) in bytes.iter().zip([0_u32, 7, 14, 21, 28]).enumerate() {
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(Some((prefix.saturating_add(1), value)));
        }
    }
    if bytes.len() < MAX_PREFIX { Ok(None) } else { Err(FrameError::Prefix) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(bytes: &[u8], limit: usize) -> (Vec<Bytes>, Option<FrameError>) {
        let mut frames = Frames::new(limit);
        frames.room().extend_from_slice(bytes);
        let mut out = vec![];
        loop {
            match frames.next() {
                Ok(Some(frame)) => out.push(frame),
                Ok(None) => return (out, None),
                Err(e) => return (out, Some(e)),
            }
        }
    }

    #[test]
    fn frames_come_apart_as_they_were_put_together() {
        let mut bytes = vec![];
        for n in [0_usize, 1, 127, 128, 300, 20_000] {
            prost::encode_length_delimiter(n, &mut bytes).unwrap();
            bytes.extend(vec![7; n]);
        }
        let (out, error) = frames(&bytes, 20_000);
        assert_eq!(error, None);
        assert_eq!(out.iter().map(Bytes::len).collect::<Vec<_>>(), [0, 1, 127, 128, 300, 20_000]);
    }

    #[test]
    fn a_frame_arrives_byte_by_byte() {
        let mut frames = Frames::new(1_000);
        let mut bytes = vec![];
        prost::encode_length_delimiter(300, &mut bytes).unwrap();
        bytes.extend(vec![1; 300]);
        for (i, byte) in bytes.iter().enumerate() {
            assert_eq!(frames.next(), Ok(None), "after {i} bytes");
            frames.room().extend_from_slice(&[*byte]);
        }
        assert_eq!(frames.next().unwrap().unwrap().len(), 300);
        assert_eq!(frames.next(), Ok(None));
    }

    #[test]
    fn the_limit_is_exact() {
        let mut bytes = vec![];
        prost::encode_length_delimiter(200, &mut bytes).unwrap();
        bytes.extend(vec![1; 200]);
        assert_eq!(frames(&bytes, 200).0.len(), 1);
        assert_eq!(frames(&bytes, 199).1, Some(FrameError::TooLong { limit: 199, found: 200 }));
    }

    #[test]
    fn a_giant_or_endless_length_is_refused_before_anything_is_reserved() {
        let mut reader = Frames::new(1_000);
        reader.room().extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x7f]);
        assert_eq!(reader.next(), Err(FrameError::TooLong { limit: 1_000, found: (1 << 35) - 1 }));
        assert!(reader.buffer.capacity() < 1 << 20);
        assert_eq!(frames(&[0x80; 5], 1_000).1, Some(FrameError::Prefix));
        assert_eq!(frames(&[0x80; 4], 1_000), (vec![], None));
    }
}
