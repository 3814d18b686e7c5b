//! Reads request bodies and sends contents no longer and no slower than the limits allow.
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout};

use crate::{metrics::Metrics, refusal::Refusal};

/// How slow a client may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// It may do nothing for so long.
    pub(crate) stall: Duration,
    /// Beyond that it must move so many bytes a second.
    pub(crate) least_rate: u64,
}

impl Pace {
    /// Whether a client that made us wait for `waited` while it moved `bytes` is fast enough.
    fn allows(&self, waited: Duration, bytes: u64) -> bool {
        let earned = bytes.checked_div(self.least_rate).map_or(Duration::MAX, Duration::from_secs);
        waited <= self.stall.saturating_add(earned)
    }
    fn refusal(&self) -> Refusal {
        Refusal::TooSlow { rate: self.least_rate, stall: self.stall.as_secs() }
    }
}

/// A request body with a limit on its size and its pace. Only the time spent waiting for the client counts.
pub(crate) struct Intake<'a> {
    body: BodyDataStream,
    limit: u64,
    pace: Pace,
    metrics: &'a Metrics,
    taken: u64,
    waited: Duration,
}

impl<'a> Intake<'a> {
    /// `declared` is the request's content-length, if it has one: a body that says it is too large is not read at all.
    pub(crate) fn new(body: Body, declared: Option<u64>, limit: u64, pace: Pace, metrics: &'a Metrics) -> Result<Self, Refusal> {
        if declared.is_some_and(|bytes| bytes > limit) {
            return Err(Refusal::TooLarge { limit });
        }
        Ok(Self { body: body.into_data_stream(), limit, pace, metrics, taken: 0, waited: Duration::ZERO })
    }
    /// Bytes so far.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }
    /// The next bytes; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        let began = Instant::now();
        let next = timeout(self.pace.stall, self.body.next()).await.map_err(|_| self.pace.refusal())?;
        self.waited = self.waited.saturating_add(began.elapsed());
        let Some(next) = next else { return Ok(None) };
        let bytes = next.map_err(|e| Refusal::BadRequest(format!("the body broke off: {e}")))?;
        let length = bytes.len() as u64;
        self.taken = self.taken.saturating_add(length);
        self.metrics.received(length);
        if self.taken > self.limit {
            return Err(Refusal::TooLarge { limit: self.limit });
        }
        if !self.pace.allows(self.waited, self.taken) {
            return Err(self.pace.refusal());
        }
        Ok(Some(bytes))
    }
}

/// A response body that ends with an error, which closes the connection, once its reader is too slow.
pub(crate) fn paced<E: std::error::Error + Send + Sync + 'static>(
    content: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    pace: Pace,
    sent: impl Fn(u64) + Send + 'static,
) -> Body {
    /// The server asks for the next bytes when the client has taken the last.
    struct State<S, F> {
        content: S,
        sent: F,
        handed: Option<Instant>,
        waited: Duration,
        bytes: u64,
    }
    let state = State { content: Box::pin(content), sent, handed: None, waited: Duration::ZERO, bytes: 0 };
    Body::from_stream(stream::unfold(state, move |mut state| async move {
        if let Some(handed) = state.handed.take() {
            state.waited = state.waited.saturating_add(handed.elapsed());
        }
        if !pace.allows(state.waited, state.bytes) {
            return Some((Err(std::io::Error::from(std::io::ErrorKind::TimedOut)), state));
        }
        let next = state.content.next().await?.map_err(std::io::Error::other);
        if let Ok(bytes) = &next {
            let length = bytes.len() as u64;
            state.bytes = state.bytes.saturating_add(length);
            (state.sent)(length);
        }
        state.handed = Some(Instant::now());
        Some((next, state))
    }))
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    const PACE: Pace = Pace { stall: Duration::from_millis(50), least_rate: 1_000 };

    fn body(chunks: Vec<&'static [u8]>) -> Body {
        Body::from_stream(stream::iter(chunks.into_iter().map(|c| Ok::<_, std::io::Error>(Bytes::from_static(c)))))
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let metrics = Metrics::default();
        let mut intake = Intake::new(body(vec![b"abc", b"de"]), None, 5, PACE, &metrics).unwrap();
        assert_eq!(intake.next().await.unwrap().unwrap(), "abc");
        assert_eq!(intake.next().await.unwrap().unwrap(), "de");
        assert_eq!(intake.next().await.unwrap(), None);
        assert_eq!(intake.taken(), 5);
        let mut intake = Intake::new(body(vec![b"abc", b"def"]), None, 5, PACE, &metrics).unwrap();
        intake.next().await.unwrap();
        assert_eq!(intake.next().await.unwrap_err(), Refusal::TooLarge { limit: 5 });
        assert!(Intake::new(body(vec![]), Some(6), 5, PACE, &metrics).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_stalls_or_drips_is_cut_off() {
        let metrics = Metrics::default();
        let silent = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let mut intake = Intake::new(silent, None, 5, PACE, &metrics).unwrap();
        assert_eq!(intake.next().await.unwrap_err().code(), "too_slow");
        let drip = stream::repeat(()).then(|()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok::<_, std::io::Error>(Bytes::from_static(b"x"))
        });
        let mut intake = Intake::new(Body::from_stream(drip), None, 1_000, PACE, &metrics).unwrap();
        let mut read = 0;
        let refusal = loop {
            match intake.next().await {
                Ok(bytes) => read += bytes.unwrap().len(),
                Err(refusal) => break refusal,
            }
        };
        assert_eq!((refusal.code(), read), ("too_slow", 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_drips_is_cut_off_and_a_quick_one_is_not() {
        let content = || stream::iter((0..10).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"0123456789"))));
        let quick: Vec<Bytes> = paced(content(), PACE, |_| {}).into_data_stream().try_collect().await.unwrap();
        assert_eq!(quick.len(), 10);
        let mut slow = paced(content(), PACE, |_| {}).into_data_stream();
        let mut read = 0;
        while let Some(Ok(_)) = slow.next().await {
            read += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(read, 3);
    }
}
