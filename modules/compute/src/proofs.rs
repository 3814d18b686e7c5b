//! Results that are proven: checked as they are delivered, and paid at once.
use std::sync::LazyLock;

use cairn_kernel::{Address, Ctx, Result, chain32, tag};
use cairn_program::{Kind, Operand, Program as Checked, TensorType};
use cairn_proto::cairn::compute::v1::{Circuit, Job, MsgSubmitResult, Program};
use cairn_verifier::{Claim, Context, Element, Fr, KeyCache, Run, Statement, VerifyingKey, commit, gas};
use sha2::{Digest, Sha256};

use crate::{
    Error,
    circuits::{self, ANY_PROGRAM},
    programs, seals, settle,
};

/// Most proofs of a result.
const MAX_PROOFS: u32 = 64;

/// Prepared keys: what is not there is prepared anew, for the same gas.
static KEYS: LazyLock<KeyCache> = LazyLock::new(|| KeyCache::new(64));

/// The key that a proven job pins: one of the program's own circuit, or of the sizes of its private network.
pub(crate) fn key(ctx: &Ctx, program: &Program, checked: &Checked, id: &[u8], runs: u32) -> Result<Circuit> {
    answers(checked)?;
    let circuit = match (program.seals.as_slice(), checked.nodes()) {
        ([], _) => circuits::usable(ctx, programs::hash(&program.id)?, id)?,
        ([seal], 1) => {
            let circuit = circuits::usable(ctx, ANY_PROGRAM, id)?;
            if circuit.sizes != seal.sizes {
                return Err(Error::OtherCircuit.into());
            }
            circuit
        }
        _ => return Err(Error::Unproven("a private network must be all of it").into()),
    };
    let proofs = runs.checked_div(circuit.runs).unwrap_or(0);
    if proofs.checked_mul(circuit.runs) != Some(runs) || !(1..=MAX_PROOFS).contains(&proofs) {
        return Err(Error::ProofRuns { runs, most: circuit.runs.saturating_mul(MAX_PROOFS) }.into());
    }
    Ok(circuit)
}

/// Statements speak of int8 inputs, and of int8 values or one class as outputs.
fn answers(program: &Checked) -> Result<&TensorType, Error> {
    let output = program.output_shape().ok_or(Error::Broken("a program without an output"))?;
    let taken = program.shape(Operand::Input).is_some_and(|shape| shape.kind == Kind::I8);
    let given = output.kind == Kind::I8 || output.elements().is_ok_and(|elements| elements == 1);
    if taken && given {
        Ok(output)
    } else {
        Err(Error::Unproven("it takes other values than int8, or answers other ones or several classes"))
    }
}

/// Takes a result whose proofs hold, and pays it.
pub(crate) fn submit(ctx: &mut Ctx, job: Job, provider: &Address, m: MsgSubmitResult) -> Result<()> {
    let program = programs::load(ctx, &job.program_id)?;
    let checked = programs::checked(ctx, &program)?;
    let (circuit, weights) = pinned(ctx, &job, &program)?;
    let runs = usize::try_from(job.runs).map_err(|_| Error::Overflow)?;
    let counted = m.inputs.len() == runs && m.outputs.len() == runs && m.nodes_roots.is_empty();
    if !counted || m.proofs.len().checked_mul(size(&circuit)?) != Some(runs) {
        return Err(Error::Result.into());
    }
    ctx.gas().hash(m.inputs.len().saturating_mul(32))?;
    let commitments = m.inputs.iter().map(|input| programs::hash(input)).collect::<Result<Vec<_>, _>>()?;
    if input_root(&commitments) != programs::hash(&job.input_root)? {
        return Err(Error::Inputs.into());
    }
    let output = answers(&checked)?;
    let made = m.inputs.iter().zip(&m.outputs).map(|(input, answer)| run(ctx, output, input, answer)).collect::<Result<Vec<_>>>()?;
    let mut claims = Vec::new();
    for (nonce, (runs, proof)) in (0_u64..).zip(made.chunks(size(&circuit)?).zip(&m.proofs)) {
        let context = Context {
            chain: chain32(&ctx.block().chain_id),
            job: job.id,
            prover: provider.as_bytes().to_vec(),
            program: programs::hash(&job.program_id)?,
            nonce,
        };
        claims.push((Statement { context, weights, runs: runs.to_vec() }, proof.as_slice()));
    }
    verify(ctx, &circuit, &claims)?;
    settle::pay_at_once(ctx, job, m.outputs)
}

