//! Drafts of producing jobs: who reads them, and how long they stay.
use std::time::{Duration, SystemTime};

use cairn_gateway::Report;
use cairn_proto::cairn::annotation::v1::{JobStatus, Visibility};
use reqwest::Method;
use sha2::{Digest, Sha256};

use crate::world::{Manifest, Person, World, sha};

const TEXT: &[u8] = b"a text that somebody wrote";

/// Job 1 of four tasks by person 1; person 2 uploads a draft of task 2 and reveals it.
struct Produced {
    world: World,
    requester: Person,
    producer: Person,
    path: String,
}

async fn produced(visibility: Visibility) -> Produced {
    let world = World::new().await;
    let (requester, producer) = (world.person(1).await, world.person(2).await);
    let manifest = Manifest::of(4, 5);
    requester.put_all(&manifest).await;
    world.node.post_job(1, &requester.address(), manifest.root(), 4, visibility);
    world.node.produces(1);
    producer.put_content(TEXT).await.is(201);
    world.node.reveal(1, 2, &producer.address(), Sha256::digest(TEXT).into(), 6);
    let path = format!("/v1/jobs/1/tasks/2/drafts/{}", sha(TEXT));
    Produced { world, requester, producer, path }
}

/// Eight days from now: everything that stands is old.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(8 * 86_400)
}

#[tokio::test]
async fn requester_producer_and_verifier_read_a_draft_and_nobody_else() {
    let Produced { world, requester, producer, path } = produced(Visibility::Private).await;
    for person in [&requester, &producer] {
        let draft = person.get(&path).await;
        assert_eq!(draft.is(200).body, TEXT);
        assert_eq!((draft.header("content-type"), draft.header("x-cairn-sha256")), ("application/vnd.cairn.draft", sha(TEXT).as_str()));
        assert_eq!((draft.header("x-cairn-blind"), draft.header("cache-control")), ("", "private, no-cache"));
        assert!(draft.header("content-security-policy").contains("sandbox"));
    }
    let verifier = world.person(3).await;
    verifier.get(&path).await.is_refused(403, "no_access");
    // A lease of the items is none of the drafts, and neither is a lease of another draft.
    world.node.lease(1, 2, &verifier.address(), 200);
    verifier.get(&path).await.is_refused(403, "no_access");
    world.node.status(1, JobStatus { job: 1, stage: 9, ..JobStatus::default() });
    world.node.lease(9, 2, &verifier.address(), 200);
    verifier.get(&path).await.is_refused(403, "no_access");
    world.node.lease(9, 6, &verifier.address(), 110);
    assert_eq!(verifier.get(&path).await.is(200).body, TEXT);
    let part = verifier.send(verifier.request(Method::GET, &path).header("range", "bytes=2-5")).await;
    assert_eq!(part.is(206).body, TEXT[2..6]);
    assert_eq!(verifier.head(&path).await.is(200).header("content-length"), TEXT.len().to_string());
    world.node.facts().height = 111;
    verifier.get(&path).await.is_refused(403, "no_access");
    world.stranger().get(&path).await.is_refused(401, "sign_in_required");
}

#[tokio::test]
async fn what_is_no_draft_is_told_apart() {
    let Produced { world, requester, producer, path } = produced(Visibility::Private).await;
    let hash = sha(TEXT);
    requester.get(&format!("/v1/jobs/1/tasks/1/drafts/{hash}")).await.is_refused(404, "unknown_draft");
    requester.get(&format!("/v1/jobs/1/tasks/2/drafts/{}", sha(b"x"))).await.is_refused(404, "unknown_draft");
    requester.get(&format!("/v1/jobs/1/tasks/4/drafts/{hash}")).await.is_refused(404, "unknown_task");
    requester.get(&format!("/v1/jobs/7/tasks/2/drafts/{hash}")).await.is_refused(404, "not_on_chain");
    requester.get("/v1/jobs/1/tasks/2/drafts/x").await.is_refused(400, "bad_hash");
    requester.get(&format!("/v1/jobs/1/tasks/x/drafts/{hash}")).await.is_refused(400, "bad_request");
    requester.put(&path, "x").await.is_refused(405, "method_not_allowed");
    world.node.reveal(1, 3, &producer.address(), Sha256::digest(b"never uploaded").into(), 7);
    let missing = format!("/v1/jobs/1/tasks/3/drafts/{}", sha(b"never uploaded"));
    requester.get(&missing).await.is_refused(404, "not_served");
    world.node.facts().down = true;
    requester.get(&format!("/v1/jobs/1/tasks/1/drafts/{hash}")).await.is_refused(503, "chain_unreachable");
}

