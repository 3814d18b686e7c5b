//! Values of tensors, whole or in chunks.
use crate::{Kind, TensorType};

/// Where an operator reads its operands: whole tensors, or opened chunks.
pub trait Source {
    /// One element of the operand in place `operand` of the node; `None` where it is not there.
    fn get(&mut self, operand: usize, index: usize) -> Option<i32>;
}

/// A whole tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its type.
    pub shape: TensorType,
    /// Its elements.
    pub values: Vec<i32>,
}

impl Tensor {
    /// Of these elements; `None` where their number or a value does not fit the type.
    #[must_use]
    pub fn new(shape: TensorType, values: Vec<i32>) -> Option<Self> {
        let count = shape.elements().ok().and_then(|n| usize::try_from(n).ok())?;
        let fits = values.len() == count && values.iter().all(|v| shape.kind == Kind::I32 || i8::try_from(*v).is_ok());
        fits.then_some(Self { shape, values })
    }
    /// The bytes of its chunks, of at most `elements` elements each.
    pub fn chunks(&self, elements: u32) -> impl Iterator<Item = Vec<u8>> + '_ {
        let size = usize::try_from(elements).unwrap_or(usize::MAX).max(1);
        self.values.chunks(size).map(|values| encode(self.shape.kind, values))
    }
}

/// Elements as bytes.
#[must_use]
pub(crate) fn encode(kind: Kind, values: &[i32]) -> Vec<u8> {
    match kind {
        // Values of i8 tensors are within -128..=127: the low byte is all of it.
        Kind::I8 => values.iter().flat_map(|v| v.to_le_bytes().first().copied()).collect(),
        Kind::I32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

/// One element of encoded ones.
pub(crate) fn element(kind: Kind, bytes: &[u8], index: usize) -> Option<i32> {
    match kind {
        Kind::I8 => bytes.get(index).map(|b| i32::from(i8::from_le_bytes([*b]))),
        Kind::I32 => {
            let start = index.checked_mul(4)?;
            let word: [u8; 4] = bytes.get(start..start.checked_add(4)?)?.try_into().ok()?;
            Some(i32::from_le_bytes(word))
        }
    }
}
