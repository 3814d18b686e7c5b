//! Exams in front of jobs of classes, sets and drafts in the clear.
use cairn_kernel::{Address, merkle};
use cairn_proto::cairn::annotation::v1::{Exam, Label, MsgAnswerExam, MsgOpenExam, MsgQualify, MsgServer, Qualification};

use super::{
    super::{exams, world::Post},
    Schedule, answers,
    posts::{CHAIN, Kind, ROOT},
};
use crate::{Annotation, formats};

const ITEMS: u32 = 8;
const BATCHES: u32 = 3;
const SEED: [u8; 32] = [7; 32];
const SALT: [u8; 32] = [8; 32];

/// Truths of a batch, or none of them right.
fn sheet(kind: Kind, batch: u32, right: bool) -> Vec<Label> {
    let item = |item: u32| {
        let truth = answers::truth(kind, item + batch * ITEMS);
        let label = if right { truth } else { answers::wrong(kind, &truth) };
        Label { task: item, ..label }
    };
    (0..ITEMS).map(item).collect()
}

fn payloads(kind: Kind, labels: &[Label]) -> Vec<Vec<u8>> {
    labels.iter().map(|label| answers::payload(kind, label)).collect()
}

/// Answers as messages carry them: classes, or labels.
fn carried(kind: Kind, labels: Vec<Label>) -> (Vec<u32>, Vec<Label>) {
    if matches!(kind, Kind::Sets | Kind::Spans) {
        (vec![], labels)
    } else {
        (labels.into_iter().map(|label| label.class).collect(), vec![])
    }
}

impl Schedule {
    /// Lets candidates sit an exam, and opens it or not: who failed has no lease.
    pub(super) fn examined(&mut self) {
        let kind = self.dice.of(&[Kind::Classify, Kind::Sets, Kind::Pairs, Kind::Verify, Kind::Spans]);
        let chain = formats::chain32(CHAIN);
        let leaf = |batch| {
            let salt = formats::exam_salt(&SEED, batch);
            formats::exam_payload_leaf(&chain, &ROOT, batch, &payloads(kind, &sheet(kind, batch, true)), &salt).unwrap()
        };
        let leaves: Vec<merkle::Hash> = (0..BATCHES).map(leaf).collect();
        let root = merkle::root(&leaves).to_vec();
        let exam = Exam { root, batches: BATCHES, items: ITEMS, pass: 6, content_address: "https://exam.example/".into() };
        let asked = Qualification { exam: Some(exam), ..Qualification::default() };
        let job = self.add(kind, &Post { duration: 1_500, ..Post::default() }, |msg| msg.qualification = Some(asked));
        let candidates: Vec<(Address, bool)> = self.people.iter().copied().map(|who| (who, self.dice.below(5) > 0)).collect();
        for (who, good) in &candidates {
            let given = payloads(kind, &sheet(kind, 0, *good));
            let commitment = formats::exam_payload_commitment(CHAIN, job, 0, who, &SALT, &given).unwrap().to_vec();
            let msg = MsgQualify { annotator: who.to_string(), job, batch: 0, commitment, ..MsgQualify::default() };
            self.world.tx(|ctx| Annotation.qualify(ctx, msg)).unwrap();
            self.count("candidates");
        }
        exams::close(&mut self.world);
        let opened = self.dice.below(4) > 0;
        if opened {
            self.judge(job, kind, &leaves, &candidates);
        }
        for (who, good) in candidates {
            let refused = self.world.claim(job, &who).err().map(|error| (error.codespace, error.code));
            assert_eq!(refused == Some(("annotation", 125)), opened && !good, "{refused:?}");
        }
        self.catch_up();
    }
    fn judge(&mut self, job: u64, kind: Kind, leaves: &[merkle::Hash], candidates: &[(Address, bool)]) {
        let (truths, truth_labels) = carried(kind, sheet(kind, 0, true));
        let path = merkle::path(leaves, 0).unwrap().into_iter().map(|hash| hash.to_vec()).collect();
        let salt = formats::exam_salt(&SEED, 0).to_vec();
        let msg = MsgOpenExam { sender: Self::requester(), job, batch: 0, salt, truths, path, truth_labels };
        self.world.tx(|ctx| Annotation.open_exam(ctx, msg)).unwrap();
        for (who, good) in candidates {
            let (answers, answer_labels) = carried(kind, sheet(kind, 0, *good));
            let msg = MsgAnswerExam { annotator: who.to_string(), job, salt: SALT.to_vec(), answers, answer_labels };
            assert_eq!(self.world.tx(|ctx| Annotation.answer_exam(ctx, msg)).unwrap().passed, *good);
        }
    }
}
