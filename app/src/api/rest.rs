//! The REST door: `google.api.http` paths and JSON in the SDK's dialect, for whatever the router serves.
use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use cairn_kernel::Status;
use prost::Message;
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};
use tower::ServiceExt;
use tower_http::cors::{Any, CorsLayer};

use super::{
    connection::Connection,
    doors::{Doors, HEIGHT, Refusal, parse_height},
    grpc,
    json::to_go_string,
    pages, params,
    templates::{Found, Route, Routes, Variables},
};

/// The header as the SDK's gateway spells it, in requests and in responses.
const GATEWAY_HEIGHT: &str = "grpc-metadata-x-cosmos-block-height";
/// Parameters in a query string. Ours need a dozen.
const MAX_PARAMETERS: usize = 128;

struct Rest {
    doors: Arc<Doors>,
    routes: Routes,
    /// For gRPC-web: browsers reach gRPC through the REST port, as in the SDK.
    grpc: Router,
    max_body: usize,
}

/// The door as a service.
#[cfg(test)]
pub(super) fn router(doors: &Arc<Doors>, max_body: usize) -> Router {
    router_with(doors, max_body, None)
}

/// The door as a service, with `own` pages in place of `/healthz` and `/version`.
pub(super) fn router_with(doors: &Arc<Doors>, max_body: usize, own: Option<Router>) -> Router {
    let routes = Routes::new(doors.dialect.pool(), &doors.served);
    let pages = pages::router(doors, &routes, own);
    let grpc = grpc::router(doors, max_body).layer(tonic_web::GrpcWebLayer::new());
    let rest = Arc::new(Rest { doors: Arc::clone(doors), routes, grpc, max_body });
    pages.merge(Router::new().fallback(handle).with_state(rest)).layer(cors())
}

/// Any page may ask: what is served is public, and no cookie or password opens more.
fn cors() -> CorsLayer {
    let shown = [GATEWAY_HEIGHT, HEIGHT, "grpc-status", "grpc-message", "grpc-status-details-bin"];
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(Any)
        .allow_headers(Any)
        .expose_headers(shown.map(HeaderName::from_static))
        .max_age(Duration::from_secs(86_400))
}

async fn handle(State(rest): State<Arc<Rest>>, request: Request) -> Response {
    let is_grpc = |v: &HeaderValue| v.as_bytes().starts_with(b"application/grpc");
    if request.headers().get(header::CONTENT_TYPE).is_some_and(is_grpc) {
        return match rest.grpc.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
    }
    let (parts, body) = request.into_parts();
    let connection = Connection::of(&parts.extensions);
    let body = match rest.arrived(body, &parts.headers).await {
        Ok(body) => body,
        Err(refused) => return *refused,
    };
    let answered = async {
        let _place = rest.doors.admit()?;
        rest.answer(&parts.method, &parts.uri, &parts.headers, body).await
    };
    match answered.await {
        Ok((response, held)) => connection.send(response, Some(held)),
        Err(refusal) => refuse(&refusal),
    }
}

/// The whole body, if it is not too large.
async fn read(body: Body, headers: &HeaderMap, max: usize) -> Result<Bytes, Response> {
    let too_large = || {
        let refusal = Refusal::new(Status::ResourceExhausted, format!("the body is larger than {max} bytes"));
        respond(StatusCode::PAYLOAD_TOO_LARGE, error_body(&refusal))
    };
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|n| n > max) {
        return Err(too_large());
    }
    to_bytes(body, max).await.map_err(|_| too_large())
}

impl Rest {
    /// The whole body, once it is there.
    async fn arrived(&self, body: Body, headers: &HeaderMap) -> Result<Bytes, Box<Response>> {
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        let limit = self.doors.arrival();
        let _place = self.doors.await_body().map_err(|refusal| refuse(&refusal))?;
        let late = |_| refuse(&Refusal::unavailable(format!("no complete request within {limit:?}")));
        Ok(timeout(limit, read(body, headers, self.max_body)).await.map_err(late)??)
    }

