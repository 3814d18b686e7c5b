//! Queries: pages, filters, and what is not found.
use cairn_kernel::Status;
use cairn_proto::{
    cairn::annotation::v1::{
        JobState, LeaseState, QueryAccessRequest, QueryBucketsRequest, QueryEarningsRequest, QueryGoldStateRequest, QueryJobRequest,
        QueryJobsRequest, QueryLabelsRequest, QueryLeaseRequest, QueryLeasesRequest, QueryParamsRequest, QueryServer, QueryTasksRequest,
        QueryWorkerRequest, QueryWorkersRequest, SettleStep,
    },
    cosmos::base::query::v1beta1::PageRequest,
};

use super::{
    jobs::honest,
    world::{Post, World, user},
};
use crate::{Annotation, rules};

fn limit(limit: u64) -> Option<PageRequest> {
    Some(PageRequest { limit, ..PageRequest::default() })
}

#[test]
fn jobs_are_listed_by_state_and_by_requester() {
    let mut world = World::new(8);
    let post = Post::default();
    let closed = world.run_job(&post, &honest(&post)).id;
    let open = world.post(&post).id;
    let mut list = |state: JobState, requester: &str| -> Vec<u64> {
        let query = QueryJobsRequest { state: state.into(), requester: requester.into(), pagination: None };
        world.ask(|ctx| Annotation.jobs(ctx, query)).jobs.into_iter().map(|entry| entry.job.unwrap().id).collect()
    };
    assert_eq!(list(JobState::Unspecified, ""), [closed, open]);
    assert_eq!(list(JobState::Open, ""), [open]);
    assert_eq!(list(JobState::Closed, ""), [closed]);
    assert!(list(JobState::Cancelled, "").is_empty());
    assert_eq!(list(JobState::Unspecified, &user(1).to_string()), [closed, open]);
    assert_eq!(list(JobState::Closed, &user(1).to_string()), [closed]);
    assert!(list(JobState::Unspecified, &user(2).to_string()).is_empty());
}

#[test]
fn what_does_not_exist_is_not_found() {
    let mut world = World::new(2);
    let job = world.post(&Post::default()).id;
    let mut missing = |ask: &dyn Fn(&cairn_kernel::Ctx) -> cairn_kernel::Result<()>| {
        let error = world.chain.run(|ctx| ask(ctx)).unwrap_err();
        assert_eq!(error.status, Status::NotFound, "{error}");
        error.code
    };
    assert_eq!(missing(&|ctx| Annotation.job(ctx, QueryJobRequest { job: 9 }).map(drop)), 25);
    assert_eq!(missing(&|ctx| Annotation.buckets(ctx, QueryBucketsRequest { job: 9, pagination: None }).map(drop)), 25);
    assert_eq!(missing(&|ctx| Annotation.workers(ctx, QueryWorkersRequest { job: 9, pagination: None }).map(drop)), 25);
    assert_eq!(missing(&|ctx| Annotation.gold_state(ctx, QueryGoldStateRequest { job: 9 }).map(drop)), 25);
    assert_eq!(missing(&|ctx| Annotation.tasks(ctx, QueryTasksRequest { job: 9, from: 0, limit: 0 }).map(drop)), 25);
    assert_eq!(missing(&|ctx| Annotation.lease(ctx, QueryLeaseRequest { lease: 9 }).map(drop)), 45);
    let worker = QueryWorkerRequest { job, annotator: user(2).to_string() };
    assert_eq!(missing(&|ctx| Annotation.worker(ctx, worker.clone()).map(drop)), 79);
    let access = QueryAccessRequest { job, task: 100, account: user(2).to_string() };
    assert_eq!(missing(&|ctx| Annotation.access(ctx, access.clone()).map(drop)), 78);
    assert_eq!(world.refusal(|ctx| Annotation.leases(ctx, QueryLeasesRequest::default())), 75);
}

