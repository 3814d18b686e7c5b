//! Exams: batches of items with truths that the requester committed to. All candidates of a batch commit to answers, then its truths are
//! opened and burnt; the next batch has other items. An exam only admits: nothing of it reaches inference or pay.
//!
//! A class or a set is right where it is the truth, a draft in the clear where it agrees with it as drafts of gold tasks must. What a draft
//! told by its hash is worth the chain cannot see: such a job has no exam, but its verifiers may have one.
use cairn_kernel::{Address, Ctx, Result, key_prefix, merkle};
use cairn_proto::cairn::annotation::v1::{
    Candidate, CandidateState, EventExamJudged, EventExamOpened, Exam, ExamBatch, Label, MsgAnswerExam, MsgOpenExam, Qualification,
};

use crate::{
    Error, Unqualified,
    answers::Answer,
    formats, gold,
    job::Running,
    rules, stage_gold,
    state::{CANDIDATES, EXAM_BATCHES},
    types,
};

/// Gas of a byte of a draft in the clear: it is read, checked and hashed.
const SHAPES_GAS: u64 = 30;

/// Classes of a wrong message that its refusal shows.
const SHOWN: usize = 20;

/// Refuses an account that has neither passed the exam nor answered a batch whose truths were not opened in time.
pub(crate) fn check(ctx: &Ctx, run: &Running, exam: &Exam, annotator: &Address) -> Result<()> {
    let Some(candidate) = CANDIDATES.get(ctx, &(run.id, *annotator))? else { return Err(Unqualified::ExamNotTaken(run.id).into()) };
    match candidate.state() {
        CandidateState::Passed => Ok(()),
        CandidateState::Failed => Err(Unqualified::ExamFailed { pass: exam.pass, right: candidate.right }.into()),
        CandidateState::Committed | CandidateState::Unspecified => {
            let batch = load(ctx, run.id, candidate.batch)?;
            if !is_opened(&batch) && ctx.block().height > batch.opens_until {
                return Ok(());
            }
            Err(Unqualified::ExamWaiting { batch: batch.number, until: batch.opens_until }.into())
        }
    }
}

/// The batch that answers are taken of at this height: the newest while it is open, else the next; `None` when all are used up.
pub(crate) fn current(ctx: &Ctx, run: &Running, exam: &Exam) -> Result<Option<ExamBatch>> {
    let newest = EXAM_BATCHES.range_reverse(ctx, &key_prefix(&run.id)).next().transpose()?.map(|(_, batch)| batch);
    let number = match newest {
        Some(batch) if takes_answers(ctx, &batch) => return Ok(Some(batch)),
        Some(batch) => batch.number.saturating_add(1),
        None => 0,
    };
    Ok((number < exam.batches).then(|| ExamBatch { job: run.id, number, ..ExamBatch::default() }))
}

fn takes_answers(ctx: &Ctx, batch: &ExamBatch) -> bool {
    ctx.block().height <= batch.closes && batch.candidates < rules::EXAM_CANDIDATES_MAX
}

/// Commits an account to answers of the current batch. Gives the batch as it is then.
pub(crate) fn join(ctx: &mut Ctx, run: &Running, exam: &Exam, annotator: &Address, number: u32, commitment: &[u8]) -> Result<ExamBatch> {
    if let Some(before) = CANDIDATES.get(ctx, &(run.id, *annotator))? {
        return Err(Unqualified::ExamTaken(before.batch).into());
    }
    let mut batch = current(ctx, run, exam)?.ok_or(Unqualified::ExamOver(exam.batches))?;
    if batch.number != number {
        return Err(Unqualified::ExamBatch { expected: batch.number, found: number }.into());
    }
    let height = ctx.block().height;
    if batch.candidates == 0 {
        batch.closes = height.saturating_add(rules::EXAM_BLOCKS);
    }
    batch.candidates = batch.candidates.saturating_add(1);
    if batch.candidates >= rules::EXAM_CANDIDATES_MAX {
        batch.closes = height;
    }
    batch.opens_until = batch.closes.saturating_add(run.rules.gold_window);
    EXAM_BATCHES.set(ctx, &(run.id, number), &batch)?;
    let state = CandidateState::Committed.into();
    let candidate =
        Candidate { job: run.id, annotator: annotator.to_string(), batch: number, commitment: commitment.to_vec(), state, right: 0 };
    CANDIDATES.set(ctx, &(run.id, *annotator), &candidate)?;
    Ok(batch)
}

