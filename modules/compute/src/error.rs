//! Why compute refuses.
use cairn_kernel::{Coded, Module, Status};

/// Codes are consensus: add at the end, never renumber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No program of that id.
    #[error("no program {0}")]
    NoProgram(String),
    /// The program is there already.
    #[error("program {0} is registered already")]
    Registered(String),
    /// The graph is refused.
    #[error("the program is refused: {0}")]
    Graph(#[from] cairn_program::Error),
    /// A hash of the wrong size.
    #[error("a hash has 32 bytes, found {0}")]
    Hash(usize),
    /// An address of content that is too long.
    #[error("an address of content has at most 512 bytes, found {0}")]
    Uri(usize),
    /// The asset is of somebody else.
    #[error("asset {asset} belongs to somebody else than {account}")]
    NotOwner {
        /// The asset.
        asset: u64,
        /// Who registered.
        account: String,
    },
    /// A part above the whole.
    #[error("a part has at most 10,000 basis points, found {0}")]
    Part(u32),
    /// No such provider.
    #[error("{0} is no provider")]
    NoProvider(String),
    /// The provider is leaving.
    #[error("{0} is leaving")]
    Leaving(String),
    /// The provider has jobs that are not closed.
    #[error("jobs of {0} are not closed")]
    Busy(String),
    /// Less than the least bond.
    #[error("a provider's bond is at least {least}, found {found}")]
    LeastBond {
        /// The least, in base units.
        least: u128,
        /// What it would be.
        found: u128,
    },
    /// The bond does not cover the job.
    #[error("the job locks {needed} of the bond, {free} are free")]
    BondTooSmall {
        /// What the job locks.
        needed: u128,
        /// What is not locked.
        free: u128,
    },
    /// The job's number is unknown.
    #[error("no job {0}")]
    NoJob(u64),
    /// The job does not take this now.
    #[error("job {0} does not take that in its state")]
    State(u64),
    /// The job is of somebody else.
    #[error("job {job} is not of {account}")]
    NotYours {
        /// The job.
        job: u64,
        /// Who asked.
        account: String,
    },
    /// The provider failed the job before.
    #[error("{account} failed job {job} before")]
    FailedBefore {
        /// The job.
        job: u64,
        /// The provider.
        account: String,
    },
    /// A price or bond that is none.
    #[error("a price or bond is an amount of ucairn, more than 0 and at most 10^24")]
    Price,
    /// No runs, too many, or too many together with the program's nodes.
    #[error("a job has 1 to 1,024 runs, and at most 2^20 runs times nodes, found {0} runs")]
    Runs(u32),
    /// A time outside its bounds.
    #[error("a time has 1 to 10,000,000 blocks, found {0}")]
    Blocks(u64),
    /// The result is no claim of a trace.
    #[error("the result has another number of runs, or an output of another size, than the job asks for")]
    Result,
    /// The message carries no parameters.
    #[error("parameters are missing")]
    NoParams,
    /// A parameter outside its bounds.
    #[error("parameter {name} must be from {least} to {most}, found {found}")]
    Bounds {
        /// Which one.
        name: &'static str,
        /// The least allowed.
        least: u64,
        /// The most allowed.
        most: u64,
        /// What was found.
        found: u64,
    },
    /// A parameter that is no amount.
    #[error("parameter {0} must be an amount of at most 10^24 base units")]
    Amount(&'static str),
    /// A sum exceeds its integer.
    #[error("an amount exceeds the range of integers")]
    Overflow,
    /// A genesis file that contradicts itself.
    #[error("compute genesis: {0}")]
    Genesis(String),
    /// No such class of hardware, or one that takes nothing new.
    #[error("no class {0} takes jobs and offers")]
    NoClass(u64),
    /// A class outside its bounds.
    #[error("a class has a name of 1 to 64 bytes and a description of at most 512, and there are at most 64")]
    Classes,
    /// The auction takes that in another epoch, or at another height.
    #[error("the auction of class {class} does not take that of epoch {epoch} now")]
    Epoch {
        /// The class.
        class: u64,
        /// The epoch that was named, or that runs.
        epoch: u32,
    },
    /// The auction has as many offers of that side as may be.
    #[error("the auction of class {class} has {most} offers of that side, none of a lower ceiling")]
    Full {
        /// The class.
        class: u64,
        /// Most offers of a side.
        most: u32,
    },
    /// A second offer for the same thing.
    #[error("{0} has made that offer in this auction")]
    AlreadyBid(String),
    /// No such offer.
    #[error("{0} has made no such offer in this auction")]
    NoBid(String),
    /// An opening that does not fit.
    #[error("the opening is not that of the offer, or its price is above the ceiling")]
    Opening,
    /// An ask of no jobs or too many; or a bid that names what asks name.
    #[error("an ask is of 1 to 64 jobs; a bid names neither ceiling nor capacity, found {0}")]
    Capacity(u32),
    /// The job has no audit, or not any more.
    #[error("no audit of job {0}")]
    NoAudit(u64),
    /// An audit is opened by something else than what it sealed, or without its chunk.
    #[error("the opening is not that of the sealed root, or its preimages do not lead to the drawn chunk")]
    Spot,
    /// A number of providers outside its bounds.
    #[error("a redundant job has 2 to 5 providers, and looks for them in no auction; found {0}")]
    Redundancy(u32),
    /// An ask whose failure would cost too little.
    #[error("the ceiling of an ask is at least {least}, half of the median of what was paid in its class")]
    Ceiling {
        /// The least, in base units.
        least: u128,
    },
    /// A key under which proofs could be forged, or a provenance that is none.
    #[error("the key is refused: {0}")]
    Key(cairn_verifier::KeyError),
    /// A key of another number of inputs than statements have.
    #[error("a key of one input has 296 bytes, found {0}")]
    KeySize(usize),
    /// No key of that name.
    #[error("no circuit's key {0}")]
    NoCircuit(String),
    /// The key is there already.
    #[error("key {0} is registered already")]
    CircuitRegistered(String),
    /// The key serves no new jobs.
    #[error("key {0} is retired")]
    Retired(String),
    /// A provenance that this network does not take from the sender.
    #[error("this network does not take a key of that provenance from that account")]
    Provenance,
    /// Another circuit than sizes, program or job ask for.
    #[error("the key is of another circuit")]
    OtherCircuit,
    /// A circuit of a program has no sizes, every other has them.
    #[error("a circuit names either its program or its sizes, of 1 to 8 layers")]
    Sizes,
    /// The key is of a program of somebody else.
    #[error("the program belongs to somebody else than {0}")]
    NotProgramOwner(String),
    /// The key was registered by somebody else.
    #[error("the key was registered by somebody else than {0}")]
    NotRegistrar(String),
    /// Runs that do not fill proofs, or too many.
    #[error("{runs} runs do not fill 1 to 64 proofs of the key, or exceed {most}")]
    ProofRuns {
        /// What was asked for.
        runs: u32,
        /// The most.
        most: u32,
    },
    /// Another number of keys than the job's result is checked by.
    #[error("the job's result is checked by {needed} keys, found {found}")]
    Keys {
        /// Keys that are needed.
        needed: usize,
        /// Keys that were named.
        found: usize,
    },
    /// A program of which no circuit can prove results.
    #[error("no circuit proves this program: {0}")]
    Unproven(&'static str),
    /// The seals are not those of the program.
    #[error("the seals are not one for each operator with private weights, with the sizes and the commitment that it pins")]
    Seals,
    /// The commitments are not those that the job names.
    #[error("the commitments to inputs are not those of the job")]
    Inputs,
    /// A proof that does not hold.
    #[error("proof {number}: {fault}")]
    Proof {
        /// Which one, from 0.
        number: u32,
        /// What is wrong with it.
        fault: cairn_verifier::ProofError,
    },
    /// A kind of verification that there is not.
    #[error("a job is not verified in that way")]
    Verification,
    /// A job that not every provider of a class could do.
    #[error(
        "auctions take refereed jobs of programs without private weights: whoever asks does not know what it wins; post the job without a class"
    )]
    Auctioned,
    /// What an enclave's code is known by has another length, or the kind is none.
    #[error("code in SGX is known by 32 bytes, in TDX by 240; found {0}")]
    Measurement(usize),
    /// No enclave of that name.
    #[error("no enclave {0}")]
    NoEnclave(String),
    /// The enclave is there already.
    #[error("enclave {0} is registered already")]
    EnclaveRegistered(String),
    /// A quote that does not stand for the result.
    #[error(transparent)]
    Quote(crate::quotes::QuoteError),
    /// A root of quotes other than Intel's where test keys are not taken, or one that is too large.
    #[error(
        "quotes of enclaves lead up to another root than their maker's on test networks alone, and its certificate has at most 4,096 bytes"
    )]
    EnclaveRoot,
    /// A setting of the genesis file.
    #[error("parameter {0} is set by genesis and never changed")]
    Fixed(&'static str),
    /// State that contradicts itself.
    #[error("state of compute is damaged: {0}")]
    Broken(&'static str),
}

impl Coded for Error {
    const CODESPACE: &'static str = crate::Compute::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::NoProgram(_) => 2,
            Self::Registered(_) => 3,
            Self::Graph(_) => 4,
            Self::Hash(_) => 5,
            Self::Uri(_) => 6,
            Self::NotOwner { .. } => 7,
            Self::Part(_) => 8,
            Self::NoProvider(_) => 9,
            Self::Leaving(_) => 10,
            Self::Busy(_) => 11,
            Self::LeastBond { .. } => 12,
            Self::BondTooSmall { .. } => 13,
            Self::NoJob(_) => 14,
            Self::State(_) => 15,
            Self::NotYours { .. } => 16,
            Self::FailedBefore { .. } => 17,
            Self::Price => 18,
            Self::Runs(_) => 19,
            Self::Blocks(_) => 20,
            Self::Result => 21,
            Self::NoParams => 22,
            Self::Bounds { .. } => 23,
            Self::Amount(_) => 24,
            Self::Overflow => 25,
            Self::Genesis(_) => 26,
            Self::Broken(_) => 27,
            Self::NoClass(_) => 50,
            Self::Classes => 51,
            Self::Epoch { .. } => 52,
            Self::Full { .. } => 53,
            Self::AlreadyBid(_) => 54,
            Self::NoBid(_) => 55,
            Self::Opening => 56,
            Self::Capacity(_) => 57,
            Self::NoAudit(_) => 58,
            Self::Spot => 59,
            Self::Redundancy(_) => 60,
            Self::Ceiling { .. } => 61,
            Self::Key(_) => 28,
            Self::KeySize(_) => 29,
            Self::NoCircuit(_) => 30,
            Self::CircuitRegistered(_) => 31,
            Self::Retired(_) => 32,
            Self::Provenance => 33,
            Self::OtherCircuit => 34,
            Self::Sizes => 35,
            Self::NotProgramOwner(_) => 36,
            Self::NotRegistrar(_) => 37,
            Self::ProofRuns { .. } => 38,
            Self::Keys { .. } => 39,
            Self::Unproven(_) => 40,
            Self::Seals => 41,
            Self::Inputs => 42,
            Self::Proof { .. } => 43,
            Self::Verification => 44,
            Self::Fixed(_) => 45,
            Self::Measurement(_) => 62,
            Self::NoEnclave(_) => 63,
            Self::EnclaveRegistered(_) => 64,
            Self::Quote(_) => 65,
            Self::EnclaveRoot => 66,
            Self::Auctioned => 67,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NoProgram(_)
            | Self::NoProvider(_)
            | Self::NoJob(_)
            | Self::NoCircuit(_)
            | Self::NoEnclave(_)
            | Self::NoClass(_)
            | Self::NoBid(_)
            | Self::NoAudit(_) => Status::NotFound,
            Self::Registered(_) | Self::CircuitRegistered(_) | Self::EnclaveRegistered(_) | Self::AlreadyBid(_) => Status::AlreadyExists,
            Self::NotOwner { .. } | Self::NotYours { .. } | Self::NotProgramOwner(_) | Self::NotRegistrar(_) => Status::PermissionDenied,
            Self::Leaving(_)
            | Self::Busy(_)
            | Self::BondTooSmall { .. }
            | Self::State(_)
            | Self::FailedBefore { .. }
            | Self::Epoch { .. }
            | Self::Full { .. }
            | Self::Retired(_) => Status::FailedPrecondition,
            Self::Broken(_) => Status::Internal,
            _ => Status::InvalidArgument,
        }
    }
}
