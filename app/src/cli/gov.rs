//! `cairnd gov`: a proposal from its draft to its outcome.
use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cairn_kernel::Router;
use cairn_proto::{
    Any,
    cosmos::{
        consensus::v1::MsgUpdateParams as MsgConsensus,
        gov::v1::{
            MsgDeposit, MsgSubmitProposal, MsgSubmitProposalResponse, MsgVote, MsgVoteWeighted, QueryProposalRequest,
            QueryTallyResultRequest, VoteOption, WeightedVoteOption,
        },
    },
    pack, unpack,
};
use clap::{Args, Subcommand};
use prost::{Message, Name};
use prost_reflect::MessageDescriptor;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    genesis::parse_coins,
    home::{self, Home},
    job::Sender,
    output::Output,
    rpc::{Outcome, Rpc},
    sign::{Signer, answers},
};
use crate::{api::json::Dialect, modules};

/// The largest file of a proposal: more does not fit into a transaction.
const MAX_FILE: u64 = 1024 * 1024;

/// Governance: draft a proposal, submit it, deposit, vote, see how it stands.
#[derive(Debug, Subcommand)]
pub(crate) enum GovCommand {
    Draft(DraftArgs),
    Submit(SubmitArgs),
    /// Add to the deposit of a proposal. It comes back unless the proposal is vetoed.
    Deposit {
        /// The proposal.
        proposal: u64,
        /// What is added, such as 5000000ucairn.
        amount: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Vote on a proposal; a later vote replaces it. Who votes decides for its own stake, not its validator.
    Vote {
        /// The proposal.
        proposal: u64,
        /// yes, no, abstain or veto; or a split vote such as yes=0.6,abstain=0.4.
        #[arg(value_parser = parse_vote)]
        vote: Ballot,
        #[command(flatten)]
        sender: Sender,
    },
    /// How a proposal stands: its votes in base units of stake, the turnout, and what it takes.
    Show {
        /// The proposal.
        proposal: u64,
    },
}

/// Write a proposal file that changes a module's parameters: it holds those in force, to be edited, then submitted.
#[derive(Debug, Args)]
pub(crate) struct DraftArgs {
    /// The module, such as annotation; consensus for the limits of blocks.
    module: String,
    /// Where to write it; without it, to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Submit the proposal of a file: messages, title, summary, deposit, as the Cosmos SDK has it.
#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// The file, as 'cairnd gov draft' writes it.
    file: PathBuf,
    /// What is deposited in place of the file's deposit, such as 10000000ucairn.
    #[arg(long)]
    deposit: Option<String>,
    #[command(flatten)]
    sender: Sender,
}

/// A proposal as people write it. The fields are those of the Cosmos SDK's proposal files.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProposalFile {
    /// What shall be done, each with its `@type`.
    #[serde(default)]
    messages: Vec<Value>,
    #[serde(default)]
    metadata: String,
    #[serde(default)]
    deposit: String,
    title: String,
    summary: String,
    #[serde(default)]
    expedited: bool,
}

/// A vote as it was typed: options with their weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ballot(Vec<(VoteOption, String)>);

impl GovCommand {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, node: &str, output: Output) -> Result<()> {
        let rpc = Rpc::new(node);
        match self {
            Self::Draft(args) => args.run(&rpc),
            Self::Submit(args) => args.run(&rpc, home),
            Self::Deposit { proposal, amount, sender } => {
                let amount = coins(&amount)?;
                let message = |depositor| pack(&MsgDeposit { proposal_id: proposal, depositor, amount });
                let done = send(&rpc, home, &sender, message)?;
                println!("deposited in block {}; next: cairnd gov show {proposal}", done.height);
                Ok(())
            }
            Self::Vote { proposal, vote, sender } => {
                let done = send(&rpc, home, &sender, |voter| vote.message(proposal, voter))?;
                println!("voted in block {}; next: cairnd gov show {proposal}", done.height);
                Ok(())
            }
            Self::Show { proposal } => output.value(&show(&rpc, proposal)?),
        }
    }
}

/// Sends one message of the sender's.
fn send(rpc: &Rpc, home: &Home, sender: &Sender, message: impl FnOnce(String) -> Any) -> Result<Outcome> {
    let (key, options) = sender.open(home)?;
    Signer::new(rpc, &key)?.send(vec![message(key.address().to_string())], &options)
}

fn coins(text: &str) -> Result<Vec<cairn_proto::cosmos::base::v1beta1::Coin>> {
    Ok(cairn_proto::coin::to_proto(&parse_coins(text)?))
}