/// Opens the truths of a batch.
pub(crate) fn open(ctx: &mut Ctx, msg: &MsgOpenExam, salt: &merkle::Hash) -> Result<()> {
    let run = Running::load(ctx, msg.job)?;
    let exam = exam_of(&run).ok_or(Unqualified::NoExamBatch(msg.batch))?;
    let mut batch = load(ctx, run.id, msg.batch)?;
    let (number, closes, until, height) = (batch.number, batch.closes, batch.opens_until, ctx.block().height);
    if is_opened(&batch) {
        return Err(Unqualified::ExamOpened(number).into());
    }
    if takes_answers(ctx, &batch) {
        return Err(Unqualified::ExamAnswered { batch: number, closes, height }.into());
    }
    if height > until {
        return Err(Unqualified::ExamTooLate { batch: number, until, height }.into());
    }
    let truths = payloads(&run, &answers(ctx, &run, exam, &msg.truths, &msg.truth_labels)?)?;
    let path = merkle::read_path(&msg.path).ok_or(Unqualified::ExamRoot(number))?;
    ctx.gas().hash(path.len().saturating_mul(65).saturating_add(256).saturating_add(hashed(&truths)))?;
    let (chain, manifest) = (formats::chain32(&ctx.block().chain_id), gold::hash(&run.job.manifest_root)?);
    let leaf = formats::exam_payload_leaf(&chain, &manifest, number, &truths, salt).ok_or(Error::Overflow)?;
    if !merkle::verify(&gold::hash(&exam.root)?, &leaf, number.into(), exam.batches.into(), &path) {
        return Err(Unqualified::ExamRoot(number).into());
    }
    batch.truths.clone_from(&msg.truths);
    batch.truth_labels.clone_from(&msg.truth_labels);
    EXAM_BATCHES.set(ctx, &(run.id, number), &batch)?;
    ctx.emit(&EventExamOpened { job: run.id, batch: number });
    Ok(())
}

/// Judges a candidate's answers by the opened truths. Gives whether it passed, and how many are right.
pub(crate) fn judge(ctx: &mut Ctx, msg: &MsgAnswerExam, annotator: &Address, salt: &merkle::Hash) -> Result<(bool, u32)> {
    let run = Running::load(ctx, msg.job)?;
    let nobody = || Unqualified::NoCandidate(annotator.to_string());
    let exam = exam_of(&run).ok_or_else(nobody)?;
    let mut candidate = CANDIDATES.get(ctx, &(run.id, *annotator))?.ok_or_else(nobody)?;
    if candidate.state() != CandidateState::Committed {
        return Err(nobody().into());
    }
    let batch = load(ctx, run.id, candidate.batch)?;
    if !is_opened(&batch) {
        return Err(Unqualified::ExamNotOpened { batch: batch.number, until: batch.opens_until }.into());
    }
    let given = answers(ctx, &run, exam, &msg.answers, &msg.answer_labels)?;
    let opening = payloads(&run, &given)?;
    ctx.gas().hash(hashed(&opening).saturating_add(160))?;
    let chain_id = &ctx.block().chain_id;
    let found = formats::exam_payload_commitment(chain_id, run.id, batch.number, annotator, salt, &opening).ok_or(Error::Overflow)?;
    if found != gold::hash(&candidate.commitment)? {
        return Err(Unqualified::AnswerMismatch.into());
    }
    let truths = answers(ctx, &run, exam, &batch.truths, &batch.truth_labels)?;
    candidate.right = 0;
    for (answer, truth) in given.iter().zip(&truths) {
        let right = u32::from(is_right(ctx, &run, answer, truth)?);
        candidate.right = candidate.right.saturating_add(right);
    }
    let passed = candidate.right >= exam.pass;
    candidate.set_state(if passed { CandidateState::Passed } else { CandidateState::Failed });
    CANDIDATES.set(ctx, &(run.id, *annotator), &candidate)?;
    ctx.emit(&EventExamJudged { job: run.id, annotator: annotator.to_string(), right: candidate.right, passed });
    Ok((passed, candidate.right))
}

