//! One request, and what its answer is as far as two chains can be compared by it.
use std::{fmt, time::Duration};

use serde_json::Value;

use super::shape;

/// The header in which the SDK's gateway names the height of the state that was read.
const HEIGHT: &str = "grpc-metadata-x-cosmos-block-height";

/// What a door answered.
pub(super) struct Answer {
    pub(super) status: u16,
    kind: String,
    pub(super) height: Option<String>,
    pub(super) body: String,
}

impl Answer {
    /// An answer that did not come over REST.
    pub(super) fn of(status: u16, body: &str) -> Self {
        Self { status, kind: String::new(), height: None, body: body.to_owned() }
    }
    /// The body as JSON; null if it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
    /// The text of a refusal.
    pub(super) fn message(&self) -> String {
        self.json().get("message").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
    /// Whether the door has nothing at this path.
    pub(super) fn is_absent(&self) -> bool {
        self.status == 501
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.body.chars().take(600).collect();
        write!(f, "{} {shown}", self.status)
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(20))).http_status_as_error(false).build().into()
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Answer {
    let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let (kind, height) = (header("content-type").unwrap_or_default(), header(HEIGHT));
    Answer { status: response.status().as_u16(), kind, height, body: response.body_mut().read_to_string().unwrap() }
}

/// What a door answers to `path`.
pub(super) fn get(door: &str, path: &str) -> Answer {
    read(agent().get(format!("{door}{path}")).call().unwrap())
}

/// The same with a header.
pub(super) fn get_with(door: &str, path: &str, header: (&str, &str)) -> Answer {
    read(agent().get(format!("{door}{path}")).header(header.0, header.1).call().unwrap())
}

/// What a door answers to JSON that is posted to `path`.
pub(super) fn post(door: &str, path: &str, body: &str) -> Answer {
    read(agent().post(format!("{door}{path}")).header("content-type", "application/json").send(body).unwrap())
}

/// The bytes that a door answers to a message over gRPC-web, with its status and text.
pub(super) fn grpc_web(door: &str, method: &str, message: &[u8]) -> Result<Vec<u8>, (String, String)> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let frame = [&[0], &length[..], message].concat();
    let request = agent().post(format!("{door}{method}")).header("content-type", "application/grpc-web+proto").header("x-grpc-web", "1");
    let mut response = request.send(&frame[..]).unwrap();
    let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let mut said = (header("grpc-status").unwrap_or_default(), header("grpc-message").unwrap_or_default());
    let body = response.body_mut().read_to_vec().unwrap();
    let (mut data, mut rest) = (Vec::new(), body.as_slice());
    while let Some((head, after)) = rest.split_at_checked(5) {
        let length = usize::try_from(u32::from_be_bytes(head[1..].try_into().unwrap())).unwrap();
        let (frame, further) = after.split_at(length);
        if head[0] & 0x80 == 0 {
            data = frame.to_vec();
        } else {
            said = trailers(&String::from_utf8_lossy(frame));
        }
        rest = further;
    }
    if said.0 == "0" { Ok(data) } else { Err(said) }
}

/// `grpc-status` and `grpc-message` of the frame that ends a gRPC-web answer.
fn trailers(text: &str) -> (String, String) {
    let named = |name: &str| {
        let mut lines = text.lines().filter_map(|l| l.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    (named("grpc-status"), named("grpc-message"))
}

/// Where two answers are not of one kind.
pub(super) fn differences(ours: &Answer, sims: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    if ours.status != sims.status {
        found.push(format!("status {} and not {}", ours.status, sims.status));
    }
    if ours.kind != sims.kind {
        found.push(format!("content type {} and not {}", ours.kind, sims.kind));
    }
    if ours.height.is_some() != sims.height.is_some() {
        found.push(format!("height {:?} and not {:?}", ours.height, sims.height));
    }
    let (own, theirs) = (ours.json(), sims.json());
    if ours.status >= 400 && sims.status >= 400 {
        if (own["code"] != theirs["code"] || own["details"] != theirs["details"]) && ours.status == sims.status {
            found.push(format!("code {} and not {}", own["code"], theirs["code"]));
        }
        if !shape::same_text(&ours.message(), &sims.message()) {
            found.push(format!("text {:?} and not {:?}", ours.message(), sims.message()));
        }
    } else if ours.status == sims.status {
        shape::compare("", &own, &theirs, &mut found);
    }
    found
}
