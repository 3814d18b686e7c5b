//! `cairnd arena`: a field of competition from its owner's, its participants' and its scorers' side.
use std::{
    fs,
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use cairn_kernel::Address;
use cairn_proto::{
    cairn::rewards::v1::{
        Arena, ArenaRules, ArenaState, MsgClaimArenaReward, MsgClaimArenaRewardResponse, MsgCommitScores, MsgCreateArena,
        MsgCreateArenaResponse, MsgRegister, MsgRegisterResponse, MsgRevealScores, QueryArenaRequest, QueryArenaResponse,
        QueryScorerRequest, QueryScorerResponse, Score, ScorerAdmission,
    },
    pack, unpack,
};
use cairn_rewards::score_commitment;
use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    home::{Home, random, read_secret_json, write_secret_json},
    job::Sender,
    output::Output,
    rpc::{Outcome, Refused, Rpc},
    sign::{Signer, answers},
};

mod show;

/// Arenas: open one, take part, score, claim.
#[derive(Debug, Subcommand)]
pub(crate) enum ArenaCommand {
    /// Open an arena. Its fee is burnt; scorers then bond with 'cairnd tx rewards bond-to-scorer'.
    Create(CreateArgs),
    /// Take part in an arena. Its price is burnt.
    Register {
        /// The arena.
        arena: u64,
        /// Where scorers find what you enter.
        #[arg(long)]
        uri: String,
        /// The file that lies there, to be committed to by its SHA-256.
        #[arg(long)]
        content: Option<PathBuf>,
        #[command(flatten)]
        sender: Sender,
    },
    /// Commit to scores of the running epoch. What opens the commitment is kept in the home; do not lose it.
    Score {
        /// The arena.
        arena: u64,
        /// The table: registration,score with a line for each participant that you score, 0 to 65535; only proportions count.
        scores: PathBuf,
        /// Stay, and reveal when the time has come.
        #[arg(long)]
        auto_reveal: bool,
        #[command(flatten)]
        sender: Sender,
    },
    /// Wait until reveals count, and reveal. Not revealed in time, a part of the bond is lost.
    Reveal {
        /// The arena.
        arena: u64,
        #[command(flatten)]
        sender: Sender,
    },
    /// Take what you earned in an arena.
    Claim {
        /// The arena.
        arena: u64,
        #[command(flatten)]
        sender: Sender,
    },
    /// An arena with its last epoch: who takes part, who scores, what it pays.
    Show {
        /// The arena.
        arena: u64,
    },
}

/// Who may score.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Admission {
    /// Everybody with the least bond.
    Open,
    /// Whom the owner admits.
    Listed,
}

/// What an arena is opened with.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Its name.
    #[arg(long)]
    title: String,
    /// Where it is said what is measured, and how.
    #[arg(long, default_value = "")]
    uri: String,
    /// Who may score.
    #[arg(long, value_enum, default_value_t = Admission::Open)]
    scorers: Admission,
    /// Blocks of an epoch.
    #[arg(long, default_value_t = 100)]
    epoch_blocks: u64,
    /// The last blocks of an epoch, in which scores are revealed.
    #[arg(long, default_value_t = 20)]
    reveal_blocks: u64,
    /// What a registration burns, in ucairn.
    #[arg(long, default_value_t = 100_000)]
    registration_price: u128,
    /// Most participants.
    #[arg(long, default_value_t = 64)]
    max_participants: u32,
    /// Most scorers.
    #[arg(long, default_value_t = 16)]
    max_scorers: u32,
    /// Epochs in which a new participant cannot be evicted.
    #[arg(long, default_value_t = 3)]
    immunity_epochs: u32,
    /// The least bond of a scorer, in ucairn.
    #[arg(long, default_value_t = 1_000_000)]
    least_bond: u128,
    /// The scorers' part of the pay, in basis points.
    #[arg(long, default_value_t = 5_000)]
    dividend_bps: u32,
    /// The part of the pots that an epoch pays, in basis points.
    #[arg(long, default_value_t = 1_000)]
    payout_bps: u32,
    /// The part of its bond that a scorer loses which hides its scores, in basis points.
    #[arg(long, default_value_t = 100)]
    no_reveal_bps: u32,
    /// A further denomination in which the arena may be funded; may be given several times.
    #[arg(long = "denom")]
    denoms: Vec<String>,
    #[command(flatten)]
    sender: Sender,
}

/// What opens a commitment.
#[derive(Debug, Serialize, Deserialize)]
struct Opening {
    salt: String,
    scores: Vec<(u64, u16)>,
}

