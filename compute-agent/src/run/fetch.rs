//! Content from servers, fetched on threads of their own: a slow server, or a hostile one, holds up nothing that is owed on the chain.
use std::{
    collections::BTreeMap,
    sync::mpsc::{Receiver, TryRecvError, channel},
    time::{Duration, Instant},
};

use super::world::{Need, WorldError};

/// Contents that are fetched, or have come and are not asked for, at a time and for each need: memory holds them all.
const AT_ONCE: usize = 4;
/// How long what has come is kept for who asked, from when it was asked for.
const KEPT: Duration = Duration::from_secs(300);

type Found = Result<Vec<u8>, WorldError>;

struct Coming {
    found: Receiver<Found>,
    asked: Instant,
}

/// What is on its way, and until when what failed is left to others: as long as it took to fail.
#[derive(Default)]
pub(super) struct Fetches {
    coming: BTreeMap<(Need, String), Coming>,
    failed: BTreeMap<(Need, String), Instant>,
}

impl Fetches {
    /// What `fetch` found, if it has come; begins where nobody has asked for the URI before.
    ///
    /// # Errors
    /// Those of `fetch`, and [`WorldError::Away`] while it runs, or while as many others do as may.
    pub(super) fn get(&mut self, uri: &str, need: Need, fetch: impl FnOnce() -> Found + Send + 'static) -> Found {
        let place = (need, uri.to_owned());
        let now = Instant::now();
        if let Some(Coming { found, asked }) = self.coming.get(&place) {
            let (found, took) = match found.try_recv() {
                Ok(found) => (found, asked.elapsed()),
                Err(TryRecvError::Empty) => return Err(WorldError::Away("it is on its way".to_owned())),
                Err(TryRecvError::Disconnected) => {
                    (Err(WorldError::Away("the thread that fetched it has ended".to_owned())), asked.elapsed())
                }
            };
            self.coming.remove(&place);
            if let (Err(_), Some(until)) = (&found, now.checked_add(took)) {
                self.failed.insert(place, until);
            }
            return found;
        }
        self.coming.retain(|_, coming| coming.asked.elapsed() < KEPT);
        self.failed.retain(|_, until| now < *until);
        let most = self.coming.keys().filter(|(other, _)| *other == need).count() >= AT_ONCE;
        if most || self.failed.contains_key(&place) {
            return Err(WorldError::Away("others are fetched first".to_owned()));
        }
        let (done, found) = channel();
        std::thread::spawn(move || {
            let _nobody_asks_any_more = done.send(fetch());
        });
        self.coming.insert(place, Coming { found, asked: now });
        Err(WorldError::Away("it is asked for".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_away(found: &Found) -> bool {
        matches!(found, Err(WorldError::Away(_)))
    }

    /// Asks until it has come.
    fn come(fetches: &mut Fetches, uri: &str) -> Found {
        loop {
            let found = fetches.get(uri, Need::Owed, || panic!("it was asked for before"));
            if !matches!(&found, Err(WorldError::Away(why)) if why == "it is on its way") {
                return found;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_hangs_holds_up_nothing_and_what_is_owed_has_places_of_its_own() {
        let mut fetches = Fetches::default();
        let mut hung = Vec::new();
        for number in 0..AT_ONCE {
            let (end, wait) = channel::<()>();
            let hang = move || {
                let _ended = wait.recv();
                Ok(Vec::new())
            };
            assert!(is_away(&fetches.get(&number.to_string(), Need::Taken, hang)));
            hung.push(end);
        }
        assert!(is_away(&fetches.get("more", Need::Taken, || panic!("there is no place"))));
        assert!(is_away(&fetches.get("owed", Need::Owed, || Ok(vec![7]))));
        assert_eq!(come(&mut fetches, "owed").unwrap(), [7]);
        assert!(is_away(&fetches.get("0", Need::Taken, || panic!("it was asked for before"))));
    }

    #[test]
    fn what_failed_is_told_once_and_may_be_asked_for_again() {
        let mut fetches = Fetches::default();
        let refused = || Err(WorldError::Refused { codespace: "agent".to_owned(), code: 1, log: "no".to_owned() });
        assert!(is_away(&fetches.get("a", Need::Owed, refused)));
        assert!(matches!(come(&mut fetches, "a"), Err(WorldError::Refused { .. })));
        // As long as it took to fail, others are fetched; then it is asked for again.
        let until = fetches.failed[&(Need::Owed, "a".to_owned())];
        while Instant::now() < until {
            std::thread::yield_now();
        }
        assert!(is_away(&fetches.get("a", Need::Owed, || Ok(vec![1]))));
        assert_eq!(come(&mut fetches, "a").unwrap(), [1]);
        fetches.failed.insert((Need::Owed, "b".to_owned()), Instant::now() + Duration::from_secs(3_600));
        assert!(is_away(&fetches.get("b", Need::Owed, || panic!("it failed"))));
    }
}
