//! `cairnd compute`: ordered computation from all sides: programs, providers, jobs, results. `cairn-agent` does a provider's part by itself.
mod circuits;
mod enclaves;
mod offer;
mod opening;
mod root;
mod send;
mod show;
mod watch;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use cairn_kernel::{Address, Coin};
use cairn_proto::cairn::compute::v1::JobState;
use clap::{Args, Subcommand, ValueEnum};

use super::{genesis::parse_coin, home::Home, job::Sender, output::Output, rpc::Rpc};

/// Ordered computation: programs, providers with bonds, jobs whose results anybody may contest.
#[derive(Debug, Subcommand)]
pub(crate) enum ComputeCommand {
    /// All programs that may be ordered.
    Programs,
    /// One program; its graph too with --output json.
    Program {
        /// Its id, 64 hexadecimal digits.
        #[arg(value_parser = parse_hash)]
        id: Hash,
    },
    /// All providers, their bonds, and what became of their jobs.
    Providers,
    /// One provider.
    Provider {
        /// Its account.
        account: Address,
    },
    /// Jobs by number.
    Jobs {
        /// Only those that stand here.
        #[arg(long, value_enum)]
        state: Option<State>,
    },
    /// One job, and what it waits for; everything that the chain tells with --output json.
    Job {
        /// Its number.
        job: u64,
    },
    /// Classes of hardware, and where their auctions stand.
    Classes,
    /// The settings that jobs are posted under from now on.
    Params,
    RegisterProgram(RegisterArgs),
    /// Keys under which results are proven, and whom one trusts that nobody forges under them.
    Circuits {
        /// Only those of this program's weights.
        #[arg(long, value_name = "HEX", value_parser = parse_hash)]
        program: Option<Hash>,
    },
    RegisterCircuit(circuits::CircuitArgs),
    /// Let no new job use a key that you registered. Those that name it run on.
    RetireCircuit {
        /// The key, 64 hexadecimal digits.
        #[arg(value_parser = parse_hash)]
        key: Hash,
        /// The program whose weights are constants of its circuit.
        #[arg(long, value_name = "HEX", value_parser = parse_hash)]
        program: Option<Hash>,
        #[command(flatten)]
        sender: Sender,
    },
    /// Code in enclaves whose word about results is taken.
    Enclaves {
        /// Only that of this program.
        #[arg(long, value_name = "HEX", value_parser = parse_hash)]
        program: Option<Hash>,
    },
    RegisterEnclave(enclaves::EnclaveArgs),
    /// Let no new job name code that you registered. Those that name it run on.
    RetireEnclave {
        /// The enclave, 64 hexadecimal digits.
        #[arg(value_parser = parse_hash)]
        enclave: Hash,
        /// Its program.
        #[arg(long, value_name = "HEX", value_parser = parse_hash)]
        program: Hash,
        #[command(flatten)]
        sender: Sender,
    },
    /// Become a provider, or add to the bond.
    Bond {
        /// What is put up, such as 100000000ucairn.
        #[arg(value_parser = parse_coin)]
        amount: Coin,
        #[command(flatten)]
        sender: Sender,
    },
    /// Take no more jobs. The bond returns by itself after the unbonding time; not while jobs of yours run.
    Leave {
        #[command(flatten)]
        sender: Sender,
    },
    Post(PostArgs),
    /// Take back a job that nobody has taken.
    Cancel {
        /// Its number.
        job: u64,
        #[command(flatten)]
        sender: Sender,
    },
    /// Take an open job at its price. Locks a part of your bond until the job is closed.
    Accept {
        /// Its number.
        job: u64,
        #[command(flatten)]
        sender: Sender,
    },
    /// Make a sealed bid for a job that looks for a provider in an auction. Takes a deposit, which is burnt unless the bid is opened in time.
    Bid {
        /// The job.
        job: u64,
        /// The most that it pays, at most its escrow; sealed until it is opened.
        #[arg(long, value_parser = parse_coin)]
        price: Coin,
        #[command(flatten)]
        sender: Sender,
    },
    /// Make a sealed ask as a provider of a class of hardware. Takes a deposit, which is burnt unless the ask is opened in time, and locks the bond for
    /// all its places.
    Ask {
        /// The class.
        class: u64,
        /// The least that you take for a job; sealed until it is opened.
        #[arg(long, value_parser = parse_coin)]
        price: Coin,
        /// What you are paid at most a job: public, a round amount above the price.
        #[arg(long, value_parser = parse_coin)]
        ceiling: Coin,
        /// How many jobs you take.
        #[arg(long, default_value_t = 1)]
        places: u32,
        #[command(flatten)]
        sender: Sender,
    },
    /// Wait until offers are opened, and open the one that this home made.
    Open {
        /// The class.
        class: u64,
        /// The job that bids; without it, your ask.
        #[arg(long, default_value_t = 0)]
        job: u64,
        #[command(flatten)]
        sender: Sender,
    },
    /// Seal the root of the trace that you worked out: of a redundant job that you took, or of an audit that you are drawn for. It is final, and this home
    /// keeps what opens it.
    SealRoot {
        /// The job's number.
        job: u64,
        /// Root of the trace, 64 hexadecimal digits.
        #[arg(long, value_name = "HEX", value_parser = parse_hash)]
        root: Hash,
        #[command(flatten)]
        sender: Sender,
    },
    /// Open the root that this home sealed. Of an audit, another root than the result's contests it, and takes the bond for that.
    OpenRoot {
        /// The job's number.
        job: u64,
        /// Of an audit, what leads from the root to the drawn chunk: a JSON file {"preimages": [..]}, hexadecimal.
        #[arg(long, value_name = "FILE")]
        preimages: Option<PathBuf>,
        #[command(flatten)]
        sender: Sender,
    },
    /// Deliver the result of a job that you took.
    Submit {
        /// Its number.
        job: u64,
        /// A JSON file {"nodes_roots": [..], "outputs": [..]}, hexadecimal, one entry a run; of a proven job {"inputs": [..], "outputs": [..],
        /// "proofs": [..]}.
        #[arg(long, value_name = "FILE")]
        claim: PathBuf,
        #[command(flatten)]
        quote: enclaves::QuoteArgs,
        #[command(flatten)]
        sender: Sender,
    },
    /// Contest a result by another trace, or stand behind a trace of a contested one. Takes a bond, and the side of the root must then move
    /// in time: 'cairnd dispute' shows when.
    Challenge {
        /// The job's number.
        job: u64,
        /// Root of the trace, 64 hexadecimal digits.
        #[arg(long, value_name = "HEX", value_parser = parse_hash)]
        root: Hash,
        #[command(flatten)]
        sender: Sender,
    },
    /// Follow a job to its end: where it stands, until which block, and what comes next.
    Watch {
        /// Its number.
        job: u64,
    },
}

