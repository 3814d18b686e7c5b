//! What a player knows: the trace that it claims, as trees whose nodes it can open, be it the right one or not.
use std::collections::BTreeMap;

use cairn_kernel::Address;
use cairn_program::{
    Hash, Inputs, Operand, Program, Record, Spot, Tensor, Trace, Tree, TreeKind, Weights, chunk_bytes, chunk_hash, hash, record_bytes,
    testing, testing::Dice,
};
use cairn_proto::cairn::dispute::v1::{Match, MsgDissect, MsgProveLeaf, Stage};

/// A program with its weights and inputs, and what somebody says it computed.
#[derive(Clone)]
pub(super) struct Story {
    pub(super) program: Program,
    pub(super) weights: Weights,
    pub(super) inputs: Inputs,
    /// Outputs by run and node.
    pub(super) outputs: Vec<Vec<Tensor>>,
}

impl Story {
    /// The right one.
    pub(super) fn right(program: Program, runs: u32, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let weights = testing::weights(&program, &mut dice).unwrap();
        let inputs = testing::inputs(&program, runs, &mut dice).unwrap();
        Self::of(program, weights, inputs)
    }
    fn of(program: Program, weights: Weights, inputs: Inputs) -> Self {
        let trace = Trace::execute(&program, &weights, &inputs, &seal).unwrap();
        let outputs = (0..inputs.runs()).map(|run| trace.tensors(run).unwrap().to_vec()).collect();
        Self { program, weights, inputs, outputs }
    }
    /// Three runs of a small program of five operators, whose third has 20 chunks.
    pub(super) fn small() -> Self {
        Self::small_from(1, 1)
    }
    pub(super) fn small_with_other_inputs() -> Self {
        Self::small_from(1, 2)
    }
    pub(super) fn small_with_other_weights() -> Self {
        Self::small_from(2, 1)
    }
    fn small_from(weights: u64, inputs: u64) -> Self {
        let program = small_program();
        let weights = testing::weights(&program, &mut Dice::new(weights)).unwrap();
        let inputs = testing::inputs(&program, 3, &mut Dice::new(inputs)).unwrap();
        Self::of(program, weights, inputs)
    }
    /// A random program with 1 to 20 runs.
    pub(super) fn random(dice: &mut Dice) -> Self {
        let program = testing::random(dice, 20).unwrap();
        let runs = 1 + u32::try_from(dice.below(20)).unwrap();
        Self::right(program, runs, dice.number())
    }
    /// With one element changed and nothing computed from it.
    pub(super) fn altered(&self, run: usize, node: usize, chunk: usize) -> Self {
        self.with(run, node, chunk, |value| value ^ 1)
    }
    /// With one element changed otherwise.
    pub(super) fn garbled(&self, run: usize, node: usize, chunk: usize) -> Self {
        self.with(run, node, chunk, |value| value ^ 2)
    }
    fn with(&self, run: usize, node: usize, chunk: usize, f: impl Fn(i32) -> i32) -> Self {
        let mut story = self.clone();
        let value = &mut story.outputs[run][node].values[chunk * self.chunk(node)];
        *value = f(*value);
        story
    }
    /// With one element changed, and everything behind it computed from that: wrong in one place alone.
    pub(super) fn consistent(&self, run: usize, node: usize, chunk: usize) -> Self {
        let mut story = self.altered(run, node, chunk);
        let first = story.outputs[run][..=node].to_vec();
        let number = u32::try_from(run).unwrap();
        story.outputs[run] = Trace::go_on(&self.program, &self.weights, &self.inputs, number, first, &seal).unwrap();
        story
    }
    pub(super) fn chunk(&self, node: usize) -> usize {
        self.program.chunk_elements(Operand::Node(u32::try_from(node).unwrap())) as usize
    }
    pub(super) fn chunks(&self, node: usize) -> usize {
        self.program.chunks(Operand::Node(u32::try_from(node).unwrap())) as usize
    }
}

