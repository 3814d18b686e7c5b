//! Whether this node lives and is ready, as supervisors, load balancers and Prometheus ask: `/healthz`, `/readyz`, `/metrics`.
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    App,
    api::Chain,
    config::Ready,
    disk::{self, Space},
    metrics::{Format, Metrics},
};

/// How old an answer may be: whoever asks more often costs nothing.
const FRESH: Duration = Duration::from_secs(1);
/// How long CometBFT may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of its answer: it lists its peers.
const MAX_ANSWER: u64 = 16 << 20;

/// One thing that must hold.
#[derive(Debug, Clone)]
struct Check {
    name: &'static str,
    /// What was found, or what is wrong.
    found: Result<String, String>,
}

/// What the checks found.
#[derive(Debug, Clone)]
struct Verdict {
    checks: Vec<Check>,
    chain_id: String,
    height: u64,
}

impl Verdict {
    fn respond(&self, good: &str, bad: &str) -> Response {
        let failed: Vec<Value> =
            self.checks.iter().filter_map(|c| Some(json!({"check": c.name, "reason": c.found.as_ref().err()?}))).collect();
        let found: serde_json::Map<String, Value> =
            self.checks.iter().filter_map(|c| Some((c.name.to_owned(), json!(c.found.as_ref().ok()?)))).collect();
        let (status, word) = if failed.is_empty() { (StatusCode::OK, good) } else { (StatusCode::SERVICE_UNAVAILABLE, bad) };
        let body = json!({
            "status": word, "chain_id": self.chain_id, "height": self.height.to_string(), "failed": failed, "found": found
        });
        answer(status, "application/json", body.to_string())
    }
}

/// The node as it is asked about itself.
pub(crate) struct Health {
    app: App,
    metrics: Arc<Metrics>,
    folder: PathBuf,
    comet: String,
    limits: Ready,
    agent: ureq::Agent,
    live: Mutex<Option<(Instant, Verdict)>>,
    ready: Mutex<Option<(Instant, Verdict)>>,
}

