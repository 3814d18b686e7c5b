//! The module's part of the genesis file. Indexes and queues follow from it.
use std::ops::RangeInclusive;

use cairn_auth as auth;
use cairn_kernel::{Address, Ctx, Result};
use cairn_program::Program as Checked;
use cairn_proto::cairn::compute::v1::{Circuit, Enclave, Genesis, Job, JobState, Member, Program, Provider, Trust, Verification};

use crate::{
    Error, auction, audit, circuits, enclaves, jobs, programs, providers, redundant, rules, seals,
    state::{CIRCUITS, ENCLAVES, JOB_IDS, JOBS, LEAVING, NUMBERED, PARAMS, PROGRAMS, PROVIDER_IDS, PROVIDERS},
};

fn wrong(fault: String) -> cairn_kernel::Error {
    Error::Genesis(fault).into()
}

/// Fills an empty store; the invariants tell whether it agrees with bank and dispute.
pub(crate) fn init(ctx: &mut Ctx, genesis: Genesis) -> Result<()> {
    if let Some(params) = &genesis.params {
        rules::check_params(params)?;
        PARAMS.set(ctx, params)?;
    }
    genesis.circuits.iter().try_for_each(|circuit| init_circuit(ctx, circuit))?;
    genesis.enclaves.iter().try_for_each(|enclave| init_enclave(ctx, enclave))?;
    genesis.programs.iter().try_for_each(|program| init_program(ctx, program))?;
    let bound =
        genesis.circuits.iter().map(|circuit| &circuit.program_id).chain(genesis.enclaves.iter().map(|enclave| &enclave.program_id));
    for program in bound.filter(|program| !program.is_empty()) {
        programs::load(ctx, program)?;
    }
    for enclave in genesis.enclaves.iter().filter(|enclave| !enclave.program_id.is_empty()) {
        enclaves::may_register(&enclave.registrar, &programs::load(ctx, &enclave.program_id)?)?;
    }
    let numbers = 1..=u64::try_from(genesis.providers.len()).map_err(|_| Error::Overflow)?;
    genesis.providers.iter().try_for_each(|provider| init_provider(ctx, provider, &numbers))?;
    auction::init(ctx, &genesis)?;
    PROVIDER_IDS.set(ctx, *numbers.end())?;
    genesis.jobs.iter().cloned().try_for_each(|job| init_job(ctx, job))?;
    audit::init(ctx, &genesis)
}

/// Whoever may register one for all programs is governance alone.
fn init_enclave(ctx: &mut Ctx, enclave: &Enclave) -> Result<()> {
    let key = (circuits::place(&enclave.program_id)?, enclaves::check(enclave)?);
    let registrar = Address::parse(&enclave.registrar)?;
    let may = key.0 != circuits::ANY_PROGRAM || registrar == auth::authority();
    if enclave.enclave_id != key.1 || !may || ENCLAVES.has(ctx, &key)? {
        return Err(wrong(format!(
            "enclave {} is named wrongly, stands twice, or is not its registrar's",
            hex::encode(&enclave.enclave_id)
        )));
    }
    ENCLAVES.set(ctx, &key, enclave)
}

/// Of a circuit everything is checked again: a chain that takes no test keys does not start with one.
fn init_circuit(ctx: &mut Ctx, circuit: &Circuit) -> Result<()> {
    let record = circuits::check(circuit)?;
    let governs = Address::parse(&circuit.registrar)? == auth::authority();
    circuits::may_be_taken(&rules::params(ctx)?, governs, &record.provenance)?;
    let key = (circuits::place(&circuit.program_id)?, record.id());
    if circuit.key_id != key.1 || circuit.trust() != circuits::trust(&record.provenance) || CIRCUITS.has(ctx, &key)? {
        return Err(wrong(format!("key {} is there twice, or is another one", hex::encode(key.1))));
    }
    CIRCUITS.set(ctx, &key, circuit)
}

fn init_program(ctx: &mut Ctx, program: &Program) -> Result<()> {
    let id = programs::hash(&program.id)?;
    let checked = Checked::decode(&program.graph).map_err(Error::Graph)?;
    let known = (checked.id(&programs::hash(&program.weights_root)?), checked.macs(), checked.nodes());
    Address::parse(&program.owner)?;
    if known != (id, program.macs, program.nodes) || PROGRAMS.has(ctx, &id)? {
        return Err(wrong(format!("program {} is there twice, or is another one", hex::encode(id))));
    }
    seals::check(&checked, &program.seals)?;
    for seal in &program.seals {
        circuits::load(ctx, &(circuits::ANY_PROGRAM, programs::hash(&seal.key_id)?))?;
    }
    PROGRAMS.set(ctx, &id, program)
}

