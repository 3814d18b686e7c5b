//! Items of jobs: who gets them and how.
use cairn_kernel::merkle;
use cairn_proto::cairn::annotation::v1::Visibility;
use reqwest::Method;

use crate::world::{Manifest, Person, World, sha};

/// A private job 1 with `items` items, posted by person 1.
async fn posted(items: usize) -> (World, Person, Manifest) {
    let world = World::new().await;
    let requester = world.person(1).await;
    let manifest = Manifest::of(items, 5);
    requester.put_all(&manifest).await;
    world.node.post_job(1, &requester.address(), manifest.root(), u32::try_from(items).unwrap(), Visibility::Private);
    (world, requester, manifest)
}

#[tokio::test]
async fn a_lease_holder_gets_its_items_and_can_check_them() {
    let (world, requester, manifest) = posted(3).await;
    let annotator = world.person(2).await;
    world.node.lease(1, 2, &annotator.address(), 110);
    let item = annotator.get("/v1/jobs/1/tasks/2").await;
    assert_eq!(item.is(200).body, manifest.contents[2]);
    let hash = sha(&manifest.contents[2]);
    assert_eq!((item.header("content-type"), item.header("etag")), ("text/plain", format!("\"{hash}\"").as_str()));
    assert_eq!((item.header("x-cairn-sha256"), item.header("x-cairn-blind")), (hash.as_str(), "05".repeat(32).as_str()));
    assert_eq!((item.header("cache-control"), item.header("accept-ranges")), ("private, no-cache", "bytes"));
    assert_eq!(item.header("content-length"), manifest.contents[2].len().to_string());
    assert!(item.header("content-security-policy").contains("sandbox") && item.header("x-content-type-options") == "nosniff");
    annotator.get("/v1/jobs/1/tasks/1").await.is_refused(403, "no_access");
    annotator.get("/v1/jobs/1/tasks/1/proof").await.is_refused(403, "no_access");
    assert_eq!(requester.get("/v1/jobs/1/tasks/1").await.is(200).body, manifest.contents[1]);
    let head = annotator.head("/v1/jobs/1/tasks/2").await;
    assert_eq!((head.is(200).header("etag"), head.body.len()), (format!("\"{hash}\"").as_str(), 0));
}

#[tokio::test]
async fn a_proof_leads_from_the_item_to_the_root_on_the_chain() {
    let world = World::new().await;
    let requester = world.person(1).await;
    let contents: Vec<Vec<u8>> = (0..2_100_u32).map(|i| (i % 3).to_be_bytes().to_vec()).collect();
    let manifest = Manifest { contents, blind: 5 };
    for content in &manifest.contents[..3] {
        requester.put_content(content).await.is(201);
    }
    requester.put_manifest(&manifest).await.is(201);
    world.node.post_job(1, &requester.address(), manifest.root(), 2_100, Visibility::Private);
    for task in [0_usize, 1_023, 1_024, 2_047, 2_048, 2_099] {
        let proof = requester.get(&format!("/v1/jobs/1/tasks/{task}/proof")).await.is(200).json();
        assert_eq!((proof["task"].as_u64(), proof["items"].as_u64()), (Some(task as u64), Some(2_100)));
        assert_eq!((proof["sha256"].as_str(), proof["bytes"].as_u64()), (Some(sha(&manifest.contents[task]).as_str()), Some(4)));
        assert_eq!(
            (proof["blind"].as_str(), proof["root"].as_str()),
            (Some("05".repeat(32).as_str()), Some(hex::encode(manifest.root()).as_str()))
        );
        let path: Vec<Vec<u8>> = proof["path"].as_array().unwrap().iter().map(|p| hex::decode(p.as_str().unwrap()).unwrap()).collect();
        let path = merkle::read_path(&path).unwrap();
        assert!(merkle::verify(&manifest.root(), &manifest.leaf(task), task as u64, 2_100, &path), "{task}");
        assert_eq!(proof["leaf"], hex::encode(manifest.leaf(task)));
    }
}