    /// The answer, and the place that it takes up until the client has it.
    async fn answer(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<(Response, OwnedSemaphorePermit), Refusal> {
        let verb = if method == Method::HEAD { "GET" } else { method.as_str() };
        let (found, form) = match self.routes.find(verb, uri.path()) {
            // A form that is posted to what can be got is a query string, as in the SDK's gateway.
            Found::OtherVerb if is_form(method, headers) => (self.routes.find("GET", uri.path()), true),
            found => (found, false),
        };
        let found = match found {
            Found::Routes(found) => found.into_iter().map(|(route, variables)| (route.clone(), variables)).collect::<Vec<_>>(),
            Found::OtherVerb => return Err(Refusal::new(Status::Unimplemented, "Method Not Allowed")),
            Found::Nothing => return Err(Refusal::new(Status::Unimplemented, "Not Implemented")),
            Found::Malformed => return Err(Refusal::invalid("malformed path")),
        };
        let height = height_of(headers)?;
        let mut query = parameters(uri)?;
        if form {
            let text = std::str::from_utf8(&body).map_err(|_| Refusal::invalid("the form is no text"))?;
            query.extend(parameters(&format!("/?{text}").parse().map_err(|_| Refusal::invalid("the form is malformed"))?)?);
        }
        if query.len() > MAX_PARAMETERS {
            return Err(Refusal::invalid(format!("at most {MAX_PARAMETERS} parameters, found {}", query.len())));
        }
        let ask_all = move |doors: &Doors| first_that_takes(&found, |route, variables| ask(doors, route, variables, &query, &body, height));
        let (json, height) = self.doors.run(ask_all).await?;
        let held = self.doors.hold(json.len())?;
        Ok((with_height(respond(StatusCode::OK, json), height), held))
    }
}

/// What the query string says.
fn parameters(uri: &Uri) -> Result<Variables, Refusal> {
    let Query(found) = Query::try_from_uri(uri).map_err(|e| Refusal::invalid(e.body_text()))?;
    Ok(found)
}

fn is_form(method: &Method, headers: &HeaderMap) -> bool {
    let form = |v: &HeaderValue| v.as_bytes().starts_with(b"application/x-www-form-urlencoded");
    method == Method::POST && headers.get(header::CONTENT_TYPE).is_some_and(form)
}

/// The answer of the first route that can do with what the path names; of routes with one template each takes something else.
fn first_that_takes<T>(found: &[(Route, Variables)], mut ask: impl FnMut(&Route, &Variables) -> Result<T, Refusal>) -> Result<T, Refusal> {
    let mut refused = Refusal::new(Status::Unimplemented, "Not Implemented");
    for (route, variables) in found {
        match ask(route, variables) {
            Err(refusal) if refusal.status == Status::InvalidArgument => refused = refusal,
            other => return other,
        }
    }
    Err(refused)
}

/// Request to bytes, answer to JSON. Blocks.
fn ask(
    doors: &Doors,
    route: &Route,
    variables: &[(String, String)],
    query: &[(String, String)],
    body: &[u8],
    height: Option<u64>,
) -> Result<(String, u64), Refusal> {
    let request = params::request(doors.dialect, route, variables, query, body)?;
    let answer = doors.answer(&route.path, &request.encode_to_vec(), height)?;
    let reply = DynamicMessage::decode(route.method.output(), answer.value.as_slice())
        .map_err(|e| Refusal::internal(format!("the answer is no {}: {e}", route.method.output().full_name())))?;
    Ok((to_go_string(&doors.dialect.encode(&reply)), answer.height))
}

fn height_of(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(value) = headers.get(HEIGHT).or_else(|| headers.get(GATEWAY_HEIGHT)) else { return Ok(None) };
    parse_height(value.to_str().map_err(|_| Refusal::invalid(format!("invalid height header {HEIGHT:?}")))?)
}

/// The HTTP status of a gRPC status, as the SDK's gateway maps it.
fn http_status(status: Status) -> StatusCode {
    match status {
        Status::InvalidArgument | Status::FailedPrecondition | Status::OutOfRange => StatusCode::BAD_REQUEST,
        Status::NotFound => StatusCode::NOT_FOUND,
        Status::AlreadyExists => StatusCode::CONFLICT,
        Status::PermissionDenied => StatusCode::FORBIDDEN,
        Status::Unauthenticated => StatusCode::UNAUTHORIZED,
        Status::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Status::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Status::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Status::Unknown | Status::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn error_body(refusal: &Refusal) -> String {
    // gRPC's numbers are the values of the enum.
    let body: Value = json!({"code": refusal.status as u8, "message": refusal.text, "details": []});
    to_go_string(&body)
}

fn refuse(refusal: &Refusal) -> Response {
    let response = respond(http_status(refusal.status), error_body(refusal));
    match refusal.height {
        Some(height) => with_height(response, height),
        None => response,
    }
}

/// The answer with the height of the state that it is about.
fn with_height(mut response: Response, height: u64) -> Response {
    for name in [GATEWAY_HEIGHT, HEIGHT] {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(height));
    }
    response
}

fn respond(status: StatusCode, json: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], json).into_response()
}
