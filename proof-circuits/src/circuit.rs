//! The circuits: which networks they are of, and what they make of a job.
use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use cairn_verifier::{CircuitKind, Context, Element, Run, Statement, poseidon::Domain};

use crate::{
    Answer, Network, NetworkError, Shape,
    commit::{field, input_commitment, output_commitment, weights_commitment},
    cs::{Cs, Num},
    gadgets::{Slots, Sum, argmax, hash, layer, packed_values, requantise, slots_of},
};

/// How a circuit takes the weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// As constants: a key for each model, which everybody may know.
    Constant(Network),
    /// As a commitment: a key for all models of the shape, whose owner keeps the numbers. Sound only for commitments whose opening
    /// was proved by a `Registration`: slots outside their range would run into each other.
    Committed(Shape),
    /// The proof that a commitment opens to int8 weights and biases within their bound. No runs.
    Registration(Shape),
}

/// A circuit: a kind, and how many runs of the network a proof holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circuit {
    kind: Kind,
    runs: usize,
}

/// One run to be proved: what goes in, and the salts of its commitments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// int8 values.
    pub values: Vec<i8>,
    /// Salt of the input's commitment.
    pub salt: Fr,
    /// Salt of the answer's commitment.
    pub answer_salt: Fr,
}

/// What is to be proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// For whom and for what.
    pub context: Context,
    /// The network.
    pub network: Network,
    /// Salt of the commitment to its weights.
    pub weights_salt: Fr,
    /// The runs.
    pub inputs: Vec<Input>,
}

impl Circuit {
    /// A circuit of so many runs; a registration has none.
    ///
    /// # Errors
    /// [`NetworkError`]; `Input` for no runs or more than [`cairn_verifier::MAX_RUNS`].
    pub fn new(kind: Kind, runs: usize) -> Result<Self, NetworkError> {
        let circuit = Self { kind, runs };
        circuit.shape().check()?;
        let fits = match circuit.kind {
            Kind::Registration(_) => runs == 0,
            _ => (1..=cairn_verifier::MAX_RUNS).contains(&runs),
        };
        if fits { Ok(circuit) } else { Err(NetworkError::Input) }
    }

    /// The shape of its networks.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        match &self.kind {
            Kind::Constant(network) => network.shape(),
            Kind::Committed(shape) | Kind::Registration(shape) => shape,
        }
    }

    /// How it takes the weights.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Runs of a proof.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// The name of the circuit, which its keys carry ([`cairn_verifier::Sizes::digest`]).
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut constants = Vec::new();
        let kind = match &self.kind {
            Kind::Constant(network) => {
                for layer in network.layers() {
                    constants.extend(layer.weights.iter().map(|weight| weight.cast_unsigned()));
                    constants.extend(layer.biases.iter().flat_map(|bias| bias.to_be_bytes()));
                }
                CircuitKind::Constant
            }
            Kind::Committed(_) => CircuitKind::Committed,
            Kind::Registration(_) => CircuitKind::Registration,
        };
        self.shape().sizes().digest(kind, self.runs as u32, &constants)
    }

    /// What a proof of the job says.
    ///
    /// # Errors
    /// [`NetworkError`] where the job is not of this circuit.
    pub fn statement(&self, job: &Job) -> Result<Statement, NetworkError> {
        self.check(job)?;
        let run = |input: &Input| {
            let answer = job.network.run(&input.values)?;
            let input_commitment = Element::from(input_commitment(input.salt, &input.values));
            Ok(Run { input: input_commitment, output: output_commitment(input.answer_salt, &answer).into() })
        };
        let weights = match self.kind {
            Kind::Constant(_) => None,
            _ => Some(weights_commitment(job.weights_salt, &job.network).into()),
        };
        Ok(Statement { context: job.context.clone(), weights, runs: job.inputs.iter().map(run).collect::<Result<_, NetworkError>>()? })
    }

    fn check(&self, job: &Job) -> Result<(), NetworkError> {
        let same = match &self.kind {
            Kind::Constant(network) => *network == job.network,
            Kind::Committed(shape) | Kind::Registration(shape) => shape == job.network.shape(),
        };
        if !same {
            return Err(NetworkError::Count);
        }
        let fits = job.inputs.len() == self.runs && job.inputs.iter().all(|input| input.values.len() == self.shape().inputs);
        if fits { Ok(()) } else { Err(NetworkError::Input) }
    }

    /// A job of zeros, from which the constraints are built.
    pub(crate) fn blank(&self) -> Result<Job, NetworkError> {
        let network = match &self.kind {
            Kind::Constant(network) => network.clone(),
            Kind::Committed(shape) | Kind::Registration(shape) => Network::zero(shape)?,
        };
        let input = Input { values: vec![0; self.shape().inputs], salt: Fr::ZERO, answer_salt: Fr::ZERO };
        let context = Context { chain: [0; 32], job: 0, prover: vec![0], program: [0; 32], nonce: 0 };
        Ok(Job { context, network, weights_salt: Fr::ZERO, inputs: vec![input; self.runs] })
    }

    /// Builds the constraints, or the witness, of a job; gives what its proof says.
    pub(crate) fn build(&self, cs: &mut Cs, job: &Job) -> Result<Statement, crate::ProveError> {
        let statement = self.statement(job)?;
        let public = cs.public(statement.input()?);
        let mut said: Vec<Num> = job.context.limbs()?.into_iter().map(|limb| cs.variable(limb)).collect();
        let weights = match &self.kind {
            Kind::Constant(network) => {
                said.push(cs.zero());
                Weights::Constant((0..network.layers().len()).map(|number| slots_of(network, number, network.exact_bits(number))).collect())
            }
            Kind::Committed(shape) => {
                let slots = committed(cs, shape, job);
                said.push(commitment(cs, job.weights_salt, &slots));
                Weights::Committed(slots)
            }
            Kind::Registration(shape) => {
                let slots = registered(cs, shape, &job.network);
                said.push(commitment(cs, job.weights_salt, &slots));
                Weights::Committed(slots)
            }
        };
        for input in &job.inputs {
            let (taken, answered) = self.run(cs, &weights, job, input)?;
            said.extend([taken, answered]);
        }
        let hashed = hash(cs, Domain::Statement, &said);
        cs.equal(&hashed, &public);
        Ok(statement)
    }

    /// One run: the commitments to its input and its answer.
    fn run(&self, cs: &mut Cs, weights: &Weights, job: &Job, input: &Input) -> Result<(Num, Num), NetworkError> {
        let mut values: Vec<Num> = input.values.iter().map(|value| signed_byte(cs, *value)).collect();
        let mut packed = vec![cs.variable(input.salt)];
        packed.extend(packed_values(cs, &values));
        let taken = hash(cs, Domain::Input, &packed);
        let mut sums = Vec::new();
        for (number, shape) in self.shape().layers.iter().enumerate() {
            sums = weights.sums(cs, number, &values);
            if self.shape().is_requantised(number) {
                values = sums.iter().map(|sum| requantise(cs, sum, shape)).collect();
            }
        }
        let mut answered = vec![cs.variable(input.answer_salt)];
        match job.network.run(&input.values)? {
            Answer::Values(_) => answered.extend(packed_values(cs, &values)),
            Answer::Class(class) => answered.push(argmax(cs, &sums, sums[0].bits.len(), class)),
        }
        Ok((taken, hash(cs, Domain::Output, &answered)))
    }
}