impl ArenaCommand {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, node: &str, output: Output) -> Result<()> {
        let rpc = Rpc::new(node);
        match self {
            Self::Create(args) => create(&rpc, home, args),
            Self::Register { arena, uri, content, sender } => register(&rpc, home, &sender, arena, uri, content.as_deref()),
            Self::Score { arena, scores, auto_reveal, sender } => {
                score(&rpc, home, &sender, arena, &scores)?;
                if auto_reveal { reveal(&rpc, home, &sender, arena) } else { Ok(()) }
            }
            Self::Reveal { arena, sender } => reveal(&rpc, home, &sender, arena),
            Self::Claim { arena, sender } => claim(&rpc, home, &sender, arena),
            Self::Show { arena } => show::show(&rpc, arena, output),
        }
    }
}

fn arena(rpc: &Rpc, id: u64) -> Result<Arena> {
    let answer: QueryArenaResponse = rpc.ask("/cairn.rewards.v1.Query/Arena", &QueryArenaRequest { arena: id })?;
    answer.arena.context("the arena is empty")
}

/// The arena with a running epoch.
fn running(rpc: &Rpc, id: u64) -> Result<Arena> {
    let found = arena(rpc, id)?;
    match found.state() {
        ArenaState::Running => Ok(found),
        ArenaState::Stopped => {
            bail!("arena {id} is stopped: {}; anybody may try 'cairnd tx rewards retry-arena --arena {id}'", found.fault)
        }
        _ => bail!(
            "no epoch of arena {id} runs; the first bond opens one: cairnd tx rewards bond-to-scorer --arena {id} --amount <amount>ucairn"
        ),
    }
}

/// What the only message of a transaction answered.
fn answer<M: prost::Message + prost::Name + Default>(done: &Outcome) -> Result<M> {
    let all = answers(done)?;
    Ok(unpack(all.first().context("the transaction has no answer")?)?)
}

fn create(rpc: &Rpc, home: &Home, args: CreateArgs) -> Result<()> {
    let (key, options) = args.sender.open(home)?;
    let admission = match args.scorers {
        Admission::Open => ScorerAdmission::Open,
        Admission::Listed => ScorerAdmission::Listed,
    };
    let rules = ArenaRules {
        admission: admission.into(),
        epoch_blocks: args.epoch_blocks,
        reveal_blocks: args.reveal_blocks,
        registration_price: args.registration_price.to_string(),
        max_participants: args.max_participants,
        max_scorers: args.max_scorers,
        immunity_epochs: args.immunity_epochs,
        least_bond: args.least_bond.to_string(),
        dividend_bps: args.dividend_bps,
        payout_bps: args.payout_bps,
        no_reveal_bps: args.no_reveal_bps,
        denoms: args.denoms,
    };
    let owner = key.address().to_string();
    let message = MsgCreateArena { owner, title: args.title, uri: args.uri, sha256: Vec::new(), rules: Some(rules) };
    let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
    let id = answer::<MsgCreateArenaResponse>(&done)?.arena;
    println!("arena {id} is open since block {}", done.height);
    println!("next, for participants: cairnd arena register {id} --uri <where> --from <name>");
    println!("and for scorers: cairnd tx rewards bond-to-scorer --arena {id} --amount {}ucairn --from <name>", args.least_bond);
    Ok(())
}

fn register(rpc: &Rpc, home: &Home, sender: &Sender, id: u64, uri: String, content: Option<&Path>) -> Result<()> {
    let sha256 = match content {
        Some(path) => Sha256::digest(fs::read(path).with_context(|| format!("cannot read {}", path.display()))?).to_vec(),
        None => Vec::new(),
    };
    let (key, options) = sender.open(home)?;
    let message = MsgRegister { participant: key.address().to_string(), arena: id, uri, sha256 };
    let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
    let MsgRegisterResponse { registration, evicted } = answer(&done)?;
    println!("you are registration {registration} of arena {id}, in block {}", done.height);
    if evicted > 0 {
        println!("registration {evicted} made room");
    }
    Ok(())
}

fn opening_path(home: &Home, chain_id: &str, id: u64, epoch: u64, scorer: &Address) -> PathBuf {
    home.path().join("openings").join(format!("{chain_id}-arena-{id}-{epoch}-{scorer}.json"))
}

