//! Producing jobs: refusals by their codes, boundary values, who may do what in the stage.
use cairn_kernel::{Address, Coin};
use cairn_proto::cairn::annotation::v1::{
    JobType, Label, MsgCancelJob, MsgCommitVerdictGold, MsgFundJob, MsgPostJob, MsgServer, QueryAccessRequest, QueryServer, SettleStep,
    Verification,
};

use super::studio::{self, Producer, commit, open_stage, produce, reveal, verdicts};
use crate::{
    Annotation,
    formats::{self, Side},
    tests::world::{FOREIGN, World, user},
};

fn refused(change: fn(&mut MsgPostJob)) -> u32 {
    let mut world = World::new(1);
    let mut msg = studio::post().msg(&studio::post().gold("cairn-test-1", 1));
    change(&mut msg);
    world.refusal(|ctx| Annotation.post_job(ctx, msg))
}

fn verification(msg: &mut MsgPostJob) -> &mut Verification {
    msg.verification.as_mut().unwrap()
}

#[test]
fn each_fault_of_a_producing_job_has_its_code() {
    assert_eq!(refused(|m| m.verification = None), 2);
    assert_eq!(refused(|m| verification(m).price = None), 2);
    assert_eq!(refused(|m| m.classes = vec!["a".into()]), 7);
    assert_eq!(refused(|m| verification(m).price = Some(Coin::base(999).into())), 11);
    assert_eq!(refused(|m| verification(m).price = Some(Coin::new(FOREIGN, 2_000).into())), 28);
    assert_eq!(refused(|m| m.overlap_max = 4), 12);
    assert_eq!(refused(|m| (m.overlap_min, m.overlap_max) = (0, 0)), 13);
    assert_eq!(refused(|m| (m.overlap_min, m.overlap_max) = (33, 33)), 13);
    assert_eq!(refused(|m| verification(m).overlap = 2), 13);
    assert_eq!(refused(|m| verification(m).overlap = 33), 13);
    assert_eq!(refused(|m| m.duration = 900 + 59), 21, "leases for texts are three times as long");
    assert_eq!(refused(|m| (m.r#type, m.duration) = (JobType::Audio.into(), 2_400 + 59)), 21);
    assert_eq!(refused(|m| verification(m).duration = 359), 21);
    assert_eq!(refused(|m| verification(m).duration = 100_001), 21);
    assert_eq!(refused(|m| m.contestants = 2), 112);
    assert_eq!(refused(|m| (m.r#type, m.classes, m.gold_root) = (1, vec!["a".into(), "b".into()], vec![1; 32])), 151);
    assert_eq!(refused(|m| verification(m).accept_bps = 4_999), 152);
    assert_eq!(refused(|m| verification(m).accept_bps = 9_901), 152);
    assert_eq!(refused(|m| m.tasks = 1_398_102), 153, "three drafts a task are more than 4,194,304");
    assert_eq!(refused(|m| m.gold_root = vec![1; 32]), 154);
    for change in [
        |m: &mut MsgPostJob| (m.overlap_min, m.overlap_max, m.duration) = (1, 1, 960),
        |m: &mut MsgPostJob| (m.overlap_min, m.overlap_max) = (32, 32),
        |m: &mut MsgPostJob| (m.r#type, m.duration) = (JobType::Audio.into(), 2_460),
        |m: &mut MsgPostJob| (verification(m).overlap, verification(m).duration, verification(m).accept_bps) = (32, 360, 5_000),
        |m: &mut MsgPostJob| (verification(m).duration, verification(m).accept_bps) = (100_000, 9_900),
    ] {
        let mut world = World::new(1);
        let mut msg = studio::post().msg(&studio::post().gold("cairn-test-1", 1));
        change(&mut msg);
        world.tx(|ctx| Annotation.post_job(ctx, msg)).unwrap();
        world.check();
    }
}

#[test]
fn labels_of_the_wrong_type_are_refused() {
    let mut genesis = cairn_kernel::Module::default_genesis(&Annotation);
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().bucket_wait = 5;
    let mut world = World::with(8, genesis);
    let posted = world.post(&studio::post());
    let producer = Producer::new(2, 90);
    let (lease, tasks) = world.grant(posted.id, &user(2));
    commit(&mut world, &lease, &producer.labels(&tasks)).unwrap();
    (0..8).for_each(|_| world.block());
    let mut code = |change: fn(&mut Vec<Label>)| {
        let mut labels = producer.labels(&tasks);
        change(&mut labels);
        reveal(&mut world, &lease, labels).unwrap_err().code
    };
    assert_eq!(code(|l| l[0].class = 1), 150);
    assert_eq!(code(|l| l[0].draft = vec![1; 31]), 9);
    assert_eq!(code(|l| l[0].draft = vec![1; 32]), 61);
    assert_eq!(code(|l| l[0].draft = vec![]), 61, "skipped afterwards");
    assert_eq!(code(|l| l.truncate(9)), 58);
    assert_eq!(reveal(&mut world, &lease, producer.labels(&tasks)).unwrap(), 10);

    let classify = world.post(&crate::tests::world::Post::default());
    let (lease, tasks) = world.grant(classify.id, &user(3));
    world.commit(&lease, &tasks.iter().map(|task| (*task, 1)).collect::<Vec<_>>()).unwrap();
    (0..8).for_each(|_| world.block());
    let labels = tasks.iter().map(|task| Label { task: *task, class: 1, draft: vec![1; 32], ..Label::default() }).collect();
    assert_eq!(reveal(&mut world, &lease, labels).unwrap_err().code, 150);
}

#[test]
fn a_copied_commitment_of_a_draft_cannot_be_opened() {
    let mut genesis = cairn_kernel::Module::default_genesis(&Annotation);
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().bucket_wait = 20;
    let mut world = World::with(8, genesis);
    let posted = world.post(&studio::post());
    let producer = Producer::new(2, 90);
    let (lease, tasks) = world.grant(posted.id, &user(2));
    commit(&mut world, &lease, &producer.labels(&tasks)).unwrap();
    let (copy, copied) = world.grant(posted.id, &user(3));
    let commitment = world.lease(lease.id).commitment;
    let msg = cairn_proto::cairn::annotation::v1::MsgCommitLabels {
        annotator: user(3).to_string(),
        lease: copy.id,
        commitment,
        revealer: String::new(),
    };
    world.tx(|ctx| Annotation.commit_labels(ctx, msg)).unwrap();
    (0..25).for_each(|_| world.block());
    assert_eq!(reveal(&mut world, &lease, producer.labels(&tasks)).unwrap(), 10);
    assert_eq!(reveal(&mut world, &copy, producer.labels(&copied)).unwrap_err().code, 62);
}

fn commit_gold(world: &mut World, job: u64, sender: u8, root: Vec<u8>) -> u32 {
    let msg = MsgCommitVerdictGold { requester: user(sender).to_string(), job, gold_root: root };
    world.tx(|ctx| Annotation.commit_verdict_gold(ctx, msg)).map_or_else(|error| error.code, |_| 0)
}

#[test]
fn verdict_gold_is_committed_once_by_the_requester_in_its_window() {
    let mut world = World::new(20);
    let used = world.post(&crate::tests::world::Post::default());
    let posted = world.post(&studio::post());
    let producers: Vec<_> = (2..7).map(|n| Producer::new(n, 90)).collect();
    assert_eq!(commit_gold(&mut world, posted.id, 1, vec![1; 32]), 26);
    produce(&mut world, posted.id, &producers);
    world.until_step(posted.id, SettleStep::AwaitVerdictGold);
    assert_eq!(commit_gold(&mut world, 9, 1, vec![1; 32]), 25);
    assert_eq!(commit_gold(&mut world, posted.id, 2, vec![1; 32]), 27);
    assert_eq!(commit_gold(&mut world, posted.id, 1, vec![1; 31]), 9);
    let root = world.job(used.id).0.gold_root;
    assert_eq!(commit_gold(&mut world, posted.id, 1, root), 17);
    let until = world.status(posted.id).gold_deadline;
    world.go_to(until);
    assert_eq!(commit_gold(&mut world, posted.id, 1, vec![1; 32]), 0, "the last height counts");
    assert_eq!(commit_gold(&mut world, posted.id, 1, vec![2; 32]), 156);
    let stage = world.status(posted.id).stage;
    assert_eq!(world.job(stage).0.gold_root, [1; 32]);
    assert_eq!(world.job(stage).0.stage.unwrap().parent, posted.id);
}

#[test]
fn a_stage_is_nobodys_to_cancel_fund_or_work_on_for_oneself() {
    let mut world = World::new(20);
    let posted = world.post(&studio::post());
    let fund = |world: &mut World, job| {
        let msg = MsgFundJob { funder: user(15).to_string(), job, amount: Some(Coin::base(100_000).into()) };
        world.tx(|ctx| Annotation.fund_job(ctx, msg)).map_or_else(|error| error.code, |_| 0)
    };
    assert_eq!(fund(&mut world, posted.id), 0);
    let producers: Vec<_> = (2..7).map(|n| Producer::new(n, 90)).collect();
    produce(&mut world, posted.id, &producers);
    let right = verdicts(&mut world, posted.id, &producers);
    let stage = open_stage(&mut world, posted.id, &right);
    assert_eq!(fund(&mut world, stage.id), 155);
    let msg = MsgCancelJob { requester: user(1).to_string(), job: stage.id };
    assert_eq!(world.refusal(|ctx| Annotation.cancel_job(ctx, msg)), 155);
    assert_eq!(world.claim(stage.id, &user(1)).unwrap_err().code, 41);
    assert_eq!(world.claim(stage.id, &user(15)).unwrap_err().code, 43, "a funder of the job");
}

#[test]
fn verifiers_may_see_the_items_of_their_drafts() {
    let mut world = World::new(20);
    let posted = world.post(&studio::post());
    let producers: Vec<_> = (2..7).map(|n| Producer::new(n, 90)).collect();
    produce(&mut world, posted.id, &producers);
    let right = verdicts(&mut world, posted.id, &producers);
    let stage = open_stage(&mut world, posted.id, &right);
    let (lease, tasks) = world.grant(stage.id, &user(10));
    let mut access = |task: u32, account: &Address| {
        let query = QueryAccessRequest { job: posted.id, task: task % 100, account: account.to_string() };
        world.ask(|ctx| Annotation.access(ctx, query)).lease
    };
    assert!(tasks.iter().all(|task| access(*task, &user(10)) == lease.id));
    assert_eq!(access(tasks[0], &user(11)), 0);
    let elsewhere = (0..100).find(|task| !tasks.iter().any(|mine| mine % 100 == *task)).unwrap();
    assert_eq!(access(elsewhere, &user(10)), 0);
}

#[test]
fn a_draft_is_read_as_it_was_written() {
    let content = Side { media_type: "text/plain", content: b"what was said" };
    let bytes = formats::draft(&user(2), &content).unwrap();
    assert_eq!(formats::read_draft(&bytes), Some((user(2), content)));
    for end in 0..bytes.len() {
        assert_eq!(formats::read_draft(&bytes[..end]), None);
    }
    assert_ne!(formats::draft(&user(3), &content).unwrap(), bytes, "of another producer");
    assert_eq!(formats::read_draft(&[&bytes[..], &[0]].concat()), None);
}
