//! `cairnd dispute`: contests of results as anybody sees them: claims, matches, and which moves they wait for. `cairn-agent` makes the moves.
use anyhow::{Context, Result};
use cairn_proto::{
    cairn::dispute::v1::{
        Awaited, Case, Claim, Contest, Fall, Match, QueryContestRequest, QueryContestResponse, QueryMatchRequest, QueryMatchResponse,
        QueryMatchesRequest, QueryMatchesResponse, Stage,
    },
    cosmos::base::query::v1beta1::PageRequest,
};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{output::Output, rpc::Rpc};

/// Contests of results: who claims what, and which move is awaited until when.
#[derive(Debug, Subcommand)]
pub(crate) enum DisputeCommand {
    /// One contest: its claims, who stands behind them, its matches, and what became of them.
    Show {
        /// The case.
        case: u64,
    },
    /// One match: what its sides differ in as far as it is known, and which moves it awaits.
    Match {
        /// The case.
        case: u64,
        /// The match within the case.
        number: u32,
    },
    /// All matches that are being played, the one whose clock runs out first on top.
    Matches,
}

impl DisputeCommand {
    /// Runs the command.
    pub(crate) fn run(self, node: &str, output: Output) -> Result<()> {
        let rpc = Rpc::new(node);
        match self {
            Self::Show { case } => show(&rpc, case, output),
            Self::Match { case, number } => one(&rpc, case, number, output),
            Self::Matches => running(&rpc, output),
        }
    }
}

/// A value of an enumeration in words.
pub(super) fn word(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase().replace('_', " ")
}

fn show(rpc: &Rpc, case_id: u64, output: Output) -> Result<()> {
    let answer: QueryContestResponse = rpc.ask("/cairn.dispute.v1.Query/Contest", &QueryContestRequest { case_id })?;
    let (case, contest) = answer.case.zip(answer.contest).context("the contest is empty")?;
    output.value(&overview(&case, &contest, &answer.claims, &answer.matches))
}

/// A contest in an outline.
fn overview(case: &Case, contest: &Contest, claims: &[Claim], matches: &[Match]) -> Value {
    let about = case.subject.as_ref().map(|s| format!("{}/{}/{}/{}", s.module, s.kind, s.id, s.item)).unwrap_or_default();
    json!({
        "case": case.id,
        "about": about,
        "state": word(case.state().as_str_name(), "CASE_STATE_"),
        "committed result": word(contest.fate().as_str_name(), "FATE_").replace("unspecified", "open"),
        "provider": contest.provider,
        "claims until block": contest.window_end,
        "round": contest.round,
        "claims": claims.iter().map(claim_shown).collect::<Vec<_>>(),
        "matches": matches.iter().map(match_shown).collect::<Vec<_>>(),
        "undelivered": case.undelivered,
    })
}

fn claim_shown(claim: &Claim) -> Value {
    let backers = claim.backers.iter().map(|backer| {
        let bond = backer.bond.as_ref().map(|coin| format!("{}{}", coin.amount, coin.denom)).unwrap_or_default();
        let struck = if backer.struck { ", lost: sent a malformed leaf" } else { "" };
        format!("{} with {bond}{struck}", backer.account)
    });
    let name = if claim.number == 0 { "committed result".to_owned() } else { format!("rival {}", claim.number) };
    let standing = if claim.fall() == Fall::Unspecified { "stands".to_owned() } else { word(claim.fall().as_str_name(), "FALL_") };
    json!({ "claim": name, "root": hex::encode(&claim.root), "standing": standing, "backers": backers.collect::<Vec<_>>() })
}

fn match_shown(game: &Match) -> Value {
    let result = match (game.stage(), game.winner.checked_sub(1)) {
        (Stage::Closed, Some(claim)) => format!("claim {claim} won in block {}", game.closed),
        (Stage::Closed, None) => format!("both lost in block {}", game.closed),
        _ => format!("{}; first clock runs out after block {}", place(game), game.clock),
    };
    json!({ "match": game.number, "round": game.round, "claims": sides(game), "result": result })
}

fn sides(game: &Match) -> String {
    let claim = |side: &Option<cairn_proto::cairn::dispute::v1::Side>| side.as_ref().map_or(0, |side| side.claim);
    format!("{} against {}", claim(&game.left), claim(&game.right))
}

/// A running match in a line.
pub(super) fn match_line(game: &Match) -> String {
    format!("match {}, {}: {}; first clock runs out after block {}", game.number, sides(game), place(game), game.clock)
}