#[test]
fn leases_are_listed_by_annotator_job_and_state() {
    let mut world = World::new(3);
    let job = world.post(&Post::default()).id;
    let other = {
        world.block();
        world.post(&Post::default()).id
    };
    let (a, _) = world.grant(job, &user(2));
    let (b, _) = world.grant(job, &user(3));
    let (c, _) = world.grant(other, &user(2));
    let mut list = |annotator: String, job: u64, state: LeaseState| -> Vec<u64> {
        let query = QueryLeasesRequest { annotator, job, state: state.into(), pagination: None };
        world.ask(|ctx| Annotation.leases(ctx, query)).leases.into_iter().map(|entry| entry.lease.unwrap().id).collect()
    };
    assert_eq!(list(user(2).to_string(), 0, LeaseState::Unspecified), [a.id, c.id]);
    assert_eq!(list(user(2).to_string(), job, LeaseState::Live), [a.id]);
    assert_eq!(list(String::new(), job, LeaseState::Live), [a.id, b.id]);
    assert!(list(String::new(), job, LeaseState::Expired).is_empty());
    let query = QueryLeasesRequest { job, pagination: limit(1), ..QueryLeasesRequest::default() };
    let page = world.ask(|ctx| Annotation.leases(ctx, query));
    assert_eq!(page.leases.len(), 1);
    assert!(!page.pagination.unwrap().next_key.is_empty());
}

#[test]
fn content_is_for_the_requester_and_holders_of_a_lease() {
    let mut world = World::new(3);
    let job = world.post(&Post::default()).id;
    let (lease, tasks) = world.grant(job, &user(2));
    let mut access = |n: u8, task: u32| {
        let query = QueryAccessRequest { job, task, account: user(n).to_string() };
        let answer = world.ask(|ctx| Annotation.access(ctx, query));
        (answer.allowed, answer.lease, answer.until)
    };
    assert_eq!(access(1, tasks[0]), (true, 0, 0));
    assert_eq!(access(2, tasks[0]), (true, lease.id, lease.end_height));
    assert_eq!(access(3, tasks[0]), (false, 0, 0));
    let elsewhere = (0..100).find(|task| !tasks.contains(task)).unwrap();
    assert_eq!(access(2, elsewhere), (false, 0, 0));
    world.go_to(lease.end_height + 1);
    let query = QueryAccessRequest { job, task: tasks[0], account: user(2).to_string() };
    assert!(!world.ask(|ctx| Annotation.access(ctx, query)).allowed, "an expired lease gives nothing");
}

#[test]
fn tasks_and_labels_come_in_pages() {
    let mut world = World::new(8);
    let post = Post::default();
    let posted = world.run_job(&post, &honest(&post));
    let page = world.ask(|ctx| Annotation.tasks(ctx, QueryTasksRequest { job: posted.id, from: 0, limit: 30 }));
    assert_eq!((page.tasks.len(), page.next), (30, 30));
    let last = world.ask(|ctx| Annotation.tasks(ctx, QueryTasksRequest { job: posted.id, from: 90, limit: 5_000 }));
    assert_eq!((last.tasks.len(), last.next, last.tasks[0].task), (10, 0, 90));
    let beyond = world.ask(|ctx| Annotation.labels(ctx, QueryLabelsRequest { job: posted.id, from: 100, limit: 0 }));
    assert_eq!((beyond.tasks.len(), beyond.next), (0, 0));
    let labels = world.ask(|ctx| Annotation.labels(ctx, QueryLabelsRequest { job: posted.id, from: 0, limit: 0 }));
    assert!(labels.tasks.iter().all(|task| task.labels.len() == 3 && task.labels.iter().all(|label| label.paid)));
    let workers = world.ask(|ctx| Annotation.workers(ctx, QueryWorkersRequest { job: posted.id, pagination: limit(2) }));
    assert_eq!(workers.workers.iter().map(|worker| worker.number).collect::<Vec<_>>(), [0, 1]);
    let buckets = world.ask(|ctx| Annotation.buckets(ctx, QueryBucketsRequest { job: posted.id, pagination: limit(3) }));
    assert!(buckets.buckets.iter().all(|bucket| bucket.revealed == 3 && bucket.free_seats == 0));
}

