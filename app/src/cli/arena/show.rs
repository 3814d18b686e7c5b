//! `cairnd arena show`: an arena and its last epoch as tables.
use anyhow::{Context, Result};
use cairn_proto::{
    cairn::rewards::v1::{
        ArenaEpoch, Participant, QueryArenaEpochsRequest, QueryArenaEpochsResponse, QueryArenaRequest, QueryArenaResponse,
        QueryParticipantsRequest, QueryParticipantsResponse, QueryScorersRequest, QueryScorersResponse, Scorer,
    },
    cosmos::base::{query::v1beta1::PageRequest, v1beta1::Coin},
};
use serde_json::{Value, json};

use crate::cli::{output::Output, rpc::Rpc};

/// One, in 32.32 fixed point.
const ONE: u128 = 1 << 32;

/// Coins as people write them.
pub(super) fn coins(coins: &[Coin]) -> String {
    let shown: Vec<String> = coins.iter().map(|c| format!("{}{}", c.amount, c.denom)).collect();
    if shown.is_empty() { "nothing".into() } else { shown.join(", ") }
}

/// A share in percent with two decimals, rounded.
fn percent(q32: u64) -> String {
    let hundredths = u128::from(q32).saturating_mul(10_000).saturating_add(ONE / 2) / ONE;
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// Prints the arena.
pub(super) fn show(rpc: &Rpc, id: u64, output: Output) -> Result<()> {
    let answer: QueryArenaResponse = rpc.ask("/cairn.rewards.v1.Query/Arena", &QueryArenaRequest { arena: id })?;
    let arena = answer.arena.context("the arena is empty")?;
    let pots: Vec<Coin> = answer.pots.into_iter().filter_map(|pot| pot.held).collect();
    let page = Some(PageRequest { limit: 256, ..PageRequest::default() });
    let request = QueryParticipantsRequest { arena: id, pagination: page.clone() };
    let mut participants: Vec<Participant> =
        rpc.ask::<QueryParticipantsResponse>("/cairn.rewards.v1.Query/Participants", &request)?.participants;
    participants.sort_by_key(|p| std::cmp::Reverse(p.incentive_q32));
    let request = QueryScorersRequest { arena: id, pagination: page };
    let mut scorers: Vec<Scorer> = rpc.ask::<QueryScorersResponse>("/cairn.rewards.v1.Query/Scorers", &request)?.scorers;
    scorers.sort_by_key(|s| std::cmp::Reverse(s.dividend_q32));
    let last = PageRequest { limit: 1, reverse: true, ..PageRequest::default() };
    let request = QueryArenaEpochsRequest { arena: id, pagination: Some(last) };
    let epoch = rpc.ask::<QueryArenaEpochsResponse>("/cairn.rewards.v1.Query/ArenaEpochs", &request)?.epochs.pop();

    let state = arena.state().as_str_name().trim_start_matches("ARENA_STATE_").to_lowercase();
    let head = json!({
        "arena": id,
        "title": arena.title,
        "owner": arena.owner,
        "state": state,
        "epoch": arena.epoch,
        "commit_until": arena.commit_until,
        "ends": arena.ends,
        "pots": coins(&pots),
        "issuance_an_epoch": format!("{}ucairn", arena.issuance),
        "last_epoch": epoch.as_ref().map_or(Value::Null, summary),
    });
    let (of_participants, of_scorers) = (participants.iter().map(place).collect::<Vec<_>>(), scorers.iter().map(seat).collect::<Vec<_>>());
    match output {
        Output::Json => output.value(&json!({
            "arena": head,
            "participants": objects(&PLACE, &of_participants),
            "scorers": objects(&SEAT, &of_scorers),
        })),
        Output::Text => {
            output.value(&head)?;
            println!("\nparticipants, by their share of the last epoch:");
            output.table(&PLACE, &of_participants)?;
            println!("\nscorers, by their dividend of the last epoch:");
            output.table(&SEAT, &of_scorers)
        }
    }
}

fn summary(epoch: &ArenaEpoch) -> Value {
    json!({
        "number": epoch.number,
        "blocks": format!("{} to {}, worked out in {}", epoch.starts, epoch.ends, epoch.closed),
        "revealed": format!("{} of {} scorers with {} of {} ucairn", epoch.revealed, epoch.scorers, epoch.weight_revealed, epoch.weight),
        "budget": coins(&epoch.budget),
        "to_participants": coins(&epoch.incentives),
        "to_scorers": coins(&epoch.dividends),
        "minted": format!("{}ucairn", epoch.minted),
        "digest": hex::encode(&epoch.digest),
    })
}

const PLACE: [&str; 6] = ["registration", "account", "consensus", "share", "standing", "uri"];

fn place(p: &Participant) -> Vec<String> {
    vec![
        p.registration.to_string(),
        p.account.clone(),
        percent(p.consensus_q32),
        percent(p.incentive_q32),
        percent(p.standing_q32),
        p.uri.clone(),
    ]
}

const SEAT: [&str; 7] = ["account", "bond", "counted", "seat", "missed", "trust", "dividend"];

fn seat(s: &Scorer) -> Vec<String> {
    let seat = if s.seated { "yes" } else { "no" };
    vec![
        s.account.clone(),
        s.bond.clone(),
        s.counted.clone(),
        seat.to_owned(),
        s.missed.to_string(),
        percent(s.trust_q32),
        percent(s.dividend_q32),
    ]
}

fn objects(headings: &[&str], rows: &[Vec<String>]) -> Value {
    let object = |row: &Vec<String>| -> Value {
        headings.iter().zip(row).map(|(h, c)| ((*h).to_owned(), Value::String(c.clone()))).collect::<serde_json::Map<_, _>>().into()
    };
    rows.iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_shown_in_percent() {
        let shown: Vec<String> = [0, 1 << 32, 1 << 31, (1 << 32) / 3, 429_497].into_iter().map(percent).collect();
        assert_eq!(shown, ["0.00 %", "100.00 %", "50.00 %", "33.33 %", "0.01 %"]);
        assert_eq!(coins(&[]), "nothing");
        assert_eq!(coins(&[Coin { denom: "ucairn".into(), amount: "5".into() }]), "5ucairn");
    }
}
