//! What the gateway counts, as Prometheus reads it.
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// Counters since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// By method, route and status.
    requests: Mutex<BTreeMap<(String, String, u16), u64>>,
    /// By code.
    refusals: Mutex<BTreeMap<&'static str, u64>>,
    received: AtomicU64,
    sent: AtomicU64,
    in_flight: AtomicU64,
    connections: AtomicU64,
    answered: AtomicU64,
    unanswered: AtomicU64,
    collected: AtomicU64,
}

/// Something that is going on while this lives.
pub(crate) struct Going<'a>(&'a AtomicU64);

impl Drop for Going<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Metrics {
    /// A request was answered. `route` is the template that it matched, so that the set of labels is bounded.
    pub(crate) fn request(&self, method: &str, route: &str, status: u16) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let count = requests.entry((method.to_owned(), route.to_owned(), status)).or_default();
        *count = count.saturating_add(1);
    }
    /// A request was refused.
    pub(crate) fn refusal(&self, code: &'static str) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let count = refusals.entry(code).or_default();
        *count = count.saturating_add(1);
    }
    /// Bytes of bodies came in.
    pub(crate) fn received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Relaxed);
    }
    /// Bytes of content went out.
    pub(crate) fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Relaxed);
    }
    /// The node was asked.
    pub(crate) fn asked(&self, answered: bool) {
        if answered { &self.answered } else { &self.unanswered }.fetch_add(1, Relaxed);
    }
    /// Contents were removed.
    pub(crate) fn collected(&self, contents: u64) {
        self.collected.fetch_add(contents, Relaxed);
    }
    /// Counts a request as long as the result lives.
    pub(crate) fn in_flight(&self) -> Going<'_> {
        self.in_flight.fetch_add(1, Relaxed);
        Going(&self.in_flight)
    }
    /// Counts a connection as long as the result lives.
    pub(crate) fn connection(&self) -> Going<'_> {
        self.connections.fetch_add(1, Relaxed);
        Going(&self.connections)
    }
    /// Everything as text. `unreferenced` are the bytes that belong to nothing on the chain.
    pub(crate) fn render(&self, unreferenced: u64) -> String {
        let mut out = String::new();
        head(&mut out, "requests_total", "counter", "Answered requests.");
        for ((method, route, status), n) in &*self.requests.lock().unwrap_or_else(PoisonError::into_inner) {
            line(&mut out, "requests_total", &format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}"), *n);
        }
        head(&mut out, "refusals_total", "counter", "Refused requests by code.");
        for (code, n) in &*self.refusals.lock().unwrap_or_else(PoisonError::into_inner) {
            line(&mut out, "refusals_total", &format!("{{code=\"{code}\"}}"), *n);
        }
        head(&mut out, "chain_questions_total", "counter", "Questions to the node by whether it answered.");
        line(&mut out, "chain_questions_total", "{answered=\"true\"}", self.answered.load(Relaxed));
        line(&mut out, "chain_questions_total", "{answered=\"false\"}", self.unanswered.load(Relaxed));
        let plain = [
            ("received_bytes_total", "counter", "Bytes of uploads received.", self.received.load(Relaxed)),
            ("sent_bytes_total", "counter", "Bytes of content sent.", self.sent.load(Relaxed)),
            (
                "collected_contents_total",
                "counter",
                "Contents removed because nothing on the chain named them.",
                self.collected.load(Relaxed),
            ),
            ("requests_in_flight", "gauge", "Requests being answered.", self.in_flight.load(Relaxed)),
            ("connections", "gauge", "Open connections.", self.connections.load(Relaxed)),
            ("unreferenced_bytes", "gauge", "Bytes uploaded that belong to no job or asset yet.", unreferenced),
        ];
        for (name, kind, help, value) in plain {
            head(&mut out, name, kind, help);
            line(&mut out, name, "", value);
        }
        out
    }
}

// Writing to a string cannot fail.
fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP cairn_gateway_{name} {help}\n# TYPE cairn_gateway_{name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &str, value: u64) {
    let _ = writeln!(out, "cairn_gateway_{name}{labels} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_read_as_prometheus_text() {
        let metrics = Metrics::default();
        metrics.request("GET", "/v1/jobs/{job}/tasks/{task}", 200);
        metrics.request("GET", "/v1/jobs/{job}/tasks/{task}", 200);
        metrics.refusal("no_access");
        metrics.sent(300);
        let going = metrics.in_flight();
        let text = metrics.render(42);
        assert!(text.contains("cairn_gateway_requests_total{method=\"GET\",route=\"/v1/jobs/{job}/tasks/{task}\",status=\"200\"} 2\n"));
        assert!(text.contains("cairn_gateway_refusals_total{code=\"no_access\"} 1\n"));
        assert!(text.contains("cairn_gateway_sent_bytes_total 300\n") && text.contains("cairn_gateway_unreferenced_bytes 42\n"));
        assert!(text.contains("cairn_gateway_requests_in_flight 1\n"));
        drop(going);
        assert!(metrics.render(0).contains("cairn_gateway_requests_in_flight 0\n"));
    }
}
