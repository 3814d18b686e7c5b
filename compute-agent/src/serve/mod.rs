//! A model over HTTP: each answer carries a receipt that anybody can check and repeat.
mod receipt;
mod served;
mod sessions;
#[cfg(test)]
mod tests;
mod till;

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use cairn_device::Executor;
use cairn_models::{ModelFile, steps};
use k256::ecdsa::SigningKey;
use serde::Deserialize;
use serde_json::{Value, json};

pub use receipt::{Receipt, ReceiptError, sign};
pub use sessions::{Books, Ledger, Offer, Sessions};
pub use till::{Asked, Till, Unpaid};

/// Most bytes of a request.
const MAX_BODY: usize = 1 << 20;
/// Most bytes that one call says.
const MAX_TOKENS: usize = 256;
/// The header that a voucher comes in.
const VOUCHER: &str = "x-cairn-voucher";

/// What is served.
pub struct Service {
    /// The model.
    pub model: ModelFile,
    /// Where it runs.
    pub device: Box<dyn Executor>,
    /// The chain on which it is registered; empty where it is not.
    pub chain_id: String,
    /// What receipts are signed with.
    pub key: SigningKey,
    /// What takes vouchers; without, calls are free.
    pub till: Option<Till>,
}

/// Why a call has no answer.
enum Refusal {
    /// The request is none.
    Request(String),
    /// It is not paid.
    Payment(String),
    /// Whether it is paid cannot be told now.
    Away(String),
    /// The device failed.
    Device(String),
}

impl From<Unpaid> for Refusal {
    fn from(unpaid: Unpaid) -> Self {
        match unpaid {
            Unpaid::Refused(why) => Self::Payment(format!("{why:#}")),
            Unpaid::Away(why) => Self::Away(format!("{why:#}")),
        }
    }
}

/// A service, one call at a time.
type Shared = Arc<Mutex<Service>>;

/// Numbers for the model: `input` counts in its steps, `values` are numbers that become steps by the card's scale.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Infer {
    input: Option<Vec<i32>>,
    values: Option<Vec<f32>>,
}

/// A text to go on with, as clients of other services send it; of their many settings these count.
#[derive(Deserialize)]
struct Complete {
    prompt: String,
    max_tokens: Option<usize>,
}

/// The routes of a service.
pub fn router(service: Service) -> Router {
    Router::new()
        .route("/v1/models", get(models))
        .route("/v1/infer", post(|state, headers, body: Json<Infer>| call(state, headers, move |service| service.infer(body.0))))
        .route(
            "/v1/completions",
            post(|state, headers, body: Json<Complete>| call(state, headers, move |service| service.complete(&body.0))),
        )
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::new(Mutex::new(service)))
}

async fn models(State(service): State<Shared>) -> Json<Value> {
    let service = service.lock().unwrap_or_else(PoisonError::into_inner);
    let (card, device) = (service.model.card(), service.device.device());
    Json(json!({"object": "list", "data": [{
        "object": "model", "id": hex::encode(service.model.id()), "name": card.name, "classes": card.classes, "paid": service.till.is_some(),
        "payment": service.till.as_ref().map(Till::terms),
        "device": device.to_string(), "reproducible": service.device.reproducible(),
    }]}))
}

/// Takes the voucher, then answers; both away from the threads that serve.
async fn call(
    State(service): State<Shared>,
    headers: HeaderMap,
    answer: impl FnOnce(&Service) -> Result<Value, Refusal> + Send + 'static,
) -> Result<Json<Value>, Refusal> {
    let work = move || {
        let service = service.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(till) = &service.till else { return answer(&service) };
        let voucher = headers.get(VOUCHER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let session = till.take(voucher)?;
        // What has no answer is not paid for.
        answer(&service).or_else(|refusal| till.give_back(session).map_err(|error| Refusal::Device(format!("{error:#}"))).and(Err(refusal)))
    };
    let found = tokio::task::spawn_blocking(work).await.map_err(|error| Refusal::Device(error.to_string()))?;
    found.map(Json)
}

impl Service {
    fn infer(&self, asked: Infer) -> Result<Value, Refusal> {
        let input = match (asked.input, asked.values, self.model.card().input) {
            (Some(input), None, _) => input,
            (None, Some(values), Some(scale)) => steps(&values, scale.scale),
            _ => {
                return Err(Refusal::Request(
                    "give either 'input' in steps of int8, or 'values' where the model's card has a scale".into(),
                ));
            }
        };
        let receipt = self.sign(vec![input])?;
        let output = receipt.outputs.first().cloned().unwrap_or_default();
        let class = match output.as_slice() {
            [class] => usize::try_from(*class).ok().and_then(|class| self.model.card().classes.get(class)),
            _ => None,
        };
        Ok(json!({"output": output, "class": class, "receipt": receipt}))
    }

    /// Says byte after byte what the model says behind the text, and signs all runs together.
    fn complete(&self, asked: &Complete) -> Result<Value, Refusal> {
        let program = self.model.program();
        let (input, output) = (program.graph().input.dims.as_slice(), program.output_shape().map(|shape| shape.dims.as_slice()));
        let (&[places], Some(&[same])) = (input, output) else {
            return Err(Refusal::Request("the model does not go on with texts".into()));
        };
        let tokens = asked.max_tokens.unwrap_or(16);
        if places != same || !asked.prompt.is_ascii() || asked.prompt.is_empty() || !(1..=MAX_TOKENS).contains(&tokens) {
            return Err(Refusal::Request(format!("a prompt is ASCII and not empty, and max_tokens 1 to {MAX_TOKENS}")));
        }
        let mut text: Vec<i32> = asked.prompt.bytes().map(i32::from).collect();
        let (prompt, mut windows) = (text.len(), Vec::new());
        for _ in 0..tokens {
            let (window, last) = window(&text, places as usize);
            let said = self.sign(vec![window.clone()])?.outputs.first().and_then(|output| output.get(last).copied());
            windows.push(window);
            text.push(said.filter(|byte| (0..128).contains(byte)).ok_or_else(|| Refusal::Request("the model does not say bytes".into()))?);
        }
        let receipt = self.sign(windows)?;
        let said: String = text[prompt..].iter().filter_map(|byte| u8::try_from(*byte).ok()).map(char::from).collect();
        Ok(json!({
            "object": "text_completion", "model": receipt.program, "choices": [{"index": 0, "text": said, "finish_reason": "length"}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}, "receipt": receipt,
        }))
    }

    fn sign(&self, inputs: Vec<Vec<i32>>) -> Result<Receipt, Refusal> {
        sign(&self.model, inputs, &*self.device, &self.chain_id, &self.key).map_err(|error| match error {
            ReceiptError::Device(error) => Refusal::Device(error.to_string()),
            other => Refusal::Request(other.to_string()),
        })
    }
}

/// The last bytes of a text, with zeros behind where it is short, and the place of its last byte.
fn window(text: &[i32], places: usize) -> (Vec<i32>, usize) {
    let seen = &text[text.len().saturating_sub(places)..];
    let mut window = seen.to_vec();
    window.resize(places, 0);
    (window, seen.len().saturating_sub(1))
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, kind, message) = match self {
            Self::Request(message) => (StatusCode::BAD_REQUEST, "invalid_request_error", message),
            Self::Payment(message) => (StatusCode::PAYMENT_REQUIRED, "payment_required", message),
            Self::Away(message) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", message),
            Self::Device(message) => (StatusCode::INTERNAL_SERVER_ERROR, "server_error", message),
        };
        (status, Json(json!({"error": {"type": kind, "message": message}}))).into_response()
    }
}
