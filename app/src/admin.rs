//! The operator's door: a Unix socket in the home, for its owner alone. One JSON object a line, `{"do": NAME, ..}`, is answered by one,
//! `{"ok": true, "result": ..}` or `{"ok": false, "error": TEXT}`.
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream as Stream,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader as AsyncBufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    time::timeout,
};

use crate::{Shutdown, abci};

/// Bytes of a request, and of an answer as the client takes it.
const MAX_LINE: u64 = 1 << 20;
/// Connections at once; more wait.
const CONNECTIONS: usize = 8;
/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// How long the client waits for an answer: some actions copy the state.
const PATIENCE: Duration = Duration::from_secs(600);

type Action = Box<dyn Fn(&Value) -> Result<Value> + Send + Sync>;

/// What the door does, by name.
#[derive(Default)]
pub struct Admin {
    actions: BTreeMap<&'static str, Action>,
}

impl Admin {
    /// Adds an action. It gets the whole request and may block; several may run at once.
    #[must_use]
    pub fn on(mut self, name: &'static str, action: impl Fn(&Value) -> Result<Value> + Send + Sync + 'static) -> Self {
        self.actions.insert(name, Box::new(action));
        self
    }

    /// Opens the socket at `path`; a file that nobody listens on any more is replaced.
    ///
    /// # Errors
    /// If it cannot be bound.
    pub async fn bind(self, path: &Path) -> Result<Door> {
        let listener = abci::bind_unix(path).await.with_context(|| format!("cannot listen at {}", path.display()))?;
        Ok(Door { listener, admin: Arc::new(self), path: path.to_owned() })
    }

    fn answer(&self, line: &str) -> Value {
        match self.act(line) {
            Ok(result) => json!({ "ok": true, "result": result }),
            Err(error) => json!({ "ok": false, "error": format!("{error:#}") }),
        }
    }

    fn act(&self, line: &str) -> Result<Value> {
        let request: Value = serde_json::from_str(line).context("the request is not JSON")?;
        let name = request.get("do").and_then(Value::as_str).context("the request names no action in \"do\"")?;
        let known = || self.actions.keys().copied().collect::<Vec<_>>().join(", ");
        let action = self.actions.get(name).with_context(|| format!("no action {name:?}; there are {}", known()))?;
        tracing::info!(target: "admin", action = name, "asked by the operator");
        action(&request)
    }
}

/// The open socket.
pub struct Door {
    listener: UnixListener,
    admin: Arc<Admin>,
    path: PathBuf,
}

impl Door {
    /// Answers until `shutdown`, then removes the socket's file.
    pub async fn run(self, shutdown: Shutdown) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
            let accepted = tokio::select! {
                () = shutdown.requested() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (admin, until) = (Arc::clone(&self.admin), shutdown.clone());
                    tokio::spawn(async move {
                        let _place = place;
                        tokio::select! {
                            () = until.requested() => {}
                            talked = talk(stream, admin) => if let Err(error) = talked {
                                tracing::debug!(target: "admin", %error, "a connection broke off");
                            },
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(target: "admin", %error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(target: "admin", %error, "the socket's file stays");
        }
    }
}

async fn talk(stream: UnixStream, admin: Arc<Admin>) -> Result<()> {
    let (from, mut to) = stream.into_split();
    let mut from = AsyncBufReader::new(from);
    loop {
        let mut line = String::new();
        let mut bounded = (&mut from).take(MAX_LINE);
        if timeout(SILENCE, bounded.read_line(&mut line)).await.context("silent for too long")?? == 0 {
            return Ok(());
        }
        let admin = Arc::clone(&admin);
        let answer = tokio::task::spawn_blocking(move || admin.answer(&line)).await;
        // A panic was an action's own; the door stays open.
        let answer = answer.unwrap_or_else(|_| json!({ "ok": false, "error": "the action failed; the log says why" }));
        to.write_all(format!("{answer}\n").as_bytes()).await?;
    }
}

/// Whether a node listens at this socket.
#[must_use]
pub fn is_answered(path: &Path) -> bool {
    Stream::connect(path).is_ok()
}

/// Asks a running node through its socket. Blocks.
///
/// # Errors
/// If no node runs there, or with its reason if it refuses.
pub fn ask(path: &Path, request: &Value) -> Result<Value> {
    let mut stream = Stream::connect(path).with_context(|| format!("no node answers at {}; is it running?", path.display()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{request}\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(MAX_LINE)).read_line(&mut line)?;
    let answer: Value = serde_json::from_str(&line).context("the node did not answer")?;
    match answer.get("ok").and_then(Value::as_bool) {
        Some(true) => Ok(answer.get("result").cloned().unwrap_or(Value::Null)),
        _ => Err(anyhow!(answer.get("error").and_then(Value::as_str).unwrap_or("the node refused").to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn admin() -> Admin {
        let echo = |request: &Value| Ok(request.get("text").cloned().unwrap_or(Value::Null));
        Admin::default().on("echo", echo).on("refuse", |_| Err(anyhow!("disk").context("cannot copy")))
    }

    #[test]
    fn requests_are_answered_and_bad_ones_refused() {
        let admin = admin();
        assert_eq!(admin.answer(r#"{"do":"echo","text":"a"}"#), json!({"ok": true, "result": "a"}));
        for (line, error) in [
            ("nonsense", "the request is not JSON: expected ident at line 1 column 2"),
            ("{}", "the request names no action in \"do\""),
            (r#"{"do":"stop"}"#, "no action \"stop\"; there are echo, refuse"),
            (r#"{"do":"refuse"}"#, "cannot copy: disk"),
        ] {
            assert_eq!(admin.answer(line), json!({"ok": false, "error": error}), "{line}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_socket_is_for_its_owner_and_goes_with_the_node() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let shutdown = Shutdown::default();
        let door = admin().bind(&path).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(is_answered(&path));
        assert!(admin().bind(&path).await.is_err(), "a live socket is not taken over");
        let running = tokio::spawn(door.run(shutdown.clone()));
        let at = path.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let answers = ["a", "b"].map(|text| ask(&at, &json!({"do": "echo", "text": text})).unwrap());
            (answers, ask(&at, &json!({"do": "refuse"})).unwrap_err().to_string())
        });
        let (answers, refused) = asked.await.unwrap();
        assert_eq!((answers, refused.as_str()), ([json!("a"), json!("b")], "cannot copy: disk"));
        shutdown.request();
        running.await.unwrap();
        assert!(!path.exists() && !is_answered(&path));
        assert!(ask(&path, &json!({})).unwrap_err().to_string().contains("is it running"));
    }
}