/// Asks a query by the name of its service's package, in the dialect of REST.
fn ask(rpc: &Rpc, package: &str, method: &str, request: &impl Message) -> Result<Value> {
    let path = format!("/{package}.Query/{method}");
    let bytes = rpc.query(&path, &request.encode_to_vec(), None)?;
    Ok(Dialect::cairn().encode_bytes(&format!("{package}.Query{method}Response"), &bytes)?)
}

impl DraftArgs {
    fn run(&self, rpc: &Rpc) -> Result<()> {
        let message = parameters_of(&self.module)?;
        let package = message.package_name().to_owned();
        let in_force = ask(rpc, &package, "Params", &())?;
        let gov = ask(rpc, "cosmos.gov.v1", "Params", &())?;
        let file = ProposalFile {
            messages: vec![filled(&message, &in_force)],
            metadata: String::new(),
            deposit: deposit_text(gov.pointer("/params/min_deposit"))?,
            title: format!("Parameters of {}", self.module),
            summary: "Say what changes, and why.".to_owned(),
            expedited: false,
        };
        let Some(out) = &self.out else { return Output::Json.value(&serde_json::to_value(&file)?) };
        if out.exists() {
            bail!("{} exists already", out.display());
        }
        home::write_json(out, &serde_json::to_value(&file)?)?;
        println!("{} holds the parameters in force: edit them, title and summary, then", out.display());
        println!("cairnd gov submit {} --from NAME", out.display());
        Ok(())
    }
}

/// The message by which governance replaces the parameters of a module.
fn parameters_of(module: &str) -> Result<MessageDescriptor> {
    let messages = Dialect::cairn().pool().services().filter(|s| s.name() == "Msg").flat_map(|s| s.methods().collect::<Vec<_>>());
    let mut router = Router::default();
    modules::all().iter().for_each(|m| m.routes(&mut router));
    // The limits of blocks are no module's.
    let served =
        |m: &MessageDescriptor| m.package_name() == MsgConsensus::PACKAGE || router.response_url(&format!("/{}", m.full_name())).is_ok();
    let messages = messages.map(|m| m.input()).filter(|m| m.name() == "MsgUpdateParams" && served(m));
    let found: Vec<_> = messages.map(|m| (m.package_name().split('.').nth(1).unwrap_or_default().to_owned(), m)).collect();
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    let known = format!("no module {module:?} has parameters that governance changes; there are {}", names.join(", "));
    found.into_iter().find(|(name, _)| name == module).map(|(_, message)| message).context(known)
}

/// The message with what is in force: under its field `params`, or field by field.
fn filled(message: &MessageDescriptor, in_force: &Value) -> Value {
    let mut out = Map::new();
    out.insert("@type".to_owned(), json!(format!("/{}", message.full_name())));
    out.insert("authority".to_owned(), json!(cairn_auth::authority().to_string()));
    for field in message.fields().filter(|f| f.name() != "authority") {
        let value = in_force.get(field.name()).or_else(|| in_force.pointer(&format!("/params/{}", field.name())));
        if let Some(value) = value.filter(|v| !v.is_null()) {
            out.insert(field.name().to_owned(), value.clone());
        }
    }
    Value::Object(out)
}

/// `[{"denom": "ucairn", "amount": "10"}]` as people write it.
fn deposit_text(coins: Option<&Value>) -> Result<String> {
    let list = coins.and_then(Value::as_array).context("gov has no minimum deposit")?;
    let one = |c: &Value| Some(format!("{}{}", c.get("amount")?.as_str()?, c.get("denom")?.as_str()?));
    list.iter().map(one).collect::<Option<Vec<_>>>().map(|each| each.join(",")).context("a deposit is a list of coins")
}

impl SubmitArgs {
    fn run(self, rpc: &Rpc, home: &Home) -> Result<()> {
        let mut file = read(&self.file)?;
        if let Some(deposit) = self.deposit {
            file.deposit = deposit;
        }
        let name = self.sender.name().to_owned();
        let message = file.message().with_context(|| self.file.display().to_string())?;
        let done = send(rpc, home, &self.sender, |proposer| pack(&MsgSubmitProposal { proposer, ..message }))?;
        let answer = answers(&done)?.into_iter().next().context("the transaction has no answer")?;
        let id = unpack::<MsgSubmitProposalResponse>(&answer)?.proposal_id;
        println!("proposal {id} stands since block {}; next: cairnd gov vote {id} yes --from {name}, cairnd gov show {id}", done.height);
        Ok(())
    }
}

fn read(path: &Path) -> Result<ProposalFile> {
    let bytes = fs::metadata(path).with_context(|| path.display().to_string())?.len();
    if bytes > MAX_FILE {
        bail!("{} has {bytes} bytes; a proposal fits into {MAX_FILE}", path.display());
    }
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| format!("{} is no proposal; 'cairnd gov draft' writes one", path.display()))
}

