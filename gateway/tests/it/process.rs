//! The program itself: its commands, its end by signals, and its death.
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use cairn_proto::cairn::annotation::v1::Visibility;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::{Manifest, Person, World, sha};

const PROGRAM: &str = env!("CARGO_BIN_EXE_cairn-gateway");

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

struct Process {
    child: Child,
    address: String,
}

impl Process {
    /// Starts the program on a free port and reads from its log where that is.
    fn start(node: &str, store: &Path) -> Self {
        let arguments =
            ["--listen", "127.0.0.1:0", "--log", "json", "--domain", "here", "--node", node, "--store", store.to_str().unwrap()];
        let mut child = Command::new(PROGRAM).args(arguments).stderr(Stdio::piped()).env_remove("RUST_LOG").spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line: serde_json::Value = serde_json::from_str(&log.next().unwrap().unwrap()).unwrap();
            if line["fields"]["message"] == "serving" {
                break line["fields"]["listen"].as_str().unwrap().to_owned();
            }
        };
        std::thread::spawn(move || log.for_each(drop));
        Self { child, address }
    }
    async fn person(&self, world: &World) -> Person {
        let mut person = Person { base: format!("http://{}", self.address), key: crate::world::key(1), ..world.stranger() };
        person.sign_in().await;
        person
    }
    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_an_upload_it_starts_again_with_everything_that_was_acknowledged() {
    let world = World::new().await;
    let store = world.folder().join("killed");
    let mut process = Process::start(&world.config.node, &store);
    let person = process.person(&world).await;
    let manifest = Manifest::of(3, 1);
    person.put_all(&manifest).await;
    world.node.post_job(1, &person.address(), manifest.root(), 3, Visibility::Private);
    let bytes = vec![9; 3_000_000];
    let mut half = TcpStream::connect(&process.address).await.unwrap();
    let token = person.token.as_ref().unwrap();
    let head =
        format!("PUT /v1/content/{} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 3000000\r\n\r\n", sha(&bytes));
    half.write_all(head.as_bytes()).await.unwrap();
    half.write_all(&bytes[..2_900_000]).await.unwrap();
    person.get("/healthz").await.is(200);
    process.child.kill().unwrap();
    process.child.wait().unwrap();

    let process = Process::start(&world.config.node, &store);
    let person = process.person(&world).await;
    for (task, content) in manifest.contents.iter().enumerate() {
        assert_eq!(person.get(&format!("/v1/jobs/1/tasks/{task}")).await.is(200).body, *content);
    }
    person.head(&format!("/v1/content/{}", sha(&bytes))).await.is(404);
    person.put_content(&bytes).await.is(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_when_told_to() {
    let world = World::new().await;
    let mut process = Process::start(&world.config.node, &world.folder().join("stopped"));
    let mut idle = TcpStream::connect(&process.address).await.unwrap();
    process.person(&world).await.get("/healthz").await.is(200);
    process.signal("-TERM");
    assert!(process.child.wait().unwrap().success());
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_checked() {
    let world = World::new().await;
    let file = world.folder().join("gateway.toml");
    let store = world.folder().join("checked");
    std::fs::write(&file, format!("node = '{}'\nstore = '{}'\n", world.config.node, store.display())).unwrap();
    let file = file.to_str().unwrap();
    let good = run(&["check", "--config", file]);
    let text = String::from_utf8(good.stdout).unwrap();
    assert!(good.status.success() && text.contains("at height 100"), "{text}");
    for (arguments, named) in [
        (vec!["check", "--config", "/nowhere.toml"], "cannot read /nowhere.toml"),
        (vec!["check", "--config", file, "--node", "ftp://x"], "node: expected a URL"),
        (vec!["check", "--config", file, "--node", "http://127.0.0.1:1"], "does not answer"),
        (vec!["check", "--config", file, "--store", "/proc/nothing"], "cannot use the folder"),
        (vec!["check", "--config", file, "--store", "ftp://x"], "found a ftp URL"),
        (vec!["--config", file, "--listen", "203.0.113.1:1"], "cannot accept connections"),
    ] {
        let bad = run(&arguments);
        let text = String::from_utf8(bad.stderr).unwrap();
        assert!(!bad.status.success() && text.contains(named), "{arguments:?}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gc_runs_beside_the_gateway() {
    let world = World::new().await;
    let person = world.person(1).await;
    person.put_content(b"young").await.is(201);
    let done = run(&["gc", "--store", world.store().to_str().unwrap(), "--node", &world.config.node]);
    assert_eq!(String::from_utf8(done.stdout).unwrap(), "removed 0 manifests, 0 contents (0 bytes), 0 half-written files\n");
    person.head(&format!("/v1/content/{}", sha(b"young"))).await.is(200);
}
