//! A gateway with its node, and clients that sign in to it.
use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_gateway::{Config, Gateway, Limits, serve};
use cairn_kernel::{Address, merkle, tag};
use cairn_proto::adr036;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use secp256k1::{Keypair, Message, SECP256K1, SecretKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::node::Node;

pub(crate) struct World {
    pub(crate) node: Node,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) address: SocketAddr,
    pub(crate) config: Config,
    folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

/// Limits small enough to be met in a test.
pub(crate) fn limits() -> Limits {
    Limits {
        item_bytes: 3 << 20,
        manifest_items: 3_000,
        manifest_bytes: 1 << 20,
        account_bytes: 8 << 20,
        unreferenced_bytes: 20 << 20,
        stall: Duration::from_secs(5),
        ..Limits::default()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let (node, folder) = (Node::default(), TempDir::new().unwrap());
        node.facts().height = 100;
        let store = folder.path().join("store").to_str().unwrap().to_owned();
        let mut config =
            Config { node: node.start().await, store, domain: "gateway.test".to_owned(), limits: limits(), ..Config::default() };
        config.collect.every = Duration::ZERO;
        change(&mut config);
        let (gateway, address, stop, served) = start(config.clone()).await;
        Self { node, gateway, address, config, folder, stop: Some(stop), served: Some(served) }
    }
    /// Stops the gateway as SIGTERM does.
    pub(crate) async fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
        self.served.take().unwrap().await.unwrap();
    }
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        let (gateway, address, stop, served) = start(self.config.clone()).await;
        (self.gateway, self.address, self.stop, self.served) = (gateway, address, Some(stop), Some(served));
    }
    pub(crate) fn store(&self) -> &Path {
        Path::new(&self.config.store)
    }
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
    /// Somebody who has not signed in.
    pub(crate) fn stranger(&self) -> Person {
        Person { http: Client::new(), base: self.url(""), key: key(0xee), token: None }
    }
    /// Somebody who has.
    pub(crate) async fn person(&self, seed: u8) -> Person {
        let mut person = Person { key: key(seed), ..self.stranger() };
        person.sign_in().await;
        person
    }
}

async fn start(config: Config) -> (Arc<Gateway>, SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let gateway = Gateway::open(config).await.unwrap();
    let (stop, stopped) = oneshot::channel();
    let serving = serve(listener, Arc::clone(&gateway), async move { drop(stopped.await) });
    (gateway, address, stop, tokio::spawn(serving))
}

pub(crate) fn key(seed: u8) -> Keypair {
    SecretKey::from_slice(&[seed; 32]).unwrap().keypair(SECP256K1)
}

pub(crate) fn sha(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A client with a key.
pub(crate) struct Person {
    pub(crate) http: Client,
    pub(crate) base: String,
    pub(crate) key: Keypair,
    pub(crate) token: Option<String>,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
    /// Status and code of a refusal, which always has a message too.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let json = self.json();
        assert!(json["message"].as_str().is_some_and(|m| m.len() > 10), "{json}");
        (self.status.as_u16(), json["code"].as_str().unwrap().to_owned())
    }
    #[track_caller]
    pub(crate) fn is_refused(&self, status: u16, code: &str) {
        assert_eq!(self.refusal(), (status, code.to_owned()));
    }
    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

impl Person {
    pub(crate) fn address(&self) -> String {
        Address::from_secp256k1(&self.key.public_key().serialize()).to_string()
    }
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
    pub(crate) async fn send(&self, request: RequestBuilder) -> Reply {
        Reply::of(request.send().await.unwrap()).await
    }
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }
    pub(crate) async fn head(&self, path: &str) -> Reply {
        self.send(self.request(Method::HEAD, path)).await
    }
    pub(crate) async fn challenge(&self) -> String {
        let reply = self.get(&format!("/v1/auth/challenge?address={}", self.address())).await;
        reply.is(200).json()["data"].as_str().unwrap().to_owned()
    }
    /// A log-in of this key for an address and a challenge.
    pub(crate) fn signed(&self, address: &str, data: &str) -> Value {
        let digest = Sha256::digest(adr036::sign_bytes(address, data.as_bytes()));
        let signature = SECP256K1.sign_ecdsa(&Message::from_digest(digest.into()), &self.key.secret_key());
        json!({
            "address": address,
            "pub_key": BASE64.encode(self.key.public_key().serialize()),
            "signature": BASE64.encode(signature.serialize_compact()),
            "data": data,
        })
    }
    pub(crate) async fn login(&self, login: &Value) -> Reply {
        self.send(self.request(Method::POST, "/v1/auth/login").body(login.to_string())).await
    }
    pub(crate) async fn sign_in(&mut self) {
        let login = self.signed(&self.address(), &self.challenge().await);
        self.token = Some(self.login(&login).await.is(200).json()["token"].as_str().unwrap().to_owned());
    }
    pub(crate) async fn put_content(&self, bytes: &[u8]) -> Reply {
        self.put(&format!("/v1/content/{}", sha(bytes)), bytes.to_vec()).await
    }
    pub(crate) async fn put(&self, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        self.send(self.request(Method::PUT, path).body(body)).await
    }
    pub(crate) async fn put_manifest(&self, manifest: &Manifest) -> Reply {
        self.put(&manifest.path(), manifest.lines()).await
    }
    /// Puts every content and the manifest.
    pub(crate) async fn put_all(&self, manifest: &Manifest) {
        for content in &manifest.contents {
            assert!(self.put_content(content).await.status.is_success());
        }
        self.put_manifest(manifest).await.is(201);
    }
}

/// Items as a client prepares them.
pub(crate) struct Manifest {
    pub(crate) contents: Vec<Vec<u8>>,
    pub(crate) blind: u8,
}

impl Manifest {
    /// Short items; `blind` of 0 is public.
    pub(crate) fn of(items: usize, blind: u8) -> Self {
        Self { contents: (0..items).map(|i| format!("item {i} of {items} under {blind}").into_bytes()).collect(), blind }
    }
    pub(crate) fn item(&self, index: usize) -> Value {
        let bytes = &self.contents[index];
        json!({ "sha256": sha(bytes), "bytes": bytes.len(), "blind": hex::encode([self.blind; 32]), "media_type": "text/plain", "name": format!("{index}.txt") })
    }
    pub(crate) fn items(&self) -> Vec<Value> {
        (0..self.contents.len()).map(|i| self.item(i)).collect()
    }
    pub(crate) fn lines(&self) -> String {
        self.items().iter().map(|item| format!("{item}\n")).collect()
    }
    /// The leaf as the chain's documents specify it, made here once more.
    pub(crate) fn leaf(&self, index: usize) -> merkle::Hash {
        let bytes = &self.contents[index];
        let parts: [&[u8]; 5] = [
            &tag("cairn.item.v1"),
            &u32::try_from(index).unwrap().to_be_bytes(),
            &Sha256::digest(bytes),
            &(bytes.len() as u64).to_be_bytes(),
            &[self.blind; 32],
        ];
        merkle::leaf_hash(&parts.concat())
    }
    pub(crate) fn root(&self) -> merkle::Hash {
        let leaves: Vec<merkle::Hash> = (0..self.contents.len()).map(|i| self.leaf(i)).collect();
        merkle::root(&leaves)
    }
    pub(crate) fn path(&self) -> String {
        format!("/v1/manifests/{}", hex::encode(self.root()))
    }
}
