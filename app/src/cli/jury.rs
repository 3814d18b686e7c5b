//! `cairnd jury`: a juror's way from the bond to the revealed vote. What opens a vote lies in the home, in a file that only its owner reads, until
//! it is revealed.
mod opening;
mod watch;

use std::{thread::sleep, time::Duration};

use anyhow::{Context, Result, bail};
use cairn_dispute::Choice;
use cairn_kernel::Address;
use cairn_proto::{
    Any,
    cairn::dispute::v1::{
        Case, CaseState, MsgCommitVote, MsgJoinJury, MsgLeaveJury, Outcome, QueryCaseRequest, QueryCaseResponse, QueryCasesRequest,
        QueryCasesResponse, Round, Seat,
    },
    cosmos::base::query::v1beta1::PageRequest,
    pack,
};
use clap::{Subcommand, ValueEnum};

use super::{
    home::Home,
    job::Sender,
    keyring::AccountKey,
    output::Output,
    rpc::{Refused, Rpc},
    sign::{Signer, TxOptions},
};
use opening::Place;
use watch::Watch;

/// Between two looks at the chain.
const PAUSE: Duration = Duration::from_secs(1);
/// Judge disputes as a juror: join, vote, reveal, watch.
#[derive(Debug, Subcommand)]
pub(crate) enum JuryCommand {
    /// Become a juror of a skill. Takes the bond; a vote that is not revealed in time costs a part of it.
    Join {
        /// The skill, as jobs name it; without it, over all skills.
        #[arg(long, default_value = "")]
        skill: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Be drawn no more. The bond returns by itself after a commit and a reveal window.
    Leave {
        /// The skill.
        #[arg(long, default_value = "")]
        skill: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Commit a vote, which is final. What opens it is kept in the home; do not lose it.
    Vote {
        /// The case.
        case: u64,
        /// What you find.
        choice: Vote,
        #[command(flatten)]
        sender: Sender,
    },
    /// Wait until reveals begin, and reveal.
    Reveal {
        /// The case.
        case: u64,
        #[command(flatten)]
        sender: Sender,
    },
    /// The cases in which an account is or was a juror.
    Cases {
        /// The account.
        juror: Address,
        /// Closed cases, too.
        #[arg(long)]
        all: bool,
    },
    /// Tell of each case that waits for your vote, and reveal your votes by itself when their time comes. Ends with Ctrl-C.
    Watch {
        #[command(flatten)]
        sender: Sender,
    },
}

/// A vote on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Vote {
    /// The decision stands.
    Uphold,
    /// The decision was wrong.
    Overturn,
    /// The gold that it rests on is wrong.
    VoidGold,
}

impl From<Vote> for Choice {
    fn from(vote: Vote) -> Self {
        match vote {
            Vote::Uphold => Self::Uphold,
            Vote::Overturn => Self::Overturn,
            Vote::VoidGold => Self::VoidGold,
        }
    }
}

impl JuryCommand {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, node: &str, output: Output) -> Result<()> {
        let rpc = Rpc::new(node);
        match self {
            Self::Join { skill, sender } => {
                let done = send(&rpc, home, &sender, |juror| pack(&MsgJoinJury { juror, skill }))?;
                println!("juror since block {done}; next: cairnd jury watch --from {}", sender.name());
                Ok(())
            }
            Self::Leave { skill, sender } => {
                let done = send(&rpc, home, &sender, |juror| pack(&MsgLeaveJury { juror, skill }))?;
                println!("drawn no more since block {done}; the bond returns by itself after a commit and a reveal window");
                Ok(())
            }
            Self::Vote { case, choice, sender } => vote(&rpc, home, &sender, case, choice.into()),
            Self::Reveal { case, sender } => reveal(&rpc, home, &sender, case),
            Self::Cases { juror, all } => table(&rpc, juror, all, output),
            Self::Watch { sender } => Watch::open(&rpc, home, &sender)?.run(),
        }
    }
}

/// Sends one message of the sender's; gives the height of its block.
fn send(rpc: &Rpc, home: &Home, sender: &Sender, message: impl FnOnce(String) -> Any) -> Result<u64> {
    let (key, options) = sender.open(home)?;
    Ok(Signer::new(rpc, &key)?.send(vec![message(key.address().to_string())], &options)?.height)
}

/// A case, its running round, and the seat that `juror` has in it.
fn seated(rpc: &Rpc, case_id: u64, juror: &Address) -> Result<(Case, Round, Option<Seat>)> {
    let answer: QueryCaseResponse = rpc.ask("/cairn.dispute.v1.Query/Case", &QueryCaseRequest { case_id })?;
    let case = answer.case.context("the case is empty")?;
    let round = case.rounds.last().copied().unwrap_or_default();
    let juror = juror.to_string();
    let seat = answer.seats.into_iter().find(|seat| seat.juror == juror && seat.round == round.number);
    Ok((case, round, seat))
}

fn word(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase().replace('_', " ")
}

