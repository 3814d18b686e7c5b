//! Signing in, over HTTP.
use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use reqwest::Method;
use serde_json::json;

use crate::world::{World, key};

#[tokio::test]
async fn a_wallet_signs_in_once_a_challenge() {
    let world = World::new().await;
    let person = world.stranger();
    let data = person.challenge().await;
    assert!(data.contains("gateway: gateway.test\n") && data.contains(&person.address()), "{data}");
    let login = person.signed(&person.address(), &data);
    let token = person.login(&login).await.is(200).json();
    assert!(token["expires"].as_u64().unwrap() > 1_700_000_000);
    person.login(&login).await.is_refused(401, "challenge_used");
    let head = person.http.head(world.url(&format!("/v1/content/{}", "00".repeat(32)))).bearer_auth(token["token"].as_str().unwrap());
    assert_eq!(head.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn an_expired_challenge_and_an_expired_token_are_refused() {
    let world = World::with(|config| config.sign_in.challenge = Duration::ZERO).await;
    let person = world.stranger();
    let login = person.signed(&person.address(), &person.challenge().await);
    person.login(&login).await.is_refused(401, "challenge_expired");
    // A token of less than a second is expired in the second in which it was made.
    let world = World::with(|config| config.sign_in.token = Duration::from_millis(1)).await;
    let person = world.person(1).await;
    person.get(&format!("/v1/manifests/{}", "00".repeat(32))).await.is_refused(401, "token_expired");
}

#[tokio::test]
async fn a_foreign_address_key_or_text_is_refused() {
    let world = World::new().await;
    let person = world.stranger();
    let mut other = world.stranger();
    other.key = key(9);
    let data = person.challenge().await;
    other.login(&other.signed(&person.address(), &data)).await.is_refused(401, "foreign_key");
    other.login(&other.signed(&other.address(), &data)).await.is_refused(401, "challenge_foreign");
    person.login(&person.signed(&person.address(), "hello")).await.is_refused(401, "challenge_invalid");
    let elsewhere = World::new().await;
    person.login(&person.signed(&person.address(), &elsewhere.stranger().challenge().await)).await.is_refused(401, "challenge_invalid");
    // Whoever holds the key may still use the challenge.
    person.login(&person.signed(&person.address(), &data)).await.is(200);
}

#[tokio::test]
async fn a_signature_that_is_not_exactly_right_is_refused() {
    let world = World::new().await;
    let person = world.stranger();
    let good = person.signed(&person.address(), &person.challenge().await);
    let with = |field: &str, value: &str| {
        let mut login = good.clone();
        login[field] = json!(value);
        login
    };
    let raw = BASE64.decode(good["signature"].as_str().unwrap()).unwrap();
    let scalar = secp256k1::SecretKey::from_slice(&raw[32..]).unwrap().negate();
    let high = BASE64.encode([&raw[..32], &scalar.secret_bytes()[..]].concat());
    person.login(&with("signature", &high)).await.is_refused(401, "high_s");
    person.login(&with("signature", &BASE64.encode(&raw[1..]))).await.is_refused(400, "bad_request");
    person.login(&with("signature", "not base64!")).await.is_refused(400, "bad_request");
    person.login(&with("pub_key", &BASE64.encode([2; 33]))).await.is_refused(401, "foreign_key");
    person.login(&with("address", "cosmos1lsagfzrm4gz28he4wunt63sts5xzmczw8pkek3")).await.is_refused(400, "bad_address");
    let mut flipped = raw.clone();
    flipped[3] ^= 1;
    person.login(&with("signature", &BASE64.encode(flipped))).await.is_refused(401, "bad_signature");
    person.login(&with("color", "red")).await.is_refused(400, "bad_request");
    person.login(&json!([])).await.is_refused(400, "bad_request");
    person.login(&with("data", &"x".repeat(5_000))).await.is_refused(413, "too_large");
    person.login(&good).await.is(200);
}

#[tokio::test]
async fn tokens_are_asked_for_and_die_with_the_process() {
    let mut world = World::new().await;
    let path = format!("/v1/content/{}", "00".repeat(32));
    world.stranger().put(&path, "x").await.is_refused(401, "sign_in_required");
    let mut person = world.person(1).await;
    let token = person.token.take().unwrap();
    for bad in ["Bearer", "Basic abc", "Bearer x.y.z", &format!("Bearer {token}0")] {
        let request = person.request(Method::PUT, &path).header("authorization", bad);
        person.send(request).await.is_refused(401, "token_invalid");
    }
    world.restart().await;
    let request = person.http.get(world.url("/v1/manifests/00")).bearer_auth(&token);
    person.send(request).await.is_refused(401, "token_invalid");
}

#[tokio::test]
async fn a_challenge_needs_an_address() {
    let world = World::new().await;
    let person = world.stranger();
    person.get("/v1/auth/challenge").await.is_refused(400, "bad_request");
    person.get("/v1/auth/challenge?address=cairn1x").await.is_refused(400, "bad_address");
    person.get("/v1/auth/login").await.is_refused(405, "method_not_allowed");
}

#[tokio::test]
async fn a_challenge_for_nobody_is_refused_in_words() {
    let world = World::new().await;
    for query in ["", "?", "?adress=cairn1x", "?address=a&address=b"] {
        let reply = world.stranger().get(&format!("/v1/auth/challenge{query}")).await;
        reply.is_refused(400, "bad_request");
        let message = reply.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("address=cairn1") && !message.contains("deserialize"), "{query}: {message}");
    }
    world.stranger().get("/v1/auth/challenge?address=").await.is_refused(400, "bad_address");
}