#[tokio::test]
async fn a_public_job_is_for_anybody() {
    let world = World::new().await;
    let requester = world.person(1).await;
    let manifest = Manifest::of(2, 0);
    requester.put_all(&manifest).await;
    world.node.post_job(4, &requester.address(), manifest.root(), 2, Visibility::Public);
    let stranger = world.stranger();
    assert_eq!(stranger.get("/v1/jobs/4/tasks/1").await.is(200).body, manifest.contents[1]);
    stranger.get("/v1/jobs/4/tasks/1/proof").await.is(200);
    assert_eq!(world.node.asked("Access"), 0);
    // It is remembered for a while that a job is public, even while the node is away.
    world.node.facts().down = true;
    stranger.get("/v1/jobs/4/tasks/0").await.is(200);
    stranger.get("/v1/jobs/5/tasks/0").await.is_refused(503, "chain_unreachable");
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let (world, requester, _) = posted(3).await;
    world.stranger().get("/v1/jobs/1/tasks/0").await.is_refused(401, "sign_in_required");
    requester.get("/v1/jobs/1/tasks/3").await.is_refused(404, "unknown_task");
    requester.get("/v1/jobs/2/tasks/0").await.is_refused(404, "not_on_chain");
    requester.get("/v1/jobs/1/tasks/4294967296").await.is_refused(400, "bad_request");
    requester.get("/v1/jobs/one/tasks/0").await.is_refused(400, "bad_request");
    requester.get("/v1/jobs/-1/tasks/0").await.is_refused(400, "bad_request");
    requester.get("/v1/jobs/1").await.is_refused(404, "unknown_path");
    requester.put("/v1/jobs/1/tasks/0", "x").await.is_refused(405, "method_not_allowed");
    world.node.post_job(3, &requester.address(), [9; 32], 2, Visibility::Private);
    requester.get("/v1/jobs/3/tasks/0").await.is_refused(404, "not_served");
    // A requester may claim more tasks than its manifest has.
    world.node.post_job(4, &requester.address(), Manifest::of(3, 5).root(), 9, Visibility::Private);
    requester.get("/v1/jobs/4/tasks/8").await.is_refused(404, "unknown_item");
    requester.get("/v1/jobs/4/tasks/8/proof").await.is_refused(404, "unknown_item");
}

#[tokio::test]
async fn a_lease_that_ends_ends_access() {
    let (world, _, _) = posted(3).await;
    let annotator = world.person(2).await;
    world.node.lease(1, 0, &annotator.address(), 110);
    world.node.lease(1, 1, &annotator.address(), 200);
    annotator.get("/v1/jobs/1/tasks/0").await.is(200);
    annotator.get("/v1/jobs/1/tasks/1").await.is(200);
    world.node.facts().height = 111;
    // It ended within a few blocks, so it was asked again; the longer one was remembered for a moment.
    annotator.get("/v1/jobs/1/tasks/0").await.is_refused(403, "no_access");
    let asked = world.node.asked("Access");
    annotator.get("/v1/jobs/1/tasks/1").await.is(200);
    assert_eq!(world.node.asked("Access"), asked);
}

#[tokio::test]
async fn parts_of_an_item_are_sent() {
    let (world, requester, manifest) = posted(2).await;
    let bytes = &manifest.contents[0];
    let etag = format!("\"{}\"", sha(bytes));
    let with = |name: &str, value: &str| requester.request(Method::GET, "/v1/jobs/1/tasks/0").header(name, value);
    let part = requester.send(with("range", "bytes=2-4")).await;
    assert_eq!(part.is(206).body, bytes[2..5]);
    assert_eq!(part.header("content-range"), format!("bytes 2-4/{}", bytes.len()));
    assert_eq!(part.header("content-length"), "3");
    assert_eq!(requester.send(with("range", "bytes=-3")).await.is(206).body, bytes[bytes.len() - 3..]);
    assert_eq!(requester.send(with("range", "bytes=5-")).await.is(206).body, bytes[5..]);
    let outside = requester.send(with("range", "bytes=999-")).await;
    outside.is_refused(416, "range_outside");
    assert_eq!(outside.header("content-range"), format!("bytes */{}", bytes.len()));
    assert_eq!(requester.send(with("range", "bytes=0-1,3-4")).await.is(200).body, *bytes);
    assert_eq!(requester.send(with("range", "bytes=2-4").header("if-range", &etag)).await.is(206).body, bytes[2..5]);
    assert_eq!(requester.send(with("range", "bytes=2-4").header("if-range", "\"old\"")).await.is(200).body, *bytes);
    let same = requester.send(with("if-none-match", &etag)).await;
    assert!(same.is(304).body.is_empty());
    // Not even that is told to those who have no access.
    let stranger = world.person(3).await;
    let request = stranger.request(Method::GET, "/v1/jobs/1/tasks/0").header("if-none-match", &etag);
    stranger.send(request).await.is_refused(403, "no_access");
}