/// A program whose last operator has private weights.
pub(super) fn sealed_program() -> Program {
    use cairn_program::{Graph, Kind, Node, Op, TensorType};
    let sealed = Op::Sealed { circuit: [7; 32], outputs: 4, kind: Kind::I8 };
    let nodes = vec![Node { op: Op::Relu, operands: vec![Operand::Input] }, Node { op: sealed, operands: vec![Operand::Node(0)] }];
    Program::check(Graph::new(TensorType::new(Kind::I8, &[3_000]), vec![], nodes)).unwrap()
}

/// What the private weights of sealed operators in these tests compute.
pub(super) fn seal(_: u32, input: &[i32]) -> Option<Vec<i32>> {
    Some(input.iter().take(4).map(|value| value / 2).collect())
}

/// Two layers on 128 rows; the third node's output has 20 chunks, so its tree has two levels.
fn small_program() -> Program {
    use cairn_program::{Graph, Kind, Node, Op, TensorType};
    let bytes = |dims: &[u32]| TensorType::new(Kind::I8, dims);
    let node = |op, operands: &[Operand]| Node { op, operands: operands.to_vec() };
    let nodes = vec![
        node(Op::Relu, &[Operand::Input]),
        node(Op::Linear, &[Operand::Node(0), Operand::Weight(0)]),
        node(Op::Requantise { multiplier: 300, shift: 18 }, &[Operand::Node(1)]),
        node(Op::Linear, &[Operand::Node(2), Operand::Weight(1)]),
        node(Op::Argmax, &[Operand::Node(3)]),
    ];
    Program::check(Graph::new(bytes(&[128, 24]), vec![bytes(&[160, 24]), bytes(&[10, 160])], nodes)).unwrap()
}

/// Where a liar puts another hash than that of what is below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Chunk(usize, usize, usize),
    Node(usize, usize),
    NodesRoot(usize),
    Output(usize),
    Run(usize),
}

pub(super) struct Book {
    pub(super) weights_root: Hash,
    pub(super) input_root: Hash,
    pub(super) root: Hash,
    pub(super) story: Story,
    /// Preimages by hash.
    known: BTreeMap<Hash, Vec<u8>>,
    /// Paths from a nodes' root to the last node.
    paths: BTreeMap<Hash, Vec<Vec<u8>>>,
}