/// Register a program for ever. What it computes never changes.
#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    /// What 'cairn-agent models inspect' prints of the model: JSON with its graph and its weights' root.
    #[arg(long, value_name = "FILE", required_unless_present = "graph", conflicts_with_all = ["graph", "weights_root"])]
    inspected: Option<PathBuf>,
    /// The graph in its canonical encoding, a file of at most 65,536 bytes.
    #[arg(long, value_name = "FILE", requires = "weights_root")]
    graph: Option<PathBuf>,
    /// Root of the weights, 64 hexadecimal digits.
    #[arg(long, value_name = "HEX", value_parser = parse_hash, requires = "graph")]
    weights_root: Option<Hash>,
    /// For each operator with private weights, in their order: the file that 'cairn-agent models seal' wrote.
    #[arg(long = "seal", value_name = "FILE")]
    seals: Vec<PathBuf>,
    /// Your model asset that is paid for its use; without it, you are.
    #[arg(long)]
    asset: Option<u64>,
    /// What it or you get of each price after the fee, in basis points: 2500 is a quarter.
    #[arg(long, default_value_t = 0)]
    model_bps: u32,
    /// Where the weights are served.
    #[arg(long, default_value = "")]
    uri: String,
    #[command(flatten)]
    sender: Sender,
}

