//! Amino's bytes: keys, lengths and numbers as protobuf writes them.
use super::AminoError;

/// A value with its length or as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// A number.
    Number(u64),
    /// Anything with a length.
    Bytes(&'a [u8]),
}

const NUMBER: u64 = 0;
const BYTES: u64 = 2;

pub(super) fn put_number(mut value: u64, out: &mut Vec<u8>) {
    while let Some(low) = u8::try_from(value & 0x7f).ok().filter(|_| value > 0x7f) {
        out.push(low | 0x80);
        value >>= 7;
    }
    out.extend(u8::try_from(value));
}

pub(super) fn put_bytes(value: &[u8], out: &mut Vec<u8>) {
    put_number(u64::try_from(value.len()).unwrap_or(u64::MAX), out);
    out.extend(value);
}

/// A number in a field; nothing for 0.
pub(super) fn field_number(field: u32, value: u64, out: &mut Vec<u8>) {
    if value != 0 {
        put_number(u64::from(field) << 3 | NUMBER, out);
        put_number(value, out);
    }
}

/// Bytes in a field, also when there are none.
pub(super) fn field_bytes(field: u32, value: &[u8], out: &mut Vec<u8>) {
    put_number(u64::from(field) << 3 | BYTES, out);
    put_bytes(value, out);
}

pub(super) fn take_number(bytes: &mut &[u8]) -> Result<u64, AminoError> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().ok_or_else(cut)?;
        *bytes = rest;
        let part = u64::from(first & 0x7f);
        let shifted = part.checked_shl(shift).filter(|shifted| shifted >> shift == part).ok_or_else(cut)?;
        value |= shifted;
        if first & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(cut())
}

pub(super) fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], AminoError> {
    let length = usize::try_from(take_number(bytes)?).map_err(|_| cut())?;
    let (head, rest) = bytes.split_at_checked(length).ok_or_else(cut)?;
    *bytes = rest;
    Ok(head)
}

/// The next field: its number and its value.
pub(super) fn take_field<'a>(bytes: &mut &'a [u8]) -> Result<(u32, Part<'a>), AminoError> {
    let key = take_number(bytes)?;
    let field = u32::try_from(key >> 3).ok().filter(|field| *field > 0).ok_or_else(cut)?;
    match key & 7 {
        NUMBER => Ok((field, Part::Number(take_number(bytes)?))),
        BYTES => Ok((field, Part::Bytes(take_bytes(bytes)?))),
        _ => Err(cut()),
    }
}

impl<'a> Part<'a> {
    pub(super) fn number(self) -> Result<u64, AminoError> {
        if let Self::Number(value) = self { Ok(value) } else { Err(cut()) }
    }
    pub(super) fn bytes(self) -> Result<&'a [u8], AminoError> {
        if let Self::Bytes(value) = self { Ok(value) } else { Err(cut()) }
    }
    pub(super) fn text(self) -> Result<String, AminoError> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| cut())
    }
}

/// Bytes that end too early or are none of amino's.
pub(super) fn cut() -> AminoError {
    AminoError::Undecodable("amino binary".to_owned())
}
