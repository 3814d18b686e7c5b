//! How many queries run at once, and for how long. A query reads a view of its own and waits for no block; what it could take from blocks is
//! processors and disk, and this bounds it.
use std::{
    sync::{Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use cairn_kernel::{Error, Status};
use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

/// Places for queries and simulations, whichever door they came by.
pub(crate) struct Gate {
    most: usize,
    limit: Duration,
    running: Mutex<usize>,
    freed: Condvar,
    seconds: Histogram,
    outcomes: Family<[(&'static str, &'static str); 1], Counter>,
    in_progress: Gauge,
}

/// A query's place, until it is dropped.
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    start: Instant,
}

impl Gate {
    /// For `most` at once (0: one less than there are processors, at least two), each with `limit` to wait and run.
    pub(super) fn new(most: usize, limit: Duration) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let most = if most == 0 { processors.saturating_sub(1).max(2) } else { most };
        Self {
            most,
            limit,
            running: Mutex::new(0),
            freed: Condvar::new(),
            seconds: Histogram::new(exponential_buckets(0.0001, 4.0, 10)),
            outcomes: Family::default(),
            in_progress: Gauge::default(),
        }
    }

    /// Adds its figures.
    pub(crate) fn register(&self, registry: &mut Registry) {
        for outcome in ["done", "late", "busy"] {
            drop(self.outcomes.get_or_create(&[("outcome", outcome)]));
        }
        registry.register("query_seconds", "Time that a query waited and ran", self.seconds.clone());
        registry.register("queries", "Queries that ended, were cut off for their time, or found no place in time", self.outcomes.clone());
        registry.register("queries_running", "Queries that run", self.in_progress.clone());
    }

    /// A place, once there is one.
    ///
    /// # Errors
    /// Resource exhausted, if there is none within the limit.
    pub(super) fn enter(&self) -> Result<Pass<'_>, Error> {
        let start = Instant::now();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_timeout_while(running, self.limit, |running| *running >= self.most);
        let (mut running, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() && *running >= self.most {
            self.count("busy");
            return Err(refusal(Status::ResourceExhausted, format!("{} queries run, and none ended within {:?}", self.most, self.limit)));
        }
        *running = running.saturating_add(1);
        self.in_progress.inc();
        Ok(Pass { gate: self, start })
    }

    fn count(&self, outcome: &'static str) {
        self.outcomes.get_or_create(&[("outcome", outcome)]).inc();
    }
}

impl Pass<'_> {
    /// When the query is cut off; `None` where no clock goes that far.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.start.checked_add(self.gate.limit)
    }

    /// The refusal of a query that was cut off.
    pub(super) fn late(&self) -> Error {
        self.gate.count("late");
        refusal(Status::Unavailable, format!("no answer within {:?}; ask for less at a time", self.gate.limit))
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.count("done");
        self.gate.seconds.observe(self.start.elapsed().as_secs_f64());
        self.gate.in_progress.dec();
        let mut running = self.gate.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running = running.saturating_sub(1);
        self.gate.freed.notify_one();
    }
}

fn refusal(status: Status, log: String) -> Error {
    Error { codespace: "sdk", code: 35, log, status }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back_and_none_is_waited_for_longer_than_the_limit() {
        let gate = Gate::new(2, Duration::from_millis(20));
        let passes = (gate.enter().ok(), gate.enter().ok());
        let refused = gate.enter().err().unwrap();
        assert_eq!((refused.code, refused.status), (35, Status::ResourceExhausted));
        drop(passes);
        assert!(gate.enter().is_ok());
        assert_eq!(*gate.running.lock().unwrap(), 0);
        let counted = |outcome| gate.outcomes.get_or_create(&[("outcome", outcome)]).get();
        assert_eq!((counted("done"), counted("busy"), counted("late")), (3, 1, 0));
    }

    #[test]
    fn one_that_waits_gets_the_place_that_is_freed() {
        let gate = Gate::new(1, Duration::from_secs(60));
        let first = gate.enter().ok();
        thread::scope(|scope| {
            let second = scope.spawn(|| gate.enter().map(|pass| pass.deadline()).is_ok());
            drop(first);
            assert!(second.join().unwrap());
        });
    }
}
