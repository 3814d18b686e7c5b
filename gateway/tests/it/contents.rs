//! Uploading contents.
use std::time::Duration;

use reqwest::{Body, Method};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::{Manifest, World, sha};

fn big(n: usize) -> Vec<u8> {
    (0..n).map(|i| u8::try_from(i * 7 % 251).unwrap()).collect()
}

/// A body without a length.
fn chunked(bytes: Vec<u8>) -> Body {
    let chunks: Vec<_> = bytes.chunks(1_000).map(|c| Ok::<_, std::io::Error>(c.to_vec())).collect();
    Body::wrap_stream(futures::stream::iter(chunks))
}

#[tokio::test]
async fn a_content_is_kept_once_its_hash_is_right() {
    let world = World::new().await;
    let person = world.person(1).await;
    for bytes in [Vec::new(), b"hello".to_vec(), big(2_500_000)] {
        let path = format!("/v1/content/{}", sha(&bytes));
        person.head(&path).await.is(404);
        let reply = person.put_content(&bytes).await;
        assert_eq!(reply.is(201).json()["bytes"], bytes.len());
        let head = person.head(&path).await;
        assert_eq!(head.is(200).header("content-length"), bytes.len().to_string());
        person.put_content(&bytes).await.is(200);
        person.put(&path, chunked(bytes)).await.is(200);
    }
    let streamed = big(1_200_000);
    person.put(&format!("/v1/content/{}", sha(&streamed)), chunked(streamed)).await.is(201);
}

