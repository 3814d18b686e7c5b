//! `MsgAppealDecision`: an annotator brings a decision before a jury.
use cairn_dispute::{self as dispute, Complaint, Statement};
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{AppealSubject, EventDecisionAppealed, MsgAppealDecision, MsgAppealDecisionResponse, Worker};

use crate::{
    Error, accounts, appeals, formats, gold,
    job::Running,
    labels::{PagesView, failed},
    standing, types,
};

pub(super) fn appeal_decision(ctx: &mut Ctx, msg: MsgAppealDecision) -> Result<MsgAppealDecisionResponse> {
    let appellant = Address::parse(&msg.appellant)?;
    let mut run = Running::load(ctx, msg.job)?;
    appeals::check_window(ctx, &run)?;
    let worker = accounts::worker(ctx, run.id, &appellant)?;
    let worker = worker.ok_or_else(|| Error::NoWorker { job: run.id, annotator: msg.appellant.clone() })?;
    let claim = appeals::unearned(&worker)?;
    if claim == 0 {
        return Err(Error::NothingWithheld { job: run.id, annotator: msg.appellant }.into());
    }
    let (kind, item) = match msg.subject() {
        AppealSubject::Worker => (AppealSubject::Worker, u64::from(worker.number)),
        AppealSubject::Gold => {
            check_gold(ctx, &run, &worker, msg.task)?;
            (AppealSubject::Gold, u64::from(msg.task))
        }
        AppealSubject::Unspecified => return Err(Error::AppealSubject(msg.subject).into()),
    };
    let complaint = Complaint {
        subject: appeals::subject(run.id, kind, item),
        appellant,
        claim: Coin::new(run.denom.clone(), claim),
        skill: standing::skill(&run.job),
        statement: Statement { uri: msg.statement_uri, sha256: msg.statement_sha256 },
    };
    let case_id = dispute::open(ctx, complaint)?;
    appeals::note(ctx, &mut run, case_id)?;
    run.save(ctx)?;
    let claim = Some(run.coin(claim));
    ctx.emit(&EventDecisionAppealed { job: run.id, appellant: msg.appellant, subject: kind.into(), item, case_id, claim });
    Ok(MsgAppealDecisionResponse { case_id })
}

/// An opened gold answer that the votes did not void, and that the worker's blind label contradicts.
fn check_gold(ctx: &Ctx, run: &Running, worker: &Worker, task: u32) -> Result<()> {
    let job_type = run.job.r#type();
    if types::gives_sets(job_type) || types::produces(job_type) {
        return Err(types::Error::GoldAppeal(if types::produces(job_type) { "drafts" } else { "sets" }).into());
    }
    let (chunk, local) = (task / formats::CHUNK, task % formats::CHUNK);
    let truth = gold::opened(ctx, run.id, chunk)?.get(&task).copied().ok_or(Error::NotGold(task))?;
    let (tasks, classes) = (run.job.tasks, run.classes()?);
    let labels = cairn_truth::read_labels(&PagesView::new(ctx, run.id), tasks, classes, chunk).map_err(failed)?;
    let votes: Vec<_> = labels.all().iter().filter(|label| u32::from(label.task) == local).collect();
    if cairn_truth::is_void(votes.iter().map(|label| label.class), truth) {
        return Err(Error::NotGold(task).into());
    }
    if votes.iter().any(|label| label.worker == worker.number && label.class != truth) {
        return Ok(());
    }
    Err(Error::NotContradicted { task, annotator: worker.annotator.clone() }.into())
}
