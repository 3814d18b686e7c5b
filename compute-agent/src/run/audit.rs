//! Audits: where the agent is drawn, it runs the program again, seals its root, and opens the drawn chunk below it. A root that differs from the result's
//! contests it in the same message.
use cairn_compute::audit_commitment;
use cairn_program::Spot;
use cairn_proto::{
    cairn::compute::v1::{Audit, AuditState, MsgCommitAudit, MsgRevealAudit},
    pack,
};

use super::{
    agent::{Agent, Tried},
    journal::Entry,
    world::{World, WorldError},
};

impl<W: World> Agent<W> {
    /// Audits that the agent was drawn for and that are not over.
    pub(super) fn audits(&mut self) -> Result<Vec<Audit>, WorldError> {
        let me = self.world.account();
        Ok(self.world.audits()?.into_iter().filter(|audit| audit.auditor == me).collect())
    }

    /// Does what the agent owes in an audit.
    pub(super) fn audit(&mut self, audit: &Audit, height: u64) -> Tried {
        let seals = audit.state() == AuditState::Commit && audit.commitment.is_empty();
        let opens = audit.state() == AuditState::Open;
        if !(seals || opens) || height >= audit.until {
            return Ok(());
        }
        let job = self.world.job(audit.job_id)?;
        let Some(solved) = self.solved(&job)? else { return Ok(()) };
        let (auditor, job_id, root) = (self.world.account(), job.id, solved.trace.root());
        let (chain, salt) = (self.world.chain_id(), self.salt(&format!("audit of job {job_id}"))?);
        let commitment = audit_commitment(&chain, job_id, &self.address()?, &root, &salt).to_vec();
        if seals {
            self.journal.write_or_remember(Entry::Sealing { job: job_id, root: hex::encode(root) });
            self.world.send(pack(&MsgCommitAudit { auditor, job_id, commitment }))?;
            tracing::info!(job = job_id, "audit sealed");
            return Ok(());
        }
        if commitment != audit.commitment {
            tracing::warn!(job = job_id, "another root was sealed for the audit than the program gives now: nothing opens it");
            return Ok(());
        }
        let spot = Spot { run: audit.run, node: audit.node, chunk: audit.chunk };
        let Some(witness) = solved.trace.open_spot(solved.order.model.program(), spot) else {
            return Err(WorldError::Away(format!("the trace has no chunk {} of node {} in run {}", spot.chunk, spot.node, spot.run)));
        };
        let agrees = root.as_slice() == job.trace_root;
        let (root, salt) = (root.to_vec(), salt.to_vec());
        self.world.send(pack(&MsgRevealAudit { auditor, job_id, root, salt, preimages: witness.preimages }))?;
        tracing::info!(job = job_id, agrees, "audit opened");
        Ok(())
    }
}