fn score(rpc: &Rpc, home: &Home, sender: &Sender, id: u64, table: &Path) -> Result<()> {
    let (key, options) = sender.open(home)?;
    let Arena { epoch, commit_until, .. } = running(rpc, id)?;
    let (chain_id, scorer) = (rpc.chain_id()?, key.address());
    let scores = read_scores(table)?;
    let path = opening_path(home, &chain_id, id, epoch, &scorer);
    if path.exists() {
        let request = QueryScorerRequest { arena: id, account: scorer.to_string() };
        let known: QueryScorerResponse = rpc.ask("/cairn.rewards.v1.Query/Scorer", &request)?;
        if known.scorer.is_some_and(|s| s.committed_epoch == epoch) {
            bail!("epoch {epoch} is committed, and that is final; next: cairnd arena reveal {id} --from {}", sender.name());
        }
        bail!("{} holds scores that may be on their way to the chain; if they never arrive, delete it and commit again", path.display());
    }
    let salt = random();
    let commitment = score_commitment(&chain_id, id, epoch, &scorer, &scores, &salt).context("too many scores")?;
    let count = scores.len();
    write_secret_json(&path, &Opening { salt: hex::encode(salt), scores })?;
    let message = MsgCommitScores { scorer: scorer.to_string(), arena: id, epoch, commitment: commitment.to_vec() };
    let sent = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options);
    if sent.as_ref().is_err_and(|e| e.is::<Refused>()) {
        // The scores may be mended and sent again. After any other error the commitment may still arrive, and only this file opens it.
        fs::remove_file(&path)?;
    }
    println!("committed {count} scores for epoch {epoch} of arena {id}, in block {}", sent?.height);
    println!("they must be revealed after block {commit_until}: cairnd arena reveal {id} --from {}", sender.name());
    Ok(())
}

/// The lines of a table registration,score, ascending.
fn read_scores(table: &Path) -> Result<Vec<(u64, u16)>> {
    let mut scores = std::collections::BTreeMap::new();
    let mut reader = csv::Reader::from_path(table).with_context(|| format!("cannot read {}", table.display()))?;
    for (line, row) in (2_u64..).zip(reader.records()) {
        let row = row.with_context(|| format!("{} line {line}", table.display()))?;
        let cell = |i: usize| row.get(i).unwrap_or("").trim();
        let registration: u64 = cell(0).parse().with_context(|| format!("{} line {line}: no registration number", table.display()))?;
        let score: u16 = cell(1).parse().with_context(|| format!("{} line {line}: a score is 0 to 65535", table.display()))?;
        if scores.insert(registration, score).is_some() {
            bail!("{} line {line}: registration {registration} stands there twice", table.display());
        }
    }
    if scores.len() > 256 {
        bail!("{} has {} scores; an arena has at most 256 participants", table.display(), scores.len());
    }
    Ok(scores.into_iter().collect())
}

fn reveal(rpc: &Rpc, home: &Home, sender: &Sender, id: u64) -> Result<()> {
    let (key, options) = sender.open(home)?;
    let Arena { epoch, commit_until, ends, .. } = running(rpc, id)?;
    let scorer = key.address();
    let path = opening_path(home, &rpc.chain_id()?, id, epoch, &scorer);
    if !path.exists() {
        bail!("{} is not there: only the home that committed to epoch {epoch} can reveal it", path.display());
    }
    let opening: Opening = read_secret_json(&path)?;
    let rpc = &rpc.patient();
    let mut height = rpc.height()?;
    if height < commit_until {
        eprintln!("waiting for block {commit_until}, after which reveals count; this is block {height} ...");
    }
    while height < commit_until {
        sleep(Duration::from_secs(1));
        height = rpc.height()?;
    }
    if height >= ends {
        bail!("epoch {epoch} ended with block {ends}; its scores can no longer be revealed");
    }
    let message = MsgRevealScores {
        sender: scorer.to_string(),
        arena: id,
        scorer: scorer.to_string(),
        scores: opening
            .scores
            .iter()
            .map(|(registration, score)| Score { registration: *registration, score: u32::from(*score) })
            .collect(),
        salt: hex::decode(&opening.salt)?,
    };
    let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
    println!("revealed in block {}; the epoch is worked out after block {ends}: cairnd arena show {id}", done.height);
    Ok(())
}

fn claim(rpc: &Rpc, home: &Home, sender: &Sender, id: u64) -> Result<()> {
    let (key, options) = sender.open(home)?;
    let message = MsgClaimArenaReward { account: key.address().to_string(), arena: id };
    let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
    let paid = answer::<MsgClaimArenaRewardResponse>(&done)?.amount;
    println!("claimed {} in block {}", show::coins(&paid), done.height);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_scores_is_sorted_and_names_each_registration_once() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |text: &str| {
            fs::write(file.path(), text).unwrap();
            read_scores(file.path()).map_err(|e| format!("{e:#}"))
        };
        assert_eq!(read("registration,score\n7, 65535\n4,0\n").unwrap(), [(4, 0), (7, 65_535)]);
        assert_eq!(read("registration,score\n").unwrap(), []);
        assert!(read("registration,score\n7,65536\n").unwrap_err().contains("0 to 65535"));
        assert!(read("registration,score\nx,1\n").unwrap_err().contains("no registration number"));
        assert!(read("registration,score\n7,1\n7,2\n").unwrap_err().contains("twice"));
        let many: String = (0..257).map(|n| format!("{n},1\n")).collect();
        assert!(read(&format!("registration,score\n{many}")).unwrap_err().contains("at most 256"));
    }
}