/// What a running match is about.
fn place(game: &Match) -> String {
    match game.stage() {
        Stage::Runs => format!("which run, {} levels up", game.level),
        Stage::Record => format!("record of run {}", game.run),
        Stage::Nodes => format!("run {}: which node, {} levels up", game.run, game.level),
        Stage::Chunks => format!("run {}, node {}: which chunk, {} levels up", game.run, game.node, game.level),
        Stage::Leaf => format!("run {}, node {}, chunk {}: to be computed", game.run, game.node, game.chunk),
        Stage::Closed | Stage::Unspecified => String::new(),
    }
}

fn one(rpc: &Rpc, case_id: u64, match_number: u32, output: Output) -> Result<()> {
    let answer: QueryMatchResponse = rpc.ask("/cairn.dispute.v1.Query/Match", &QueryMatchRequest { case_id, match_number })?;
    let game = answer.r#match.context("the match is empty")?;
    let awaited: Vec<_> = answer.awaited.iter().map(awaited_shown).collect();
    output.value(&json!({ "match": match_shown(&game), "awaited": awaited }))
}

fn awaited_shown(awaited: &Awaited) -> Value {
    let message = if awaited.stage() == Stage::Leaf { "cairn.dispute.v1.MsgProveLeaf" } else { "cairn.dispute.v1.MsgDissect" };
    json!({
        "for claim": awaited.claim,
        "root": hex::encode(&awaited.root),
        "message": message,
        "opens": hex::encode(&awaited.hash),
        "in time until block": awaited.until,
    })
}

fn running(rpc: &Rpc, output: Output) -> Result<()> {
    let (mut rows, mut key) = (Vec::new(), Vec::new());
    loop {
        let pagination = Some(PageRequest { key, limit: 500, ..PageRequest::default() });
        let answer: QueryMatchesResponse = rpc.ask("/cairn.dispute.v1.Query/Matches", &QueryMatchesRequest { pagination })?;
        rows.extend(answer.matches.iter().map(row));
        key = answer.pagination.map(|page| page.next_key).unwrap_or_default();
        if key.is_empty() {
            return output.table(&["case", "match", "round", "claims", "about", "first clock"], &rows);
        }
    }
}

fn row(game: &Match) -> Vec<String> {
    vec![game.case_id.to_string(), game.number.to_string(), game.round.to_string(), sides(game), place(game), game.clock.to_string()]
}

#[cfg(test)]
mod tests {
    use cairn_proto::cairn::dispute::v1::{Backer, Side};

    use super::*;

    #[test]
    fn rows_say_where_a_match_stands() {
        let side = |claim| Some(Side { claim, ..Side::default() });
        let mut game = Match { case_id: 4, number: 2, round: 1, run: 3, node: 7, chunk: 9, clock: 55, ..Match::default() };
        (game.left, game.right) = (side(0), side(2));
        game.set_stage(Stage::Leaf);
        assert_eq!(row(&game), ["4", "2", "1", "0 against 2", "run 3, node 7, chunk 9: to be computed", "55"]);
        assert_eq!(match_shown(&game)["result"], "run 3, node 7, chunk 9: to be computed; first clock runs out after block 55");
        game.set_stage(Stage::Closed);
        game.closed = 60;
        assert_eq!(match_shown(&game)["result"], "both lost in block 60");
        game.winner = 3;
        assert_eq!(match_shown(&game)["result"], "claim 2 won in block 60");
    }

    #[test]
    fn an_overview_names_claims_and_their_backers() {
        let bond = cairn_proto::cosmos::base::v1beta1::Coin { denom: "ucairn".into(), amount: "5".into() };
        let backer = Backer { account: "cairn1x".into(), bond: Some(bond), struck: true, ..Backer::default() };
        let mut claim = Claim { number: 1, root: vec![1; 32], backers: vec![backer], ..Claim::default() };
        claim.set_fall(Fall::Wrong);
        let shown = overview(&Case::default(), &Contest::default(), &[claim], &[]);
        assert_eq!(shown["claims"][0]["claim"], "rival 1");
        assert_eq!(shown["claims"][0]["standing"], "wrong");
        assert_eq!(shown["claims"][0]["backers"][0], "cairn1x with 5ucairn, lost: sent a malformed leaf");
        assert_eq!(shown["committed result"], "open");
    }

    #[test]
    fn awaited_moves_name_their_message() {
        let mut awaited = Awaited { claim: 1, until: 9, ..Awaited::default() };
        assert_eq!(awaited_shown(&awaited)["message"], "cairn.dispute.v1.MsgDissect");
        awaited.set_stage(Stage::Leaf);
        assert_eq!(awaited_shown(&awaited)["message"], "cairn.dispute.v1.MsgProveLeaf");
    }
}