fn vote(rpc: &Rpc, home: &Home, sender: &Sender, number: u64, choice: Choice) -> Result<()> {
    let (key, options) = sender.open(home)?;
    let (case, round, seat) = seated(rpc, number, &key.address())?;
    let seat = seat.with_context(|| format!("{} ({}) has no seat in the running round of case {number}", sender.name(), key.address()))?;
    if case.state() != CaseState::Commit {
        bail!("case {number} is in state {:?} and takes no votes now", word(case.state().as_str_name(), "CASE_STATE_"));
    }
    if !seat.commitment.is_empty() {
        bail!("your vote in case {number} is committed, and that is final; next: cairnd jury reveal {number} --from {}", sender.name());
    }
    let place = Place::new(home, &rpc.chain_id()?, key.address(), number, round.number);
    let opening = place.keep(choice)?;
    let commitment = place.commitment(&opening)?.to_vec();
    let message = MsgCommitVote { juror: key.address().to_string(), case_id: number, commitment };
    let sent = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options);
    if sent.as_ref().is_err_and(|e| e.is::<Refused>()) {
        // After any other error the commitment may still arrive, and only this file opens it.
        place.forget()?;
    }
    println!(
        "committed in block {}; reveal it in blocks {} to {}:",
        sent?.height,
        round.commit_until.saturating_add(1),
        round.reveal_until
    );
    println!("cairnd jury reveal {number} --from {0}, or keep 'cairnd jury watch --from {0}' running", sender.name());
    Ok(())
}

fn reveal(rpc: &Rpc, home: &Home, sender: &Sender, number: u64) -> Result<()> {
    let (key, options) = sender.open(home)?;
    let chain_id = rpc.chain_id()?;
    let rpc = &rpc.patient();
    let mut told = false;
    loop {
        let (case, round, seat) = seated(rpc, number, &key.address())?;
        let seat =
            seat.with_context(|| format!("{} ({}) has no seat in the running round of case {number}", sender.name(), key.address()))?;
        let place = Place::new(home, &chain_id, key.address(), number, round.number);
        match case.state() {
            CaseState::Reveal if seat.choice() != Choice::Unspecified => bail!("your vote in case {number} is revealed already"),
            CaseState::Reveal => {
                let height = open_vote(rpc, &key, &options, &place, &seat)?;
                println!("revealed in block {height}; jurors who voted as the final result are paid when the case is closed");
                return Ok(());
            }
            CaseState::Commit => {
                place.reveal(&seat)?;
                if !told {
                    eprintln!("reveals begin with block {} ...", round.commit_until.saturating_add(1));
                    told = true;
                }
                sleep(PAUSE);
            }
            other => bail!("case {number} is in state {:?}; there is nothing to reveal", word(other.as_str_name(), "CASE_STATE_")),
        }
    }
}

/// Reveals, and forgets what is public from then on. Gives the height of the block.
fn open_vote(rpc: &Rpc, key: &AccountKey, options: &TxOptions, place: &Place, seat: &Seat) -> Result<u64> {
    let done = Signer::new(rpc, key)?.send(vec![pack(&place.reveal(seat)?)], options)?;
    place.forget()?;
    Ok(done.height)
}

/// All cases of a juror.
fn cases(rpc: &Rpc, juror: Address, state: CaseState) -> Result<Vec<Case>> {
    let (mut found, mut key) = (Vec::new(), Vec::new());
    loop {
        let pagination = Some(PageRequest { key, limit: 500, ..PageRequest::default() });
        let request = QueryCasesRequest { juror: juror.to_string(), state: state.into(), pagination, ..QueryCasesRequest::default() };
        let answer: QueryCasesResponse = rpc.ask("/cairn.dispute.v1.Query/Cases", &request)?;
        found.extend(answer.cases);
        key = answer.pagination.map(|page| page.next_key).unwrap_or_default();
        if key.is_empty() {
            return Ok(found);
        }
    }
}

fn table(rpc: &Rpc, juror: Address, all: bool, output: Output) -> Result<()> {
    let mut rows = Vec::new();
    for case in cases(rpc, juror, CaseState::Unspecified)?.into_iter().filter(|case| all || case.state() != CaseState::Closed) {
        let (case, _, seat) = seated(rpc, case.id, &juror)?;
        rows.push(row(&case, seat.as_ref()));
    }
    output.table(&["case", "about", "state", "until", "your vote", "result"], &rows)
}

fn row(case: &Case, seat: Option<&Seat>) -> Vec<String> {
    let vote = match seat {
        None => "no seat".into(),
        Some(seat) if seat.choice() != Choice::Unspecified => word(seat.choice().as_str_name(), "CHOICE_"),
        Some(seat) if !seat.commitment.is_empty() => "committed".into(),
        Some(_) if case.state() == CaseState::Commit => "awaited".into(),
        Some(_) => "none".into(),
    };
    let result = if case.outcome() == Outcome::Unspecified { case.first() } else { case.outcome() };
    let result = if result == Outcome::Unspecified { String::new() } else { word(result.as_str_name(), "OUTCOME_") };
    let until = if case.clock > 0 { case.clock.to_string() } else { String::new() };
    vec![case.id.to_string(), about(case), word(case.state().as_str_name(), "CASE_STATE_"), until, vote, result]
}

/// What a case is about, in a word.
fn about(case: &Case) -> String {
    case.subject.as_ref().map_or_else(String::new, |s| format!("{}/{}/{}/{}", s.module, s.kind, s.id, s.item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_say_what_is_asked_of_the_juror() {
        let mut case = Case { id: 3, clock: 60, ..Case::default() };
        case.set_state(CaseState::Commit);
        let mut seat = Seat::default();
        assert_eq!(row(&case, Some(&seat)), ["3", "", "commit", "60", "awaited", ""]);
        seat.commitment = vec![1; 32];
        assert_eq!(row(&case, Some(&seat))[4], "committed");
        seat.set_choice(Choice::VoidGold);
        case.set_first(Outcome::VoidGold);
        assert_eq!(row(&case, Some(&seat))[4..], ["void gold", "void gold"]);
        assert_eq!(row(&case, None)[4], "no seat");
    }
}
