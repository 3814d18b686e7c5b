//! The life of a job up to its result.
use cairn_bank as bank;
use cairn_dispute as dispute;
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_program::{Claim, MAX_RUNS, MAX_SPOTS};
use cairn_proto::cairn::compute::v1::{
    EventJobAccepted, EventJobPosted, EventResultSubmitted, Job, JobState, MsgPostJob, MsgSubmitResult, MsgSubmitResultResponse, Program,
    Trust, Verification,
};

use crate::{
    ACCOUNT, Error, auction, audit, circuits, enclaves, programs, proofs,
    providers::{self, coin},
    redundant, referee,
    rules::{self, MAX_BLOCKS, MAX_OUTPUTS},
    seals,
    state::{BY_STATE, DUE, JOB_IDS, JOBS},
};

/// Orders a program. Gives the job's number.
pub(crate) fn post(ctx: &mut Ctx, requester: &Address, m: MsgPostJob) -> Result<u64> {
    let program = programs::load(ctx, &m.program_id)?;
    programs::hash(&m.input_root)?;
    programs::check_uri(&m.uri)?;
    let price = rules::base_amount(m.price.as_ref())?;
    let spots = u64::from(m.runs).saturating_mul(program.nodes.into());
    if m.runs == 0 || m.runs > MAX_RUNS || spots > MAX_SPOTS {
        return Err(Error::Runs(m.runs).into());
    }
    for blocks in [m.accept_blocks, m.run_blocks] {
        if !(1..=MAX_BLOCKS).contains(&blocks) {
            return Err(Error::Blocks(blocks).into());
        }
    }
    redundant::check(m.redundancy, m.class_id)?;
    if m.class_id > 0 {
        auction::takes_jobs(ctx, m.class_id)?;
    }
    let (verification, trust) = pin(ctx, &program, &m)?;
    auctioned(m.class_id, verification, &program)?;
    bank::send(ctx, requester, &ACCOUNT.address(), &[Coin::base(price)])?;

    let id = JOB_IDS.next(ctx)?;
    let mut job = Job {
        id,
        requester: requester.to_string(),
        program_id: m.program_id,
        input_root: m.input_root,
        runs: m.runs,
        uri: m.uri,
        price: Some(coin(price)),
        accept_blocks: m.accept_blocks,
        run_blocks: m.run_blocks,
        locked: Some(coin(0)),
        params: Some(rules::params(ctx)?),
        class_id: m.class_id,
        redundancy: m.redundancy,
        surplus: Some(coin(0)),
        verification: verification.into(),
        keys: m.keys,
        trust: trust.into(),
        ..Job::default()
    };
    if job.class_id > 0 {
        job.set_state(JobState::Auction);
        let due = after(ctx, job.accept_blocks)?;
        save(ctx, &mut job, due)?;
    } else {
        reopen(ctx, &mut job)?;
    }
    ctx.emit(&EventJobPosted {
        job_id: id,
        requester: job.requester,
        program_id: job.program_id,
        price: job.price,
        verification: job.verification,
        trust: job.trust,
    });
    Ok(id)
}

/// An ask does not tell what it wins, and few providers have a key for proofs, an enclave, or another's private weights: auctions take what every provider can do.
pub(crate) fn auctioned(class_id: u64, verification: Verification, program: &Program) -> Result<(), Error> {
    let anybodys = verification == Verification::Refereed && program.seals.is_empty();
    if class_id == 0 || anybodys { Ok(()) } else { Err(Error::Auctioned) }
}

/// How a new job is verified, and what trust the keys take that it pins.
fn pin(ctx: &Ctx, program: &Program, m: &MsgPostJob) -> Result<(Verification, Trust)> {
    let counted = |needed| if m.keys.len() == needed { Ok(()) } else { Err(Error::Keys { needed, found: m.keys.len() }) };
    let sealed = program.seals.iter().map(|seal| circuits::load(ctx, &(circuits::ANY_PROGRAM, programs::hash(&seal.key_id)?)));
    let sealed = sealed.map(|circuit| Ok(circuit?.trust())).collect::<Result<Vec<_>>>()?;
    let asked = Verification::try_from(m.verification).map_err(|_| Error::Verification)?;
    if (m.redundancy > 0) != matches!(asked, Verification::Redundant) && !(m.redundancy > 0 && asked == Verification::Unspecified) {
        return Err(Error::Verification.into());
    }
    let (verification, trust) = match asked {
        _ if m.redundancy > 0 => {
            counted(0)?;
            return Ok((Verification::Redundant, Trust::Majority));
        }
        Verification::Unspecified | Verification::Refereed => {
            counted(program.seals.len())?;
            let used = program.seals.iter().zip(&m.keys).map(|(seal, id)| Ok(seals::key(ctx, seal, id)?.trust()));
            (Verification::Refereed, used.collect::<Result<Vec<_>>>()?.into_iter().fold(Trust::Referee, circuits::weaker))
        }
        Verification::Groth16 => {
            let id = m.keys.first().filter(|_| m.keys.len() == 1).ok_or(Error::Keys { needed: 1, found: m.keys.len() })?;
            let checked = programs::checked(ctx, program)?;
            (Verification::Groth16, proofs::key(ctx, program, &checked, id, m.runs)?.trust())
        }
        Verification::Tee => {
            let id = m.keys.first().filter(|_| m.keys.len() == 1).ok_or(Error::Keys { needed: 1, found: m.keys.len() })?;
            (Verification::Tee, enclaves::pin(ctx, program, id)?)
        }
        Verification::Redundant => return Err(Error::Verification.into()),
    };
    Ok((verification, sealed.into_iter().fold(trust, circuits::weaker)))
}

