//! `cairnd job`: an enterprise's way from a folder of items to a labelled data set.
mod access;
mod appeal;
mod contents;
mod description;
mod duties;
mod export;
mod gold;
mod judge;
mod labels;
mod pairs;
mod plan;
mod post;
mod prepare;
mod produced;
mod ranking;
mod record;
mod result;
mod truth;
mod verdicts;
mod watch;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{
    home::Home,
    keyring::{AccountKey, Entry, Keyring},
    keys,
    output::Output,
    rpc::Rpc,
    sign::{TxOptions, parse_gas_price},
};
use duties::Duties;

/// Who signs and what it may cost.
#[derive(Debug, Args)]
pub(crate) struct Sender {
    /// The key that signs.
    #[arg(long, value_name = "NAME")]
    from: String,
    /// Price of a unit of gas.
    #[arg(long, default_value = "0.001ucairn")]
    gas_price: String,
}

impl Sender {
    /// The key's name.
    pub(super) fn name(&self) -> &str {
        &self.from
    }
    /// The key's file, closed.
    pub(super) fn entry(&self, home: &Home) -> Result<Entry> {
        Keyring::new(home.keyring()).entry(&self.from)
    }
    /// Opens the key.
    pub(super) fn open(&self, home: &Home) -> Result<(AccountKey, TxOptions)> {
        let options = TxOptions { micro_price: parse_gas_price(&self.gas_price)?, ..TxOptions::default() };
        Ok((keys::open(&Keyring::new(home.keyring()), &self.from)?, options))
    }
}

/// Annotation jobs from the requester's side.
#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    Post(post::PostArgs),
    /// Where a job stands; everything that the chain tells of it with --output json.
    Status {
        /// Its number.
        job: u64,
    },
    /// Follow a job until its result is published. With --from to its end, doing in time what its requester has to: opening gold and
    /// pairs, committing to and opening the verdicts of 'job judge', withdrawing the refund. Begin it again at any time.
    Watch {
        /// Its number.
        job: u64,
        /// The requester's key.
        #[arg(long, value_name = "NAME")]
        from: Option<String>,
    },
    /// Open the gold of a job that this home posted, and who was compared; of drafts, the gold of their verification. Not opened in time,
    /// it costs the whole gold bond. 'job watch' does it by itself.
    OpenGold {
        /// Its number.
        job: u64,
        #[command(flatten)]
        sender: Sender,
    },
    Judge(judge::JudgeArgs),
    /// Bring a decision about your labels, or a gold answer that contradicts one, before a jury. Takes a bond.
    Appeal(appeal::AppealArgs),
    /// Open the truths of an exam's batches whose answers are in. Not opened in time, all candidates are admitted.
    OpenExam {
        /// The job's number.
        job: u64,
        #[command(flatten)]
        sender: Sender,
    },
    /// Write a job's result: to a file or folder that is there when it is complete, or to standard output.
    Export(export::ExportArgs),
}

impl JobCommand {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, node: &str, output: Output) -> Result<()> {
        let rpc = Rpc::new(node);
        match self {
            Self::Post(args) => args.run(home, &rpc, output),
            Self::Status { job } => watch::status(&rpc, job, output),
            Self::Watch { job, from } => {
                let key = from.map(|name| Ok::<_, anyhow::Error>((keys::open(&Keyring::new(home.keyring()), &name)?, name))).transpose()?;
                watch::watch(&rpc, home, job, key.as_ref())
            }
            Self::OpenGold { job, sender } => {
                let (posted, status) = watch::job(&rpc, job)?;
                let (key, options) = sender.open(home)?;
                Duties::new(&rpc, home, (&key, sender.name()), options, &posted)?.open_now(&rpc, &posted, &status)
            }
            Self::Judge(args) => args.run(home, &rpc),
            Self::Appeal(args) => args.run(home, &rpc),
            Self::OpenExam { job, sender } => access::open_exam(&rpc, home, &sender, job),
            Self::Export(args) => args.run(home, &rpc),
        }
    }
}