#[tokio::test]
async fn the_requesters_own_manifest_comes_before_that_of_others() {
    let world = World::new().await;
    let (other, requester) = (world.person(1).await, world.person(2).await);
    let manifest = Manifest::of(1, 0);
    let named = |media_type: &str| manifest.lines().replace("text/plain", media_type);
    for (person, media_type) in [(&other, "text/html"), (&requester, "text/csv")] {
        person.put_content(&manifest.contents[0]).await.is(201);
        person.put(&manifest.path(), named(media_type)).await.is(201);
    }
    world.node.post_job(1, &requester.address(), manifest.root(), 1, Visibility::Public);
    assert_eq!(world.stranger().get("/v1/jobs/1/tasks/0").await.header("content-type"), "text/csv");
    world.node.post_job(2, &world.stranger().address(), manifest.root(), 1, Visibility::Public);
    assert_eq!(world.stranger().get("/v1/jobs/2/tasks/0").await.header("content-type"), "text/html");
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let (mut world, _, manifest) = posted(3).await;
    world.restart().await;
    let requester = world.person(1).await;
    for (task, content) in manifest.contents.iter().enumerate() {
        assert_eq!(requester.get(&format!("/v1/jobs/1/tasks/{task}")).await.is(200).body, *content);
    }
    assert_eq!(requester.get(&manifest.path()).await.is(200).body, manifest.lines().into_bytes());
}

#[tokio::test]
async fn damage_is_told_and_healed_by_another_upload() {
    let (world, requester, manifest) = posted(2).await;
    let hash = sha(&manifest.contents[0]);
    let file = world.store().join("content").join(&hash[..2]).join(&hash);
    std::fs::write(&file, b"cut").unwrap();
    requester.get("/v1/jobs/1/tasks/0").await.is_refused(500, "damaged");
    std::fs::remove_file(&file).unwrap();
    requester.get("/v1/jobs/1/tasks/0").await.is_refused(500, "damaged");
    assert!(requester.put_content(&manifest.contents[0]).await.status.is_success());
    assert_eq!(requester.get("/v1/jobs/1/tasks/0").await.is(200).body, manifest.contents[0]);
}

#[tokio::test]
async fn a_large_item_is_streamed_and_a_reader_that_takes_nothing_is_cut_off() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = World::with(|config| {
        config.limits.stall = std::time::Duration::from_millis(300);
        config.limits.item_bytes = 64 << 20;
        config.limits.account_bytes = 128 << 20;
        config.limits.unreferenced_bytes = 128 << 20;
    })
    .await;
    let requester = world.person(1).await;
    let bytes = vec![7_u8; 40 << 20];
    requester.put_content(&bytes).await.is(201);
    let manifest = Manifest { contents: vec![bytes], blind: 0 };
    requester.put_manifest(&manifest).await.is(201);
    world.node.post_job(1, &requester.address(), manifest.root(), 1, Visibility::Public);
    let mut raw = tokio::net::TcpStream::connect(world.address).await.unwrap();
    raw.write_all(b"GET /v1/jobs/1/tasks/0 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let text = requester.http.get(world.url("/metrics"));
    // It takes nothing until the gateway has given up on it.
    loop {
        let text = text.try_clone().unwrap().send().await.unwrap().text().await.unwrap();
        if text.contains("cairn_gateway_connections 1\n") && text.contains("sent_bytes_total") && !text.contains("sent_bytes_total 0\n") {
            break;
        }
        tokio::task::yield_now().await;
    }
    let mut received = Vec::new();
    let _ = raw.read_to_end(&mut received).await;
    assert!(!received.is_empty() && received.len() < 40 << 20, "{}", received.len());
    assert_eq!(requester.get("/v1/jobs/1/tasks/0").await.is(200).body.len(), 40 << 20);
}