/// Lets a job wait for a provider.
pub(crate) fn reopen(ctx: &mut Ctx, job: &mut Job) -> Result<()> {
    job.set_state(JobState::Open);
    (job.provider, job.locked) = (String::new(), Some(coin(0)));
    let due = after(ctx, job.accept_blocks)?;
    save(ctx, job, due)
}

/// Takes a job on. Gives the last height of its result.
pub(crate) fn accept(ctx: &mut Ctx, provider: &Address, id: u64) -> Result<u64> {
    let mut job = in_state(ctx, id, JobState::Open)?;
    if job.redundancy > 0 {
        return redundant::join(ctx, job, provider);
    }
    let account = provider.to_string();
    if job.failed.contains(&account) {
        return Err(Error::FailedBefore { job: id, account }.into());
    }
    let multiple = rules::bond_multiple(&job)?;
    let needed = price(&job)?.checked_mul(multiple.into()).ok_or(Error::Overflow)?;
    providers::lock(ctx, provider, needed)?;
    job.set_state(JobState::Running);
    (job.provider, job.locked) = (account, Some(coin(needed)));
    let due = after(ctx, job.run_blocks)?;
    save(ctx, &mut job, due)?;
    ctx.emit(&EventJobAccepted { job_id: id, provider: job.provider, due });
    Ok(due)
}

/// Delivers a result. Gives the root of its trace and the last height at which it may be contested; 0 where it was
/// paid at once.
pub(crate) fn submit(ctx: &mut Ctx, provider: &Address, m: MsgSubmitResult) -> Result<MsgSubmitResultResponse> {
    let redundant = load(ctx, m.job_id)?.redundancy > 0;
    let job = in_state(ctx, m.job_id, if redundant { JobState::Deliver } else { JobState::Running })?;
    let account = provider.to_string();
    let owes = if redundant { redundant::delivers(&job, provider)? } else { job.provider == account };
    if !owes {
        return Err(Error::NotYours { job: job.id, account }.into());
    }
    let bytes = m.outputs.iter().fold(0_usize, |sum, output| sum.saturating_add(output.len()));
    if bytes > MAX_OUTPUTS {
        return Err(Error::Result.into());
    }
    if job.verification() == Verification::Tee {
        enclaves::submit(ctx, job, provider, m)?;
        return Ok(MsgSubmitResultResponse::default());
    }
    if !(m.quote.is_empty() && m.collateral.is_empty()) {
        return Err(Error::Result.into());
    }
    if job.verification() == Verification::Groth16 {
        proofs::submit(ctx, job, provider, m)?;
        return Ok(MsgSubmitResultResponse::default());
    }
    commit(ctx, job, provider, m, bytes)
}

/// Takes the roots of a result: one that most providers agreed on is paid, another one may be contested from now on.
fn commit(ctx: &mut Ctx, mut job: Job, provider: &Address, m: MsgSubmitResult, bytes: usize) -> Result<MsgSubmitResultResponse> {
    let proven = !(m.inputs.is_empty() && m.proofs.is_empty());
    if proven || Ok(m.nodes_roots.len()) != usize::try_from(job.runs) {
        return Err(Error::Result.into());
    }
    let program = programs::load(ctx, &job.program_id)?;
    let hashed = bytes.saturating_add(m.nodes_roots.len().saturating_mul(128));
    ctx.gas().hash(hashed)?;
    let checked = programs::checked(ctx, &program)?;
    let nodes_roots = m.nodes_roots.iter().map(|root| programs::hash(root)).collect::<Result<_, _>>()?;
    let claim = Claim { nodes_roots, outputs: m.outputs };
    let root = claim.trace_root(&checked).ok_or(Error::Result)?;
    if job.redundancy > 0 {
        if job.trace_root != root {
            return Err(Error::Result.into());
        }
        job.outputs = claim.outputs;
        redundant::pay(ctx, job, provider)?;
        return Ok(MsgSubmitResultResponse { trace_root: root.to_vec(), contest_until: 0 });
    }

    job.set_state(JobState::Window);
    (job.trace_root, job.outputs) = (root.to_vec(), claim.outputs);
    let until = after(ctx, rules::of_job(&job)?.window_blocks)?;
    save(ctx, &mut job, until)?;
    audit::ask(ctx, &job, &checked)?;
    ctx.emit(&EventResultSubmitted {
        job_id: job.id,
        provider: job.provider,
        trace_root: root.to_vec(),
        contest_until: until,
        trust: job.trust,
    });
    Ok(MsgSubmitResultResponse { trace_root: root.to_vec(), contest_until: until })
}

