//! What opens a commitment: it lies in the home, in a file that only its owner reads, until it is opened.
use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::cli::{
    home::{Home, random, read_secret_json, write_secret_json},
    rpc::Refused,
};

/// What was sealed, and the salt that it was sealed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opening {
    /// A price, or a root in hexadecimal.
    #[serde(alias = "price")]
    pub(super) sealed: String,
    salt: String,
}

impl Opening {
    pub(super) fn salt(&self) -> Result<[u8; 32]> {
        hex::decode(&self.salt).ok().and_then(|bytes| bytes.try_into().ok()).context("the kept salt is damaged")
    }
}

/// Where an opening lies.
pub(super) struct Place(PathBuf);

impl Place {
    /// By what is sealed: chain, account, and whatever tells it from others of the account.
    pub(super) fn new(home: &Home, name: &str) -> Self {
        Self(home.path().join("openings").join(format!("{name}.json")))
    }
    /// The opening that is kept here.
    pub(super) fn read(&self) -> Result<Opening> {
        let missing = || format!("{} is not there: only the home that sealed can open", self.0.display());
        self.found()?.with_context(missing)
    }
    fn found(&self) -> Result<Option<Opening>> {
        if self.0.exists() { read_secret_json(&self.0).map(Some) } else { Ok(None) }
    }
    /// What is kept from an attempt that may have arrived, or a new opening, which is kept from now on; and whether it is new.
    pub(super) fn keep(&self, sealed: &str) -> Result<(Opening, bool)> {
        if let Some(kept) = self.found()? {
            if kept.sealed != sealed {
                bail!(
                    "{} holds something else, which may be on its way to the chain; if it never arrives, delete the file and seal again",
                    self.0.display()
                );
            }
            return Ok((kept, false));
        }
        let opening = Opening { sealed: sealed.to_owned(), salt: hex::encode(random()) };
        write_secret_json(&self.0, &opening)?;
        Ok((opening, true))
    }
    /// After a message that commits: forgets a new opening that the chain refused. One from an attempt before may be what the chain has, and after any other
    /// error the message may still arrive.
    pub(super) fn sent<T>(&self, sent: Result<T>, new: bool) -> Result<T> {
        if new && sent.as_ref().is_err_and(|error| error.is::<Refused>()) {
            self.forget()?;
        }
        sent
    }
    pub(super) fn forget(&self) -> Result<()> {
        fs::remove_file(&self.0).with_context(|| format!("cannot delete {}", self.0.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::home::write_secret;

    #[test]
    fn what_opens_a_commitment_is_kept_in_secret_until_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(&Home::new(folder.path()), "cairn-test-1-offer-3-2-7");
        assert!(place.read().unwrap_err().to_string().contains("is not there"));
        let (opening, new) = place.keep("900").unwrap();
        assert!(new);
        assert_eq!(place.keep("900").unwrap(), (opening.clone(), false), "an attempt that may still arrive keeps its salt");
        assert!(place.keep("901").unwrap_err().to_string().contains("holds something else"));
        assert_eq!((place.read().unwrap(), opening.sealed.as_str()), (opening.clone(), "900"));
        place.forget().unwrap();
        assert_ne!(place.keep("900").unwrap().0, opening);
    }

    #[test]
    fn what_opens_a_commitment_on_the_chain_outlives_a_refused_second_one() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(&Home::new(folder.path()), "a");
        let refused = || Err::<(), _>(anyhow::Error::from(Refused::new("a second offer")));
        let (opening, new) = place.keep("5").unwrap();
        place.sent(Ok(()), new).unwrap();
        let (again, new) = place.keep("5").unwrap();
        assert!(place.sent(refused(), new).is_err());
        assert_eq!((place.read().unwrap(), again), (opening.clone(), opening));

        let other = Place::new(&Home::new(folder.path()), "b");
        let (_, new) = other.keep("5").unwrap();
        assert!(other.sent(Err::<(), _>(anyhow::anyhow!("no answer")), new).is_err());
        assert!(other.read().is_ok(), "it may still arrive");
        other.forget().unwrap();
        let (_, new) = other.keep("5").unwrap();
        assert!(other.sent(refused(), new).is_err());
        assert!(other.read().is_err(), "nothing was sealed");
    }

    #[test]
    fn a_damaged_file_is_said_to_be_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        write_secret(&home.path().join("openings/a.json"), br#"{"price": "5", "salt": "00"}"#).unwrap();
        assert!(format!("{:#}", Place::new(&home, "a").read().unwrap().salt().unwrap_err()).contains("damaged"));
        write_secret(&home.path().join("openings/b.json"), b"{").unwrap();
        assert!(format!("{:#}", Place::new(&home, "b").read().unwrap_err()).contains("damaged"));
    }
}