fn exam_of(run: &Running) -> Option<&Exam> {
    run.job.qualification.as_ref().and_then(|Qualification { exam, .. }| exam.as_ref())
}

/// A batch that was begun.
pub(crate) fn load(ctx: &Ctx, job: u64, number: u32) -> Result<ExamBatch> {
    Ok(EXAM_BATCHES.get(ctx, &(job, number))?.ok_or(Unqualified::NoExamBatch(number))?)
}

/// One class of the job for each item.
fn classes(run: &Running, exam: &Exam, given: &[u32]) -> Result<Vec<u16>> {
    let classes = run.job.classes.len();
    let refusal = || {
        let found = given.iter().copied().take(SHOWN).collect();
        Unqualified::ExamClasses { expected: exam.items, classes, found }
    };
    if u32::try_from(given.len()).ok() != Some(exam.items) {
        return Err(refusal().into());
    }
    let read = |class: &u32| u16::try_from(*class).ok().filter(|class| usize::from(*class) < classes);
    Ok(given.iter().map(|class| read(class).ok_or_else(refusal)).collect::<Result<_, Unqualified>>()?)
}

/// Whether a batch's truths were opened.
fn is_opened(batch: &ExamBatch) -> bool {
    !batch.truths.is_empty() || !batch.truth_labels.is_empty()
}

/// One answer of the job's type for each item: a class, a set or a draft in the clear.
fn answers(ctx: &Ctx, run: &Running, exam: &Exam, of_classes: &[u32], labels: &[Label]) -> Result<Vec<Answer>> {
    let job_type = run.job.r#type();
    if !types::gives_sets(job_type) && types::draws(job_type).is_none() {
        if !labels.is_empty() {
            return Err(wrong_answers(run, exam, labels.len()).into());
        }
        return Ok(classes(run, exam, of_classes)?.into_iter().map(Answer::Class).collect());
    }
    if !of_classes.is_empty() || u32::try_from(labels.len()).ok() != Some(exam.items) {
        return Err(wrong_answers(run, exam, labels.len()).into());
    }
    let bytes = labels.iter().fold(0_usize, |sum, label| sum.saturating_add(label.draft.len()));
    ctx.gas().consume(u64::try_from(bytes).map_err(|_| Error::Overflow)?.saturating_mul(SHAPES_GAS))?;
    let mut out = Vec::with_capacity(labels.len());
    for (item, label) in (0_u32..).zip(labels) {
        let answer = Answer::read(run, label)?;
        if label.task != item || answer == Answer::Skipped {
            return Err(wrong_answers(run, exam, labels.len()).into());
        }
        out.push(answer);
    }
    Ok(out)
}

fn wrong_answers(run: &Running, exam: &Exam, found: usize) -> Unqualified {
    Unqualified::ExamAnswers { expected: exam.items, answer: types::answer(run.job.r#type()), found }
}

/// What leaves and commitments hold of answers.
fn payloads(run: &Running, answers: &[Answer]) -> Result<Vec<Vec<u8>>> {
    answers.iter().map(|answer| answer.payload(run)).collect()
}

/// Bytes of payloads.
fn hashed(payloads: &[Vec<u8>]) -> usize {
    payloads.iter().fold(0, |sum, payload| sum.saturating_add(payload.len()))
}

/// Whether an answer is right: the truth itself, or a draft that agrees with it.
fn is_right(ctx: &Ctx, run: &Running, answer: &Answer, truth: &Answer) -> Result<bool> {
    let (Answer::Shapes(answer), Answer::Shapes(truth)) = (answer, truth) else { return Ok(answer == truth) };
    stage_gold::agrees(ctx, run, answer, truth)
}
