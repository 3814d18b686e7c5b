//! Removing what nothing references, and only that.
use std::time::{Duration, SystemTime};

use cairn_gateway::Report;
use cairn_proto::cairn::annotation::v1::Visibility;

use crate::world::{Manifest, World, sha};

/// Eight days from now: everything that stands is old.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(8 * 86_400)
}

#[tokio::test]
async fn only_what_is_old_and_not_on_the_chain_goes() {
    let world = World::new().await;
    let person = world.person(1).await;
    let (job, version, loose) = (Manifest::of(2, 1), Manifest::of(3, 2), Manifest::of(4, 3));
    for manifest in [&job, &version, &loose] {
        person.put_all(manifest).await;
    }
    person.put_content(b"stray").await.is(201);
    // Pages of jobs and assets that have nothing to do with it stand before what has.
    for id in 1..=4 {
        world.node.post_job(id, &person.address(), [id as u8; 32], 2, Visibility::Private);
        world.node.publish(id, 1, &person.address(), [id as u8 + 100; 32]);
    }
    world.node.post_job(5, &person.address(), job.root(), 2, Visibility::Private);
    world.node.publish(5, 1, &person.address(), version.root());
    let nothing = Report::default();
    assert_eq!(world.gateway.collect(SystemTime::now(), false).await.unwrap(), nothing);
    let stray = loose.contents.iter().map(Vec::len).sum::<usize>() + 5;
    let expected = Report { manifests: 1, contents: 5, bytes: stray as u64, staged: 0 };
    assert_eq!(world.gateway.collect(later(), true).await.unwrap(), expected, "a dry run counts");
    person.get(&loose.path()).await.is(200);
    assert_eq!(world.gateway.collect(later(), false).await.unwrap(), expected);
    assert_eq!(world.gateway.collect(later(), false).await.unwrap(), nothing);
    person.get(&loose.path()).await.is_refused(404, "unknown_manifest");
    person.put_manifest(&loose).await.is_refused(409, "missing_contents");
    person.head(&format!("/v1/content/{}", sha(b"stray"))).await.is(404);
    for (task, content) in job.contents.iter().enumerate() {
        assert_eq!(person.get(&format!("/v1/jobs/5/tasks/{task}")).await.is(200).body, *content);
    }
    for (index, content) in version.contents.iter().enumerate() {
        assert_eq!(person.get(&format!("/v1/assets/5/versions/1/items/{index}")).await.is(200).body, *content);
    }
}

#[tokio::test]
async fn nothing_goes_while_the_chain_cannot_be_asked() {
    let world = World::new().await;
    let person = world.person(1).await;
    let manifest = Manifest::of(2, 1);
    person.put_all(&manifest).await;
    world.node.facts().down = true;
    world.gateway.collect(later(), false).await.unwrap_err();
    world.node.facts().down = false;
    person.get(&manifest.path()).await.is(200);
    world.node.post_job(1, &person.address(), manifest.root(), 2, Visibility::Private);
    person.get("/v1/jobs/1/tasks/1").await.is(200);
    // Having served it, the gateway knows it to be referenced, whatever happens to the chain.
    world.node.facts().down = true;
    assert_eq!(world.gateway.collect(later(), false).await.unwrap(), Report::default());
}

#[tokio::test]
async fn shared_contents_stay_as_long_as_one_manifest_lists_them() {
    let world = World::new().await;
    let (one, two) = (world.person(1).await, world.person(2).await);
    let kept = Manifest::of(3, 1);
    let gone = Manifest { contents: [kept.contents.clone(), vec![b"only here".to_vec()]].concat(), blind: 1 };
    one.put_all(&kept).await;
    two.put_all(&gone).await;
    world.node.post_job(1, &one.address(), kept.root(), 3, Visibility::Private);
    let report = world.gateway.collect(later(), false).await.unwrap();
    assert_eq!(report, Report { manifests: 1, contents: 1, bytes: 9, staged: 0 });
    for task in 0..3 {
        one.get(&format!("/v1/jobs/1/tasks/{task}")).await.is(200);
    }
}

#[tokio::test]
async fn a_job_may_be_posted_for_what_another_account_uploaded() {
    let world = World::new().await;
    let clerk = world.person(1).await;
    let manifest = Manifest::of(2, 1);
    clerk.put_all(&manifest).await;
    let requester = world.person(2).await;
    world.node.post_job(1, &requester.address(), manifest.root(), 2, Visibility::Private);
    assert_eq!(world.gateway.collect(later(), false).await.unwrap(), Report::default());
    assert_eq!(requester.get("/v1/jobs/1/tasks/0").await.is(200).body, manifest.contents[0]);
}

#[tokio::test]
async fn collecting_frees_quotas() {
    let world = World::with(|config| config.limits.account_bytes = 8_000).await;
    let person = world.person(1).await;
    person.put_content(&[1; 5_000]).await.is(201);
    person.put_content(&[2; 5_000]).await.is_refused(403, "quota_exceeded");
    assert_eq!(world.gateway.collect(later(), false).await.unwrap().contents, 1);
    person.put_content(&[2; 5_000]).await.is(201);
}

#[tokio::test]
async fn uploads_and_collection_at_once_lose_nothing_that_was_acknowledged() {
    let world = World::new().await;
    let person = world.person(1).await;
    let manifest = Manifest::of(40, 1);
    // Everything is old to this collector, so each of its runs removes what it may while the uploads come in.
    let collect = async {
        for _ in 0..25 {
            world.gateway.collect(later(), false).await.unwrap();
        }
    };
    let upload = async {
        let mut stands = false;
        while !stands {
            for content in &manifest.contents {
                // A content that was here when its upload began and was collected before the end must be sent again: 503.
                while person.put_content(content).await.status == 503 {}
            }
            let reply = person.put_manifest(&manifest).await;
            assert!(matches!(reply.status.as_u16(), 200 | 201 | 409), "{}", reply.status);
            stands = reply.status.is_success();
        }
        world.node.post_job(1, &person.address(), manifest.root(), 40, Visibility::Private);
    };
    tokio::join!(collect, upload);
    // Either the manifest was removed before the job was posted, as if it had been put a week before, or all of it is there.
    let first = person.get("/v1/jobs/1/tasks/0").await;
    if first.status == 200 {
        for (task, content) in manifest.contents.iter().enumerate() {
            assert_eq!(person.get(&format!("/v1/jobs/1/tasks/{task}")).await.is(200).body, *content);
        }
    } else {
        first.is_refused(404, "not_served");
    }
}
