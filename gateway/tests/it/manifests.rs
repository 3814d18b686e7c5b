//! Putting manifests and getting them back.
use cairn_proto::cairn::annotation::v1::Visibility;
use serde_json::{Value, json};

use crate::world::{Manifest, World, sha};

#[tokio::test]
async fn a_manifest_stands_when_its_root_is_right_and_its_contents_are_there() {
    let world = World::new().await;
    let person = world.person(1).await;
    let manifest = Manifest::of(3, 7);
    let reply = person.put_manifest(&manifest).await;
    reply.is_refused(409, "missing_contents");
    let missing: Vec<Value> = manifest.contents.iter().map(|c| sha(c).into()).collect();
    assert_eq!((reply.json()["missing"].clone(), reply.json()["count"].clone()), (missing.into(), 3.into()));
    person.put_content(&manifest.contents[1]).await.is(201);
    assert_eq!(person.put_manifest(&manifest).await.json()["count"], 2);
    person.get(&manifest.path()).await.is_refused(404, "unknown_manifest");
    person.put_content(&manifest.contents[0]).await.is(201);
    person.put_content(&manifest.contents[2]).await.is(201);
    let reply = person.put_manifest(&manifest).await;
    assert_eq!(reply.is(201).json(), json!({ "root": hex::encode(manifest.root()), "items": 3 }));
    person.put(&manifest.path(), json!(manifest.items()).to_string()).await.is(200);
    let listed = person.get(&manifest.path()).await;
    assert_eq!(listed.is(200).header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = std::str::from_utf8(&listed.body).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines, manifest.items());
}

#[tokio::test]
async fn a_manifest_of_many_chunks_is_read_as_lines_and_as_an_array() {
    let world = World::new().await;
    let (one, two) = (world.person(1).await, world.person(2).await);
    let content = b"the same item many times".to_vec();
    one.put_content(&content).await.is(201);
    two.put_content(&content).await.is(201);
    let manifest = Manifest { contents: vec![content; 2_500], blind: 0 };
    one.put_manifest(&manifest).await.is(201);
    two.put(&manifest.path(), json!(manifest.items()).to_string()).await.is(201);
    assert_eq!(one.get(&manifest.path()).await.body, two.get(&manifest.path()).await.body);
}

#[tokio::test]
async fn a_wrong_root_is_told() {
    let world = World::new().await;
    let person = world.person(1).await;
    let (manifest, other) = (Manifest::of(2, 1), Manifest::of(3, 1));
    person.put_all(&manifest).await;
    let reply = person.put(&other.path(), manifest.lines()).await;
    reply.is_refused(422, "wrong_root");
    assert_eq!(reply.json()["found"], hex::encode(manifest.root()));
    person.get(&other.path()).await.is_refused(404, "unknown_manifest");
    person.put("/v1/manifests/xyz", manifest.lines()).await.is_refused(400, "bad_hash");
    world.stranger().put_manifest(&manifest).await.is_refused(401, "sign_in_required");
}

#[tokio::test]
async fn a_wrong_size_is_told() {
    let world = World::new().await;
    let person = world.person(1).await;
    let short = Manifest { contents: vec![b"abc".to_vec()], blind: 0 };
    person.put_content(b"abc").await.is(201);
    let mut item = short.item(0);
    item["bytes"] = json!(4);
    let leaf = [&b"cairn.item.v1\0\0\0"[..], &[0; 4], &hex::decode(sha(b"abc")).unwrap(), &4_u64.to_be_bytes(), &[0; 32]].concat();
    let root = hex::encode(cairn_kernel::merkle::leaf_hash(&leaf));
    let reply = person.put(&format!("/v1/manifests/{root}"), item.to_string()).await;
    reply.is_refused(422, "wrong_size");
    assert_eq!((reply.json()["expected"].clone(), reply.json()["found"].clone()), (json!(4), json!(3)));
}

#[tokio::test]
async fn what_is_no_manifest_or_too_much_of_one_is_refused() {
    let world = World::new().await;
    let person = world.person(1).await;
    let manifest = Manifest::of(2, 0);
    let path = manifest.path();
    for text in ["", "[]", "hello", "{}", "[1]", &manifest.lines().replace("text/plain", "text plain"), &manifest.lines()[5..]] {
        person.put(&path, text.to_owned()).await.is_refused(422, "bad_manifest");
    }
    let many = Manifest { contents: vec![Vec::new(); 3_001], blind: 0 };
    let reply = person.put_manifest(&many).await;
    reply.is_refused(422, "bad_manifest");
    assert_eq!(reply.json()["index"], 3_000);
    person.put(&path, vec![b' '; (1 << 20) + 1]).await.is_refused(413, "too_large");
    person.put(&path, manifest.lines().replace(&sha(&manifest.contents[0]), &"../".repeat(21))).await.is_refused(422, "bad_manifest");
}

#[tokio::test]
async fn contents_of_others_cannot_be_listed() {
    let world = World::new().await;
    let (one, two) = (world.person(1).await, world.person(2).await);
    let manifest = Manifest::of(2, 3);
    one.put_all(&manifest).await;
    two.put_manifest(&manifest).await.is_refused(409, "missing_contents");
    two.get(&manifest.path()).await.is_refused(404, "unknown_manifest");
}

#[tokio::test]
async fn a_requester_reads_the_manifest_of_its_job_whoever_put_it() {
    let world = World::new().await;
    let (clerk, requester, other) = (world.person(1).await, world.person(2).await, world.person(3).await);
    let manifest = Manifest::of(2, 3);
    clerk.put_all(&manifest).await;
    world.node.post_job(7, &requester.address(), manifest.root(), 2, Visibility::Private);
    let path = format!("{}?job=7", manifest.path());
    requester.get(&manifest.path()).await.is_refused(404, "unknown_manifest");
    assert_eq!(requester.get(&path).await.is(200).body, clerk.get(&manifest.path()).await.body);
    other.get(&path).await.is_refused(404, "unknown_manifest");
    requester.get(&format!("{}?job=8", manifest.path())).await.is_refused(404, "not_on_chain");
    requester.get(&format!("/v1/manifests/{}?job=7", "00".repeat(32))).await.is_refused(404, "unknown_manifest");
    requester.get(&format!("{}?job=x", manifest.path())).await.is_refused(400, "bad_request");
}

#[tokio::test]
async fn posting_frees_the_quota_and_the_contents_can_be_listed_again() {
    let world = World::with(|config| config.limits.account_bytes = 6 * 4_096).await;
    let person = world.person(1).await;
    let first = Manifest::of(4, 3);
    person.put_all(&first).await;
    world.node.post_job(1, &person.address(), first.root(), 4, Visibility::Private);
    world.node.post_job(2, &person.address(), [9; 32], 4, Visibility::Private);
    world.node.post_job(3, &person.address(), [8; 32], 4, Visibility::Private);
    // The manifest and its contents take five of six places; at the limit the gateway asks the chain and finds the job.
    let second = Manifest { contents: [first.contents[..2].to_vec(), vec![b"new".to_vec()]].concat(), blind: 3 };
    person.put_content(b"new").await.is(201);
    person.put_manifest(&second).await.is(201);
    person.put_content(b"more").await.is(201);
    person.head(&format!("/v1/content/{}", sha(&first.contents[0]))).await.is(404);
}