/// Weights in slots, layer by layer.
enum Weights {
    Constant(Vec<Slots<Fr>>),
    Committed(Vec<Slots<Num>>),
}

impl Weights {
    fn sums(&self, cs: &mut Cs, number: usize, inputs: &[Num]) -> Vec<Sum> {
        match self {
            Self::Constant(layers) => {
                layer(cs, &layers[number], inputs, |_, weight, input| input.clone().times(*weight), |cs, bias| cs.constant(*bias))
            }
            Self::Committed(layers) => {
                layer(cs, &layers[number], inputs, |cs, weight, input| cs.product(weight, input), |_, bias| bias.clone())
            }
        }
    }
}

fn signed_byte(cs: &mut Cs, value: i8) -> Num {
    let offset = Fr::from(128u64);
    let bits = cs.bits(field(i64::from(value)) + offset, 8);
    cs.weighted(&bits).plus(&cs.constant(-offset))
}

/// Slots as witnesses.
fn committed(cs: &mut Cs, shape: &Shape, job: &Job) -> Vec<Slots<Num>> {
    (0..shape.layers.len())
        .map(|number| slots_of(&job.network, number, shape.committed_bits(number)).map(|element| cs.variable(*element)))
        .collect()
}

/// Slots made of bits, eight a weight, and as many a bias as its bound allows.
fn registered(cs: &mut Cs, shape: &Shape, network: &Network) -> Vec<Slots<Num>> {
    let layer = |number: usize| {
        let (layer, inputs) = (&network.layers()[number], shape.inputs_of(number));
        let bits = shape.committed_bits(number);
        let rows = Shape::slots(bits);
        let mut numbers = |values: Vec<i64>, width: u32| ranged(cs, &values, width, bits);
        let mut blocks = Vec::new();
        for block in layer.weights.chunks(inputs * rows) {
            let column = |at: usize| block.chunks(inputs).map(|row| i64::from(row[at])).collect();
            blocks.push((0..inputs).map(|at| numbers(column(at), 8)).collect());
        }
        let biases =
            layer.biases.chunks(rows).map(|block| numbers(block.iter().map(|bias| i64::from(*bias)).collect(), bits - 1)).collect();
        Slots { bits, rows: layer.biases.len(), blocks, biases }
    };
    (0..shape.layers.len()).map(layer).collect()
}

/// Numbers of `[-2^(width - 1), 2^(width - 1))` in slots of one element.
fn ranged(cs: &mut Cs, values: &[i64], width: u32, slot: u32) -> Num {
    let offset = crate::commit::power(width as usize - 1);
    let mut sum = cs.zero();
    for (at, value) in values.iter().enumerate() {
        let bits = cs.bits(field(*value) + offset, width as usize);
        let number = cs.weighted(&bits).plus(&cs.constant(-offset));
        sum = sum.plus(&number.times(crate::commit::power(slot as usize * at)));
    }
    sum
}

/// The commitment to slots: the salt, the weights of all layers, then their biases.
fn commitment(cs: &mut Cs, salt: Fr, layers: &[Slots<Num>]) -> Num {
    let mut elements = vec![cs.variable(salt)];
    elements.extend(layers.iter().flat_map(|layer| layer.blocks.iter().flatten().cloned()));
    elements.extend(layers.iter().flat_map(|layer| layer.biases.iter().cloned()));
    hash(cs, Domain::Weights, &elements)
}
