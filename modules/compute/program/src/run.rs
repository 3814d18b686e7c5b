//! The reference run: every node of every run, with the trees over them, and what a provider or a disputant opens of them.
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Hash, Op, Operand, Program, Record, Source, Spot, Tensor, Tree, TreeKind, Witness, chunk_bytes, chunk_hash, hash, record_bytes,
    tensor::encode,
};

/// What stands for the private weights of sealed operators: the node and its input give the output.
pub type Seal<'a> = &'a dyn Fn(u32, &[i32]) -> Option<Vec<i32>>;

/// Tensors with the trees over their chunks and the tree over them all.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Forest {
    tensors: Vec<Tensor>,
    trees: Vec<Tree>,
    top: Tree,
}

impl Forest {
    fn new(program: &Program, kind: TreeKind, operands: impl Iterator<Item = Operand>, tensors: Vec<Tensor>) -> Self {
        let over = |(tensor, operand): (&Tensor, Operand)| {
            let chunks = tensor.chunks(program.chunk_elements(operand));
            Tree::new(TreeKind::Tensor, chunks.map(|bytes| chunk_hash(&bytes)).collect())
        };
        let trees: Vec<Tree> = tensors.iter().zip(operands).map(over).collect();
        let top = Tree::new(kind, trees.iter().map(Tree::root).collect());
        Self { tensors, trees, top }
    }
    /// What opens a chunk of a tensor below the root.
    fn open(&self, program: &Program, operand: Operand, place: usize, chunk: u32) -> Option<Vec<Vec<u8>>> {
        let mut preimages = self.top.path(place);
        preimages.extend(self.trees.get(place)?.path(usize::try_from(chunk).ok()?));
        let (tensor, (from, to)) = (self.tensors.get(place)?, program.chunk_range(operand, chunk)?);
        preimages.push(chunk_bytes(&encode(tensor.shape.kind, tensor.values.get(from..to)?)));
        Some(preimages)
    }
}

/// Weights of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights(Forest);

impl Weights {
    /// These tensors; `None` where they are not of the program's types.
    #[must_use]
    pub fn new(program: &Program, tensors: Vec<Tensor>) -> Option<Self> {
        let types = &program.graph().weights;
        let fits = tensors.len() == types.len() && tensors.iter().zip(types).all(|(tensor, shape)| tensor.shape == *shape);
        fits.then(|| Self(Forest::new(program, TreeKind::Weights, (0..).map(Operand::Weight), tensors)))
    }
    /// Their root; zeros where there are none.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.0.top.root()
    }
    /// The tensors, in the order of the program's types.
    #[must_use]
    pub fn tensors(&self) -> &[Tensor] {
        &self.0.tensors
    }
}

/// Inputs of the runs of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs(Forest);

impl Inputs {
    /// These tensors, one a run; `None` where there is none, or one is not of the program's type.
    #[must_use]
    pub fn new(program: &Program, tensors: Vec<Tensor>) -> Option<Self> {
        let fits = !tensors.is_empty() && tensors.iter().all(|tensor| tensor.shape == program.graph().input);
        fits.then(|| Self(Forest::new(program, TreeKind::Inputs, std::iter::repeat(Operand::Input), tensors)))
    }
    /// Their root.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.0.top.root()
    }
    /// The tensors, one a run.
    #[must_use]
    pub fn tensors(&self) -> &[Tensor] {
        &self.0.tensors
    }
    /// How many there are.
    #[must_use]
    pub fn runs(&self) -> u32 {
        u32::try_from(self.0.tensors.len()).unwrap_or(u32::MAX)
    }
}

/// What a provider submits: enough for the root, and the outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Root over the nodes of each run.
    pub nodes_roots: Vec<Hash>,
    /// The output of each run, as bytes.
    pub outputs: Vec<Vec<u8>>,
}

impl Claim {
    /// The root of the trace that a claim is of; `None` where it is of no trace of the program: no runs, other numbers of roots and outputs, or an output
    /// of another size.
    #[must_use]
    pub fn trace_root(&self, program: &Program) -> Option<Hash> {
        let (shape, last) = (program.output_shape()?, Operand::Node(program.nodes().checked_sub(1)?));
        let bytes = usize::try_from(shape.elements().ok()?).ok()?.checked_mul(shape.kind.bytes())?;
        let size = usize::try_from(program.chunk_elements(last)).ok()?.checked_mul(shape.kind.bytes())?;
        let sized = self.outputs.iter().all(|output| output.len() == bytes);
        if self.nodes_roots.is_empty() || self.nodes_roots.len() != self.outputs.len() || !sized {
            return None;
        }
        let record = |(nodes_root, output): (&Hash, &Vec<u8>)| {
            let output_root = Tree::new(TreeKind::Tensor, output.chunks(size.max(1)).map(chunk_hash).collect()).root();
            hash(&record_bytes(&Record { nodes_root: *nodes_root, output_root }))
        };
        Some(Tree::new(TreeKind::Runs, self.nodes_roots.iter().zip(&self.outputs).map(record).collect()).root())
    }
}