#[tokio::test]
async fn a_wrong_hash_is_told_and_leaves_nothing() {
    let world = World::new().await;
    let person = world.person(1).await;
    let (said, path) = (sha(b"other"), format!("/v1/content/{}", sha(b"other")));
    for bytes in [b"hello".to_vec(), big(2_500_000), Vec::new()] {
        let found = sha(&bytes);
        let reply = person.put(&path, bytes).await;
        reply.is_refused(422, "wrong_hash");
        assert_eq!((reply.json()["expected"].clone(), reply.json()["found"].clone()), (said.clone().into(), found.into()));
        person.head(&path).await.is(404);
    }
    let files = walk(&world.store().join("content"));
    assert!(files.is_empty(), "{files:?}");
    person.put_content(b"other").await.is(201);
    // Once it is there, others' wrong bytes do not replace it.
    person.put(&path, "OTHER").await.is_refused(422, "wrong_hash");
    person.put_content(b"other").await.is(200);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|e| e.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn hashes_name_contents_and_nothing_else_does() {
    let world = World::new().await;
    let person = world.person(1).await;
    let hash = sha(b"x");
    for bad in [
        hash.to_uppercase(),
        format!("{hash}0"),
        hash[..63].to_owned(),
        "..%2f..%2fetc%2fpasswd".to_owned(),
        format!("%2e%2e%2f{}", &hash[3..]),
    ] {
        person.put(&format!("/v1/content/{bad}"), "x").await.is_refused(400, "bad_hash");
    }
    let mut raw = TcpStream::connect(world.address).await.unwrap();
    raw.write_all(b"GET /v1/content/../../../etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    raw.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("unknown_path"), "{answer}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_however_it_comes() {
    let world = World::new().await;
    let person = world.person(1).await;
    let bytes = big((3 << 20) + 1);
    let path = format!("/v1/content/{}", sha(&bytes));
    let reply = person.put(&path, bytes.clone()).await;
    reply.is_refused(413, "too_large");
    assert_eq!(reply.json()["limit"], 3 << 20);
    person.put(&path, chunked(bytes)).await.is_refused(413, "too_large");
    person.head(&path).await.is(404);
    person.put_content(&big(3 << 20)).await.is(201);
}

#[tokio::test]
async fn what_belongs_to_nothing_is_limited_an_account_and_in_all() {
    let world = World::with(|config| {
        config.limits.account_bytes = 100_000;
        config.limits.unreferenced_bytes = 150_000;
    })
    .await;
    let (one, two) = (world.person(1).await, world.person(2).await);
    one.put_content(&big(90_000)).await.is(201);
    one.put_content(&big(10_001)).await.is_refused(403, "quota_exceeded");
    one.put(&format!("/v1/content/{}", sha(&big(10_001))), chunked(big(10_001))).await.is_refused(403, "quota_exceeded");
    two.put_content(&big(60_001)).await.is_refused(507, "store_full");
    one.put_content(&big(5_904)).await.is(201);
    one.put_content(&big(5_904)).await.is(200);
    // An empty content takes a place too, and the same content counts for each who uploads it.
    one.put_content(&[]).await.is(201);
    one.put_content(&[1]).await.is_refused(403, "quota_exceeded");
    two.put_content(&big(5_904)).await.is(201);
}

#[tokio::test]
async fn an_account_without_coins_may_not_upload() {
    let world = World::new().await;
    let person = world.person(1).await;
    world.node.facts().poor.insert(person.address());
    person.put_content(b"x").await.is_refused(403, "balance_too_low");
    person.put_manifest(&Manifest::of(1, 0)).await.is_refused(403, "balance_too_low");
    world.node.facts().poor.clear();
    person.put_content(b"x").await.is(201);
    world.node.facts().down = true;
    world.person(2).await.put_content(b"x").await.is_refused(503, "chain_unreachable");
}

#[tokio::test]
async fn what_others_uploaded_is_not_told() {
    let world = World::new().await;
    let (one, two) = (world.person(1).await, world.person(2).await);
    one.put_content(b"secret").await.is(201);
    let path = format!("/v1/content/{}", sha(b"secret"));
    two.head(&path).await.is(404);
    two.get(&path).await.is_refused(405, "method_not_allowed");
    two.put_content(b"secret").await.is(201);
    two.head(&path).await.is(200);
}

#[tokio::test]
async fn a_client_that_stalls_is_told_and_cut_off() {
    let world = World::with(|config| config.limits.stall = Duration::from_millis(200)).await;
    let person = world.person(1).await;
    let mut raw = TcpStream::connect(world.address).await.unwrap();
    let head = format!(
        "PUT /v1/content/{} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 100\r\n\r\nhalf",
        sha(b"x"),
        person.token.as_ref().unwrap()
    );
    raw.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    raw.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("too_slow"), "{answer}");
    assert!(walk(&world.store().join("content")).is_empty());
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let world = World::new().await;
    let person = world.person(1).await;
    let bytes = big(2_500_000);
    let mut raw = TcpStream::connect(world.address).await.unwrap();
    let token = person.token.as_ref().unwrap();
    let head =
        format!("PUT /v1/content/{} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 2500000\r\n\r\n", sha(&bytes));
    raw.write_all(head.as_bytes()).await.unwrap();
    raw.write_all(&bytes[..2_000_000]).await.unwrap();
    drop(raw);
    person.head(&format!("/v1/content/{}", sha(&bytes))).await.is(404);
    person.put_content(&bytes).await.is(201);
}

#[tokio::test]
async fn a_restart_keeps_uploads_and_their_quota() {
    let mut world = World::with(|config| config.limits.account_bytes = 10_000).await;
    world.person(1).await.put_content(&big(9_000)).await.is(201);
    world.restart().await;
    let person = world.person(1).await;
    person.head(&format!("/v1/content/{}", sha(&big(9_000)))).await.is(200);
    person.put_content(&big(1_001)).await.is_refused(403, "quota_exceeded");
}

#[tokio::test]
async fn the_gateway_answers_while_an_upload_is_slow_and_limits_how_many_there_are() {
    let world = World::with(|config| config.limits.uploads = 1).await;
    let person = world.person(1).await;
    let (sender, body) = futures::channel::mpsc::unbounded::<Result<Vec<u8>, std::io::Error>>();
    let slow = person.request(Method::PUT, &format!("/v1/content/{}", sha(b"ab"))).body(Body::wrap_stream(body));
    let slow = tokio::spawn(slow.send());
    sender.unbounded_send(Ok(b"a".to_vec())).unwrap();
    person.get("/healthz").await.is(200);
    let second = person.put_content(b"second");
    let done = async {
        sender.unbounded_send(Ok(b"b".to_vec())).unwrap();
        drop(sender);
        slow.await.unwrap().unwrap().status()
    };
    let (second, slow) = tokio::join!(second, done);
    second.is(201);
    assert_eq!(slow, 201);
}
