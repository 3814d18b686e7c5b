//! One client's connection: what it was answered and has not taken, and when it only holds a place that others could use.
use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::Extensions,
    response::Response,
};
use http_body::{Frame, SizeHint};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit},
    time::{Instant, interval_at, sleep},
};

/// Bytes of an answer that the connection takes over at once: the rest stays with [`Unsent`] until the client took these.
const PART: usize = 16 << 10;
/// How often a connection is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// How long a connection may keep others waiting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// From connecting to the first whole head of a request.
    pub(super) first: Duration,
    /// From one part of an answer taken to the next.
    pub(super) stall: Duration,
}

/// A connection, as its requests and its server share it.
#[derive(Debug, Default)]
pub(super) struct Connection {
    asked: AtomicBool,
    /// Somebody else needs its place.
    wanted: Notify,
    next: AtomicU64,
    /// Answers not wholly taken, and when the client last took a part.
    unsent: Mutex<HashMap<u64, Instant>>,
}

impl Connection {
    /// The connection of a request; one of its own where the request came by no port.
    pub(super) fn of(request: &Extensions) -> Arc<Self> {
        request.get::<Arc<Self>>().cloned().unwrap_or_default()
    }
    /// Notes a request.
    pub(super) fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }
    /// Whether it never asked anything.
    pub(super) fn is_silent(&self) -> bool {
        !self.asked.load(Ordering::Relaxed)
    }
    /// Asks it to make room for another one, if it is still silent by then.
    pub(super) fn give_way(&self) {
        self.wanted.notify_one();
    }
    /// Returns once the connection should be closed: its client asked nothing in time or while others wait for a place, or left an answer lying for too long.
    pub(super) async fn overdue(&self, patience: Patience) {
        tokio::select! {
            () = sleep(patience.first) => {}
            () = self.wanted.notified() => {}
        }
        if self.is_silent() {
            return;
        }
        let look = LOOK.min(patience.stall);
        let mut looks = interval_at(Instant::now(), look);
        loop {
            looks.tick().await;
            if self.unsent().values().any(|taken| taken.elapsed() > patience.stall) {
                return;
            }
        }
    }
    /// Hands out a response in parts and keeps `held` until the last one is taken.
    pub(super) fn send(self: Arc<Self>, response: Response, held: Option<OwnedSemaphorePermit>) -> Response {
        self.hand_out(response, held, true)
    }
    /// The same of a stream of answers, which may be silent for as long as its client asks nothing.
    pub(super) fn stream(self: Arc<Self>, response: Response, held: OwnedSemaphorePermit) -> Response {
        self.hand_out(response, Some(held), false)
    }
    fn hand_out(self: Arc<Self>, response: Response, held: Option<OwnedSemaphorePermit>, whole: bool) -> Response {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.note(id, whole);
        response.map(|inner| Body::new(Unsent { inner, part: Bytes::new(), whole, id, connection: self, _held: held }))
    }
    /// Notes that the client took a part, and whether more is there for it.
    fn note(&self, id: u64, more: bool) {
        if more {
            self.unsent().insert(id, Instant::now())
        } else {
            self.unsent().remove(&id)
        };
    }
    fn unsent(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that gives up its memory as the client takes it. A connection buffers whatever it is handed, so it is handed little.
struct Unsent {
    inner: Body,
    part: Bytes,
    /// Whether `inner` is all there, so that nothing but the client can be waited for.
    whole: bool,
    id: u64,
    connection: Arc<Connection>,
    _held: Option<OwnedSemaphorePermit>,
}

impl HttpBody for Unsent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.part.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.part = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        let next = self.part.len().min(PART);
        let next = self.part.split_to(next);
        self.connection.note(self.id, self.whole || !self.part.is_empty());
        Poll::Ready(Some(Ok(Frame::data(next))))
    }
    fn is_end_stream(&self) -> bool {
        self.part.is_empty() && self.inner.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        let here = u64::try_from(self.part.len()).unwrap_or(u64::MAX);
        let rest = self.inner.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(here));
        }
        hint.set_lower(rest.lower().saturating_add(here));
        hint
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        self.connection.unsent().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use tokio::{sync::Semaphore, time::timeout};

    use super::*;

    const PATIENCE: Patience = Patience { first: Duration::from_secs(15), stall: Duration::from_secs(30) };

    async fn closes_within(connection: &Connection, seconds: u64) -> bool {
        timeout(Duration::from_secs(seconds), connection.overdue(PATIENCE)).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_request_is_closed_and_an_idle_one_is_not() {
        let silent = Connection::default();
        assert!(!closes_within(&silent, 14).await);
        assert!(closes_within(&silent, 16).await);
        let idle = Connection::default();
        idle.ask();
        assert!(!closes_within(&idle, 10_000).await);
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_silent_connection_gives_way() {
        let (silent, asking) = (Connection::default(), Connection::default());
        asking.ask();
        for connection in [&silent, &asking] {
            connection.give_way();
        }
        assert!(closes_within(&silent, 1).await);
        assert!(!closes_within(&asking, 10_000).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_left_lying_closes_its_connection() {
        let connection = Arc::new(Connection::default());
        connection.ask();
        let memory = Arc::new(Semaphore::new(1));
        let held = Arc::clone(&memory).try_acquire_owned().unwrap();
        let response = Arc::clone(&connection).send(Response::new(Body::from(vec![7; 40_000])), Some(held));
        assert!(!closes_within(&connection, 29).await);
        assert!(closes_within(&connection, 20).await);
        assert_eq!(memory.available_permits(), 0);
        drop(response);
        assert_eq!(memory.available_permits(), 1);
        assert!(!closes_within(&connection, 1_000).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_stream_is_left_alone() {
        let connection = Arc::new(Connection::default());
        connection.ask();
        let held = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let silent = Body::from_stream(tokio_stream::pending::<Result<Bytes, std::io::Error>>());
        let response = Arc::clone(&connection).stream(Response::new(silent), held);
        assert!(!closes_within(&connection, 1_000).await);
        drop(response);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_taken_in_parts_and_whole() {
        let connection = Arc::new(Connection::default());
        let body = || Arc::clone(&connection).send(Response::new(Body::from(vec![7; 40_000])), None).into_body();
        assert_eq!(body().size_hint().exact(), Some(40_000));
        assert_eq!(to_bytes(body(), 50_000).await.unwrap().len(), 40_000);
        let mut parts = body();
        let mut sizes = vec![];
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut parts).poll_frame(cx)).await {
            sizes.push(frame.unwrap().into_data().unwrap().len());
        }
        assert_eq!(sizes, [16_384, 16_384, 7_232]);
        drop(parts);
        assert!(connection.unsent().is_empty());
    }
}
