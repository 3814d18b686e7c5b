//! What an agent counts, as Prometheus reads it, and whether it still follows the chain.
use std::{
    collections::BTreeMap,
    fmt::Write,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::DefaultBodyLimit, http::StatusCode, http::header, response::IntoResponse, routing::get};
use cairn_proto::cairn::compute::v1::Provider;
use serde_json::{Value, json};

use super::{agent::coin, world::WorldError};

/// Upper bounds of the histogram of runs, in seconds.
const SECONDS: [u64; 9] = [1, 2, 5, 10, 30, 60, 120, 300, 600];
/// Reasons that are told apart; a chain that makes more up fills no memory.
const REASONS: usize = 64;
/// Most bytes of a request's body: there is none.
const MAX_BODY: usize = 1_024;
/// Without a new height for so long an agent is not well: many times what a block takes.
const SILENCE: Duration = Duration::from_secs(120);

/// Counts from the start of the program on.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    taken: u64,
    delivered: u64,
    right: u64,
    wrong: u64,
    contests: u64,
    failures: BTreeMap<String, u64>,
    /// Runs by the first bound that they keep; the last ones keep none.
    runs: [u64; SECONDS.len() + 1],
    run_seconds: f64,
    /// Runs that are owed, and others.
    waiting: [usize; 2],
    height: Option<(u64, Instant)>,
    provider: Option<Provider>,
}

impl Metrics {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// A job was taken.
    pub fn taken(&self) {
        up(&mut self.counts().taken);
    }
    /// A result was delivered.
    pub fn delivered(&self) {
        up(&mut self.counts().delivered);
    }
    /// A result of another was run again.
    pub fn judged(&self, right: bool) {
        let mut counts = self.counts();
        up(if right { &mut counts.right } else { &mut counts.wrong });
    }
    /// A result was contested.
    pub fn contested(&self) {
        up(&mut self.counts().contests);
    }
    /// A job's programs were run.
    pub fn ran(&self, took: Duration) {
        let mut counts = self.counts();
        let place = SECONDS.iter().position(|most| took <= Duration::from_secs(*most)).unwrap_or(SECONDS.len());
        if let Some(runs) = counts.runs.get_mut(place) {
            up(runs);
        }
        counts.run_seconds += took.as_secs_f64();
    }
    /// So many runs wait or go on: of what is owed, and of others' results.
    pub fn waiting(&self, runs: [usize; 2]) {
        self.counts().waiting = runs;
    }
    /// Something could not be done.
    pub fn failed(&self, error: &WorldError) {
        match error {
            WorldError::Away(_) => self.failed_for("away"),
            WorldError::Refused { codespace, code, .. } => self.failed_for(&format!("{codespace}/{code}")),
        }
    }
    /// The same, for a reason of few words.
    pub fn failed_for(&self, reason: &str) {
        let plain: String = reason.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-')).take(64).collect();
        let failures = &mut self.counts().failures;
        let full = failures.len() >= REASONS && !failures.contains_key(&plain);
        up(failures.entry(if full { "other".to_owned() } else { plain }).or_default());
    }
    /// A new height was seen, and the agent as a provider there.
    pub fn seen(&self, height: u64, provider: Option<&Provider>) {
        let mut counts = self.counts();
        if counts.height.is_none_or(|(last, _)| height > last) {
            counts.height = Some((height, Instant::now()));
        }
        counts.provider = provider.cloned();
    }

