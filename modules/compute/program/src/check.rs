//! A checked program: types and ranges of all nodes, and chunks that are small enough to be computed by a referee.
use crate::{
    Error, Graph, Hash, Kind, Node, Op, Operand, Source, TensorType, TreeKind, depth, hash,
    ops::{self, Interval, Reads, Typed},
    tree::ARITY,
};

/// Most multiplications of a chunk.
pub const MAX_LEAF_MACS: u64 = 1 << 20;
/// Most bytes of the operands' chunks that one chunk needs.
pub const MAX_LEAF_BYTES: u64 = 65_536;
/// Most bytes of all that opens them, with the trees above.
const MAX_OPENING_BYTES: u64 = 131_072;
/// Most preimages of that.
const MAX_OPENING_ENTRIES: u64 = 512;
/// Bytes of a chunk of an input, of a weight, or at most of a node's output.
const CHUNK_BYTES: u32 = 1_024;
/// Bytes of a full node of a tree, and the domain of a chunk.
const INNER_BYTES: u64 = 19 + 512;

/// What computing one chunk of a node costs at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafCost {
    /// Multiplications.
    pub macs: u64,
    /// Bytes of the operands' chunks.
    pub bytes: u64,
    /// Bytes of all preimages that open them.
    pub opening: u64,
    /// How many preimages those are.
    pub entries: u64,
}

/// A program that can be run and refereed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    graph: Graph,
    encoded: Vec<u8>,
    outputs: Vec<Output>,
}

/// What is known of a node before it is run.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Output {
    shape: TensorType,
    range: Interval,
    /// Elements of a chunk.
    chunk: u32,
    cost: LeafCost,
}

