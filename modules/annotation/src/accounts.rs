//! Accounts as annotators: their numbers in a job, and their record over all jobs.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{Annotator, Worker};

use crate::{
    Error, clusters,
    job::Running,
    qualification, stage,
    state::{ANNOTATORS, PARTIES, WORKER_NUMBERS, WORKERS},
};

/// An account in a job; `None` before its first lease.
pub(crate) fn worker(ctx: &Ctx, job: u64, annotator: &Address) -> Result<Option<Worker>> {
    match WORKER_NUMBERS.get(ctx, &(job, *annotator))? {
        Some(number) => Ok(Some(WORKERS.get(ctx, &(job, number))?.ok_or(Error::Broken("a worker is missing"))?)),
        None => Ok(None),
    }
}

/// Numbers an account that gets its first lease in the job.
pub(crate) fn new_worker(ctx: &mut Ctx, run: &mut Running, annotator: &Address) -> Result<Worker> {
    let number = run.status.workers;
    run.status.workers = number.checked_add(1).ok_or(Error::Overflow)?;
    WORKER_NUMBERS.set(ctx, &(run.id, *annotator), &number)?;
    Ok(Worker { job: run.id, annotator: annotator.to_string(), number, ..Worker::default() })
}

/// The numbers under which buckets of the job remember the account and its cluster's head, those that were given already.
pub(crate) fn known_parties(ctx: &Ctx, run: &Running, annotator: &Address) -> Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for party in remembered(ctx, run, annotator)? {
        numbers.extend(PARTIES.get(ctx, &(stage::party_space(run), party))?);
    }
    Ok(numbers)
}

/// As whom buckets of the job remember an account: itself and its cluster's head. Both, so that an account that changes its cluster is
/// still itself. In a job with an allow-list clusters do not count.
fn remembered(ctx: &Ctx, run: &Running, annotator: &Address) -> Result<Vec<Address>> {
    if qualification::has_allow_list(run) {
        return Ok(vec![*annotator]);
    }
    Ok(vec![*annotator, clusters::head(ctx, annotator)?])
}

/// The same, giving numbers where there are none.
pub(crate) fn parties(ctx: &mut Ctx, run: &mut Running, annotator: &Address) -> Result<Vec<u32>> {
    let (space, mut numbers) = (stage::party_space(run), Vec::new());
    for party in remembered(ctx, run, annotator)? {
        let number = match PARTIES.get(ctx, &(space, party))? {
            Some(number) => number,
            None => {
                let number = run.status.parties;
                run.status.parties = number.checked_add(1).ok_or(Error::Overflow)?;
                PARTIES.set(ctx, &(space, party), &number)?;
                number
            }
        };
        numbers.push(number);
    }
    Ok(numbers)
}

/// Notes a settled job with so many labels that were worth something.
pub(crate) fn settled(ctx: &mut Ctx, account: &Address, labels: u64) -> Result<()> {
    let mut annotator = ANNOTATORS.get(ctx, account)?.unwrap_or_else(|| Annotator { address: account.to_string(), ..Annotator::default() });
    annotator.settled_labels = annotator.settled_labels.saturating_add(labels);
    annotator.settled_jobs = annotator.settled_jobs.saturating_add(1);
    ANNOTATORS.set(ctx, account, &annotator)
}