impl ProposalFile {
    /// The message, still without its proposer.
    fn message(self) -> Result<MsgSubmitProposal> {
        let Self { messages, metadata, deposit, title, summary, expedited } = self;
        let one = |(place, message): (usize, &Value)| any(message).with_context(|| format!("messages[{place}]"));
        Ok(MsgSubmitProposal {
            messages: messages.iter().enumerate().map(one).collect::<Result<_>>()?,
            initial_deposit: coins(&deposit).context("deposit")?,
            metadata,
            title,
            summary,
            expedited,
            ..MsgSubmitProposal::default()
        })
    }
}

/// A message as JSON with its `@type`.
fn any(message: &Value) -> Result<Any> {
    let mut fields = message.as_object().context("a message is an object")?.clone();
    let url = fields.remove("@type");
    let url = url.as_ref().and_then(Value::as_str).context("a message names its @type, such as /cosmos.bank.v1beta1.MsgSend")?;
    let value = Dialect::cairn().decode_bytes(url.trim_start_matches('/'), &Value::Object(fields)).with_context(|| url.to_owned())?;
    Ok(Any { type_url: url.to_owned(), value })
}

/// Reads a vote as it is typed.
fn parse_vote(text: &str) -> Result<Ballot> {
    let option = |name: &str| {
        Ok(match name.trim().to_ascii_lowercase().replace('-', "_").as_str() {
            "yes" => VoteOption::Yes,
            "no" => VoteOption::No,
            "abstain" => VoteOption::Abstain,
            "veto" | "no_with_veto" => VoteOption::NoWithVeto,
            _ => bail!("a vote is yes, no, abstain or veto, or split as yes=0.6,abstain=0.4; found {name:?}"),
        })
    };
    if !text.contains('=') {
        return Ok(Ballot(vec![(option(text)?, "1".to_owned())]));
    }
    let part = |part: &str| {
        let (name, weight) = part.split_once('=').with_context(|| format!("each part is an option and its weight; found {part:?}"))?;
        Ok((option(name)?, weight.trim().to_owned()))
    };
    Ok(Ballot(text.split(',').map(part).collect::<Result<_>>()?))
}

impl Ballot {
    fn message(self, proposal_id: u64, voter: String) -> Any {
        let Self(parts) = self;
        if let [(option, weight)] = parts.as_slice()
            && weight == "1"
        {
            return pack(&MsgVote { proposal_id, voter, option: (*option).into(), metadata: String::new() });
        }
        let options = parts.into_iter().map(|(option, weight)| WeightedVoteOption { option: option.into(), weight }).collect();
        pack(&MsgVoteWeighted { proposal_id, voter, options, metadata: String::new() })
    }
}

/// A proposal with its count, and what the count is measured by.
fn show(rpc: &Rpc, proposal_id: u64) -> Result<Value> {
    let gov = "cosmos.gov.v1";
    let proposal = ask(rpc, gov, "Proposal", &QueryProposalRequest { proposal_id })?;
    let tally = ask(rpc, gov, "TallyResult", &QueryTallyResultRequest { proposal_id })?;
    let rules = ask(rpc, gov, "Params", &())?;
    let pool = ask(rpc, "cosmos.staking.v1beta1", "Pool", &())?;
    let count = |name: &str| tally.pointer(&format!("/tally/{name}")).and_then(Value::as_str).and_then(|t| t.parse::<u128>().ok());
    let [yes, abstain, no, veto] = ["yes_count", "abstain_count", "no_count", "no_with_veto_count"].map(|name| count(name).unwrap_or(0));
    let voted = [yes, abstain, no, veto].into_iter().fold(0, u128::saturating_add);
    let bonded = pool.pointer("/pool/bonded_tokens").and_then(Value::as_str).and_then(|t| t.parse().ok()).unwrap_or(0);
    let of = |name: &str| proposal.pointer(&format!("/proposal/{name}")).cloned().unwrap_or_default();
    let rule = |name: &str| rules.pointer(&format!("/params/{name}")).cloned().unwrap_or_default();
    let expedited = of("expedited") == json!(true);
    Ok(json!({
        "proposal": proposal_id, "title": of("title"), "summary": of("summary"), "status": of("status"), "expedited": expedited,
        "failed_reason": of("failed_reason"), "messages": of("messages"),
        "deposit": deposit_text(Some(&of("total_deposit")))?,
        "deposit_ends": of("deposit_end_time"), "vote_ends": of("voting_end_time"),
        "yes": yes.to_string(), "no": no.to_string(), "veto": veto.to_string(), "abstain": abstain.to_string(),
        "turnout": percent(voted, bonded), "turnout_needed": rule("quorum"),
        "yes_of_decided": percent(yes, voted.saturating_sub(abstain)),
        "yes_needed": rule(if expedited { "expedited_threshold" } else { "threshold" }),
        "veto_of_votes": percent(veto, voted), "veto_from": rule("veto_threshold"),
    }))
}