/// Everything that a program computed for some inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    runs: Vec<Forest>,
    records: Vec<Record>,
    top: Tree,
}

impl Trace {
    /// Runs a program on all inputs; `None` where a sealed operator has nobody to compute it.
    #[must_use]
    pub fn execute(program: &Program, weights: &Weights, inputs: &Inputs, seal: Seal<'_>) -> Option<Self> {
        let runs = inputs.0.tensors.iter().map(|input| run(program, weights, input, seal)).collect::<Option<_>>()?;
        Some(Self::of(program, runs))
    }
    /// Of the outputs of all nodes by run, wherever they were computed; that they are right is nobody's promise.
    #[must_use]
    pub fn of(program: &Program, runs: Vec<Vec<Tensor>>) -> Self {
        let nodes = || (0..).map(Operand::Node);
        let runs: Vec<Forest> = runs.into_iter().map(|tensors| Forest::new(program, TreeKind::Nodes, nodes(), tensors)).collect();
        let record =
            |run: &Forest| Record { nodes_root: run.top.root(), output_root: run.trees.last().map(Tree::root).unwrap_or_default() };
        let records: Vec<Record> = runs.iter().map(record).collect();
        let top = Tree::new(TreeKind::Runs, records.iter().map(|record| hash(&record_bytes(record))).collect());
        Self { runs, records, top }
    }
    /// The outputs of all nodes of one run as they follow from the outputs of its first nodes, be these right or not: what a liar would compute.
    #[must_use]
    pub fn go_on(
        program: &Program,
        weights: &Weights,
        inputs: &Inputs,
        run: u32,
        first: Vec<Tensor>,
        seal: Seal<'_>,
    ) -> Option<Vec<Tensor>> {
        go_on(program, weights, inputs.0.tensors.get(usize::try_from(run).ok()?)?, first, seal)
    }
    /// Its root.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.top.root()
    }
    /// The outputs of the nodes of a run.
    #[must_use]
    pub fn tensors(&self, run: u32) -> Option<&[Tensor]> {
        self.runs.get(usize::try_from(run).ok()?).map(|run| run.tensors.as_slice())
    }
    /// What a provider submits of it.
    #[must_use]
    pub fn claim(&self) -> Claim {
        let output = |run: &Forest| run.tensors.last().map(|tensor| encode(tensor.shape.kind, &tensor.values)).unwrap_or_default();
        Claim {
            nodes_roots: self.records.iter().map(|record| record.nodes_root).collect(),
            outputs: self.runs.iter().map(output).collect(),
        }
    }
    /// The preimage of a node of the tree over its runs, `level` levels above the leaves.
    #[must_use]
    pub fn open_runs(&self, level: u8, index: u32) -> Option<Vec<u8>> {
        self.top.preimage(level, usize::try_from(index).ok()?)
    }
    /// The preimage of the record of a run, and the path from its nodes' root to the last node.
    #[must_use]
    pub fn open_record(&self, run: u32) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
        let run = usize::try_from(run).ok()?;
        let (record, forest) = (self.records.get(run)?, self.runs.get(run)?);
        Some((record_bytes(record), forest.top.path(forest.trees.len().checked_sub(1)?)))
    }
    /// The preimage of a node of the tree over the nodes of a run.
    #[must_use]
    pub fn open_nodes(&self, run: u32, level: u8, index: u32) -> Option<Vec<u8>> {
        self.runs.get(usize::try_from(run).ok()?)?.top.preimage(level, usize::try_from(index).ok()?)
    }
    /// The preimage of a node of the tree over the chunks of a node's output.
    #[must_use]
    pub fn open_chunks(&self, run: u32, node: u32, level: u8, index: u32) -> Option<Vec<u8>> {
        let forest = self.runs.get(usize::try_from(run).ok()?)?;
        forest.trees.get(usize::try_from(node).ok()?)?.preimage(level, usize::try_from(index).ok()?)
    }
    /// What leads from the root of the trace to the bytes of a chunk: it shows that somebody has the trace, not its roots alone.
    #[must_use]
    pub fn open_spot(&self, program: &Program, spot: Spot) -> Option<Witness> {
        let run = usize::try_from(spot.run).ok()?;
        let mut preimages = self.top.path(run);
        preimages.push(record_bytes(self.records.get(run)?));
        let forest = self.runs.get(run)?;
        preimages.extend(forest.open(program, Operand::Node(spot.node), usize::try_from(spot.node).ok()?, spot.chunk)?);
        Some(Witness { preimages })
    }
    /// What opens the operands of a chunk; of a sealed operator, its input and its output.
    #[must_use]
    pub fn witness(&self, program: &Program, weights: &Weights, inputs: &Inputs, spot: Spot) -> Option<Witness> {
        let forest = self.runs.get(usize::try_from(spot.run).ok()?)?;
        let input = inputs.0.tensors.get(usize::try_from(spot.run).ok()?)?;
        let node = program.graph().nodes.get(usize::try_from(spot.node).ok()?)?;
        let mut source = Whole { operands: &node.operands, weights, input, nodes: &forest.tensors, touched: BTreeSet::new() };
        let mut preimages = BTreeSet::new();
        if let (Op::Sealed { .. }, Some(operand)) = (&node.op, node.operands.first()) {
            let elements = usize::try_from(program.shape(*operand)?.elements().ok()?).ok()?;
            source.touched.extend((0..elements).map(|index| (0, index)));
            let place = usize::try_from(spot.node).ok()?;
            preimages.extend(forest.open(program, Operand::Node(spot.node), place, 0)?.pop());
        } else {
            program.compute(spot.node, spot.chunk, &mut source)?;
        }
        let mut chunks = BTreeMap::new();
        for (operand, index) in source.touched {
            let what = *node.operands.get(operand)?;
            let chunk = index.checked_div(usize::try_from(program.chunk_elements(what)).ok()?)?;
            chunks.insert((what, u32::try_from(chunk).ok()?), ());
        }
        for (what, chunk) in chunks.into_keys() {
            let (from, place) = match what {
                Operand::Input => (&inputs.0, spot.run),
                Operand::Weight(weight) => (&weights.0, weight),
                Operand::Node(node) => (forest, node),
            };
            preimages.extend(from.open(program, what, usize::try_from(place).ok()?, chunk)?);
        }
        Some(Witness { preimages: preimages.into_iter().collect() })
    }
}

