//! What opens a juror's committed vote, kept in the home until it is revealed.
use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use cairn_dispute::{Choice, SALT_LEN, vote_commitment};
use cairn_kernel::Address;
use cairn_proto::cairn::dispute::v1::{MsgRevealVote, Seat};
use serde::{Deserialize, Serialize};

use crate::cli::home::{Home, random, read_secret_json, write_secret_json};

/// What opens a committed vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opening {
    choice: i32,
    salt: String,
}

impl Opening {
    /// A vote with a new random salt.
    pub(super) fn new(choice: Choice) -> Self {
        Self { choice: choice.into(), salt: hex::encode(random()) }
    }
    pub(super) fn salt(&self) -> Result<[u8; SALT_LEN]> {
        hex::decode(&self.salt).ok().and_then(|bytes| bytes.try_into().ok()).context("the kept salt is damaged")
    }
    pub(super) fn choice(&self) -> Result<Choice> {
        Choice::try_from(self.choice).ok().filter(|c| *c != Choice::Unspecified).context("the kept choice is damaged")
    }
}

/// Where an account's opening of one round lies.
pub(super) struct Place {
    path: PathBuf,
    chain_id: String,
    juror: Address,
    case: u64,
    round: u32,
}

impl Place {
    pub(super) fn new(home: &Home, chain_id: &str, juror: Address, case: u64, round: u32) -> Self {
        let path = home.path().join("openings").join(format!("{chain_id}-jury-{case}-{round}-{juror}.json"));
        Self { path, chain_id: chain_id.to_owned(), juror, case, round }
    }
    /// The opening that is kept, if there is one.
    pub(super) fn read(&self) -> Result<Option<Opening>> {
        if !self.path.exists() {
            return Ok(None);
        }
        read_secret_json(&self.path).map(Some)
    }
    /// The opening to commit to: the one that is kept from an attempt that may still arrive, or a new one, which is kept from now on.
    pub(super) fn keep(&self, choice: Choice) -> Result<Opening> {
        if let Some(kept) = self.read()? {
            if kept.choice()? != choice {
                let path = self.path.display();
                bail!(
                    "{path} holds another vote, which may be on its way to the chain; if it never arrives, delete the file and vote again"
                );
            }
            return Ok(kept);
        }
        let opening = Opening::new(choice);
        write_secret_json(&self.path, &opening)?;
        Ok(opening)
    }
    pub(super) fn forget(&self) -> Result<()> {
        fs::remove_file(&self.path).with_context(|| format!("cannot delete {}", self.path.display()))
    }
    pub(super) fn commitment(&self, opening: &Opening) -> Result<[u8; 32]> {
        Ok(vote_commitment(&self.chain_id, self.case, self.round, &self.juror, opening.choice()?, &opening.salt()?))
    }
    /// The message that reveals, if what is kept opens what was committed.
    pub(super) fn reveal(&self, seat: &Seat) -> Result<MsgRevealVote> {
        let missing = || format!("{} is not there: only the home that committed the vote can reveal it", self.path.display());
        let opening = self.read()?.with_context(missing)?;
        if seat.commitment != self.commitment(&opening)? {
            bail!("{} does not open what {} committed in case {}", self.path.display(), self.juror, self.case);
        }
        let (juror, choice, salt) = (self.juror.to_string(), opening.choice, opening.salt()?.to_vec());
        Ok(MsgRevealVote { juror, case_id: self.case, choice, salt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::home::write_secret;

    fn place(home: &Home, case: u64) -> Place {
        Place::new(home, "cairn-test-1", Address::new(&[1; 20]).unwrap(), case, 2)
    }

    #[test]
    fn what_opens_a_vote_is_kept_in_secret_until_it_is_revealed() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        let place = place(&home, 7);
        assert_eq!(place.read().unwrap(), None);
        let opening = place.keep(Choice::Overturn).unwrap();
        assert_eq!(place.keep(Choice::Overturn).unwrap(), opening, "an attempt that may still arrive keeps its salt");
        assert!(place.keep(Choice::Uphold).unwrap_err().to_string().contains("holds another vote"));
        let commitment = place.commitment(&opening).unwrap().to_vec();
        let message = place.reveal(&Seat { commitment, ..Seat::default() }).unwrap();
        assert_eq!((message.case_id, message.choice, hex::encode(&message.salt)), (7, 2, opening.salt.clone()));
        let other = place.reveal(&Seat { commitment: vec![0; 32], ..Seat::default() }).unwrap_err();
        assert!(other.to_string().contains("does not open"));
        place.forget().unwrap();
        assert!(place.reveal(&Seat::default()).unwrap_err().to_string().contains("is not there"));
        assert_ne!(Opening::new(Choice::Uphold).salt, Opening::new(Choice::Uphold).salt);
    }

    #[test]
    fn a_damaged_file_is_said_to_be_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        for (case, text) in [(1, "{"), (2, r#"{"choice":9,"salt":""}"#), (3, r#"{"choice":1,"salt":"00"}"#)] {
            let place = place(&home, case);
            write_secret(&place.path, text.as_bytes()).unwrap();
            let error = place.reveal(&Seat::default()).unwrap_err();
            assert!(format!("{error:#}").contains("damaged"), "{error:#}");
        }
    }
}
