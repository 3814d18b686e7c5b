//! Exams: batches, commitments, openings, judgements, each refusal and each height.
use cairn_kernel::{Address, Result, merkle};
use cairn_proto::cairn::annotation::v1::{
    CandidateState, Exam, MsgAnswerExam, MsgOpenExam, MsgPostJob, MsgQualify, MsgServer, Qualification, QueryExamBatchesRequest,
    QueryQualificationRequest, QueryQualificationResponse, QueryServer,
};

use super::world::{Post, World, user};
use crate::{Annotation, formats, rules};

const ITEMS: u32 = 8;
const BATCHES: u32 = 3;
const SALT: [u8; 32] = [8; 32];

/// What a requester keeps of an exam.
pub(super) struct Sheets {
    seed: [u8; 32],
    leaves: Vec<merkle::Hash>,
}

impl Sheets {
    pub(super) fn new(chain_id: &str, seed: u8) -> Self {
        let (chain, seed) = (formats::chain32(chain_id), [seed; 32]);
        let leaf = |batch| formats::exam_leaf(&chain, &[3; 32], batch, &truths(batch), &formats::exam_salt(&seed, batch)).unwrap();
        Self { seed, leaves: (0..BATCHES).map(leaf).collect() }
    }
    pub(super) fn exam(&self, pass: u32) -> Exam {
        let root = merkle::root(&self.leaves).to_vec();
        Exam { root, batches: BATCHES, items: ITEMS, pass, content_address: "https://exam.example/".into() }
    }
    pub(super) fn opening(&self, job: u64, batch: u32) -> MsgOpenExam {
        MsgOpenExam {
            sender: user(1).to_string(),
            job,
            batch,
            salt: formats::exam_salt(&self.seed, batch).to_vec(),
            truths: truths(batch).into_iter().map(u32::from).collect(),
            path: merkle::path(&self.leaves, batch as usize).unwrap().into_iter().map(|hash| hash.to_vec()).collect(),
            ..MsgOpenExam::default()
        }
    }
}

/// The truths of a batch, of four classes.
pub(super) fn truths(batch: u32) -> Vec<u16> {
    (0..ITEMS).map(|item| u16::try_from((item * 3 + batch * 5 + 1) % 4).unwrap()).collect()
}

/// A job with an exam, and its sheets.
pub(super) fn post(world: &mut World, post: &Post, pass: u32) -> (super::world::Posted, Sheets) {
    let sheets = Sheets::new(&world.chain.block.chain_id, 7);
    let asked = Qualification { exam: Some(sheets.exam(pass)), ..Qualification::default() };
    (world.post_with(post, |msg| msg.qualification = Some(asked)).unwrap(), sheets)
}

/// Commits a user to answers.
pub(super) fn sit(world: &mut World, job: u64, annotator: &Address, batch: u32, answers: &[u16]) -> Result<()> {
    let commitment = formats::exam_commitment(&world.chain.block.chain_id, job, batch, annotator, &SALT, answers).unwrap();
    let msg = MsgQualify { annotator: annotator.to_string(), job, batch, commitment: commitment.to_vec(), ..MsgQualify::default() };
    world.tx(|ctx| Annotation.qualify(ctx, msg)).map(|answer| assert!(!answer.qualified))
}

pub(super) fn answer(world: &mut World, job: u64, annotator: &Address, answers: &[u16]) -> Result<(bool, u32)> {
    let answers = answers.iter().map(|class| u32::from(*class)).collect();
    let msg = MsgAnswerExam { annotator: annotator.to_string(), job, salt: SALT.to_vec(), answers, ..MsgAnswerExam::default() };
    world.tx(|ctx| Annotation.answer_exam(ctx, msg)).map(|answer| (answer.passed, answer.right))
}

pub(super) fn open(world: &mut World, msg: MsgOpenExam) -> Result<()> {
    world.tx(|ctx| Annotation.open_exam(ctx, msg)).map(drop)
}

fn ask(world: &mut World, job: u64, annotator: &Address) -> QueryQualificationResponse {
    let query = QueryQualificationRequest { job, account: annotator.to_string() };
    world.ask(|ctx| Annotation.qualification(ctx, query))
}

