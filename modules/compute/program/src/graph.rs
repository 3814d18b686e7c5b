//! The graph of a program and its one encoding.
use borsh::{BorshDeserialize, BorshSerialize};

use crate::Error;

/// Most bytes of an encoded program.
pub const MAX_GRAPH_BYTES: usize = 65_536;
/// Most nodes, and most weight tensors.
pub const MAX_NODES: usize = 4_096;
/// Most dimensions of a tensor.
pub const MAX_RANK: usize = 4;
/// Most elements of a tensor.
pub const MAX_ELEMENTS: u32 = 1 << 24;
/// The version of the encoding and of the operators' meaning.
const VERSION: u16 = 1;

/// A program: operators in an order in which each uses earlier ones. The last node is its output. Encoded by borsh.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Graph {
    /// Always 1.
    pub version: u16,
    /// The input of one run.
    pub input: TensorType,
    /// The weights.
    pub weights: Vec<TensorType>,
    /// The operators.
    pub nodes: Vec<Node>,
}

/// Elements of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Kind {
    /// 8 bits with sign, one byte.
    I8,
    /// 32 bits with sign, four bytes, little-endian.
    I32,
}

/// Elements and shape of a tensor; row-major, the last dimension runs fastest.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TensorType {
    /// Its elements.
    pub kind: Kind,
    /// 1 to 4 of them, each at least 1.
    pub dims: Vec<u32>,
}

/// One operator and what it works on.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// In the order that the operator names.
    pub operands: Vec<Operand>,
}

/// Where an operand comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Operand {
    /// The run's input.
    Input,
    /// A weight tensor.
    Weight(u32),
    /// The output of an earlier node.
    Node(u32),
}

/// How the right factor of a product lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Orientation {
    /// `[B, K, M]`.
    Plain,
    /// `[B, M, K]`.
    Transposed,
}

/// An operator. The README says exactly what each computes.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Op {
    /// x `[.., K]` i8, w `[M, K]` i8, optional b `[M]` i32 -> `[.., M]` i32.
    Linear,
    /// a `[B, N, K]` i8, b i8 -> `[B, N, M]` i32.
    MatMul {
        /// How b lies.
        right: Orientation,
    },
    /// x `[H, W, C]` i8, w `[O, kh, kw, C]` i8, optional b `[O]` i32 -> `[H', W', O]` i32; zeros around.
    Conv2d {
        /// Down and right.
        stride: [u16; 2],
        /// Rows above and below, columns left and right.
        padding: [u16; 2],
    },
    /// x `[H, W, C]` i8 -> the largest of each window, i8.
    MaxPool {
        /// Height and width.
        window: [u16; 2],
        /// Down and right.
        stride: [u16; 2],
    },
    /// x `[H, W, C]` i8 -> the sum of each window, i32.
    SumPool {
        /// Height and width.
        window: [u16; 2],
        /// Down and right.
        stride: [u16; 2],
    },
    /// Two tensors of one shape and kind -> i32.
    Add,
    /// The larger of x and 0, same kind.
    Relu,
    /// x i32 (or i8) -> floor(x * multiplier / 2^shift), cut to i8.
    Requantise {
        /// 1 to 32,768.
        multiplier: i32,
        /// 0 to 46.
        shift: u8,
    },
    /// indices `[N]` (i8 read as unsigned, or i32), table `[V, D]` i8 -> `[N, D]` i8; zeros where there is no such row.
    Embed,
    /// x i8, table `[256]` i8 -> entry x + 128.
    Table,
    /// rows of scores x i8, weights `[256]` i32 of 0 to 2^20 by the distance from the row's largest -> parts of 127, i8.
    Softmax {
        /// Row i of the last but one dimension looks at columns 0 to i alone.
        causal: bool,
    },
    /// rows x `[.., L]` i8, gain `[L]` i8, bias `[L]` i8 -> i8.
    LayerNorm,
    /// rows x -> index of the largest, the lowest of equals; i32 without the last dimension.
    Argmax,
    /// Dimensions in another order.
    Transpose {
        /// Which dimension comes where.
        perm: Vec<u8>,
    },
    /// The same elements in another shape.
    Reshape {
        /// The shape.
        dims: Vec<u32>,
    },
    /// A part of one dimension.
    Slice {
        /// Which.
        axis: u8,
        /// First place.
        start: u32,
        /// Places.
        len: u32,
    },
    /// Two tensors one after the other along one dimension.
    Concat {
        /// Which.
        axis: u8,
    },
    /// A small network with private weights: x i8 -> `[outputs]`. The chain cannot compute it; a proof stands for it.
    Sealed {
        /// Commitment to the circuit and its weights, as whoever checks proofs defines it.
        circuit: [u8; 32],
        /// Elements of its output.
        outputs: u32,
        /// Kind of its output.
        kind: Kind,
    },
}

impl Kind {
    /// Bytes of an element.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::I8 => 1,
            Self::I32 => 4,
        }
    }
}

impl TensorType {
    /// Of a kind and a shape.
    #[must_use]
    pub fn new(kind: Kind, dims: &[u32]) -> Self {
        Self { kind, dims: dims.to_vec() }
    }
    /// How many elements it has.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn elements(&self) -> Result<u32, Error> {
        let shaped = (1..=MAX_RANK).contains(&self.dims.len()) && self.dims.iter().all(|d| *d > 0);
        let product = self.dims.iter().try_fold(1_u32, |n, d| n.checked_mul(*d));
        product.filter(|n| shaped && *n <= MAX_ELEMENTS).ok_or(Error::Shape)
    }
    /// The last dimension.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.dims.last().copied().unwrap_or(1)
    }
}

impl Graph {
    /// Of version 1.
    #[must_use]
    pub fn new(input: TensorType, weights: Vec<TensorType>, nodes: Vec<Node>) -> Self {
        Self { version: VERSION, input, weights, nodes }
    }
    /// The one encoding.
    ///
    /// # Errors
    /// [`Error::Encoding`] where a list is longer than borsh can say.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        borsh::to_vec(self).map_err(|_| Error::Encoding)
    }
    /// Reads a graph; what it means is checked by [`Program::check`](crate::Program::check).
    ///
    /// # Errors
    /// [`Error::Size`], [`Error::Encoding`], [`Error::Version`], [`Error::Count`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_GRAPH_BYTES {
            return Err(Error::Size { most: MAX_GRAPH_BYTES, found: bytes.len() });
        }
        let graph = Self::try_from_slice(bytes).map_err(|_| Error::Encoding)?;
        if graph.encode()? != bytes {
            return Err(Error::Encoding);
        }
        graph.check_counts()?;
        Ok(graph)
    }
    /// Refuses another version, no nodes, and too many of anything.
    pub(crate) fn check_counts(&self) -> Result<(), Error> {
        if self.version != VERSION {
            return Err(Error::Version(self.version));
        }
        let (nodes, weights) = (self.nodes.len(), self.weights.len());
        if nodes == 0 || nodes > MAX_NODES || weights > MAX_NODES {
            return Err(Error::Count { nodes, weights });
        }
        Ok(())
    }
}
