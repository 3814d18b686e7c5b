//! Redundant jobs: the agent seals the root that it worked out, opens it, and delivers the outputs where most providers found the same.
use cairn_compute::result_commitment;
use cairn_proto::{
    cairn::compute::v1::{Job, JobState, Member, MsgCommitResult, MsgRevealResult, Verification},
    pack,
};

use super::{
    agent::{Agent, Tried, coin},
    journal::Entry,
    world::{World, WorldError},
};

/// Blocks that each of those who agree leaves to the one before it for delivering: one delivery is enough, and the others would be refused.
const TURN_BLOCKS: u64 = 2;

/// The agent's own part in a redundant job.
pub(super) fn own<'a>(job: &'a Job, account: &str) -> Option<&'a Member> {
    job.members.iter().find(|member| member.provider == account)
}

/// What taking an open redundant job locks of a bond; `None` of a job of another kind, or one that `account` has taken already.
pub(super) fn needed(job: &Job, account: &str) -> Option<u128> {
    let takes = job.redundancy > 0 && job.verification() == Verification::Redundant && own(job, account).is_none();
    let multiple = job.params.as_ref().filter(|_| takes)?.redundant_multiple;
    coin(job.price.as_ref()).checked_mul(multiple.into())
}

impl<W: World> Agent<W> {
    /// Redundant jobs that the agent has a part in and that all their providers have taken.
    pub(super) fn shared(&mut self) -> Result<Vec<Job>, WorldError> {
        let me = self.world.account();
        let mut shared = Vec::new();
        for state in [JobState::Commit, JobState::Reveal, JobState::Deliver] {
            shared.extend(self.world.jobs(state)?.into_iter().filter(|job| own(job, &me).is_some()));
        }
        Ok(shared)
    }

    /// Does what the agent owes in a redundant job.
    pub(super) fn share(&mut self, job: &Job, height: u64) -> Tried {
        let me = self.world.account();
        let Some(own) = own(job, &me).filter(|_| height < job.due) else { return Ok(()) };
        match job.state() {
            JobState::Commit if own.commitment.is_empty() => self.seal_result(job),
            JobState::Reveal if !own.commitment.is_empty() && own.root.is_empty() => self.open_result(job, own),
            JobState::Deliver if own.root == job.trace_root && is_turn(job, &me, height) => self.deliver(job, height),
            _ => Ok(()),
        }
    }

    fn seal_result(&mut self, job: &Job) -> Tried {
        let Some(solved) = self.solved(job)? else { return Ok(()) };
        let root = solved.trace.root();
        let (commitment, _) = self.sealed_result(job, &root)?;
        self.journal.write_or_remember(Entry::Sealing { job: job.id, root: hex::encode(root) });
        self.world.send(pack(&MsgCommitResult { provider: self.world.account(), job_id: job.id, commitment }))?;
        tracing::info!(job = job.id, "sealed");
        Ok(())
    }

    /// Opens the root that was sealed: the one that the journal knows, or else what the program gives again.
    fn open_result(&mut self, job: &Job, own: &Member) -> Tried {
        let known = self.journal.job(job.id).root.and_then(|root| <[u8; 32]>::try_from(hex::decode(root).ok()?).ok());
        let mut found = None;
        if let Some(root) = known {
            let (commitment, salt) = self.sealed_result(job, &root)?;
            found = (commitment == own.commitment).then_some((root, salt));
        }
        if found.is_none() {
            let Some(solved) = self.solved(job)? else { return Ok(()) };
            let root = solved.trace.root();
            let (commitment, salt) = self.sealed_result(job, &root)?;
            found = (commitment == own.commitment).then_some((root, salt));
        }
        let Some((root, salt)) = found else {
            tracing::warn!(
                job = job.id,
                "another root was sealed than the program gives now: it is not opened, which costs less than a wrong one"
            );
            return Ok(());
        };
        let (provider, root) = (self.world.account(), root.to_vec());
        self.world.send(pack(&MsgRevealResult { provider, job_id: job.id, root, salt: salt.to_vec() }))?;
        tracing::info!(job = job.id, "opened");
        Ok(())
    }

    /// What seals a root of a job, and the salt in it.
    fn sealed_result(&self, job: &Job, root: &[u8; 32]) -> Result<(Vec<u8>, [u8; 32]), WorldError> {
        let (chain, salt) = (self.world.chain_id(), self.salt(&format!("result of job {}", job.id))?);
        Ok((result_commitment(&chain, job.id, &self.address()?, root, &salt).to_vec(), salt))
    }
}

/// Whether it is an agreeing provider's turn to deliver: all in the order in which they took the job, and everybody at the end.
fn is_turn(job: &Job, account: &str, height: u64) -> bool {
    let agreed = job.members.iter().filter(|member| member.root == job.trace_root);
    let before = agreed.take_while(|member| member.provider != account).count() as u64;
    let waits = TURN_BLOCKS.saturating_mul(before);
    let begun = job.due.saturating_sub(job.run_blocks);
    height >= begun.saturating_add(waits) || height.saturating_add(TURN_BLOCKS.saturating_add(1)) >= job.due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_agree_deliver_in_turn_and_all_of_them_before_it_is_too_late() {
        let member = |name: &str, root: u8| Member { provider: name.to_owned(), root: vec![root], ..Member::default() };
        let members = vec![member("a", 1), member("b", 2), member("c", 1), member("d", 1)];
        let job = Job { members, trace_root: vec![1], due: 120, run_blocks: 20, ..Job::default() };
        let first = |name: &str, job: &Job| (100..job.due).find(|height| is_turn(job, name, *height));
        assert_eq!([first("a", &job), first("c", &job), first("d", &job)], [Some(100), Some(102), Some(104)]);
        let hasty = Job { due: 103, run_blocks: 3, ..job };
        assert_eq!([first("a", &hasty), first("c", &hasty), first("d", &hasty)], [Some(100); 3]);
    }
}
