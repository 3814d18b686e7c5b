//! What an auditor seals and opens.
use std::collections::BTreeMap;

use cairn_kernel::{Address, Ctx, Result, chain32, tag};
use cairn_program::{Hash, MAX_WITNESS_BYTES, MAX_WITNESS_ENTRIES, Operand, Program as Checked, TreeKind, hash, open_chunk, record, walk};
use cairn_proto::cairn::compute::v1::{Audit, AuditState, EventAuditOpened, Job, JobState, MsgCommitAudit, MsgRevealAudit};
use sha2::{Digest, Sha256};

use super::{load, save};
use crate::{Error, jobs, programs, state::AUDITS};

/// What seals a root: SHA-256 of `tag("cairn.audit.v1") | SHA-256(chain id) | u64 job | u32 0 | u8 length of the address | address | root | salt`.
#[must_use]
pub fn commitment(chain_id: &str, job: u64, auditor: &Address, root: &[u8; 32], salt: &[u8; 32]) -> [u8; 32] {
    let address = auditor.as_bytes();
    let length = u8::try_from(address.len()).unwrap_or(u8::MAX); // at most 32 by construction
    let hash = Sha256::new().chain_update(tag("cairn.audit.v1")).chain_update(chain32(chain_id)).chain_update(job.to_be_bytes());
    let hash = hash.chain_update(0_u32.to_be_bytes()).chain_update([length]).chain_update(address);
    hash.chain_update(root).chain_update(salt).finalize().into()
}

/// The audit of a job, where it is in a state, up to its last height, and the sender's.
fn own(ctx: &Ctx, job: u64, account: &Address, state: AuditState) -> Result<Audit> {
    let audit = load(ctx, job)?;
    let account = account.to_string();
    if audit.auditor != account {
        return Err(Error::NotYours { job, account }.into());
    }
    let in_time = audit.state() == state && ctx.block().height <= audit.until;
    if in_time { Ok(audit) } else { Err(Error::State(job).into()) }
}

/// Seals a root.
pub(crate) fn commit(ctx: &mut Ctx, auditor: &Address, m: MsgCommitAudit) -> Result<()> {
    programs::hash(&m.commitment)?;
    let mut audit = own(ctx, m.job_id, auditor, AuditState::Commit)?;
    if !audit.commitment.is_empty() {
        return Err(Error::State(m.job_id).into());
    }
    audit.commitment = m.commitment;
    AUDITS.set(ctx, &m.job_id, &audit)
}

/// Opens a root and the drawn chunk below it. Gives the case where the root differs from the result's; 0 where it does not.
pub(crate) fn reveal(ctx: &mut Ctx, auditor: &Address, m: &MsgRevealAudit) -> Result<u64> {
    let mut audit = own(ctx, m.job_id, auditor, AuditState::Open)?;
    let (root, salt) = (programs::hash(&m.root)?, programs::hash(&m.salt)?);
    let bytes = m.preimages.iter().fold(256_usize, |sum, preimage| sum.saturating_add(preimage.len()));
    if bytes > MAX_WITNESS_BYTES || m.preimages.len() > MAX_WITNESS_ENTRIES {
        return Err(Error::Spot.into());
    }
    ctx.gas().hash(bytes)?;
    if commitment(&ctx.block().chain_id, m.job_id, auditor, &root, &salt).as_slice() != audit.commitment {
        return Err(Error::Spot.into());
    }
    let job = jobs::load(ctx, m.job_id)?;
    let program = programs::load(ctx, &job.program_id)?;
    ctx.gas().consume_at(u64::try_from(program.graph.len()).map_err(|_| Error::Overflow)?, "program")?;
    let program = Checked::decode(&program.graph).map_err(Error::Graph)?;
    opens(&program, &job, &audit, &root, &m.preimages).ok_or(Error::Spot)?;

    let agrees = job.trace_root == m.root;
    let case = if agrees { 0 } else { contest(ctx, auditor, &job, &m.root)? };
    audit.root = m.root.clone();
    audit.set_state(AuditState::Opened);
    save(ctx, &mut audit, 0)?;
    ctx.emit(&EventAuditOpened { job_id: job.id, auditor: audit.auditor, root: audit.root, agrees });
    Ok(case)
}

/// Stands behind another root. A case that takes no more claims or backers goes on without the auditor.
fn contest(ctx: &mut Ctx, auditor: &Address, job: &Job, root: &[u8]) -> Result<u64> {
    if job.state() == JobState::Window {
        return jobs::challenge(ctx, auditor, job.id, root);
    }
    Ok(ctx.atomic(|ctx| jobs::challenge(ctx, auditor, job.id, root)).unwrap_or(job.case_id))
}

/// Whether the preimages lead from the root to the bytes of the drawn chunk: who has only the result's roots does not have them.
fn opens(program: &Checked, job: &Job, audit: &Audit, root: &Hash, preimages: &[Vec<u8>]) -> Option<()> {
    let opened: BTreeMap<Hash, &[u8]> = preimages.iter().map(|bytes| (hash(bytes), bytes.as_slice())).collect();
    let of_run = walk(TreeKind::Runs, root, job.runs, audit.run, &opened)?;
    let nodes_root = record(opened.get(&of_run)?, &of_run)?.nodes_root;
    let tensor = walk(TreeKind::Nodes, &nodes_root, program.nodes(), audit.node, &opened)?;
    let chunk = walk(TreeKind::Tensor, &tensor, program.chunks(Operand::Node(audit.node)), audit.chunk, &opened)?;
    open_chunk(opened.get(&chunk)?).map(|_| ())
}
