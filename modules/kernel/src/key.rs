//! Keys of state: bytes that sort as their values do and of which none is the beginning of another.
use crate::Address;

/// A key whose bytes sort as its values do.
pub trait Key: Sized {
    /// Appends the key's bytes.
    fn write(&self, out: &mut Vec<u8>);
    /// Takes the key off the front of `bytes`.
    fn read(bytes: &mut &[u8]) -> Option<Self>;
}

/// The bytes of a leading part of a key, for ranges.
#[must_use]
pub fn key_prefix(key: &impl Key) -> Vec<u8> {
    let mut out = Vec::new();
    key.write(&mut out);
    out
}

macro_rules! integers {
    ($($t:ty),*) => { $(
        impl Key for $t {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend(self.to_be_bytes());
            }
            fn read(bytes: &mut &[u8]) -> Option<Self> {
                let (head, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_be_bytes(*head))
            }
        }
    )* };
}
integers!(u8, u16, u32, u64, u128);

impl Key for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        match u8::read(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Key for () {
    fn write(&self, _: &mut Vec<u8>) {}
    fn read(_: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

impl Key for [u8; 32] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self);
    }
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(*head)
    }
}

/// Length, then bytes, as the Cosmos SDK writes addresses into keys.
impl Key for Address {
    fn write(&self, out: &mut Vec<u8>) {
        let raw = self.as_bytes();
        out.push(u8::try_from(raw.len()).unwrap_or(u8::MAX)); // at most 32 by construction
        out.extend(raw);
    }
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let len = usize::from(u8::read(bytes)?);
        let (head, rest) = bytes.split_at_checked(len)?;
        *bytes = rest;
        Self::new(head).ok()
    }
}

/// A zero byte becomes `00 ff`, the end is `00 01`: sorted, and no value is the beginning of another.
impl Key for Vec<u8> {
    fn write(&self, out: &mut Vec<u8>) {
        for b in self {
            out.push(*b);
            if *b == 0 {
                out.push(0xff);
            }
        }
        out.extend([0, 1]);
    }
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let mut out = Vec::new();
        loop {
            match u8::read(bytes)? {
                0 => match u8::read(bytes)? {
                    1 => return Some(out),
                    0xff => out.push(0),
                    _ => return None,
                },
                b => out.push(b),
            }
        }
    }
}

impl Key for String {
    fn write(&self, out: &mut Vec<u8>) {
        for b in self.as_bytes() {
            out.push(*b);
            if *b == 0 {
                out.push(0xff);
            }
        }
        out.extend([0, 1]);
    }
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Self::from_utf8(Vec::read(bytes)?).ok()
    }
}

macro_rules! tuples {
    ($($($name:ident $index:tt),+;)*) => { $(
        impl<$($name: Key),+> Key for ($($name,)+) {
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$index.write(out);)+
            }
            fn read(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($name::read(bytes)?,)+))
            }
        }
    )* };
}
tuples! {
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
}