/// Order a program on inputs. Pays the price into escrow; it comes back unless a result stands.
#[derive(Debug, Args)]
pub(crate) struct PostArgs {
    /// The program's id, 64 hexadecimal digits.
    #[arg(long, value_name = "HEX", value_parser = parse_hash)]
    program: Hash,
    /// Root over the inputs of all runs, 64 hexadecimal digits.
    #[arg(long, value_name = "HEX", value_parser = parse_hash)]
    input_root: Hash,
    /// How many inputs it runs on.
    #[arg(long, default_value_t = 1)]
    runs: u32,
    /// What the result is worth, such as 1000000ucairn.
    #[arg(long, value_parser = parse_coin)]
    price: Coin,
    /// Where the inputs are served.
    #[arg(long, default_value = "", conflicts_with = "inputs")]
    uri: String,
    /// A file of the inputs, as 'cairn-agent models inputs' writes it: put on a gateway that serves it to whoever takes the job, audits it, or stands in its contest.
    #[arg(long, value_name = "FILE")]
    inputs: Option<PathBuf>,
    /// The gateway that serves it to anybody, so that anybody may run the job again and contest a wrong result. For good: the chain keeps it.
    #[arg(long, requires = "inputs", conflicts_with = "proven")]
    public: bool,
    /// The gateway that keeps the inputs.
    #[arg(long, env = "CAIRN_GATEWAY", default_value = "http://127.0.0.1:8780")]
    gateway: String,
    /// The class in whose auctions it looks for a provider; its price is then the most that it may bid. Without it, it is taken at its price.
    #[arg(long, conflicts_with_all = ["proven", "keys", "enclave"])]
    class: Option<u64>,
    /// How many providers run it, 2 to 5: what most of them find is the result, and they share the price. Without it one does, and anybody may contest.
    #[arg(long, conflicts_with = "class")]
    redundancy: Option<u32>,
    /// The result comes with Groth16 proofs and is paid at once; the input root is then SHA-256 of "cairn.inputs.v1" in 16 bytes and
    /// the commitments to the inputs.
    #[arg(long, requires = "keys", conflicts_with = "redundancy")]
    proven: bool,
    /// A key from 'cairnd compute circuits'. With --proven, the one that checks the result; else one for each operator with private weights of the
    /// program, in their order.
    #[arg(long = "key", value_name = "HEX", value_parser = parse_hash)]
    keys: Vec<Hash>,
    /// The result comes with a quote of this enclave, one of 'cairnd compute enclaves', and is paid at once.
    #[arg(long, value_name = "HEX", value_parser = parse_hash, conflicts_with_all = ["proven", "keys", "redundancy"])]
    enclave: Option<Hash>,
    /// Blocks that it waits for a provider.
    #[arg(long, value_name = "BLOCKS", default_value_t = 600)]
    accept_blocks: u64,
    /// Blocks that a provider has.
    #[arg(long, value_name = "BLOCKS", default_value_t = 600)]
    run_blocks: u64,
    #[command(flatten)]
    sender: Sender,
}

/// Where a job stands, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum State {
    /// Waits for a provider.
    Open,
    /// A provider owes the result.
    Running,
    /// The result may be contested.
    Window,
    /// The result is contested.
    Contested,
    /// Final.
    Closed,
    /// Looks for a provider in an auction.
    Auction,
    /// Its providers seal their roots.
    Commit,
    /// Its providers open their roots.
    Reveal,
    /// Its providers agree, and owe the outputs.
    Deliver,
}