impl Book {
    pub(super) fn new(story: &Story) -> Self {
        Self::lying(story, &BTreeMap::new())
    }
    /// With other hashes in some places.
    pub(super) fn lying(story: &Story, lies: &BTreeMap<Place, Hash>) -> Self {
        let lie = |place: Place, said: Hash| lies.get(&place).copied().unwrap_or(said);
        let (mut known, mut paths, mut records) = (BTreeMap::new(), BTreeMap::new(), vec![]);
        for (r, run) in story.outputs.iter().enumerate() {
            let mut nodes = vec![];
            for (n, tensor) in run.iter().enumerate() {
                let chunks: Vec<Vec<u8>> = tensor.chunks(u32::try_from(story.chunk(n)).unwrap()).collect();
                known.extend(chunks.iter().map(|bytes| (chunk_hash(bytes), chunk_bytes(bytes))));
                let hashes = chunks.iter().enumerate().map(|(c, bytes)| lie(Place::Chunk(r, n, c), chunk_hash(bytes))).collect();
                nodes.push(lie(Place::Node(r, n), keep(&mut known, &Tree::new(TreeKind::Tensor, hashes))));
            }
            let tree = Tree::new(TreeKind::Nodes, nodes.clone());
            let nodes_root = lie(Place::NodesRoot(r), keep(&mut known, &tree));
            paths.insert(nodes_root, tree.path(nodes.len() - 1));
            let record = record_bytes(&Record { nodes_root, output_root: lie(Place::Output(r), *nodes.last().unwrap()) });
            let hash = hash(&record);
            known.insert(hash, record);
            records.push(lie(Place::Run(r), hash));
        }
        let root = keep(&mut known, &Tree::new(TreeKind::Runs, records));
        let (weights_root, input_root) = (story.weights.root(), story.inputs.root());
        Self { weights_root, input_root, root, story: story.clone(), known, paths }
    }
    /// The root of a node's output as this book has it.
    pub(super) fn node_root(&self, run: usize, node: usize) -> Hash {
        let chunks = self.story.outputs[run][node].chunks(u32::try_from(self.story.chunk(node)).unwrap());
        Tree::new(TreeKind::Tensor, chunks.map(|bytes| chunk_hash(&bytes)).collect()).root()
    }
    pub(super) fn runs(&self) -> u32 {
        self.story.inputs.runs()
    }
    pub(super) fn graph(&self) -> Vec<u8> {
        self.story.program.encoded().to_vec()
    }
    /// The opening of a hash, where this book has one.
    pub(super) fn dissect(&self, mover: &Address, game: &Match, hash: &[u8]) -> Option<MsgDissect> {
        let preimage = self.known.get(hash)?.clone();
        let path = if game.stage() == Stage::Record { self.paths.get(&preimage[16..48]).cloned().unwrap_or_default() } else { vec![] };
        let (case_id, match_number) = (game.case_id, game.number);
        Some(MsgDissect { mover: mover.to_string(), case_id, match_number, root: self.root.to_vec(), preimage, path })
    }
    /// The leaf of a match with the operands as this book has them.
    pub(super) fn leaf(&self, mover: &Address, game: &Match) -> MsgProveLeaf {
        let Story { program, weights, inputs, outputs } = &self.story;
        let spot = Spot { run: game.run, node: game.node, chunk: game.chunk };
        let witness = Trace::of(program, outputs.clone()).witness(program, weights, inputs, spot);
        let (case_id, match_number) = (game.case_id, game.number);
        let preimages = witness.unwrap_or_default().preimages;
        let proof = if program.is_sealed(game.node) {
            [case_id.to_be_bytes().as_slice(), &match_number.to_be_bytes(), mover.as_bytes()].concat()
        } else {
            vec![]
        };
        MsgProveLeaf { mover: mover.to_string(), case_id, match_number, root: self.root.to_vec(), preimages, proof }
    }
    /// Ways to spoil a leaf: nothing, garbage, one part missing, cut, with a flipped byte, of another place.
    pub(super) fn malformed_leaves(&self, mover: &Address, game: &Match) -> Vec<MsgProveLeaf> {
        let right = self.leaf(mover, game);
        let with = |preimages: Vec<Vec<u8>>| MsgProveLeaf { preimages, ..right.clone() };
        let mut all = vec![with(vec![]), with(vec![vec![]]), with(vec![vec![7; 100_000]]), with(vec![vec![]; 512])];
        for i in 0..right.preimages.len() {
            let spoil = |f: &dyn Fn(&mut Vec<Vec<u8>>)| {
                let mut preimages = right.preimages.clone();
                f(&mut preimages);
                with(preimages)
            };
            all.push(spoil(&|preimages| drop(preimages.remove(i))));
            all.push(spoil(&|preimages| drop(preimages[i].split_off(1))));
            all.push(spoil(&|preimages| preimages[i][0] ^= 1));
            all.push(spoil(&|preimages| *preimages[i].last_mut().unwrap() ^= 128));
        }
        let elsewhere = Match { run: (game.run + 1) % self.runs(), ..game.clone() };
        all.push(with(self.leaf(mover, &elsewhere).preimages));
        all
    }
}

/// Keeps all nodes of a tree. Gives its root.
fn keep(known: &mut BTreeMap<Hash, Vec<u8>>, tree: &Tree) -> Hash {
    for level in 1_u8.. {
        let nodes: Vec<Vec<u8>> = (0..).map_while(|index| tree.preimage(level, index)).collect();
        if nodes.is_empty() {
            return tree.root();
        }
        known.extend(nodes.into_iter().map(|bytes| (hash(&bytes), bytes)));
    }
    unreachable!("a tree has fewer levels")
}
