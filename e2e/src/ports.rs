//! Ports of a network's own, also beside other tests of this process and of others.
use std::{
    fs::{self, File},
    net::TcpListener,
};

/// Below what the system gives to outgoing connections.
const RANGE: std::ops::Range<u16> = 12_000..32_000;
const BLOCK: u16 = 100;

/// A run of ports that nobody listened on when it was taken, and that no other test takes as long as this lives.
pub(crate) struct Ports {
    /// The first of them.
    pub(crate) first: u16,
    /// Locked while it is open, by the system: a test that is killed leaves nothing behind.
    _lock: File,
}

impl Ports {
    /// Takes the first free run of at most a hundred.
    ///
    /// # Panics
    /// If there is none.
    pub(crate) fn take(count: u16) -> Self {
        assert!(count <= BLOCK, "{count} ports");
        let folder = std::env::temp_dir().join("cairn-e2e-ports");
        fs::create_dir_all(&folder).expect("a folder for locks");
        let taken = |first: u16| {
            let lock = File::create(folder.join(first.to_string())).ok()?;
            lock.try_lock().ok()?;
            let free = (first..first + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok());
            free.then_some(Self { first, _lock: lock })
        };
        RANGE.step_by(BLOCK.into()).find_map(taken).expect("a run of free ports")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_do_not_overlap_and_are_given_back() {
        let (one, other) = (Ports::take(30), Ports::take(30));
        assert!(one.first.abs_diff(other.first) >= BLOCK);
        let listener = TcpListener::bind(("127.0.0.1", other.first + 29)).expect("free");
        let used = other.first;
        drop(other);
        let third = Ports::take(30);
        assert_ne!(third.first, used, "somebody listens there");
        drop((listener, one, third));
    }
}
