//! The gRPC door: message bytes pass to the router and back undecoded, by the path of the call.
use std::{future::Future, pin::Pin, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use prost::bytes::{Buf, BufMut};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};
use tonic::{
    Code, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataValue,
    server::{Grpc, UnaryService},
};

use super::{
    connection::Connection,
    doors::{Doors, HEIGHT, Refusal, parse_height},
    reflection::{self, Reflection},
};

/// Passes message bytes through undecoded: whoever handles them decodes them.
#[derive(Clone, Copy, Default)]
pub(super) struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        *self
    }
    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn encode(&mut self, item: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining()).to_vec()))
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        // gRPC's numbers are the values of the enum.
        let mut status = Status::new(Code::from_i32(i32::from(refusal.status as u8)), refusal.text);
        if let Some(height) = refusal.height {
            status.metadata_mut().insert(HEIGHT, MetadataValue::from(height));
        }
        status
    }
}

/// Bytes before a message: whether it is compressed, and its length.
const FRAME: usize = 5;
/// The header that says why a call was refused.
const MESSAGE: &str = "grpc-message";
/// Bytes of a question about descriptors: a name.
const MAX_QUESTION: usize = 4 << 10;

struct Grpcs {
    doors: Arc<Doors>,
    max_body: usize,
}

/// The door as a service.
pub(super) fn router(doors: &Arc<Doors>, max_body: usize) -> Router {
    Router::new().fallback(handle).with_state(Arc::new(Grpcs { doors: Arc::clone(doors), max_body }))
}

async fn handle(grpcs: State<Arc<Grpcs>>, request: Request) -> Response {
    plainly(answer(grpcs, request).await)
}

/// Spaces in the text of a refusal as they are, as gRPC's own servers send them: not every client in a browser decodes them.
fn plainly(mut response: Response) -> Response {
    let text = response.headers().get(MESSAGE).and_then(|text| text.to_str().ok()).map(|text| text.replace("%20", " "));
    if let Some(plain) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
        response.headers_mut().insert(MESSAGE, plain);
    }
    response
}

async fn answer(State(grpcs): State<Arc<Grpcs>>, request: Request) -> Response {
    let is_grpc = |v: &HeaderValue| v.as_bytes().starts_with(b"application/grpc");
    if !request.headers().get(header::CONTENT_TYPE).is_some_and(is_grpc) {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "this port speaks gRPC; REST has its own\n").into_response();
    }
    let doors = Arc::clone(&grpcs.doors);
    let path = request.uri().path().to_owned();
    let connection = Connection::of(request.extensions());
    if reflection::PATHS.contains(&path.as_str()) {
        // Such a stream may stay open, so it takes no place among the requests; its questions are small.
        return match doors.reflect() {
            Ok(held) => {
                let mut grpc = Grpc::new(Raw).max_decoding_message_size(MAX_QUESTION);
                let answers = grpc.streaming(Reflection(doors), request).await;
                connection.stream(answers.map(Body::new), held)
            }
            Err(refusal) => refuse(refusal.into()),
        };
    }
    let request = match arrived(&doors, request, grpcs.max_body).await {
        Ok(request) => request,
        Err(status) => return refuse(*status),
    };
    let _place = match doors.admit() {
        Ok(place) => place,
        Err(refusal) => return refuse(refusal.into()),
    };
    let mut grpc = Grpc::new(Raw).max_decoding_message_size(grpcs.max_body);
    let mut response = grpc.unary(Call { doors, path }, request).await.map(Body::new);
    let held = response.extensions_mut().remove::<Held>().and_then(|held| Arc::into_inner(held.0));
    connection.send(response, held)
}

fn refuse(status: Status) -> Response {
    status.into_http::<tonic::body::Body>().map(Body::new)
}

/// The request with its whole body.
async fn arrived(doors: &Doors, request: Request, max_body: usize) -> Result<Request, Box<Status>> {
    let _place = doors.await_body().map_err(Status::from)?;
    let (parts, body) = request.into_parts();
    let most = max_body.saturating_add(FRAME);
    let body =
        timeout(doors.arrival(), to_bytes(body, most)).await.map_err(|_| Status::deadline_exceeded("no complete request in time"))?;
    let body = body.map_err(|_| Status::out_of_range(format!("the request is larger than {max_body} bytes, or broke off")))?;
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// A place in memory, on its way to where the answer is sent.
#[derive(Clone)]
struct Held(Arc<OwnedSemaphorePermit>);

/// One call, to be answered by the chain, CometBFT or the node itself.
struct Call {
    doors: Arc<Doors>,
    path: String,
}

impl UnaryService<Vec<u8>> for Call {
    type Response = Vec<u8>;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Vec<u8>>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<Vec<u8>>) -> Self::Future {
        let (doors, path) = (Arc::clone(&self.doors), self.path.clone());
        Box::pin(async move { call(doors, path, request).await })
    }
}

/// `grpc.health.v1.Health/Check`, which load balancers ask.
const HEALTH: &str = "/grpc.health.v1.Health/Check";
/// `HealthCheckResponse { status: SERVING }`.
const SERVING: [u8; 2] = [0x08, 0x01];

async fn call(doors: Arc<Doors>, path: String, request: tonic::Request<Vec<u8>>) -> Result<tonic::Response<Vec<u8>>, Status> {
    if path == HEALTH {
        return Ok(tonic::Response::new(SERVING.to_vec()));
    }
    if !doors.served.contains(&path) {
        let shown: String = path.chars().take(128).collect();
        return Err(Status::unimplemented(format!("unknown method {shown}")));
    }
    let height = match request.metadata().get(HEIGHT) {
        Some(text) => parse_height(text.to_str().map_err(|_| Status::invalid_argument("the height is no number"))?)?,
        None => None,
    };
    let data = request.into_inner();
    let answer = doors.run(move |doors| doors.answer(&path, &data, height)).await?;
    let held = doors.hold(answer.value.len())?;
    let mut response = tonic::Response::new(answer.value);
    response.extensions_mut().insert(Held(Arc::new(held)));
    response.metadata_mut().insert(HEIGHT, MetadataValue::from(answer.height));
    Ok(response)
}
