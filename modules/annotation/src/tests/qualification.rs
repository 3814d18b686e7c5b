//! Who may lease: lists of accounts, standings, and what a message must prove.
use cairn_kernel::{Address, Module, Result, merkle};
use cairn_proto::cairn::annotation::v1::{
    Genesis, MsgPostJob, MsgQualify, MsgServer, Qualification, QueryAllowListRequest, QueryExamBatchesRequest, QueryQualificationRequest,
    QueryServer,
};

use super::{
    clusters::send,
    world::{Post, World, standing, user},
};
use crate::{Annotation, formats};

fn qualify(world: &mut World, msg: MsgQualify) -> Result<bool> {
    world.tx(|ctx| Annotation.qualify(ctx, msg)).map(|answer| answer.qualified)
}

fn listed(msg: &mut MsgPostJob, users: &[u8]) {
    msg.allow_list = users.iter().map(|n| user(*n).to_string()).collect();
}

fn refusal(world: &mut World, job: u64, n: u8) -> u32 {
    let query = QueryQualificationRequest { job, account: user(n).to_string() };
    let asked = world.ask(|ctx| Annotation.qualification(ctx, query));
    assert_eq!(asked.qualified, asked.code == 0);
    if let Err(error) = world.claim(job, &user(n)) {
        assert_eq!(error.code, asked.code, "the query tells what the claim is refused for");
    }
    asked.code
}

#[test]
fn only_who_is_on_the_list_leases() {
    let mut world = World::new(5);
    let job = world.post_with(&Post::default(), |msg| listed(msg, &[4, 2])).unwrap().id;
    assert_eq!(world.job(job).0.qualification.unwrap().allowed, 2);
    assert_eq!(refusal(&mut world, job, 3), 121);
    assert_eq!(refusal(&mut world, job, 2), 0);
    let query = QueryAllowListRequest { job, pagination: None };
    assert_eq!(world.ask(|ctx| Annotation.allow_list(ctx, query)).accounts, [user(2).to_string(), user(4).to_string()]);
    assert_eq!(world.refusal(|ctx| Annotation.allow_list(ctx, QueryAllowListRequest { job: 99, pagination: None })), 25);
    assert_eq!(world.refusal(|ctx| Annotation.exam_batches(ctx, QueryExamBatchesRequest { job: 99, pagination: None })), 25);
    for (n, code) in [(3, 121), (4, 129), (1, 41)] {
        let msg = MsgQualify { annotator: user(n).to_string(), job, ..MsgQualify::default() };
        assert_eq!(qualify(&mut world, msg).unwrap_err().code, code);
    }
}

#[test]
fn who_is_below_the_root_proves_it_once() {
    let mut world = World::new(5);
    let accounts = [user(2), user(3), user(4)];
    let leaves: Vec<merkle::Hash> = accounts.iter().map(formats::allow_leaf).collect();
    let asked = Qualification { allowed: 3, allow_root: merkle::root(&leaves).to_vec(), ..Qualification::default() };
    let job = world.post_with(&Post::default(), |msg| msg.qualification = Some(asked)).unwrap().id;
    let proof = |n: u8, index: u32| {
        let path = merkle::path(&leaves, index as usize).unwrap().into_iter().map(|hash| hash.to_vec()).collect();
        MsgQualify { annotator: user(n).to_string(), job, index, path, ..MsgQualify::default() }
    };
    assert_eq!(refusal(&mut world, job, 3), 121);
    assert_eq!(qualify(&mut world, proof(3, 0)).unwrap_err().code, 130);
    assert_eq!(qualify(&mut world, proof(5, 1)).unwrap_err().code, 130, "another's proof");
    assert_eq!(qualify(&mut world, MsgQualify { path: vec![vec![0; 31]], ..proof(3, 1) }).unwrap_err().code, 130);
    assert!(qualify(&mut world, proof(3, 1)).unwrap());
    assert_eq!(qualify(&mut world, proof(3, 1)).unwrap_err().code, 129);
    assert_eq!(refusal(&mut world, job, 3), 0);
    assert_eq!(refusal(&mut world, job, 2), 121, "each for itself");
}