#[tokio::test]
async fn committing_to_the_hash_of_anothers_content_shows_nothing() {
    let Produced { world, requester, producer, path } = produced(Visibility::Private).await;
    let thief = world.person(4).await;
    // An item of the requester, told as a draft by somebody who knows its hash.
    let item = Manifest::of(4, 5).contents[0].clone();
    world.node.reveal(1, 0, &thief.address(), Sha256::digest(&item).into(), 0);
    let stolen = format!("/v1/jobs/1/tasks/0/drafts/{}", sha(&item));
    thief.get(&stolen).await.is_refused(404, "not_served");
    requester.get(&stolen).await.is_refused(404, "not_served");
    // The hash of another producer's draft of the same task.
    world.node.reveal(1, 2, &thief.address(), Sha256::digest(TEXT).into(), 2);
    thief.get(&path).await.is_refused(404, "not_served");
    assert_eq!(producer.get(&path).await.is(200).body, TEXT);
    assert_eq!(requester.get(&path).await.is(200).body, TEXT);
    // A copy has no place in the stage: its number there is that of another draft.
    world.node.copied(1, &thief.address());
    world.node.status(1, JobStatus { job: 1, stage: 9, ..JobStatus::default() });
    let verifier = world.person(5).await;
    world.node.lease(9, 2, &verifier.address(), 200);
    verifier.get(&path).await.is_refused(403, "no_access");
}

#[tokio::test]
async fn results_are_read_by_whoever_may_read_the_data_set() {
    let Produced { world, path, .. } = produced(Visibility::Private).await;
    let buyer = world.person(6).await;
    world.node.publish(3, 1, "cairn1owner", [7; 32]);
    world.node.facts().licenses.insert((3, buyer.address()), 0);
    buyer.get(&path).await.is_refused(403, "no_access");
    world.node.status(1, JobStatus { job: 1, asset_id: 3, ..JobStatus::default() });
    buyer.get(&path).await.is_refused(403, "no_access");
    world.node.settle(1, |draft| draft.chosen = true);
    assert_eq!(buyer.get(&path).await.is(200).body, TEXT);
    world.person(7).await.get(&path).await.is_refused(403, "no_access");
}

#[tokio::test]
async fn drafts_of_a_public_job_are_anybodys() {
    let Produced { world, path, .. } = produced(Visibility::Public).await;
    assert_eq!(world.stranger().get(&path).await.is(200).body, TEXT);
    let asked = world.node.asked("Drafts");
    world.stranger().get(&path).await.is(200);
    assert_eq!(world.node.asked("Drafts"), asked, "remembered");
    world.stranger().get(&format!("/v1/jobs/1/tasks/2/drafts/{}", sha(b"x"))).await.is_refused(404, "unknown_draft");
}

#[tokio::test]
async fn a_draft_that_the_chain_names_stays_and_counts_against_nobody() {
    let Produced { world, requester, producer, path } = produced(Visibility::Private).await;
    world.node.reveal(1, 3, &producer.address(), Sha256::digest(b"read by nobody yet").into(), 7);
    producer.put_content(b"read by nobody yet").await.is(201);
    producer.put_content(b"committed to by nobody").await.is(201);
    requester.get(&path).await.is(200);
    world.node.facts().down = true;
    world.gateway.collect(later(), false).await.unwrap_err();
    world.node.facts().down = false;
    let expected = Report { contents: 1, bytes: 22, ..Report::default() };
    assert_eq!(world.gateway.collect(later(), true).await.unwrap(), expected, "a dry run counts");
    assert_eq!(world.gateway.collect(later(), false).await.unwrap(), expected);
    assert_eq!(world.gateway.collect(later(), false).await.unwrap(), Report::default());
    requester.get(&path).await.is(200);
    let other = format!("/v1/jobs/1/tasks/3/drafts/{}", sha(b"read by nobody yet"));
    assert_eq!(requester.get(&other).await.is(200).body, b"read by nobody yet");
    let metrics = String::from_utf8(requester.get("/metrics").await.body).unwrap();
    assert!(metrics.contains("cairn_gateway_unreferenced_bytes 0\n"), "{metrics}");
}

#[tokio::test]
async fn an_account_at_its_limit_is_told_what_of_it_became_drafts() {
    let world = World::with(|config| config.limits.account_bytes = 12_000).await;
    let (requester, producer) = (world.person(1).await, world.person(2).await);
    for id in 1..=5 {
        world.node.post_job(id, &requester.address(), [id as u8; 32], 4, Visibility::Private);
    }
    world.node.produces(5);
    producer.put_content(&[1; 5_000]).await.is(201);
    producer.put_content(&[2; 5_000]).await.is(201);
    world.node.reveal(5, 3, &producer.address(), Sha256::digest([1; 5_000]).into(), 0);
    producer.put_content(&[3; 5_000]).await.is(201);
    producer.put_content(&[4; 5_000]).await.is_refused(403, "quota_exceeded");
}