/// Stands behind a trace of a delivered result. Gives the case.
pub(crate) fn challenge(ctx: &mut Ctx, challenger: &Address, id: u64, root: &[u8]) -> Result<u64> {
    let root = programs::hash(root)?;
    let mut job = load(ctx, id)?;
    // The window's last block has ended only when the job is closed: a job that waits in the queue is late all the same.
    let open = match job.state() {
        JobState::Window => ctx.block().height <= job.due,
        JobState::Contested => true,
        _ => false,
    };
    if !open {
        return Err(Error::State(id).into());
    }
    let program = programs::load(ctx, &job.program_id)?;
    let base_bond = rules::challenge_bond(rules::of_job(&job)?, price(&job)?, program.macs, job.runs)?;
    let terms = dispute::Terms {
        subject: referee::subject(id),
        committed: programs::hash(&job.trace_root)?,
        provider: Address::parse(&job.provider)?,
        weights_root: programs::hash(&program.weights_root)?,
        input_root: programs::hash(&job.input_root)?,
        runs: job.runs,
        window_end: job.due,
        base_bond,
    };
    let case = dispute::challenge(ctx, &terms, root, challenger)?;
    if job.state() == JobState::Window {
        job.set_state(JobState::Contested);
        job.case_id = case;
        // Dispute tells the end itself; the module looks for it here where that failed.
        let latest = job.due.checked_add(dispute::longest_contest(ctx)?).and_then(|due| due.checked_add(1)).ok_or(Error::Overflow)?;
        save(ctx, &mut job, latest)?;
    }
    Ok(case)
}

/// The job of a number.
pub(crate) fn load(ctx: &Ctx, id: u64) -> Result<Job> {
    Ok(JOBS.get(ctx, &id)?.ok_or(Error::NoJob(id))?)
}

/// The job of a number where it is in a state, and, where that has a last height, not past it.
pub(crate) fn in_state(ctx: &Ctx, id: u64, state: JobState) -> Result<Job> {
    let job = load(ctx, id)?;
    let late = job.due > 0 && ctx.block().height > job.due;
    if job.state() == state && !late { Ok(job) } else { Err(Error::State(id).into()) }
}

/// What a job's result is paid.
pub(crate) fn price(job: &Job) -> Result<u128> {
    Ok(Coin::try_from(job.price.as_ref().ok_or(Error::Broken("a job without a price"))?)?.amount)
}

/// What a job pays above its price.
pub(crate) fn surplus(job: &Job) -> Result<u128> {
    Ok(Coin::try_from(job.surplus.as_ref().ok_or(Error::Broken("a job without a surplus"))?)?.amount)
}

/// What a job has locked of its provider's bond.
pub(crate) fn locked(job: &Job) -> Result<u128> {
    Ok(Coin::try_from(job.locked.as_ref().ok_or(Error::Broken("a job without a lock"))?)?.amount)
}

/// Writes a job with its place among the states and in the queue.
pub(crate) fn save(ctx: &mut Ctx, job: &mut Job, due: u64) -> Result<()> {
    if let Some(before) = JOBS.get(ctx, &job.id)? {
        BY_STATE.remove(ctx, &(state_key(before.state()), job.id))?;
        if before.due > 0 {
            DUE.remove(ctx, &(before.due, job.id))?;
        }
    }
    job.due = due;
    BY_STATE.insert(ctx, &(state_key(job.state()), job.id))?;
    if due > 0 {
        DUE.insert(ctx, &(due, job.id))?;
    }
    JOBS.set(ctx, &job.id, job)
}

/// A state as a key.
pub(crate) fn state_key(state: JobState) -> u32 {
    i32::from(state).unsigned_abs()
}

/// The height that lies `blocks` after this one.
pub(crate) fn after(ctx: &Ctx, blocks: u64) -> Result<u64> {
    Ok(ctx.block().height.checked_add(blocks).ok_or(Error::Overflow)?)
}