    /// Everything as text.
    #[must_use]
    pub fn render(&self) -> String {
        let (counts, mut out) = (self.counts(), String::new());
        let provider = counts.provider.clone().unwrap_or_default();
        let (bond, locked) = (coin(provider.bond.as_ref()), coin(provider.locked.as_ref()));
        let plain: [(&str, &str, &str, u128); 9] = [
            ("jobs_taken_total", "counter", "Jobs that were taken.", counts.taken.into()),
            ("jobs_delivered_total", "counter", "Results that were delivered.", counts.delivered.into()),
            ("jobs_paid", "gauge", "Jobs that the account was ever paid for, as the chain says.", provider.paid.into()),
            ("jobs_late", "gauge", "Jobs that it ever delivered nothing for in time, as the chain says.", provider.late.into()),
            ("jobs_wrong", "gauge", "Results of its that were ever found wrong, as the chain says.", provider.wrong.into()),
            ("contests_total", "counter", "Results of others that were contested.", counts.contests.into()),
            ("height", "gauge", "The newest height that was seen.", counts.height.map_or(0, |(height, _)| height.into())),
            ("bond_free_ucairn", "gauge", "Bond that nothing has locked.", bond.saturating_sub(locked)),
            ("bond_locked_ucairn", "gauge", "Bond that is locked.", locked),
        ];
        for (name, kind, help, value) in plain {
            head(&mut out, name, kind, help);
            line(&mut out, name, "", value);
        }
        head(&mut out, "judged_total", "counter", "Results of others that were run again.");
        line(&mut out, "judged_total", "{result=\"right\"}", counts.right.into());
        line(&mut out, "judged_total", "{result=\"wrong\"}", counts.wrong.into());
        head(&mut out, "runs_waiting", "gauge", "Runs of jobs that wait or go on: what is owed goes before results of others.");
        for (need, runs) in ["owed", "judged"].into_iter().zip(counts.waiting) {
            line(&mut out, "runs_waiting", &format!("{{need=\"{need}\"}}"), runs.try_into().unwrap_or(u128::MAX));
        }
        head(&mut out, "failures_total", "counter", "What could not be done, by reason; most is tried again.");
        for (reason, n) in &counts.failures {
            line(&mut out, "failures_total", &format!("{{reason=\"{reason}\"}}"), (*n).into());
        }
        head(&mut out, "run_seconds", "histogram", "Seconds that runs of jobs took, proofs included.");
        let mut sum = 0_u64;
        let bounds = SECONDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        for (n, bound) in counts.runs.iter().zip(bounds) {
            sum = sum.saturating_add(*n);
            line(&mut out, "run_seconds_bucket", &format!("{{le=\"{bound}\"}}"), sum.into());
        }
        let _ = writeln!(out, "cairn_agent_run_seconds_sum {}", counts.run_seconds);
        line(&mut out, "run_seconds_count", "", sum.into());
        out
    }

    /// Whether a new height was seen within [`SILENCE`] of `now`, and what to tell of it.
    fn health(&self, now: Instant) -> (StatusCode, Json<Value>) {
        let seen = self.counts().height;
        let age = seen.map(|(_, at)| now.saturating_duration_since(at));
        let well = age.is_some_and(|age| age <= SILENCE);
        let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let told = json!({
            "status": if well { "ok" } else { "no new height" }, "height": seen.map(|(height, _)| height),
            "seconds_since": age.map(|age| age.as_secs()),
        });
        (status, Json(told))
    }
}

/// Serves `/metrics` and `/healthz` for ever. Gives where it listens.
///
/// # Errors
/// An address that cannot be listened on.
pub async fn serve_metrics(metrics: Arc<Metrics>, listen: SocketAddr) -> std::io::Result<SocketAddr> {
    const TEXT: (header::HeaderName, &str) = (header::CONTENT_TYPE, "text/plain; version=0.0.4");
    let counted = Arc::clone(&metrics);
    let router = Router::new()
        .route("/metrics", get(move || std::future::ready(([TEXT], counted.render()).into_response())))
        .route("/healthz", get(move || std::future::ready(metrics.health(Instant::now()))))
        .layer(DefaultBodyLimit::max(MAX_BODY));
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let at = listener.local_addr()?;
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "metrics are served no longer");
        }
    });
    Ok(at)
}

fn up(count: &mut u64) {
    *count = count.saturating_add(1);
}

// Writing to a string cannot fail.
fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP cairn_agent_{name} {help}\n# TYPE cairn_agent_{name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &str, value: u128) {
    let _ = writeln!(out, "cairn_agent_{name}{labels} {value}");
}