impl From<State> for JobState {
    fn from(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::Running => Self::Running,
            State::Window => Self::Window,
            State::Contested => Self::Contested,
            State::Closed => Self::Closed,
            State::Auction => Self::Auction,
            State::Commit => Self::Commit,
            State::Reveal => Self::Reveal,
            State::Deliver => Self::Deliver,
        }
    }
}

/// 32 bytes on the command line.
type Hash = [u8; 32];

/// 64 hexadecimal digits.
fn parse_hash(text: &str) -> Result<Hash> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).with_context(|| format!("64 hexadecimal digits are expected, found {text:?}"))?;
    Ok(bytes)
}

impl ComputeCommand {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, node: &str, output: Output) -> Result<()> {
        let rpc = Rpc::new(node);
        match self {
            Self::Programs => show::programs(&rpc, output),
            Self::Program { id } => show::program(&rpc, &id, output),
            Self::Providers => show::providers(&rpc, output),
            Self::Provider { account } => show::provider(&rpc, &account, output),
            Self::Jobs { state } => show::jobs(&rpc, state.map(JobState::from), output),
            Self::Job { job } => show::job(&rpc, job, output),
            Self::Classes => show::classes(&rpc, output),
            Self::Params => show::params(&rpc, output),
            Self::Circuits { program } => circuits::list(&rpc, program, output),
            Self::RegisterCircuit(args) => circuits::register(&rpc, home, &args, output),
            Self::RetireCircuit { key, program, sender } => circuits::retire(&rpc, home, &key, program, &sender, output),
            Self::Enclaves { program } => enclaves::list(&rpc, program, output),
            Self::RegisterEnclave(args) => enclaves::register(&rpc, home, &args, output),
            Self::RetireEnclave { enclave, program, sender } => enclaves::retire(&rpc, home, &enclave, &program, &sender, output),
            Self::RegisterProgram(args) => send::register(&rpc, home, args, output),
            Self::Bond { amount, sender } => send::bond(&rpc, home, &amount, &sender, output),
            Self::Leave { sender } => send::leave(&rpc, home, &sender, output),
            Self::Post(args) => send::post(&rpc, home, args, output),
            Self::Cancel { job, sender } => send::cancel(&rpc, home, job, &sender, output),
            Self::Accept { job, sender } => send::accept(&rpc, home, job, &sender, output),
            Self::Bid { job, price, sender } => offer::bid(&rpc, home, job, price, &sender, output),
            Self::Ask { class, price, ceiling, places, sender } => {
                let terms = offer::Terms { class, job: 0, price, ceiling: Some(ceiling), places };
                offer::seal(&rpc, home, &terms, &sender, output)
            }
            Self::Open { class, job, sender } => offer::open(&rpc, home, class, job, &sender, output),
            Self::SealRoot { job, root, sender } => root::seal(&rpc, home, job, &root, &sender, output),
            Self::OpenRoot { job, preimages, sender } => root::open(&rpc, home, job, preimages.as_deref(), &sender, output),
            Self::Submit { job, claim, quote, sender } => send::submit(&rpc, home, job, (claim.as_path(), &quote), &sender, output),
            Self::Challenge { job, root, sender } => send::challenge(&rpc, home, job, &root, &sender, output),
            Self::Watch { job } if output == Output::Json => {
                bail!("'compute watch' prints lines for people; programs ask 'cairnd compute job {job} --output json'")
            }
            Self::Watch { job } => watch::watch(&rpc, job),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_have_64_digits() {
        assert_eq!(parse_hash(&"0a".repeat(32)).unwrap(), [10; 32]);
        for bad in ["", "0a", &"0a".repeat(33), &"zz".repeat(32)] {
            assert!(parse_hash(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_state_of_a_job_can_be_asked_for() {
        let named = State::value_variants().iter().map(|state| i32::from(JobState::from(*state)));
        assert_eq!(named.collect::<Vec<_>>(), (1..=9).collect::<Vec<_>>());
        assert!(JobState::try_from(10).is_err(), "a state that 'compute jobs --state' does not know");
    }
}