/// Before their reveal labels are nowhere to be read, afterwards at once.
#[test]
fn labels_are_shown_when_they_are_revealed() {
    let mut world = World::new(3);
    let post = Post { duration: 400, ..Post::default() };
    let posted = world.post(&post);
    let (lease, tasks) = world.grant(posted.id, &user(2));
    let labels: Vec<(u32, u16)> = tasks.iter().map(|task| (*task, 1)).collect();
    world.commit(&lease, &labels).unwrap();
    let deadline = world.job(posted.id).0.commit_deadline;
    world.go_to(deadline + 1);
    let query = QueryTasksRequest { job: posted.id, from: tasks[0], limit: 1 };
    assert!(world.ask(|ctx| Annotation.tasks(ctx, query)).tasks[0].votes.is_empty());
    world.reveal(&user(2), &lease, &labels).unwrap();
    let task = world.ask(|ctx| Annotation.tasks(ctx, query)).tasks[0].clone();
    assert_eq!((task.votes, task.posterior.len(), task.gold), (vec![0, 1, 0, 0], 0, false));
    let found = world.ask(|ctx| Annotation.labels(ctx, QueryLabelsRequest { job: posted.id, from: tasks[0], limit: 1 }));
    assert_eq!((found.tasks[0].labels[0].class, found.tasks[0].labels[0].paid), (1, false));
}

#[test]
fn progress_speaks_of_every_state() {
    use cairn_proto::cairn::annotation::v1::QueryJobProgressRequest;
    let mut world = World::new(8);
    let post = Post::default();
    let posted = world.post(&post);
    let ask = |world: &mut World| world.ask(|ctx| Annotation.job_progress(ctx, QueryJobProgressRequest { job: posted.id }));
    let open = ask(&mut world);
    assert_eq!((open.labels_wanted, open.state_ends, open.buckets), (300, world.job(posted.id).0.commit_deadline, 10));
    world.work(posted.id, &honest(&post));
    let gold = ask(&mut world);
    assert_eq!((gold.state(), gold.labels_accepted, gold.step()), (JobState::Gold, 300, SettleStep::AwaitGold));
    assert_eq!(gold.state_ends, world.status(posted.id).gold_deadline);
    world.open_gold(&posted);
    world.until(posted.id, JobState::Closed);
    let closed = ask(&mut world);
    assert_eq!((closed.paid.unwrap().amount.as_str(), closed.reserved.unwrap().amount.as_str()), ("3000000", "0"));
    assert_eq!(closed.posterior_histogram.iter().sum::<u64>(), 100);
}

#[test]
fn earnings_and_parameters_are_told() {
    use cairn_proto::cairn::annotation::v1::{MsgServer, MsgWithdrawEarnings};
    let mut world = World::new(8);
    let post = Post::default();
    world.run_job(&post, &honest(&post));
    let account = user(2).to_string();
    let owed = world.ask(|ctx| Annotation.earnings(ctx, QueryEarningsRequest { account: account.clone() })).claimable;
    let claimable = world.claimable(&user(2));
    assert_eq!((owed.len(), owed[0].amount.as_str()), (1, claimable.to_string().as_str()));
    let mut withdraw = |denoms: &[&str]| {
        let msg = MsgWithdrawEarnings { account: account.clone(), denoms: denoms.iter().map(|denom| (*denom).to_owned()).collect() };
        world.tx(|ctx| Annotation.withdraw_earnings(ctx, msg))
    };
    assert_eq!(withdraw(&["ibc/ABC"]).unwrap_err().code, 73);
    assert_eq!(withdraw(&["!"]).unwrap_err().codespace, "sdk");
    assert_eq!(withdraw(&["ucairn"; 17]).unwrap_err().code, 7);
    assert_eq!(withdraw(&["ucairn", "ucairn"]).unwrap().amount, owed, "named twice, paid once");
    assert_eq!(withdraw(&[]).unwrap_err().code, 73);
    assert_eq!(world.claimable(&user(2)), 0);
    world.check();
    assert_eq!(
        world.ask(|ctx| Annotation.params(ctx, QueryParamsRequest {})).params.unwrap(),
        cairn_proto::cairn::annotation::v1::Params { rules: Some(super::world::quick_rules()), ..rules::test_params() }
    );
}
