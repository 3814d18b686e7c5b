//! `MsgQualify`, `MsgOpenExam`, `MsgAnswerExam`: what an account proves before it may lease.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{
    EventQualified, ExamBatch, JobState, MsgAnswerExam, MsgAnswerExamResponse, MsgOpenExam, MsgOpenExamResponse, MsgQualify,
    MsgQualifyResponse, Qualification,
};

use super::{claim_tasks, hash};
use crate::{Unqualified, exam, job::Running, qualification, state::ALLOWED};

pub(super) fn qualify(ctx: &mut Ctx, msg: &MsgQualify) -> Result<MsgQualifyResponse> {
    let annotator = Address::parse(&msg.annotator)?;
    let run = Running::load(ctx, msg.job)?;
    run.require(JobState::Open)?;
    let asked = run.job.qualification.as_ref().ok_or(Unqualified::NothingToDo(run.id))?;
    claim_tasks::check_independent(ctx, &run, &annotator)?;
    let proved = prove(ctx, &run, asked, &annotator, msg)?;
    qualification::check_standing(ctx, asked, &annotator)?;
    let batch = match asked.exam.as_ref() {
        Some(asked) if !proved || !msg.commitment.is_empty() => {
            let commitment = hash("commitment", &msg.commitment)?;
            exam::join(ctx, &run, asked, &annotator, msg.batch, &commitment)?
        }
        None if !proved => return Err(Unqualified::NothingToDo(run.id).into()),
        _ => ExamBatch::default(),
    };
    // List and standing were checked above; an exam is judged later.
    let qualified = asked.exam.is_none();
    let ExamBatch { number, candidates, closes, .. } = batch;
    ctx.emit(&EventQualified { job: run.id, annotator: msg.annotator.clone(), qualified, batch: number, candidates, closes });
    Ok(MsgQualifyResponse { qualified, closes })
}

/// Whether this message proved that the account is on the list. Refused: one that is not on it, or proves it wrong.
fn prove(ctx: &mut Ctx, run: &Running, asked: &Qualification, annotator: &Address, msg: &MsgQualify) -> Result<bool> {
    if asked.allowed == 0 || ALLOWED.has(ctx, &(run.id, *annotator))? {
        return Ok(false);
    }
    if asked.allow_root.is_empty() {
        return Err(Unqualified::NotListed { job: run.id, annotator: annotator.to_string(), hint: "" }.into());
    }
    qualification::prove(ctx, run, asked, annotator, msg.index, &msg.path)?;
    Ok(true)
}

pub(super) fn open_exam(ctx: &mut Ctx, msg: &MsgOpenExam) -> Result<MsgOpenExamResponse> {
    Address::parse(&msg.sender)?;
    let salt = hash("salt", &msg.salt)?;
    exam::open(ctx, msg, &salt)?;
    Ok(MsgOpenExamResponse {})
}

pub(super) fn answer_exam(ctx: &mut Ctx, msg: &MsgAnswerExam) -> Result<MsgAnswerExamResponse> {
    let annotator = Address::parse(&msg.annotator)?;
    let salt = hash("salt", &msg.salt)?;
    let (passed, right) = exam::judge(ctx, msg, &annotator, &salt)?;
    Ok(MsgAnswerExamResponse { passed, right })
}
