//! Code in enclaves whose word about results is taken: who may register which, and results that come with a quote.
use cairn_auth as auth;
use cairn_kernel::{Address, Ctx, Result, chain32, tag};
use cairn_proto::cairn::compute::v1::{
    Enclave, EnclaveKind, EventEnclaveRegistered, EventEnclaveRetired, Job, MsgRegisterEnclave, MsgRetireEnclave, MsgSubmitResult, Params,
    Program, Trust,
};
use sha2::{Digest, Sha256};

use crate::{
    Error,
    circuits::{ANY_PROGRAM, place},
    programs,
    quotes::{self, Expected},
    rules, settle,
    state::ENCLAVES,
};

/// Bytes of what code is known by.
const SGX_BYTES: usize = 32;
const TDX_BYTES: usize = 240;

/// Registers code. Gives its name.
pub(crate) fn register(ctx: &mut Ctx, m: MsgRegisterEnclave) -> Result<[u8; 32]> {
    let registrar = Address::parse(&m.registrar)?;
    let mut enclave = Enclave {
        enclave_id: Vec::new(),
        program_id: m.program_id,
        kind: m.kind,
        measurement: m.measurement,
        registrar: registrar.to_string(),
        retired: false,
    };
    let id = check(&enclave)?;
    let program = place(&enclave.program_id)?;
    if program != ANY_PROGRAM {
        may_register(&enclave.registrar, &programs::load(ctx, &program)?)?;
    } else if registrar != auth::authority() {
        return Err(Error::NotProgramOwner(enclave.registrar).into());
    }
    if ENCLAVES.has(ctx, &(program, id))? {
        return Err(Error::EnclaveRegistered(hex::encode(id)).into());
    }
    enclave.enclave_id = id.to_vec();
    ENCLAVES.set(ctx, &(program, id), &enclave)?;
    ctx.emit(&EventEnclaveRegistered {
        enclave_id: enclave.enclave_id,
        program_id: enclave.program_id,
        kind: enclave.kind,
        registrar: enclave.registrar,
    });
    Ok(id)
}

/// Code for a program is registered by its owner or governance.
pub(crate) fn may_register(registrar: &str, program: &Program) -> Result<(), Error> {
    let may = program.owner == registrar || registrar == auth::authority().to_string();
    if may { Ok(()) } else { Err(Error::NotProgramOwner(registrar.to_owned())) }
}

/// Lets no new job name an enclave's code.
pub(crate) fn retire(ctx: &mut Ctx, m: &MsgRetireEnclave) -> Result<()> {
    let sender = Address::parse(&m.registrar)?;
    let key = (place(&m.program_id)?, programs::hash(&m.enclave_id)?);
    let mut enclave = load(ctx, &key)?;
    if sender != auth::authority() && enclave.registrar != sender.to_string() {
        return Err(Error::NotRegistrar(sender.to_string()).into());
    }
    if enclave.retired {
        return Err(Error::Retired(hex::encode(key.1)).into());
    }
    enclave.retired = true;
    ENCLAVES.set(ctx, &key, &enclave)?;
    ctx.emit(&EventEnclaveRetired { enclave_id: enclave.enclave_id, program_id: enclave.program_id });
    Ok(())
}

/// The name of an enclave's code: SHA-256 of "cairn.measure.v1", kind (1 byte) and measurement. Refused where the measurement is not one of its kind.
pub(crate) fn check(enclave: &Enclave) -> Result<[u8; 32], Error> {
    let (kind, bytes) = match enclave.kind() {
        EnclaveKind::Sgx => (1_u8, SGX_BYTES),
        EnclaveKind::Tdx => (2, TDX_BYTES),
        EnclaveKind::Unspecified => (0, 0),
    };
    if bytes == 0 || enclave.measurement.len() != bytes {
        return Err(Error::Measurement(enclave.measurement.len()));
    }
    Ok(Sha256::new().chain_update(tag("cairn.measure.v1")).chain_update([kind]).chain_update(&enclave.measurement).finalize().into())
}

/// The enclave of a name, retired or not.
pub(crate) fn load(ctx: &Ctx, key: &([u8; 32], [u8; 32])) -> Result<Enclave> {
    Ok(ENCLAVES.get(ctx, key)?.ok_or_else(|| Error::NoEnclave(hex::encode(key.1)))?)
}

