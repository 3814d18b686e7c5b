//! What an agent needs of the world: a chain, and content.
use cairn_proto::{
    Any,
    cairn::{
        compute::v1::{Audit, Circuit, Job, JobState, Offer, Program, Provider, QueryClassResponse},
        dispute::v1::{QueryContestResponse, QueryMatchResponse},
    },
};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The chain refused it; asking again is of no use before something changes.
    #[error("{codespace} {code}: {log}")]
    Refused {
        /// Who refused.
        codespace: String,
        /// Its code there.
        code: u32,
        /// Its words.
        log: String,
    },
    /// Nobody answered, or not in time. What was sent may still have its effect.
    #[error("{0}")]
    Away(String),
}

/// What content is fetched for: what is owed does not wait behind what is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// It costs bond or money where it does not come.
    Owed,
    /// Another's result is run again with it.
    Judged,
    /// A job may be taken with it.
    Taken,
}

/// A chain and the servers of content. Calls block.
pub trait World {
    /// The newest height.
    ///
    /// # Errors
    /// [`WorldError`], as everywhere here.
    fn height(&mut self) -> Result<u64, WorldError>;
    /// The chain's id.
    fn chain_id(&self) -> String;
    /// The agent's account.
    fn account(&self) -> String;
    /// 32 bytes that only who holds the account's key can tell, the same ones whenever they are asked for the same purpose.
    ///
    /// # Errors
    /// [`WorldError`].
    fn secret(&self, purpose: &str) -> Result<[u8; 32], WorldError>;
    /// The agent as a provider; `None` before it put up a bond.
    ///
    /// # Errors
    /// [`WorldError`].
    fn provider(&mut self) -> Result<Option<Provider>, WorldError>;
    /// Jobs in a state.
    ///
    /// # Errors
    /// [`WorldError`].
    fn jobs(&mut self, state: JobState) -> Result<Vec<Job>, WorldError>;
    /// A job by its number.
    ///
    /// # Errors
    /// [`WorldError`].
    fn job(&mut self, id: u64) -> Result<Job, WorldError>;
    /// Audits that are not over.
    ///
    /// # Errors
    /// [`WorldError`].
    fn audits(&mut self) -> Result<Vec<Audit>, WorldError>;
    /// A class of hardware and its running auction.
    ///
    /// # Errors
    /// [`WorldError`].
    fn class(&mut self, id: u64) -> Result<QueryClassResponse, WorldError>;
    /// The offers in the running auction of a class.
    ///
    /// # Errors
    /// [`WorldError`].
    fn offers(&mut self, class: u64) -> Result<Vec<Offer>, WorldError>;
    /// A program by its id.
    ///
    /// # Errors
    /// [`WorldError`].
    fn program(&mut self, id: &[u8]) -> Result<Program, WorldError>;
    /// A registered key by the program that it is bound to, none if empty, and its name.
    ///
    /// # Errors
    /// [`WorldError`].
    fn circuit(&mut self, program: &[u8], key: &[u8]) -> Result<Circuit, WorldError>;
    /// A contest with its claims and matches.
    ///
    /// # Errors
    /// [`WorldError`].
    fn contest(&mut self, case_id: u64) -> Result<QueryContestResponse, WorldError>;
    /// A match and what it awaits.
    ///
    /// # Errors
    /// [`WorldError`].
    fn game(&mut self, case_id: u64, number: u32) -> Result<QueryMatchResponse, WorldError>;
    /// Signs a message, hands it in and waits until it is in a block.
    ///
    /// # Errors
    /// [`WorldError`].
    fn send(&mut self, message: Any) -> Result<(), WorldError>;
    /// Content at a URI, at most `most` bytes. It is whatever the server likes. No server is waited for: what has not come yet is asked for again.
    ///
    /// # Errors
    /// [`WorldError`]; `Away` too while it is on its way.
    fn fetch(&mut self, uri: &str, most: u64, need: Need) -> Result<Vec<u8>, WorldError>;
    /// Inputs of a job that lie on gateways, as [`World::fetch`] gives content.
    ///
    /// # Errors
    /// Those of [`World::fetch`].
    fn inputs(&mut self, job: &Job, most: u64, need: Need) -> Result<Vec<u8>, WorldError>;
}
