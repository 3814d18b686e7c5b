//! The messages of ONNX that matter here, by their field numbers in `onnx.proto` (versions of the format from 3 on). Lists that a hostile file could make long
//! are counted by [`entries`] before they are decoded.
use prost::{
    DecodeError, Message,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};

/// How many entries the lists of some field numbers have in a message, packed or not, or more: of packed numbers each byte counts. Nothing is kept, so that it
/// can be asked before the message is decoded.
///
/// # Errors
/// [`DecodeError`] of bytes that are no message.
pub fn entries(mut bytes: &[u8], lists: &[u32], packed: bool) -> Result<usize, DecodeError> {
    let mut found = 0_usize;
    while !bytes.is_empty() {
        let (tag, kind) = decode_key(&mut bytes)?;
        let listed = lists.contains(&tag);
        let before = bytes;
        skip_field(kind, tag, &mut bytes, DecodeContext::default())?;
        if listed {
            let numbers = packed && kind == WireType::LengthDelimited;
            let count = if numbers { decode_varint(&mut &*before)? } else { 1 };
            found = found.saturating_add(usize::try_from(count).unwrap_or(usize::MAX));
        }
    }
    Ok(found)
}

/// A file.
#[derive(Clone, PartialEq, Message)]
pub struct Model {
    /// Version of the format.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// [`Graph`].
    #[prost(bytes = "vec", tag = "7")]
    pub graph: Vec<u8>,
    /// Versions of the operators.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSet>,
}

/// A version of operators.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSet {
    /// Whose; empty for ONNX's own.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Its version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// The graph.
#[derive(Clone, PartialEq, Message)]
pub struct Graph {
    /// [`Node`]s in an order in which each uses earlier ones.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub node: Vec<Vec<u8>>,
    /// Weights: [`Constant`]s.
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub initializer: Vec<Vec<u8>>,
    /// Inputs, in old files also the weights: [`Value`]s.
    #[prost(bytes = "vec", repeated, tag = "11")]
    pub input: Vec<Vec<u8>>,
    /// Outputs: [`Value`]s.
    #[prost(bytes = "vec", repeated, tag = "12")]
    pub output: Vec<Vec<u8>>,
}

/// An operator.
#[derive(Clone, PartialEq, Message)]
pub struct Node {
    /// Names of what it takes; empty where something optional is left out.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of what it gives.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Its own name.
    #[prost(string, tag = "3")]
    pub name: String,
    /// What it does.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Settings.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
    /// Whose operator; empty for ONNX's own.
    #[prost(string, tag = "7")]
    pub domain: String,
}

/// A setting of a node.
#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A number.
    #[prost(float, tag = "2")]
    pub f: f32,
    /// An integer.
    #[prost(int64, tag = "3")]
    pub i: i64,
    /// A text.
    #[prost(bytes = "vec", tag = "4")]
    pub s: Vec<u8>,
    /// A tensor.
    #[prost(message, optional, tag = "5")]
    pub t: Option<Constant>,
    /// Integers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// Which of these it has: 1 a number, 2 an integer, 3 a text, 4 a tensor, 7 integers; 0 in old files.
    #[prost(int32, tag = "20")]
    pub r#type: i32,
}

/// A tensor with its values.
#[derive(Clone, PartialEq, Message)]
pub struct Constant {
    /// Its shape.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// 1: float, 7: int64.
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// Values of floats, where they are not raw.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Values of int64, where they are not raw.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// Its name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Values as bytes, little-endian.
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
    /// 1: the values are in another file.
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

/// An input or output.
#[derive(Clone, PartialEq, Message)]
pub struct Value {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<Type>,
}

/// A type.
#[derive(Clone, PartialEq, Message)]
pub struct Type {
    /// Of a tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor: Option<TensorType>,
}

/// Type of a tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    /// 1: float.
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Its shape.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

/// A shape.
#[derive(Clone, PartialEq, Message)]
pub struct Shape {
    /// Its dimensions.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// A dimension.
#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    /// Its size; 0 where it is open.
    #[prost(int64, tag = "1")]
    pub value: i64,
}
