//! Moments in nanoseconds since the epoch, from and to the forms that messages and events have.
use cairn_kernel::{Ctx, Result, sdk};
use cairn_proto::{Duration, Timestamp};

const SECOND: u128 = 1_000_000_000;
const DAY_SECONDS: u128 = 86_400;
/// The end of the year 9999, beyond which RFC 3339 has no text: in seconds.
const END: u128 = 253_402_300_800;

/// Nanoseconds since the epoch.
pub type Moment = u128;

/// The block's time.
#[must_use]
pub fn now(ctx: &Ctx) -> Moment {
    let block = ctx.block();
    at(block.time, block.nanos)
}

/// Seconds and nanoseconds together.
#[must_use]
pub fn at(seconds: u64, nanos: u32) -> Moment {
    u128::from(seconds).saturating_mul(SECOND).saturating_add(nanos.into())
}

/// From a message.
///
/// # Errors
/// `sdk/18` where it is absent, malformed, or before the epoch.
pub fn moment(time: Option<&Timestamp>) -> Result<Moment> {
    let refuse = || sdk::invalid_request("a time must be from 1970 to 9999");
    let time = time.ok_or_else(refuse)?;
    let (seconds, nanos) = (u64::try_from(time.seconds).map_err(|_| refuse())?, u32::try_from(time.nanos).map_err(|_| refuse())?);
    if u128::from(seconds) >= END || u128::from(nanos) >= SECOND {
        return Err(refuse());
    }
    Ok(at(seconds, nanos))
}

/// For a message. Beyond the year 9999 it is that year's end.
#[must_use]
pub fn timestamp(moment: Moment) -> Timestamp {
    let moment = moment.min(END.saturating_mul(SECOND).saturating_sub(1));
    let (seconds, nanos) = (moment / SECOND, moment % SECOND);
    // Both fit: the first is below END, the second below a thousand million.
    Timestamp { seconds: i64::try_from(seconds).unwrap_or(i64::MAX), nanos: i32::try_from(nanos).unwrap_or(0) }
}

/// A positive span of time in nanoseconds; `None` if it is absent, malformed, negative or zero.
#[must_use]
pub fn span(duration: Option<&Duration>) -> Option<u128> {
    let duration = duration?;
    let (seconds, nanos) = (u64::try_from(duration.seconds).ok()?, u32::try_from(duration.nanos).ok()?);
    let whole = at(seconds, nanos);
    (u128::from(nanos) < SECOND && whole > 0 && whole < END.saturating_mul(SECOND)).then_some(whole)
}

/// As events show it: RFC 3339 in UTC, whole seconds.
#[must_use]
pub fn rfc3339(moment: Moment) -> String {
    let seconds = (moment / SECOND).min(END.saturating_sub(1));
    let (days, rest) = (seconds / DAY_SECONDS, seconds % DAY_SECONDS);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

/// Year, month and day of a day counted from the first of January 1970.
fn civil(mut days: u128) -> (u128, usize, u128) {
    let leap = |year: u128| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970_u128;
    while let Some(rest) = days.checked_sub(if leap(year) { 366 } else { 365 }) {
        (days, year) = (rest, year.saturating_add(1));
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1_usize;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        let Some(rest) = days.checked_sub(length) else { break };
        (days, month) = (rest, month.saturating_add(1));
    }
    (year, month, days.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_calendar_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(at(seconds, 999)), text);
        }
    }

    #[test]
    fn messages_are_read_back() {
        let time = Timestamp { seconds: 1_700_000_000, nanos: 5 };
        assert_eq!(timestamp(moment(Some(&time)).unwrap()), time);
        for (seconds, nanos) in [(-1, 0), (0, -1), (0, 1_000_000_000), (253_402_300_800, 0)] {
            assert!(moment(Some(&Timestamp { seconds, nanos })).is_err());
        }
        assert!(moment(None).is_err());
        assert_eq!(span(Some(&Duration { seconds: 1, nanos: 1 })), Some(1_000_000_001));
        for (seconds, nanos) in [(0, 0), (-1, 0), (0, -1), (1, 1_000_000_000), (i64::MAX, 0)] {
            assert_eq!(span(Some(&Duration { seconds, nanos })), None);
        }
    }
}
