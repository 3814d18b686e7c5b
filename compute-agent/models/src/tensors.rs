//! Tensors of programs in safetensors files: `I8` or `I32`, row-major.
use cairn_program::{Kind, Tensor, TensorType};
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};

/// How long a file says that its header is.
pub(crate) fn header_bytes(file: &[u8]) -> u64 {
    file.first_chunk().map_or(0, |head| u64::from_le_bytes(*head))
}

fn dtype(kind: Kind) -> Dtype {
    match kind {
        Kind::I8 => Dtype::I8,
        Kind::I32 => Dtype::I32,
    }
}

fn dims(shape: &TensorType) -> Vec<usize> {
    shape.dims.iter().map(|dim| *dim as usize).collect()
}

/// The tensor of a name; `None` where it is not there or of another type.
pub(crate) fn read(file: &SafeTensors<'_>, name: &str, shape: &TensorType) -> Option<Tensor> {
    let view = file.tensor(name).ok().filter(|view| view.dtype() == dtype(shape.kind) && view.shape() == dims(shape))?;
    let values = match shape.kind {
        Kind::I8 => view.data().iter().map(|byte| i32::from(i8::from_le_bytes([*byte]))).collect(),
        Kind::I32 => view.data().as_chunks::<4>().0.iter().map(|word| i32::from_le_bytes(*word)).collect(),
    };
    Tensor::new(shape.clone(), values)
}

/// The file of these tensors, with one entry of metadata at most: of more, the library would not always write the same.
pub(crate) fn write(tensors: Vec<(String, &Tensor)>, entry: Option<(&str, String)>) -> Result<Vec<u8>, SafeTensorError> {
    let data: Vec<Vec<u8>> = tensors.iter().map(|(_, tensor)| bytes(tensor)).collect();
    let views = tensors.iter().zip(&data).map(|((name, tensor), data)| {
        TensorView::new(dtype(tensor.shape.kind), dims(&tensor.shape), data).map(|view| (name.clone(), view))
    });
    let metadata = entry.map(|(key, text)| std::iter::once((key.to_owned(), text)).collect());
    safetensors::serialize(views.collect::<Result<Vec<_>, _>>()?, metadata)
}

fn bytes(tensor: &Tensor) -> Vec<u8> {
    match tensor.shape.kind {
        Kind::I8 => tensor.values.iter().map(|value| value.to_le_bytes()[0]).collect(),
        Kind::I32 => tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}
