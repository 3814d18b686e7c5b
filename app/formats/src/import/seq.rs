//! Long JSON lists read one element at a time.
use std::{fmt, marker::PhantomData};

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, SeqAccess, Visitor};

/// Hands each element of a list to a function; its first failure ends the reading.
pub(super) struct Each<'a, T, F> {
    handle: &'a mut F,
    element: PhantomData<T>,
}

impl<'a, T, F> Each<'a, T, F> {
    pub(super) fn new(handle: &'a mut F) -> Self {
        Self { handle, element: PhantomData }
    }
}

impl<'de, T: DeserializeOwned, F: FnMut(T) -> Result<(), String>> DeserializeSeed<'de> for Each<'_, T, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: DeserializeOwned, F: FnMut(T) -> Result<(), String>> Visitor<'de> for Each<'_, T, F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<T>()? {
            (self.handle)(element).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}
