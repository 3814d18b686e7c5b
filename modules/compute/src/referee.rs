//! What dispute asks of compute, and tells it.
use cairn_dispute::{Ending, Fate, Referee, Subject};
use cairn_kernel::{Ctx, Module, Result};
use cairn_proto::cairn::compute::v1::JobState;

use crate::{Compute, Error, jobs, programs, settle};

/// The kind of subjects that are results of jobs.
const RESULT: u32 = 1;

/// The result of a job as the subject of a case.
pub(crate) fn subject(job: u64) -> Subject {
    Subject { module: Compute::NAME.into(), kind: RESULT, id: job, item: 0 }
}

impl Referee for Compute {
    fn module(&self) -> &'static str {
        Self::NAME
    }
    fn graph(&self, ctx: &Ctx, subject: &Subject) -> Result<Vec<u8>> {
        Ok(programs::load(ctx, &jobs::load(ctx, subject.id)?.program_id)?.graph)
    }
    fn closed(&self, ctx: &mut Ctx, ending: &Ending) -> Result<()> {
        conclude(ctx, ending)
    }
}

/// Carries out how a contest ended.
pub(crate) fn conclude(ctx: &mut Ctx, ending: &Ending) -> Result<()> {
    let job = jobs::load(ctx, ending.subject.id)?;
    if job.state() != JobState::Contested {
        return Err(Error::State(job.id).into());
    }
    match ending.committed {
        Fate::Stands => settle::pay(ctx, job, ending.provider_struck),
        Fate::Wrong => settle::wrong(ctx, job, &ending.finders),
        Fate::BothLate => settle::both_late(ctx, job),
        Fate::Unspecified => Err(Error::Broken("a contest that ended without a result").into()),
    }
}