fn init_provider(ctx: &mut Ctx, provider: &Provider, numbers: &RangeInclusive<u64>) -> Result<()> {
    let account = Address::parse(&provider.account)?;
    providers::bonded(provider)?;
    providers::locked(provider)?;
    let known = PROVIDERS.has(ctx, &account)? || NUMBERED.has(ctx, &provider.number)?;
    if known || !numbers.contains(&provider.number) {
        return Err(wrong(format!("provider {account} or its number is there twice, or numbers have gaps")));
    }
    NUMBERED.set(ctx, &provider.number, &provider.account)?;
    PROVIDERS.set(ctx, &account, provider)?;
    if provider.leaves > 0 { LEAVING.insert(ctx, &(provider.leaves, account)) } else { Ok(()) }
}

fn init_job(ctx: &mut Ctx, mut job: Job) -> Result<()> {
    let expected = JOB_IDS.next(ctx)?;
    if job.id != expected {
        return Err(wrong(format!("job {} stands where {expected} is expected", job.id)));
    }
    rules::check_params(rules::of_job(&job)?)?;
    let program = programs::load(ctx, &job.program_id)?;
    init_keys(ctx, &job, &program)?;
    programs::hash(&job.input_root)?;
    Address::parse(&job.requester)?;
    jobs::price(&job)?;
    jobs::locked(&job)?;
    jobs::surplus(&job)?;
    redundant::check(job.redundancy, job.class_id)?;
    jobs::auctioned(job.class_id, job.verification(), &program)?;
    job.members.iter().try_for_each(init_member)?;
    if job.class_id > 0 {
        auction::class(ctx, job.class_id)?;
    }
    let waits = job.state() != JobState::Closed;
    if job.state() == JobState::Unspecified || waits != (job.due > 0) {
        return Err(wrong(format!("job {expected} stands nowhere, or has the wrong height")));
    }
    let due = job.due;
    jobs::save(ctx, &mut job, due)
}

fn init_member(member: &Member) -> Result<()> {
    Address::parse(&member.provider)?;
    for hash in [&member.commitment, &member.root].into_iter().filter(|hash| !hash.is_empty()) {
        programs::hash(hash)?;
    }
    Ok(())
}

/// The keys that a job pins are there, as many as its result is checked by.
fn init_keys(ctx: &Ctx, job: &Job, program: &Program) -> Result<()> {
    let (needed, place) = match job.verification() {
        Verification::Groth16 if program.seals.is_empty() => (1, programs::hash(&program.id)?),
        Verification::Groth16 => (1, circuits::ANY_PROGRAM),
        Verification::Tee => (1, circuits::ANY_PROGRAM),
        Verification::Redundant => (0, circuits::ANY_PROGRAM),
        _ => (program.seals.len(), circuits::ANY_PROGRAM),
    };
    let redundant = job.verification() == Verification::Redundant;
    if job.verification() == Verification::Unspecified || job.keys.len() != needed || redundant != (job.redundancy > 0) {
        return Err(wrong(format!("job {} is not verified, or by another number of keys", job.id)));
    }
    let sealed = program.seals.iter().map(|seal| Ok((circuits::ANY_PROGRAM, programs::hash(&seal.key_id)?)));
    let trust = match job.verification() {
        Verification::Redundant => Trust::Majority,
        Verification::Tee => {
            job.keys.iter().try_for_each(|id| enclaves::of_job(ctx, &program.id, id).map(drop))?;
            weakest(ctx, enclaves::trust(rules::of_job(job)?), sealed)?
        }
        _ => weakest(ctx, Trust::Referee, job.keys.iter().map(|id| Ok((place, programs::hash(id)?))).chain(sealed))?,
    };
    if job.trust() != trust {
        return Err(wrong(format!("job {} takes other trust than it says", job.id)));
    }
    Ok(())
}

/// The weakest of a trust and that of keys.
fn weakest(ctx: &Ctx, of: Trust, mut keys: impl Iterator<Item = Result<([u8; 32], [u8; 32])>>) -> Result<Trust> {
    keys.try_fold(of, |trust, key| Ok(circuits::weaker(trust, circuits::load(ctx, &key?)?.trust())))
}

/// The inverse of [`init`].
pub(crate) fn export(ctx: &Ctx) -> Result<Genesis> {
    let mut genesis = Genesis {
        params: Some(rules::params(ctx)?),
        circuits: CIRCUITS.range(ctx, &[]).map(|entry| entry.map(|(_, circuit)| circuit)).collect::<Result<_>>()?,
        enclaves: ENCLAVES.range(ctx, &[]).map(|entry| entry.map(|(_, enclave)| enclave)).collect::<Result<_>>()?,
        programs: PROGRAMS.range(ctx, &[]).map(|entry| entry.map(|(_, program)| program)).collect::<Result<_>>()?,
        providers: PROVIDERS.range(ctx, &[]).map(|entry| entry.map(|(_, provider)| provider)).collect::<Result<_>>()?,
        jobs: JOBS.range(ctx, &[]).map(|entry| entry.map(|(_, job)| job)).collect::<Result<_>>()?,
        ..Genesis::default()
    };
    auction::export(ctx, &mut genesis)?;
    audit::export(ctx, &mut genesis)?;
    Ok(genesis)
}