impl Program {
    /// Decodes and checks.
    ///
    /// # Errors
    /// As [`Graph::decode`] and [`Program::check`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Self::check(Graph::decode(bytes)?)
    }

    /// Checks a graph: operands are earlier nodes and fit their operators, no value leaves i32, and one chunk of each node costs at most
    /// [`MAX_LEAF_MACS`] and [`MAX_LEAF_BYTES`].
    ///
    /// # Errors
    /// [`Error::Size`], [`Error::Version`], [`Error::Count`], [`Error::Shape`], [`Error::Node`].
    pub fn check(graph: Graph) -> Result<Self, Error> {
        graph.check_counts()?;
        let encoded = graph.encode()?;
        if encoded.len() > crate::MAX_GRAPH_BYTES {
            return Err(Error::Size { most: crate::MAX_GRAPH_BYTES, found: encoded.len() });
        }
        graph.input.elements()?;
        graph.weights.iter().try_for_each(|weight| weight.elements().map(drop))?;
        let mut program = Self { graph, encoded, outputs: Vec::new() };
        for index in 0..program.graph.nodes.len() {
            let node = u32::try_from(index).unwrap_or(u32::MAX);
            let output = program.output(index).map_err(|fault| Error::Node { node, fault })?;
            program.outputs.push(output);
        }
        Ok(program)
    }

    fn output(&self, index: usize) -> Result<Output, &'static str> {
        let node = self.graph.nodes.get(index).ok_or("no such node")?;
        let operands = self.types(node).ok_or("an operand is no input, weight or earlier node")?;
        let shape = ops::infer(&node.op, &operands)?;
        shape.elements().map_err(|_| "its result has too many elements")?;
        let ranges: Vec<Interval> = node.operands.iter().map(|operand| self.range(*operand)).collect();
        let range = ops::range(&node.op, &operands, &ranges, &shape).ok_or("values could leave 32 bits")?;
        let typed = Typed { op: &node.op, operands: &operands, output: &shape };
        let (chunk, cost) = self.fit(node, typed)?;
        Ok(Output { shape, range, chunk, cost })
    }

    /// The largest chunk that fits, and what it costs.
    fn fit(&self, node: &Node, typed: Typed<'_>) -> Result<(u32, LeafCost), &'static str> {
        let all = typed.output.elements().map_err(|_| "its result has too many elements")?;
        let whole = matches!(typed.op, Op::Sealed { .. });
        let mut chunk = if whole { all } else { full_chunk(typed.output.kind) };
        loop {
            let count = chunk.min(all);
            let cost = self.cost(node, &ops::reads(typed, usize::try_from(count).unwrap_or(usize::MAX)));
            let small = cost.macs <= MAX_LEAF_MACS && cost.bytes <= MAX_LEAF_BYTES;
            if small && cost.opening <= MAX_OPENING_BYTES && cost.entries <= MAX_OPENING_ENTRIES {
                return Ok((chunk, cost));
            }
            if chunk <= 1 || whole {
                return Err("not even one element is cheap enough to be refereed: split it along k and add the parts");
            }
            chunk = chunk.div_ceil(2);
        }
    }

    fn cost(&self, node: &Node, reads: &Reads) -> LeafCost {
        let mut cost = LeafCost { macs: number(reads.macs), bytes: 0, opening: 0, entries: 0 };
        for (operand, span) in node.operands.iter().zip(&reads.spans) {
            let (Some(shape), size) = (self.shape(*operand), self.chunk_elements(*operand)) else { continue };
            let (size, chunks) = (u64::from(size.max(1)), u64::from(self.chunks(*operand)));
            // A piece of consecutive elements begins and ends within a chunk.
            let touched = number(span.elements).div_ceil(size).saturating_add(number(span.pieces).saturating_mul(2)).min(chunks);
            let bytes = touched.saturating_mul(size.saturating_mul(number(shape.kind.bytes())));
            let inner = self.inner_nodes(*operand, touched, number(span.pieces));
            cost.bytes = cost.bytes.saturating_add(bytes);
            cost.entries = cost.entries.saturating_add(touched).saturating_add(inner);
            let opened = bytes.saturating_add(touched.saturating_mul(16)).saturating_add(inner.saturating_mul(INNER_BYTES));
            cost.opening = cost.opening.saturating_add(opened);
        }
        cost
    }

    /// Nodes of trees above so many chunks in so many pieces, and above the operand itself.
    fn inner_nodes(&self, operand: Operand, touched: u64, pieces: u64) -> u64 {
        let chunks = self.chunks(operand);
        let (mut sum, mut nodes, mut level) = (0_u64, u64::from(chunks), touched);
        for _ in 0..depth(chunks) {
            nodes = nodes.div_ceil(ARITY.into());
            level = level.div_ceil(ARITY.into()).saturating_add(pieces).min(nodes);
            sum = sum.saturating_add(level);
        }
        let above = match operand {
            Operand::Input => depth(crate::MAX_RUNS),
            Operand::Weight(_) => depth(u32::try_from(self.graph.weights.len()).unwrap_or(u32::MAX)),
            Operand::Node(_) => depth(self.nodes()),
        };
        sum.saturating_add(above.into())
    }

    fn types(&self, node: &Node) -> Option<Vec<TensorType>> {
        node.operands.iter().map(|operand| self.shape(*operand).cloned()).collect()
    }

    pub(crate) fn range(&self, operand: Operand) -> Interval {
        match operand {
            Operand::Node(node) => self.known(node).map_or((0, 0), |output| output.range),
            Operand::Input | Operand::Weight(_) => self.shape(operand).map_or((0, 0), |shape| ops::full(shape.kind)),
        }
    }

    fn known(&self, node: u32) -> Option<&Output> {
        self.outputs.get(usize::try_from(node).ok()?)
    }

    /// The graph.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }
    /// Its encoding.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }
    /// What names the program: its graph with its weights.
    #[must_use]
    pub fn id(&self, weights_root: &Hash) -> Hash {
        hash(&[b"cairn.program.v1".as_slice(), &self.encoded, weights_root].concat())
    }
    /// How many nodes it has.
    #[must_use]
    pub fn nodes(&self) -> u32 {
        u32::try_from(self.graph.nodes.len()).unwrap_or(u32::MAX)
    }
    /// The type of an operand, or of a node's output.
    #[must_use]
    pub fn shape(&self, operand: Operand) -> Option<&TensorType> {
        match operand {
            Operand::Input => Some(&self.graph.input),
            Operand::Weight(weight) => self.graph.weights.get(usize::try_from(weight).ok()?),
            Operand::Node(node) => self.known(node).map(|output| &output.shape),
        }
    }
    /// The type of its output.
    #[must_use]
    pub fn output_shape(&self) -> Option<&TensorType> {
        self.outputs.last().map(|output| &output.shape)
    }
    /// Elements of a chunk of an operand; 0 where there is no such operand.
    #[must_use]
    pub fn chunk_elements(&self, operand: Operand) -> u32 {
        match operand {
            Operand::Node(node) => self.known(node).map_or(0, |output| output.chunk),
            Operand::Input | Operand::Weight(_) => self.shape(operand).map_or(0, |shape| full_chunk(shape.kind)),
        }
    }
    /// Chunks of an operand; 0 where there is no such operand.
    #[must_use]
    pub fn chunks(&self, operand: Operand) -> u32 {
        let elements = self.shape(operand).and_then(|shape| shape.elements().ok()).unwrap_or(0);
        elements
            .checked_next_multiple_of(self.chunk_elements(operand).max(1))
            .and_then(|n| n.checked_div(self.chunk_elements(operand)))
            .unwrap_or(0)
    }
    /// What a chunk of a node's output costs at most.
    #[must_use]
    pub fn leaf_cost(&self, node: u32) -> Option<LeafCost> {
        self.known(node).map(|output| output.cost)
    }
    /// Whether a node has private weights, so that only a proof stands for its output.
    #[must_use]
    pub fn is_sealed(&self, node: u32) -> bool {
        let found = usize::try_from(node).ok().and_then(|node| self.graph.nodes.get(node));
        found.is_some_and(|node| matches!(node.op, Op::Sealed { .. }))
    }
    /// Multiplications of one run, for its price: what all its chunks cost at most.
    #[must_use]
    pub fn macs(&self) -> u64 {
        let of = |(node, output): (u32, &Output)| output.cost.macs.saturating_mul(self.chunks(Operand::Node(node)).into());
        (0_u32..).zip(&self.outputs).map(of).fold(0, u64::saturating_add)
    }
    /// Where an operand's tensor stands in its tree: kind, leaves and place.
    pub(crate) fn tree_place(&self, operand: Operand, run: u32, runs: u32) -> (TreeKind, u32, u32) {
        match operand {
            Operand::Input => (TreeKind::Inputs, runs, run),
            Operand::Weight(weight) => (TreeKind::Weights, u32::try_from(self.graph.weights.len()).unwrap_or(u32::MAX), weight),
            Operand::Node(node) => (TreeKind::Nodes, self.nodes(), node),
        }
    }
    /// Computes a chunk of a node's output from a source; its elements as they are hashed. `None` where an operand is not there.
    pub(crate) fn compute<S: Source>(&self, node: u32, chunk: u32, source: &mut S) -> Option<Vec<i32>> {
        let (from, to) = self.chunk_range(Operand::Node(node), chunk)?;
        let what = self.graph.nodes.get(usize::try_from(node).ok()?)?;
        let (operands, output) = (self.types(what)?, self.shape(Operand::Node(node))?);
        let mut values = Vec::with_capacity(to.saturating_sub(from));
        ops::compute(Typed { op: &what.op, operands: &operands, output }, from, to, source, &mut values)?;
        Some(values)
    }
    /// The elements of a chunk: from, to.
    pub(crate) fn chunk_range(&self, operand: Operand, chunk: u32) -> Option<(usize, usize)> {
        let (size, all) = (self.chunk_elements(operand), self.shape(operand)?.elements().ok()?);
        let from = chunk.checked_mul(size).filter(|from| *from < all)?;
        Some((usize::try_from(from).ok()?, usize::try_from(from.saturating_add(size).min(all)).ok()?))
    }
}

fn full_chunk(kind: Kind) -> u32 {
    match kind {
        Kind::I8 => CHUNK_BYTES,
        Kind::I32 => CHUNK_BYTES >> 2,
    }
}

fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