/// The enclave that a job of a program names: one of the program's, or one of governance's for all.
pub(crate) fn of_job(ctx: &Ctx, program: &[u8], id: &[u8]) -> Result<Enclave> {
    let id = programs::hash(id)?;
    match ENCLAVES.get(ctx, &(programs::hash(program)?, id))? {
        Some(own) => Ok(own),
        None => load(ctx, &(ANY_PROGRAM, id)),
    }
}

/// What trust a new job takes that names an enclave; refused where that serves no new jobs.
pub(crate) fn pin(ctx: &Ctx, program: &Program, id: &[u8]) -> Result<Trust> {
    if of_job(ctx, &program.id, id)?.retired {
        return Err(Error::Retired(hex::encode(id)).into());
    }
    Ok(trust(&rules::params(ctx)?))
}

/// Whom one has to trust: where quotes lead up to another root than the hardware's maker, nobody.
pub(crate) fn trust(params: &Params) -> Trust {
    if params.enclave_root.is_empty() { Trust::Enclave } else { Trust::TestKey }
}

/// Takes a result that an enclave attests, and pays it.
pub(crate) fn submit(ctx: &mut Ctx, job: Job, provider: &Address, m: MsgSubmitResult) -> Result<()> {
    let program = programs::load(ctx, &job.program_id)?;
    let checked = programs::checked(ctx, &program)?;
    let output = checked.output_shape().ok_or(Error::Broken("a program without an output"))?;
    let elements = usize::try_from(output.elements().map_err(Error::Graph)?).map_err(|_| Error::Overflow)?;
    let bytes = elements.checked_mul(output.kind.bytes());
    let counted = Ok(m.outputs.len()) == usize::try_from(job.runs) && m.outputs.iter().all(|output| Some(output.len()) == bytes);
    if !(counted && m.nodes_roots.is_empty() && m.inputs.is_empty() && m.proofs.is_empty()) {
        return Err(Error::Result.into());
    }
    let id = job.keys.first().ok_or(Error::Broken("an attested job without an enclave"))?;
    let enclave = of_job(ctx, &job.program_id, id)?;
    ctx.gas().hash(m.outputs.iter().fold(0_usize, |sum, output| sum.saturating_add(output.len())))?;
    ctx.gas().hash(m.quote.len().saturating_add(m.collateral.len()))?;
    ctx.gas().consume_at(quotes::GAS, "quote")?;
    let expected = Expected {
        kind: enclave.kind(),
        measurement: &enclave.measurement,
        digest: digest(&ctx.block().chain_id, &job, provider, &m.outputs)?,
    };
    quotes::check(&rules::params(ctx)?, ctx.block().time, &m.quote, &m.collateral, &expected).map_err(Error::Quote)?;
    settle::pay_at_once(ctx, job, m.outputs)
}

/// What the enclave has to sign: SHA-256 of "cairn.enclave.v1", SHA-256 of the chain's id, job (u64), length of the provider's address (1 byte), the address,
/// program, inputs' root, runs (u32), and each output behind its length (u32). Integers are big endian.
///
/// # Errors
/// [`Error::Overflow`], [`Error::Hash`].
pub fn digest(chain_id: &str, job: &Job, provider: &Address, outputs: &[Vec<u8>]) -> Result<[u8; 32], Error> {
    let short = |length: usize| u32::try_from(length).map(u32::to_be_bytes).map_err(|_| Error::Overflow);
    let mut hash = Sha256::new().chain_update(tag("cairn.enclave.v1")).chain_update(chain32(chain_id)).chain_update(job.id.to_be_bytes());
    hash.update([u8::try_from(provider.as_bytes().len()).map_err(|_| Error::Overflow)?]);
    hash.update(provider.as_bytes());
    hash.update(programs::hash(&job.program_id)?);
    hash.update(programs::hash(&job.input_root)?);
    hash.update(job.runs.to_be_bytes());
    for output in outputs {
        hash.update(short(output.len())?);
        hash.update(output);
    }
    Ok(hash.finalize().into())
}