/// The outputs of all nodes of one run.
fn run(program: &Program, weights: &Weights, input: &Tensor, seal: Seal<'_>) -> Option<Vec<Tensor>> {
    go_on(program, weights, input, Vec::new(), seal)
}

/// The outputs of all nodes of one run whose first ones are given, be they right or not.
fn go_on(program: &Program, weights: &Weights, input: &Tensor, mut outputs: Vec<Tensor>, seal: Seal<'_>) -> Option<Vec<Tensor>> {
    for number in u32::try_from(outputs.len()).ok()?..program.nodes() {
        let output = compute(program, weights, input, number, &outputs, seal)?;
        outputs.push(output);
    }
    Some(outputs)
}

/// The output of one node as it follows from the outputs of the nodes before it: one step of the reference run. `None` where these are not there, or where the
/// operator is sealed and nobody computes it.
#[must_use]
pub fn compute(program: &Program, weights: &Weights, input: &Tensor, node: u32, before: &[Tensor], seal: Seal<'_>) -> Option<Tensor> {
    let what = program.graph().nodes.get(usize::try_from(node).ok()?)?;
    let mut source = Whole { operands: &what.operands, weights, input, nodes: before, touched: BTreeSet::new() };
    let shape = program.shape(Operand::Node(node))?.clone();
    let values = if let Op::Sealed { .. } = what.op {
        seal(node, &source.tensor(0)?.values)?
    } else {
        let mut values = Vec::new();
        for chunk in 0..program.chunks(Operand::Node(node)) {
            values.extend(program.compute(node, chunk, &mut Plain(&mut source))?);
        }
        values
    };
    Tensor::new(shape, values)
}

/// Whole tensors, noting what was read.
struct Whole<'a> {
    operands: &'a [Operand],
    weights: &'a Weights,
    input: &'a Tensor,
    nodes: &'a [Tensor],
    touched: BTreeSet<(usize, usize)>,
}

impl<'a> Whole<'a> {
    fn tensor(&self, operand: usize) -> Option<&'a Tensor> {
        match self.operands.get(operand)? {
            Operand::Input => Some(self.input),
            Operand::Weight(weight) => self.weights.0.tensors.get(usize::try_from(*weight).ok()?),
            Operand::Node(node) => self.nodes.get(usize::try_from(*node).ok()?),
        }
    }
}

impl Source for Whole<'_> {
    fn get(&mut self, operand: usize, index: usize) -> Option<i32> {
        self.touched.insert((operand, index));
        self.tensor(operand)?.values.get(index).copied()
    }
}

/// The same without notes.
struct Plain<'a, 'b>(&'a mut Whole<'b>);

impl Source for Plain<'_, '_> {
    fn get(&mut self, operand: usize, index: usize) -> Option<i32> {
        self.0.tensor(operand)?.values.get(index).copied()
    }
}
