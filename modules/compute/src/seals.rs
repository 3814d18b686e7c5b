//! Private weights: what a program's commitments are of, and proofs that stand for operators that a referee cannot compute.
use cairn_dispute::{Circuits, SealedLeaf};
use cairn_kernel::{Address, Ctx, Module, Result, chain32};
use cairn_program::{Kind, Op, Program as Checked};
use cairn_proto::cairn::compute::v1::{Circuit, Program, Seal, SealOpening};
use cairn_verifier::{Context, Element, Run, Sizes, Statement, commit, gas};

use crate::{
    Compute, Error,
    circuits::{self, ANY_PROGRAM},
    jobs, programs, proofs,
};

/// Bytes of what stands for a sealed operator: salts of input and output, and the proof.
const LEAF_BYTES: usize = 192;

/// Checks that the commitment of each sealed operator of a new program opens to weights. Gives what is stored of them.
pub(crate) fn open(ctx: &mut Ctx, owner: &Address, id: &[u8; 32], program: &Checked, openings: Vec<SealOpening>) -> Result<Vec<Seal>> {
    let seals = openings.iter().map(|opening| opening.seal.clone().ok_or(Error::Seals)).collect::<Result<Vec<_>, _>>()?;
    check(program, &seals)?;
    for (seal, opening) in seals.iter().zip(&openings) {
        let circuit = circuits::usable(ctx, ANY_PROGRAM, &seal.key_id)?;
        if circuit.runs != 0 || circuit.sizes != seal.sizes {
            return Err(Error::OtherCircuit.into());
        }
        let context = Context {
            chain: chain32(&ctx.block().chain_id),
            job: 0,
            prover: owner.as_bytes().to_vec(),
            program: *id,
            nonce: seal.node.into(),
        };
        let statement = Statement { context, weights: Some(weights(seal)?), runs: Vec::new() };
        proofs::verify(ctx, &circuit, &[(statement, opening.proof.as_slice())])?;
    }
    Ok(seals)
}

/// Whether seals are those of a program: one for each sealed operator, in order, and what the operator pins.
pub(crate) fn check(program: &Checked, seals: &[Seal]) -> Result<(), Error> {
    let mut rest = seals.iter();
    for (number, node) in (0_u32..).zip(&program.graph().nodes) {
        let Op::Sealed { circuit, outputs, kind } = &node.op else { continue };
        let seal = rest.next().filter(|seal| seal.node == number).ok_or(Error::Seals)?;
        let sizes = sizes(seal)?;
        let operand = node.operands.first().ok_or(Error::Seals)?;
        let inputs = program.shape(*operand).and_then(|shape| shape.elements().ok());
        let answers = if sizes.values { Kind::I8 } else { Kind::I32 };
        if inputs != Some(sizes.inputs) || *outputs != sizes.outputs() || *kind != answers || *circuit != sizes.sealed(&weights(seal)?) {
            return Err(Error::Seals);
        }
    }
    if rest.next().is_some() { Err(Error::Seals) } else { Ok(()) }
}

fn sizes(seal: &Seal) -> Result<Sizes, Error> {
    circuits::sizes(seal.sizes.as_ref().ok_or(Error::Sizes)?)
}

/// The commitment to a seal's weights.
pub(crate) fn weights(seal: &Seal) -> Result<Element, Error> {
    Element::decode(&seal.weights).map_err(|fault| Error::Proof { number: 0, fault })
}

/// The key that a job pins for a sealed operator: one run of the seal's sizes.
pub(crate) fn key(ctx: &Ctx, seal: &Seal, id: &[u8]) -> Result<Circuit> {
    let circuit = circuits::usable(ctx, ANY_PROGRAM, id)?;
    if circuit.runs != 1 || circuit.sizes != seal.sizes {
        return Err(Error::OtherCircuit.into());
    }
    Ok(circuit)
}

impl Circuits for Compute {
    fn module(&self) -> &'static str {
        Self::NAME
    }

    fn sealed(&self, ctx: &mut Ctx, leaf: &SealedLeaf) -> Result<bool> {
        let job = jobs::load(ctx, leaf.subject.id)?;
        let program = programs::load(ctx, &job.program_id)?;
        let (seal, id) = pinned(&program, &job.keys, leaf.node)?;
        let circuit = circuits::load(ctx, &(ANY_PROGRAM, programs::hash(id)?))?;
        ctx.gas().consume_at(gas::commitment(leaf.input.len()).saturating_add(gas::commitment(leaf.output.len())), "commitments")?;
        let Some((run, proof)) = run(leaf, sizes(seal)?.values) else { return Ok(false) };
        let context = Context {
            chain: chain32(&ctx.block().chain_id),
            job: leaf.case,
            prover: leaf.mover.as_bytes().to_vec(),
            program: programs::hash(&job.program_id)?,
            nonce: leaf.match_number.into(),
        };
        let statement = Statement { context, weights: Some(weights(seal)?), runs: vec![run] };
        proofs::holds(ctx, &circuit, &statement, proof)
    }
}

/// The seal of an operator, and the key that a job pinned for it.
fn pinned<'a>(program: &'a Program, keys: &'a [Vec<u8>], node: u32) -> Result<(&'a Seal, &'a [u8]), Error> {
    let found = program.seals.iter().zip(keys).find(|(seal, _)| seal.node == node);
    found.map(|(seal, key)| (seal, key.as_slice())).ok_or(Error::Broken("a sealed operator without a key"))
}

/// The run that a leaf is of, as its commitments; and the proof. `None` where the bytes are none of a leaf.
fn run<'a>(leaf: &SealedLeaf<'a>, values: bool) -> Option<(Run, &'a [u8])> {
    let (salts, proof) = leaf.proof.split_at_checked(64).filter(|_| leaf.proof.len() == LEAF_BYTES)?;
    let (input_salt, output_salt) = salts.split_at_checked(32)?;
    let (input_salt, output_salt) = (Element::decode(input_salt).ok()?.value(), Element::decode(output_salt).ok()?.value());
    let bytes = |elements: &[i32]| elements.iter().map(|element| i8::try_from(*element).ok()).collect::<Option<Vec<_>>>();
    let output = match leaf.output {
        output if values => commit::values(output_salt, &bytes(output)?),
        [class] => commit::class(output_salt, u32::try_from(*class).ok()?),
        _ => return None,
    };
    Some((Run { input: commit::input(input_salt, &bytes(leaf.input)?).into(), output: output.into() }, proof))
}