#[cfg(test)]
mod tests {
    use cairn_proto::cosmos::base::v1beta1::Coin;

    use super::*;

    fn ucairn(amount: u64) -> Option<Coin> {
        Some(Coin { denom: "ucairn".to_owned(), amount: amount.to_string() })
    }

    #[test]
    fn counts_read_as_prometheus_text() {
        let metrics = Metrics::default();
        metrics.taken();
        metrics.delivered();
        metrics.judged(true);
        metrics.judged(false);
        metrics.judged(false);
        metrics.contested();
        metrics.waiting([2, 3]);
        for took in [Duration::from_secs(1), Duration::from_millis(1_500), Duration::from_secs(601)] {
            metrics.ran(took);
        }
        metrics.failed(&WorldError::Away("gone".to_owned()));
        metrics.failed(&WorldError::Refused { codespace: "com\"pute\n".to_owned(), code: 7, log: String::new() });
        metrics.seen(9, Some(&Provider { bond: ucairn(100), locked: ucairn(30), paid: 4, ..Provider::default() }));
        let text = metrics.render();
        for expected in [
            "jobs_taken_total 1",
            "jobs_delivered_total 1",
            "jobs_paid 4",
            "judged_total{result=\"right\"} 1",
            "judged_total{result=\"wrong\"} 2",
            "contests_total 1",
            "runs_waiting{need=\"owed\"} 2",
            "runs_waiting{need=\"judged\"} 3",
            "height 9",
            "bond_free_ucairn 70",
            "bond_locked_ucairn 30",
            "failures_total{reason=\"away\"} 1",
            "failures_total{reason=\"compute/7\"} 1",
            "run_seconds_bucket{le=\"1\"} 1",
            "run_seconds_bucket{le=\"2\"} 2",
            "run_seconds_bucket{le=\"600\"} 2",
            "run_seconds_bucket{le=\"+Inf\"} 3",
            "run_seconds_sum 603.5",
            "run_seconds_count 3",
        ] {
            assert!(text.contains(&format!("cairn_agent_{expected}\n")), "{expected}: {text}");
        }
        for number in 0..100 {
            metrics.failed_for(&number.to_string());
        }
        assert_eq!(metrics.counts().failures.len(), REASONS + 1);
        assert!(metrics.render().contains("failures_total{reason=\"other\"} 38\n"));
    }

    #[test]
    fn an_agent_is_well_while_heights_are_new() {
        let metrics = Metrics::default();
        assert_eq!(metrics.health(Instant::now()).0, StatusCode::SERVICE_UNAVAILABLE);
        metrics.seen(5, None);
        let (_, first) = metrics.counts().height.unwrap();
        assert_eq!(metrics.health(first + SILENCE).0, StatusCode::OK);
        assert_eq!(metrics.health(first + SILENCE + Duration::from_millis(1)).0, StatusCode::SERVICE_UNAVAILABLE);
        // The same height again is no news, and neither is an older one.
        metrics.seen(5, None);
        metrics.seen(4, None);
        assert_eq!(metrics.counts().height, Some((5, first)));
    }

    #[test]
    fn metrics_and_health_are_served_and_nothing_else() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let metrics = Arc::new(Metrics::default());
        let at = runtime.block_on(serve_metrics(Arc::clone(&metrics), ([127, 0, 0, 1], 0).into())).unwrap();
        let http: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let get = |path: &str| {
            let mut answer = http.get(format!("http://{at}{path}")).call().unwrap();
            (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
        };
        assert_eq!(get("/healthz").0, 503);
        metrics.seen(7, None);
        let (status, told) = get("/healthz");
        assert!(status == 200 && told.contains("\"height\":7"), "{told}");
        let (status, told) = get("/metrics");
        assert!(status == 200 && told.contains("\ncairn_agent_height 7\n"), "{told}");
        assert_eq!(get("/").0, 404);
        assert!(runtime.block_on(serve_metrics(metrics, at)).is_err(), "the address is taken");
    }
}
