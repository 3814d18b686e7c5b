//! Points in time, as agreed by the validators.
use crate::{BlockInfo, Key};

/// Nanoseconds of a second.
const NANOS: u32 = 1_000_000_000;

/// A point in time: seconds since the epoch and nanoseconds within that second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Instant {
    seconds: u64,
    nanos: u32,
}

impl Instant {
    /// `None` if `nanos` are a second or more.
    #[must_use]
    pub fn new(seconds: u64, nanos: u32) -> Option<Self> {
        (nanos < NANOS).then_some(Self { seconds, nanos })
    }
    /// The beginning of a second.
    #[must_use]
    pub const fn at(seconds: u64) -> Self {
        Self { seconds, nanos: 0 }
    }
    /// Seconds since the epoch.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.seconds
    }
    /// Nanoseconds within the second.
    #[must_use]
    pub fn nanos(self) -> u32 {
        self.nanos
    }
    /// The time so much later; `None` beyond 2^64 seconds.
    #[must_use]
    pub fn checked_add(self, later: Self) -> Option<Self> {
        let nanos = self.nanos.checked_add(later.nanos)?;
        let carry = u64::from(nanos >= NANOS);
        let seconds = self.seconds.checked_add(later.seconds)?.checked_add(carry)?;
        Some(Self { seconds, nanos: nanos.checked_rem(NANOS)? })
    }
}

impl BlockInfo {
    /// The block's time.
    #[must_use]
    pub fn instant(&self) -> Instant {
        Instant::new(self.time, self.nanos).unwrap_or(Instant::at(self.time))
    }
}

impl Key for Instant {
    fn write(&self, out: &mut Vec<u8>) {
        self.seconds.write(out);
        self.nanos.write(out);
    }
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Self::new(u64::read(bytes)?, u32::read(bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_prefix;

    #[test]
    fn sums_carry_into_the_second() {
        let time = |seconds, nanos| Instant::new(seconds, nanos).unwrap();
        assert_eq!(time(1, 999_999_999).checked_add(time(2, 2)), Some(time(4, 1)));
        assert_eq!(time(1, 5).checked_add(time(2, 4)), Some(time(3, 9)));
        assert_eq!(time(u64::MAX, 999_999_999).checked_add(time(0, 1)), None);
        assert_eq!(Instant::new(1, NANOS), None);
    }

    #[test]
    fn keys_sort_as_times_do() {
        let times = [Instant::at(0), Instant::new(0, 1).unwrap(), Instant::at(1), Instant::at(256), Instant::at(u64::MAX)];
        assert!(times.windows(2).all(|w| w[0] < w[1] && key_prefix(&w[0]) < key_prefix(&w[1])));
        for time in times {
            assert_eq!(Instant::read(&mut &*key_prefix(&time)), Some(time));
        }
    }
}