/// The requester vouches for who is on its list: it may have funded them all.
#[test]
fn clusters_do_not_count_in_a_job_with_a_list() {
    let mut world = World::new(1);
    let account = |n: u8| Address::new(&[150 + n; 20]).unwrap();
    for n in 0..3 {
        send(&mut world, &user(1), &account(n), 1_000_000);
        send(&mut world, &account(0), &account(n + 3), 1_000_000 / 4);
    }
    let open = world.post(&Post::default()).id;
    let list: Vec<String> = [0, 3, 4].map(|n| account(n).to_string()).to_vec();
    let closed = world.post_with(&Post { tasks: 10, gold_per_bucket: 5, ..Post::default() }, |msg| msg.allow_list.clone_from(&list));
    assert_eq!(closed.err().unwrap().code, 16);
    let post = Post { tasks: 20, gold_per_bucket: 5, ..Post::default() };
    let closed = world.post_with(&post, |msg| msg.allow_list = list).unwrap().id;
    // Genesis accounts found no clusters; account 0 does.
    let mut seats = [0, 0];
    for n in [0, 3, 4] {
        for (i, job) in [open, closed].into_iter().enumerate() {
            world.claim(job, &account(n)).unwrap();
            (0..4).for_each(|_| world.block());
            let leases = world.leases(job, &account(n), cairn_proto::cairn::annotation::v1::LeaseState::Live);
            seats[i] |= leases.iter().fold(0, |all, (lease, _)| all | 1_u32 << (lease.buckets[0] % 32));
        }
    }
    assert_eq!(seats[0].count_ones(), 3, "a cluster never meets in a bucket");
    assert!(seats[1].count_ones() <= 2, "three accounts in two buckets");
}

#[test]
fn a_job_may_ask_for_standing() {
    let mut low = standing(4, 500);
    low.kappa_labels_ppm -= 1_000_000;
    let genesis = Genesis { standings: vec![standing(2, 500), standing(3, 499), low], ..Annotation.default_genesis() };
    let mut world = World::with(5, genesis);
    let asked = |skill: &str| {
        let (standing_labels, standing_kappa_ppm) = (500, 500_000);
        Some(Qualification { standing_skill: skill.into(), standing_labels, standing_kappa_ppm, ..Qualification::default() })
    };
    let job = world.post_with(&Post::default(), |msg| msg.qualification = asked("classify")).unwrap().id;
    assert_eq!([2, 3, 4, 5].map(|n| refusal(&mut world, job, n)), [0, 122, 122, 122]);
    assert_eq!(world.post_with(&Post::default(), |msg| msg.qualification = asked("")).err().unwrap().code, 2);
    assert_eq!(world.post_with(&Post::default(), |msg| msg.qualification = asked("X")).err().unwrap().code, 120);
    let change = |msg: &mut MsgPostJob| {
        msg.qualification = asked("classify");
        msg.qualification.as_mut().unwrap().standing_kappa_ppm = 1_000_001;
    };
    assert_eq!(world.post_with(&Post::default(), change).err().unwrap().code, 128);
    let msg = MsgQualify { annotator: user(3).to_string(), job, ..MsgQualify::default() };
    assert_eq!(qualify(&mut world, msg).unwrap_err().code, 122);
}

#[test]
fn each_fault_of_a_list_has_its_code() {
    let mut world = World::new(2);
    let mut refused = |change: fn(&mut MsgPostJob)| world.post_with(&Post::default(), change).err().map(|error| error.code);
    assert_eq!(refused(|msg| listed(msg, &[2, 2])), Some(127));
    assert_eq!(
        refused(|msg| {
            listed(msg, &[2]);
            msg.qualification = Some(Qualification { allowed: 1, ..Qualification::default() });
        }),
        Some(126)
    );
    assert_eq!(refused(|msg| msg.qualification = Some(Qualification { allowed: 1, ..Qualification::default() })), Some(126));
    assert_eq!(refused(|msg| msg.qualification = Some(Qualification { allow_root: vec![1; 32], ..Qualification::default() })), Some(126));
    let root = |len| Some(Qualification { allowed: 1, allow_root: vec![1; len], ..Qualification::default() });
    assert_eq!(world.post_with(&Post::default(), |msg| msg.qualification = root(31)).err().unwrap().code, 9);
    let many = |count: u32| (0..count).map(|n| Address::new(&[&[9; 16], n.to_be_bytes().as_slice()].concat()).unwrap().to_string());
    assert_eq!(world.post_with(&Post::default(), |msg| msg.allow_list = many(501).collect()).err().unwrap().code, 7);
    let id = world.post_with(&Post::default(), |msg| msg.allow_list = many(500).collect()).unwrap().id;
    assert_eq!(world.job(id).0.qualification.unwrap().allowed, 500);
    let none = world.post_with(&Post::default(), |msg| msg.qualification = Some(Qualification::default())).unwrap().id;
    assert!(world.job(none).0.qualification.is_none());
    let msg = MsgQualify { annotator: user(2).to_string(), job: none, ..MsgQualify::default() };
    assert_eq!(qualify(&mut world, msg).unwrap_err().code, 129);
}
