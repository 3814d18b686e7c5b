//! The kernel's times from and to their messages.

use cairn_kernel::{Instant, Result, sdk};
use prost_types::{Duration, Timestamp};

/// A time of a message.
///
/// # Errors
/// `sdk/18` before the epoch or with nanoseconds that are no part of a second.
pub fn instant(time: &Timestamp) -> Result<Instant> {
    parts(time.seconds, time.nanos).ok_or_else(|| sdk::invalid_request(format!("{}s {}ns is no time since 1970", time.seconds, time.nanos)))
}

/// The message form of a time.
#[must_use]
pub fn timestamp(time: Instant) -> Timestamp {
    // Times come from messages and headers, whose seconds are signed.
    Timestamp { seconds: i64::try_from(time.seconds()).unwrap_or(i64::MAX), nanos: i32::try_from(time.nanos()).unwrap_or(0) }
}

/// A duration of a message, which is not negative, as the time since the epoch.
///
/// # Errors
/// `sdk/18` for what is negative or has nanoseconds that are no part of a second.
pub fn duration(span: &Duration) -> Result<Instant> {
    let refused = || sdk::invalid_request(format!("expected a duration of 0 or more, found {}s {}ns", span.seconds, span.nanos));
    parts(span.seconds, span.nanos).ok_or_else(refused)
}

fn parts(seconds: i64, nanos: i32) -> Option<Instant> {
    Instant::new(u64::try_from(seconds).ok()?, u32::try_from(nanos).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_there_and_back() {
        for (seconds, nanos) in [(0, 0), (1, 999_999_999), (i64::MAX, 5)] {
            let wire = Timestamp { seconds, nanos };
            assert_eq!(timestamp(instant(&wire).unwrap()), wire);
            assert_eq!(duration(&Duration { seconds, nanos }).unwrap(), instant(&wire).unwrap());
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for (seconds, nanos) in [(-1, 0), (0, -1), (0, 1_000_000_000), (i64::MIN, 0)] {
            assert_eq!(instant(&Timestamp { seconds, nanos }).unwrap_err().code, 18);
            assert_eq!(duration(&Duration { seconds, nanos }).unwrap_err().code, 18);
        }
    }
}