/// Passes the batch that is open now to its end.
pub(super) fn close(world: &mut World) {
    world.go_to(world.height() + rules::EXAM_BLOCKS + 1);
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> u32 {
    result.unwrap_err().code
}

#[test]
fn who_answers_enough_right_is_admitted_and_nobody_else() {
    let mut world = World::new(5);
    let (posted, sheets) = post(&mut world, &Post::default(), 6);
    let (job, right) = (posted.id, truths(0));
    let mut some = right.clone();
    some[0] = (some[0] + 1) % 4;
    some[1] = (some[1] + 1) % 4;
    let mut few = some.clone();
    few[2] = (few[2] + 1) % 4;
    assert_eq!(code(world.claim(job, &user(2))), 123);
    let before = ask(&mut world, job, &user(2));
    assert_eq!((before.qualified, before.code, before.batch.unwrap().closes), (false, 123, 0));
    sit(&mut world, job, &user(2), 0, &some).unwrap();
    sit(&mut world, job, &user(3), 0, &few).unwrap();
    assert_eq!(code(sit(&mut world, job, &user(2), 0, &right)), 133, "one try");
    assert_eq!(code(world.claim(job, &user(2))), 124);
    assert_eq!(code(open(&mut world, sheets.opening(job, 0))), 135, "answers are still taken");
    close(&mut world);
    assert_eq!(code(answer(&mut world, job, &user(2), &some)), 141);
    open(&mut world, sheets.opening(job, 0)).unwrap();
    assert_eq!(code(answer(&mut world, job, &user(2), &right)), 142, "other answers than committed");
    assert_eq!(code(answer(&mut world, job, &user(2), &right[1..])), 138);
    assert_eq!(code(answer(&mut world, job, &user(4), &right)), 140);
    assert_eq!(answer(&mut world, job, &user(2), &some).unwrap(), (true, 6));
    assert_eq!(answer(&mut world, job, &user(3), &few).unwrap(), (false, 5));
    assert_eq!(code(answer(&mut world, job, &user(3), &few)), 140, "judged once");
    assert_eq!(code(world.claim(job, &user(3))), 125);
    assert_eq!(code(sit(&mut world, job, &user(3), 1, &right)), 133, "and no second try");
    world.grant(job, &user(2));
    let passed = ask(&mut world, job, &user(2));
    assert_eq!((passed.qualified, passed.candidate.unwrap().state()), (true, CandidateState::Passed));
    assert_eq!(ask(&mut world, job, &user(3)).candidate.unwrap().right, 5);
}

#[test]
fn an_opening_must_lead_to_the_root_and_come_in_time() {
    let mut world = World::new(4);
    let (posted, sheets) = post(&mut world, &Post::default(), 6);
    let job = posted.id;
    assert_eq!(code(open(&mut world, sheets.opening(job, 0))), 134, "nobody sat it");
    assert_eq!(code(sit(&mut world, job, &user(2), 1, &truths(1))), 131);
    sit(&mut world, job, &user(2), 0, &truths(0)).unwrap();
    close(&mut world);
    let good = sheets.opening(job, 0);
    let mut salt = good.clone();
    salt.salt[0] ^= 1;
    let mut truth = good.clone();
    truth.truths[0] = (truth.truths[0] + 1) % 4;
    let mut path = good.clone();
    path.path[0][0] ^= 1;
    for bad in [salt, truth, path, MsgOpenExam { batch: 0, ..sheets.opening(job, 1) }] {
        assert_eq!(code(open(&mut world, bad)), 139);
    }
    let mut outside = good.clone();
    outside.truths[0] = 4;
    assert_eq!(code(open(&mut world, outside)), 138, "none without a truth that is a class");
    assert_eq!(code(open(&mut world, MsgOpenExam { truths: good.truths[1..].to_vec(), ..good.clone() })), 138);
    assert_eq!(code(open(&mut world, MsgOpenExam { salt: vec![1; 31], ..good.clone() })), 9);
    let batches =
        |world: &mut World| world.ask(|ctx| Annotation.exam_batches(ctx, QueryExamBatchesRequest { job, pagination: None })).batches;
    let until = batches(&mut world)[0].opens_until;
    world.go_to(until);
    open(&mut world, good.clone()).unwrap();
    assert_eq!(code(open(&mut world, good)), 137);
    assert_eq!(batches(&mut world)[0].truths.len(), 8);
}

/// The requester does not open: the candidates have done their part.
#[test]
fn an_exam_that_is_not_opened_admits_all_its_candidates() {
    let mut world = World::new(4);
    let (posted, sheets) = post(&mut world, &Post::default(), 8);
    let job = posted.id;
    sit(&mut world, job, &user(2), 0, &[0; 8]).unwrap();
    let until = ask(&mut world, job, &user(2)).batch.unwrap().opens_until;
    assert_eq!(until, 1 + rules::EXAM_BLOCKS + rules::TEST_RULES.gold_window);
    world.go_to(until);
    assert_eq!(code(world.claim(job, &user(2))), 124);
    world.go_to(until + 1);
    assert_eq!(code(open(&mut world, sheets.opening(job, 0))), 136);
    world.grant(job, &user(2));
    assert_eq!(code(world.claim(job, &user(3))), 123, "who was no candidate is not admitted");
}

#[test]
fn a_batch_is_burnt_and_the_next_has_other_items() {
    let mut world = World::new(6);
    let (posted, sheets) = post(&mut world, &Post { duration: 5_000, ..Post::default() }, 8);
    let job = posted.id;
    sit(&mut world, job, &user(2), 0, &truths(0)).unwrap();
    world.go_to(1 + rules::EXAM_BLOCKS);
    sit(&mut world, job, &user(3), 0, &truths(0)).unwrap();
    world.block();
    open(&mut world, sheets.opening(job, 0)).unwrap();
    // The truths of batch 0 are known now, and of no use.
    assert_eq!(code(sit(&mut world, job, &user(4), 0, &truths(0))), 131);
    sit(&mut world, job, &user(4), 1, &truths(0)).unwrap();
    close(&mut world);
    open(&mut world, sheets.opening(job, 1)).unwrap();
    assert!(!answer(&mut world, job, &user(4), &truths(0)).unwrap().0);
    sit(&mut world, job, &user(5), 2, &truths(2)).unwrap();
    close(&mut world);
    assert_eq!(code(sit(&mut world, job, &user(6), 3, &truths(2))), 132);
    assert!(ask(&mut world, job, &user(6)).batch.is_none());
}

#[test]
fn a_batch_has_five_hundred_candidates_at_the_most() {
    let mut world = World::new(2);
    world.checked = false;
    let (posted, sheets) = post(&mut world, &Post::default(), 8);
    let candidate = |n: u32| Address::new(&[&[201; 16], n.to_be_bytes().as_slice()].concat()).unwrap();
    for n in 0..rules::EXAM_CANDIDATES_MAX {
        sit(&mut world, posted.id, &candidate(n), 0, &truths(0)).unwrap();
    }
    assert_eq!(code(sit(&mut world, posted.id, &user(2), 0, &truths(0))), 131, "the next batch");
    open(&mut world, sheets.opening(posted.id, 0)).unwrap();
    sit(&mut world, posted.id, &user(2), 1, &truths(1)).unwrap();
}

#[test]
fn each_fault_of_an_exam_has_its_code() {
    let mut world = World::new(1);
    let sheets = Sheets::new(&world.chain.block.chain_id, 7);
    let mut refused = |change: fn(&mut Exam)| {
        let mut exam = sheets.exam(6);
        change(&mut exam);
        let asked = Qualification { exam: Some(exam), ..Qualification::default() };
        world.post_with(&Post::default(), |msg: &mut MsgPostJob| msg.qualification = Some(asked)).err().map(|error| error.code)
    };
    assert_eq!(refused(|exam| exam.root = vec![1; 31]), Some(9));
    assert_eq!(refused(|exam| exam.batches = 0), Some(128));
    assert_eq!(refused(|exam| exam.batches = 257), Some(128));
    assert_eq!(refused(|exam| exam.items = 0), Some(128));
    assert_eq!(refused(|exam| exam.items = 21), Some(128));
    assert_eq!(refused(|exam| exam.pass = 0), Some(128));
    assert_eq!(refused(|exam| exam.pass = 9), Some(128));
    assert_eq!(refused(|exam| exam.content_address = String::new()), Some(6));
    assert_eq!(refused(|exam| exam.content_address = "a\nb".into()), Some(84));
    assert_eq!(refused(|exam| exam.items = 20), None);
    assert_eq!(refused(|_| {}), Some(17), "an exam is used once");
}