/// A part of a whole with one place, rounded down; a dash where there is no whole.
fn percent(part: u128, whole: u128) -> String {
    let mille = part.checked_mul(1_000).and_then(|n| n.checked_div(whole));
    mille.map_or_else(|| "-".to_owned(), |n| format!("{}.{} %", n / 10, n % 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn votes_are_read_as_people_write_them() {
        let whole = |option| Ballot(vec![(option, "1".to_owned())]);
        for (text, option) in [
            ("yes", VoteOption::Yes),
            ("No", VoteOption::No),
            ("abstain", VoteOption::Abstain),
            ("veto", VoteOption::NoWithVeto),
            ("no-with-veto", VoteOption::NoWithVeto),
        ] {
            assert_eq!(parse_vote(text).unwrap(), whole(option), "{text}");
        }
        let split = parse_vote("yes=0.6, abstain=0.4").unwrap();
        assert_eq!(split, Ballot(vec![(VoteOption::Yes, "0.6".into()), (VoteOption::Abstain, "0.4".into())]));
        assert_eq!(split.message(1, "v".into()).type_url, "/cosmos.gov.v1.MsgVoteWeighted");
        assert_eq!(parse_vote("no").unwrap().message(1, "v".into()).type_url, "/cosmos.gov.v1.MsgVote");
        for bad in ["", "maybe", "yes=0.5,never=0.5", "yes=0.5,no"] {
            assert!(parse_vote(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_draft_holds_what_is_in_force_and_can_be_submitted() {
        let params = json!({ "params": { "max_memo_characters": "256", "tx_sig_limit": "7" } });
        let auth = filled(&parameters_of("auth").unwrap(), &params);
        assert_eq!(auth.pointer("/params/tx_sig_limit").unwrap(), "7");
        assert_eq!(auth["authority"], json!(cairn_auth::authority().to_string()));
        let limits = json!({ "params": { "block": { "max_bytes": "1", "max_gas": "2" }, "version": {}, "abci": null } });
        let consensus = filled(&parameters_of("consensus").unwrap(), &limits);
        assert_eq!(consensus.pointer("/block/max_gas").unwrap(), "2");
        assert!(consensus.get("abci").is_none() && consensus.get("version").is_none());

        let file = json!({ "messages": [auth], "deposit": "10ucairn", "title": "t", "summary": "s" });
        let message = serde_json::from_value::<ProposalFile>(file.clone()).unwrap().message().unwrap();
        assert_eq!((message.messages.len(), message.initial_deposit[0].amount.as_str()), (1, "10"));
        assert_eq!(message.messages[0].type_url, "/cosmos.auth.v1beta1.MsgUpdateParams");

        let refused = |change: fn(&mut Value)| {
            let mut file = file.clone();
            change(&mut file);
            serde_json::from_value::<ProposalFile>(file).map_err(Into::into).and_then(ProposalFile::message).unwrap_err()
        };
        assert!(format!("{:#}", refused(|f| f["deposits"] = json!("1ucairn"))).contains("deposits"));
        assert!(format!("{:#}", refused(|f| f["messages"][0]["@type"] = json!("/no.Such"))).contains("messages[0]"));
        assert!(format!("{:#}", refused(|f| f["messages"][0]["@type"] = Value::Null)).contains("@type"));
        assert!(format!("{:#}", refused(|f| f["messages"][0]["params"]["none"] = json!(1))).contains("none"));
        assert!(format!("{:#}", refused(|f| f["deposit"] = json!("10"))).contains("deposit"));
    }

    #[test]
    fn a_module_without_parameters_is_named_with_those_that_have_some() {
        let refused = parameters_of("nobody").unwrap_err().to_string();
        assert!(refused.contains("\"nobody\"") && refused.contains("annotation") && refused.contains("consensus"), "{refused}");
    }

    #[test]
    fn parts_are_told_in_percent() {
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!((percent(0, 5), percent(5, 5)), ("0.0 %".into(), "100.0 %".into()));
        assert_eq!(percent(1, 0), "-");
        assert_eq!(deposit_text(Some(&json!([{ "denom": "ucairn", "amount": "10" }]))).unwrap(), "10ucairn");
    }
}
