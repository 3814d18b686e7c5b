//! Protobuf's wire format, read field by field and without a schema.

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// Its number.
    pub(super) number: u32,
    /// What it holds.
    pub(super) value: Value<'a>,
}

/// A field's content by its wire type. Groups, long deprecated, are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Integers, booleans, enums: the bits as they lie.
    Varint(u64),
    /// Eight bytes.
    Fixed64,
    /// Text, bytes, messages, packed numbers.
    Bytes(&'a [u8]),
    /// Four bytes.
    Fixed32,
}

impl Value<'_> {
    /// The wire type as the Cosmos SDK prints it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Varint(_) => "varint",
            Self::Fixed64 => "fixed64",
            Self::Bytes(_) => "bytes",
            Self::Fixed32 => "fixed32",
        }
    }
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum WireError {
    #[error("the message ends within a field")]
    Truncated,
    #[error("a varint has more than 64 bits")]
    Varint,
    #[error("a varint is longer than needed")]
    Padded,
    #[error("field number {0} is not in 1..2^29")]
    Number(u64),
    #[error("wire type {0} is not in use")]
    WireType(u64),
}

/// The fields of a message in the order in which they lie.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    canonical: bool,
}

impl<'a> Fields<'a> {
    /// Of a message that any encoder may have written.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, canonical: false }
    }
    /// Of a message whose tags and lengths must be written as short as can be (ADR-027).
    pub(super) fn canonical(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, canonical: true }
    }

    fn field(&mut self) -> Result<Field<'a>, WireError> {
        let tag = self.varint()?;
        let number = tag >> 3;
        let number = u32::try_from(number).ok().filter(|n| (1..1 << 29).contains(n)).ok_or(WireError::Number(number))?;
        let value = match tag & 7 {
            0 => self.varint().map(Value::Varint)?,
            1 => self.take(8).map(|_| Value::Fixed64)?,
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(usize::try_from(length).map_err(|_| WireError::Truncated)?)?)
            }
            5 => self.take(4).map(|_| Value::Fixed32)?,
            other => return Err(WireError::WireType(other)),
        };
        Ok(Field { number, value })
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0_u64;
        for shift in (0_u32..64).step_by(7) {
            let byte = self.take(1)?.first().copied().ok_or(WireError::Truncated)?;
            if shift == 63 && byte > 1 {
                return Err(WireError::Varint);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let padded = self.canonical && byte == 0 && shift > 0;
                return if padded { Err(WireError::Padded) } else { Ok(value) };
            }
        }
        Err(WireError::Varint)
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], WireError> {
        let (head, rest) = self.rest.split_at_checked(bytes).ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }
}

/// The numbers of a packed list.
pub(super) struct Varints<'a>(Fields<'a>);

impl<'a> Varints<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self(Fields::of(bytes))
    }
}

impl Iterator for Varints<'_> {
    type Item = Result<u64, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.0.rest.is_empty()).then(|| self.0.varint().inspect_err(|_| self.0.rest = &[]))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<Field<'_>>, WireError> {
        Fields::of(bytes).collect()
    }

    #[test]
    fn every_wire_type_is_read() {
        let bytes = [0x08, 0x96, 0x01, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x1a, 2, 9, 9, 0x25, 1, 2, 3, 4];
        let values = [Value::Varint(150), Value::Fixed64, Value::Bytes(&[9, 9]), Value::Fixed32];
        let expected: Vec<_> = (1..).zip(values).map(|(number, value)| Field { number, value }).collect();
        assert_eq!(all(&bytes), Ok(expected));
        assert_eq!(all(&[]), Ok(vec![]));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for (bytes, error) in [
            (&[0x08][..], WireError::Truncated),
            (&[0x0a, 3, 1, 2], WireError::Truncated),
            (&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], WireError::Truncated),
            (&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], WireError::Varint),
            (&[0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], WireError::Varint),
            (&[0x00, 0x00], WireError::Number(0)),
            (&[0x80, 0x80, 0x80, 0x80, 0x10, 0x00], WireError::Number(1 << 29)),
            (&[0x0b], WireError::WireType(3)),
            (&[0x0c], WireError::WireType(4)),
            (&[0x0e], WireError::WireType(6)),
            (&[0x11, 1, 2, 3], WireError::Truncated),
        ] {
            assert_eq!(all(bytes), Err(error), "{bytes:?}");
        }
        assert!(all(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).is_ok(), "2^64 - 1");
    }

    #[test]
    fn canonical_varints_have_no_padding() {
        for padded in [&[0x08, 0x80, 0x00][..], &[0x88, 0x00, 0x01], &[0x0a, 0x81, 0x00, 7]] {
            assert!(all(padded).is_ok());
            assert_eq!(Fields::canonical(padded).collect::<Result<Vec<_>, _>>(), Err(WireError::Padded));
        }
        assert!(Fields::canonical(&[0x08, 0x00]).all(|f| f.is_ok()), "zero is one byte");
    }
}
