//! The same in a bucket, where a service that speaks S3 is at hand.
use std::time::{Duration, SystemTime};

use cairn_gateway::Report;
use cairn_proto::cairn::annotation::v1::Visibility;
use reqwest::Method;

use crate::world::{Manifest, World, sha};

/// Needs `CAIRN_TEST_S3=s3://bucket/prefix` and the usual `AWS_*` environment; the prefix must be empty.
#[tokio::test]
async fn a_bucket_serves_as_a_folder_does() {
    let Ok(store) = std::env::var("CAIRN_TEST_S3") else {
        println!("not run: CAIRN_TEST_S3 names no bucket");
        return;
    };
    let mut world = World::with(|config| {
        config.store = store;
        config.limits.item_bytes = 16 << 20;
        config.limits.account_bytes = 64 << 20;
        config.limits.unreferenced_bytes = 64 << 20;
    })
    .await;
    let requester = world.person(1).await;
    // The last is larger than a part.
    let contents = vec![Vec::new(), b"small".to_vec(), vec![7; 12 << 20]];
    let manifest = Manifest { contents, blind: 3 };
    requester.put(&format!("/v1/content/{}", sha(b"x")), vec![7; 12 << 20]).await.is_refused(422, "wrong_hash");
    requester.put_all(&manifest).await;
    requester.put_content(b"stray").await.is(201);
    world.node.post_job(1, &requester.address(), manifest.root(), 3, Visibility::Private);
    world.restart().await;
    let requester = world.person(1).await;
    for (task, content) in manifest.contents.iter().enumerate() {
        assert_eq!(requester.get(&format!("/v1/jobs/1/tasks/{task}")).await.is(200).body, *content);
        requester.get(&format!("/v1/jobs/1/tasks/{task}/proof")).await.is(200);
    }
    let part = requester.request(Method::GET, "/v1/jobs/1/tasks/2").header("range", "bytes=6000000-6000009");
    assert_eq!(requester.send(part).await.is(206).body, vec![7; 10]);
    assert_eq!(requester.get(&manifest.path()).await.is(200).body, manifest.lines().into_bytes());
    requester.head(&format!("/v1/content/{}", sha(b"stray"))).await.is(200);
    let later = SystemTime::now() + Duration::from_secs(8 * 86_400);
    assert_eq!(world.gateway.collect(later, false).await.unwrap(), Report { manifests: 0, contents: 1, bytes: 5, staged: 0 });
    assert_eq!(world.gateway.collect(later, false).await.unwrap(), Report::default());
    requester.get("/v1/jobs/1/tasks/2").await.is(200);
}