impl Health {
    /// Of the app whose state lies in `folder`, under the CometBFT at `comet`.
    pub(crate) fn new(app: &App, metrics: &Arc<Metrics>, folder: PathBuf, comet: &str, limits: Ready) -> Arc<Self> {
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).max_redirects(0);
        Arc::new(Self {
            app: app.clone(),
            metrics: Arc::clone(metrics),
            folder,
            comet: comet.replacen("tcp://", "http://", 1),
            limits,
            agent: config.build().into(),
            live: Mutex::default(),
            ready: Mutex::default(),
        })
    }

    /// `/healthz`, `/readyz`, `/version` and `/metrics`: for the REST port and for a port of its own.
    pub(crate) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/healthz", get(live))
            .route("/readyz", get(ready))
            .route("/version", get(version))
            .route("/metrics", get(metrics))
            .with_state(Arc::clone(self))
    }

    fn live(&self) -> Verdict {
        fresh(&self.live, || {
            let probe = disk::probe(&self.folder).map(|()| "takes writes".to_owned());
            let probe = probe.map_err(|e| format!("{} takes no writes: {e}", self.folder.display()));
            self.verdict(vec![
                Check { name: "disk", found: probe },
                Check { name: "database", found: self.database().map_err(|e| format!("{e:#}")) },
            ])
        })
    }

    fn readiness(&self) -> Verdict {
        let live = self.live();
        fresh(&self.ready, || {
            let mut checks = live.checks;
            checks.push(Check { name: "space", found: self.space().map_err(|e| format!("{e:#}")) });
            checks.push(Check { name: "block", found: self.block() });
            match self.network() {
                Ok(found) => checks.extend(found),
                Err(e) => checks.push(Check { name: "cometbft", found: Err(format!("CometBFT does not answer: {e:#}")) }),
            }
            self.verdict(checks)
        })
    }

    fn verdict(&self, checks: Vec<Check>) -> Verdict {
        Verdict { checks, chain_id: self.app.chain_id(), height: self.app.height() }
    }

    fn database(&self) -> Result<String> {
        let metrics = self.app.store().metrics()?;
        let value = |name: &str| metrics.iter().find(|m| m.name == name).map_or(0, |m| m.value);
        anyhow::ensure!(value("background_errors") == 0, "the database could not write its files; the log names the disk's error");
        Ok("in order".to_owned())
    }

    fn space(&self) -> Result<String> {
        let percent = Space::of(&self.folder)?.percent_free();
        let least = self.limits.min_disk_percent;
        anyhow::ensure!(percent >= least, "{percent} % of the disk are free, {least} % are needed (ready.min_disk_percent)");
        Ok(format!("{percent} % free"))
    }

    fn block(&self) -> Result<String, String> {
        let age = self.metrics.block_age().as_secs();
        let most = self.limits.max_block_age_seconds;
        if self.app.latest().is_none() {
            return Err("no block is committed yet".to_owned());
        }
        if age > most {
            Err(format!("no block for {age} s, at most {most} s are allowed (ready.max_block_age_seconds)"))
        } else {
            Ok(format!("{age} s ago"))
        }
    }

    /// Whether CometBFT has caught up, and how far its peers are ahead.
    fn network(&self) -> Result<Vec<Check>> {
        let status = self.ask("/status")?;
        let syncing = status.pointer("/sync_info/catching_up").and_then(Value::as_bool).context("no sync_info")?;
        let found = if syncing { Err("catching up with its peers".to_owned()) } else { Ok("caught up".to_owned()) };
        let peers = self.ask("/dump_consensus_state")?;
        let heights = peers.get("peers").and_then(Value::as_array).into_iter().flatten();
        let heights = heights.filter_map(|p| p.pointer("/peer_state/round_state/height")?.as_str()?.parse::<u64>().ok());
        // A peer works on the block after its last one.
        let lag = heights.max().unwrap_or(0).saturating_sub(1).saturating_sub(self.app.height());
        let most = self.limits.max_lag_blocks;
        let lag = if lag > most {
            Err(format!("{lag} blocks behind its peers, at most {most} are allowed (ready.max_lag_blocks)"))
        } else {
            Ok(format!("{lag} blocks"))
        };
        Ok(vec![Check { name: "sync", found }, Check { name: "lag", found: lag }])
    }

    fn version(&self) -> Value {
        let status = self.ask("/status").ok();
        crate::version::document(status.as_ref().and_then(|s| s.pointer("/node_info/version")?.as_str()))
    }

    fn ask(&self, path: &str) -> Result<Value> {
        let mut response = self.agent.get(format!("{}{path}", self.comet)).call()?;
        let answer = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec()?;
        let answer: Value = serde_json::from_slice(&answer)?;
        answer.get("result").cloned().context("no result")
    }
}

/// The last verdict, or a new one where it is old.
fn fresh(kept: &Mutex<Option<(Instant, Verdict)>>, look: impl FnOnce() -> Verdict) -> Verdict {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, verdict)) = kept.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
        return verdict.clone();
    }
    let verdict = look();
    *kept = Some((Instant::now(), verdict.clone()));
    verdict
}

async fn live(State(health): State<Arc<Health>>) -> Response {
    blocking(move || health.live().respond("ok", "failing")).await
}

async fn ready(State(health): State<Arc<Health>>) -> Response {
    blocking(move || health.readiness().respond("ready", "not ready")).await
}

async fn version(State(health): State<Arc<Health>>) -> Response {
    blocking(move || answer(StatusCode::OK, "application/json", health.version().to_string())).await
}

#[derive(Deserialize)]
struct Asked {
    format: Option<String>,
}

async fn metrics(State(health): State<Arc<Health>>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("application/openmetrics-text"));
    let format = match asked.format.as_deref() {
        None if accepts => Format::OpenMetrics,
        // The SDK's way of asking.
        None | Some("" | "prometheus" | "text") => Format::Text,
        Some("openmetrics") => Format::OpenMetrics,
        Some(other) => {
            let known = format!("format {:?}: expected prometheus or openmetrics\n", other.chars().take(40).collect::<String>());
            return answer(StatusCode::BAD_REQUEST, "text/plain", known);
        }
    };
    blocking(move || answer(StatusCode::OK, format.media_type(), health.metrics.render(format))).await
}

async fn blocking(work: impl FnOnce() -> Response + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(target: "api", %error, "a question about this node made it panic");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], body)
        .into_response()
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