/// The key that a job has pinned, and the commitment to private weights.
fn pinned(ctx: &Ctx, job: &Job, program: &Program) -> Result<(Circuit, Option<Element>)> {
    let id = programs::hash(job.keys.first().ok_or(Error::Broken("a proven job without a key"))?)?;
    match program.seals.first() {
        None => Ok((circuits::load(ctx, &(programs::hash(&program.id)?, id))?, None)),
        Some(seal) => Ok((circuits::load(ctx, &(ANY_PROGRAM, id))?, Some(seals::weights(seal)?))),
    }
}

/// Runs of a proof under a key.
fn size(circuit: &Circuit) -> Result<usize, Error> {
    usize::try_from(circuit.runs).map_err(|_| Error::Overflow)
}

/// How a proven job names its inputs: SHA-256 of "cairn.inputs.v1", filled with zeros to 16 bytes, and the commitments, one a run, of 32 bytes each.
#[must_use]
pub fn input_root(commitments: &[[u8; 32]]) -> [u8; 32] {
    let hash = Sha256::new().chain_update(tag("cairn.inputs.v1"));
    commitments.iter().fold(hash, |hash, commitment| hash.chain_update(commitment)).finalize().into()
}

/// One run: the commitment that the requester made, and that to an output which everybody sees, and whose salt is zero.
fn run(ctx: &Ctx, shape: &TensorType, input: &[u8], output: &[u8]) -> Result<Run> {
    let input = Element::decode(input).map_err(|fault| Error::Proof { number: 0, fault })?;
    let elements = usize::try_from(shape.elements().map_err(Error::Graph)?).map_err(|_| Error::Overflow)?;
    if Some(output.len()) != elements.checked_mul(shape.kind.bytes()) {
        return Err(Error::Result.into());
    }
    ctx.gas().consume_at(gas::commitment(elements), "commitment")?;
    let salt = Fr::from(0_u64);
    let output = match shape.kind {
        Kind::I8 => commit::values(salt, &output.iter().map(|byte| byte.cast_signed()).collect::<Vec<_>>()),
        Kind::I32 => {
            let class = i32::from_le_bytes(output.try_into().map_err(|_| Error::Result)?);
            commit::class(salt, u32::try_from(class).map_err(|_| Error::Result)?)
        }
    };
    Ok(Run { input, output: output.into() })
}

/// Checks proofs of statements under one key: all hold, or the first that does not is named.
pub(crate) fn verify(ctx: &Ctx, circuit: &Circuit, proofs: &[(Statement, &[u8])]) -> Result<()> {
    let fault = |number: usize, fault| Error::Proof { number: u32::try_from(number).unwrap_or(u32::MAX), fault };
    ctx.gas().consume_at(gas::key(1), "circuit key")?;
    let mut claims = Vec::new();
    for (number, (statement, proof)) in proofs.iter().enumerate() {
        ctx.gas().consume_at(gas::statement(statement.runs.len()), "proof")?;
        claims.push(Claim { inputs: vec![statement.input().map_err(|found| fault(number, found))?], proof });
    }
    let key = KEYS.get(&programs::hash(&circuit.key_id)?, || VerifyingKey::decode(&circuit.key)).map_err(Error::Key)?;
    for (number, verdict) in key.verify_all(&claims).into_iter().enumerate() {
        verdict.map_err(|found| fault(number, found))?;
    }
    Ok(())
}

/// Whether a proof of a statement holds. An error where the gas does not suffice.
pub(crate) fn holds(ctx: &Ctx, circuit: &Circuit, statement: &Statement, proof: &[u8]) -> Result<bool> {
    ctx.gas().consume_at(gas::key(1).saturating_add(gas::statement(statement.runs.len())), "proof")?;
    let Ok(input) = statement.input() else { return Ok(false) };
    let key = KEYS.get(&programs::hash(&circuit.key_id)?, || VerifyingKey::decode(&circuit.key)).map_err(Error::Key)?;
    Ok(key.verify(&Claim { inputs: vec![input], proof }).is_ok())
}
